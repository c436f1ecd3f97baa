"""Many models trained at once, each to the result that it would have alone."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TypeVar, cast

from stable_baselines3.common.callbacks import BaseCallback

from sb3_presa.errors import ConfigError
from sb3_presa.learning.cloning_algorithm import CloningAlgorithm
from sb3_presa.learning.many.alike import check_alike, share_transitions
from sb3_presa.learning.many.joint_training import JointTraining
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

Model = TypeVar("Model", bound=OfflineAlgorithm)


def learn_many(
    models: Iterable[Model],
    total_timesteps: int | None = None,
    log_interval: int | None = 100,
    reset_num_timesteps: bool = True,
    progress_bar: bool = False,
) -> list[Model]:
    """
    Trains many models at once. Each draws the minibatches that it would draw alone and ends, within
    the rounding of floating-point sums, where its own ``learn()`` would have taken it: weights,
    optimizer, multiplier, logs, steps counted.

    They have one dataset, whose transitions are stored once from then on, one architecture and
    equal sizes of minibatches. Seeds, feedback, cost limits, learning rates and every
    setting of the objective may differ; what is fastest is to differ in seed, feedback, ``delta``,
    ``multiplier_init``, ``attain_margin`` and learning rates only, since objectives with other
    differences are evaluated one after the other. Algorithms that align (PRESA, CPL, SafeFirst,
    SafetyOnly) may be mixed; BC goes with BC.

    :param models: models with data, as ``load_offline`` makes them
    :param total_timesteps: gradient steps of each; the algorithm's default where ``None``
    :param log_interval: gradient steps between two log entries, ``None`` for no entries
    :param reset_num_timesteps: start to count anew; ``False`` goes on where they all stopped
    :param progress_bar: show one progress bar for all
    :return: the models
    :raises ConfigError: if they cannot be trained together, saying what differs; none was changed
    """
    models = list(models)
    if not models:
        return models
    n_steps = _steps_of_each(models, total_timesteps, log_interval)
    check_alike(models, reset_num_timesteps)
    share_transitions(models)
    with ExitStack() as learning:
        callbacks = []
        for index, model in enumerate(models):
            learning.enter_context(model._spaces_env())
            show_bar = progress_bar and index == 0  # the first model's bar is that of all
            end, callback = model._setup_learn(
                n_steps, None, reset_num_timesteps, model.algorithm, show_bar
            )
            callbacks.append(callback)
            model._before_learning(end)
        _loop(cast(list[CloningAlgorithm], models), end, log_interval, callbacks[0])
    return models


def _steps_of_each(
    models: Sequence[OfflineAlgorithm], total_timesteps: int | None, log_interval: int | None
) -> int:
    steps = [model._check_learning(total_timesteps, log_interval) for model in models]
    for index, n_steps in enumerate(steps):
        if n_steps != steps[0]:
            raise ConfigError(
                f"model 0 learns for {steps[0]} steps and model {index} for {n_steps} if it is not "
                "told; give total_timesteps"
            )
    return steps[0]


def _loop(
    models: Sequence[CloningAlgorithm], end: int, log_interval: int | None, callback: BaseCallback
) -> None:
    """What ``OfflineAlgorithm._loop`` does, for many."""
    training = JointTraining(models)
    callback.on_training_start({"total_timesteps": end}, {})
    for step in range(models[0].num_timesteps, end):
        for model in models:
            model._update_current_progress_remaining(step, end)
        training.step(step)
        for model in models:
            model.policy.update_average(model._average_decay_at(step))
            model.num_timesteps += 1
            model._n_updates += 1
        callback.on_step()
        if log_interval is not None and ((step + 1) % log_interval == 0 or step + 1 == end):
            for model, metrics in training.pop_metrics(step):
                model._record(metrics)
                model.dump_logs()
    callback.on_training_end()

"""Many models trained at once, each to the result that it would have alone."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TypeVar

from sb3_presa.errors import ConfigError
from sb3_presa.learning.learner import Run
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
    :raises DivergenceError: if a weight of any is not finite at a log entry or at the end
    """
    models = list(models)
    if not models:
        return models
    n_steps = _steps_of_each(models, total_timesteps, log_interval)
    check_alike(models, reset_num_timesteps)
    share_transitions(models)
    with ExitStack() as learning:
        runs = [
            learning.enter_context(
                model.learning(
                    n_steps,
                    None,
                    log_interval,
                    reset_num_timesteps=reset_num_timesteps,
                    progress_bar=progress_bar and index == 0,  # the first bar is that of all
                )
            )
            for index, model in enumerate(models)
        ]
        _loop(runs, log_interval)
    for model in models:
        model.warn_of_saturation(stacklevel=2)
    return models


def _steps_of_each(
    models: Sequence[OfflineAlgorithm], total_timesteps: int | None, log_interval: int | None
) -> int:
    steps = [model.steps_of(total_timesteps, log_interval) for model in models]
    for index, n_steps in enumerate(steps):
        if n_steps != steps[0]:
            raise ConfigError(
                "`total_timesteps` must be given to models whose defaults differ, got None: model "
                f"0 learns for {steps[0]} steps and model {index} for {n_steps}"
            )
    return steps[0]


def _loop(runs: Sequence[Run], log_interval: int | None) -> None:
    """``learn`` for many models."""
    training = JointTraining(runs)
    end, callback = runs[0].end, runs[0].callback
    callback.on_training_start({"total_timesteps": end}, {})
    for step in range(runs[0].model.num_timesteps, end):
        for run in runs:
            run.model.show_progress(end)
        training.step(step)
        for run in runs:
            run.model.count_step()
        callback.on_step()
        taken = step + 1
        if log_interval is not None and (taken % log_interval == 0 or taken == end):
            for run, entry in training.entries(taken):
                run.model.record(entry)
                run.model.dump_logs(run.loop.columns)
                run.loop.check_finite(taken, entry)
    for run in runs:
        run.loop.check_finite(end)
    callback.on_training_end()

"""What SB3's users do while a model learns: callbacks, logs, progress bars, seeds, schedules."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_STEPS,
    assert_same_weights,
    learn_quietly,
    one_thread,
    record_log,
    weights_of,
)
from contract import (
    PRESA_CASE,
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset
from stable_baselines3.common import callbacks as sb3
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from toy_envs import env_id

from sb3_presa import ALGORITHMS
from sb3_presa.evaluation.callbacks import SafetyEvalCallback


def four_envs() -> VecEnv:
    return make_vec_env(env_id("box"), n_envs=4, seed=0)


# --- callbacks ------------------------------------------------------------------------------


def evaluating(**kwargs: Any) -> sb3.EvalCallback:
    return sb3.EvalCallback(
        gym.make(env_id("box")), eval_freq=5, n_eval_episodes=1, verbose=0, warn=False, **kwargs
    )


#: How each of SB3's callbacks is made, and the step at which it ends a run of ``TINY_STEPS``.
CALLBACKS: dict[str, tuple[Callable[[Path], sb3.BaseCallback], int]] = {
    "CallbackList": (lambda path: sb3.CallbackList([evaluating(), evaluating()]), TINY_STEPS),
    "CheckpointCallback": (
        lambda path: sb3.CheckpointCallback(
            5, str(path), save_replay_buffer=True, save_vecnormalize=True
        ),
        TINY_STEPS,
    ),
    "ConvertCallback": (
        lambda path: sb3.ConvertCallback(lambda locals_, _: locals_["self"].num_timesteps < 4),
        4,
    ),
    "EvalCallback": (
        lambda path: evaluating(log_path=str(path), best_model_save_path=str(path)),
        TINY_STEPS,
    ),
    "EveryNTimesteps": (
        lambda path: sb3.EveryNTimesteps(5, sb3.CheckpointCallback(1, str(path))),
        TINY_STEPS,
    ),
    "LogEveryNTimesteps": (lambda path: sb3.LogEveryNTimesteps(5), TINY_STEPS),
    "ProgressBarCallback": (lambda path: sb3.ProgressBarCallback(), TINY_STEPS),
    "StopTrainingOnMaxEpisodes": (lambda path: sb3.StopTrainingOnMaxEpisodes(1), TINY_STEPS),
    "StopTrainingOnNoModelImprovement": (
        lambda path: evaluating(
            callback_after_eval=sb3.StopTrainingOnNoModelImprovement(1, min_evals=100)
        ),
        TINY_STEPS,
    ),
    "StopTrainingOnRewardThreshold": (
        lambda path: evaluating(callback_on_new_best=sb3.StopTrainingOnRewardThreshold(-1e6)),
        5,
    ),
}
#: What only other callbacks are made of.
ABSTRACT = {"BaseCallback", "EventCallback"}


def test_every_callback_that_sb3_ships_is_tried() -> None:
    shipped = {
        name
        for name, value in vars(sb3).items()
        if inspect.isclass(value)
        and issubclass(value, sb3.BaseCallback)
        and value.__module__ == sb3.__name__
    }
    assert shipped - ABSTRACT == CALLBACKS.keys()


@every_case
@pytest.mark.parametrize("name", CALLBACKS)
@pytest.mark.filterwarnings("ignore::tqdm.TqdmExperimentalWarning")
def test_callbacks_of_sb3(
    case: Case, name: str, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    make, last_step = CALLBACKS[name]
    model = case.make(box_dataset)
    learn_quietly(model, TINY_STEPS, callback=make(tmp_path))
    assert model.num_timesteps == last_step
    if "Checkpoint" in name or name == "EveryNTimesteps":
        saved = [f"rl_model_{step}_steps.zip" for step in (5, 10, 15)]
        assert sorted(path.name for path in tmp_path.glob("*.zip")) == sorted(saved)
        assert_same_weights(model, case.algorithm.load(tmp_path / saved[-1], device="cpu"))
    if name == "EvalCallback":
        assert np.load(tmp_path / "evaluations.npz")["timesteps"].tolist() == [5, 10, 15]
        case.algorithm.load(tmp_path / "best_model.zip", device="cpu")


@every_case
def test_evaluation_callbacks_leave_the_run_alone_and_warn_of_nothing(
    case: Case, box_dataset: MinariDataset, recwarn: pytest.WarningsRecorder
) -> None:
    plain, watched = case.trained(box_dataset), case.make(box_dataset)
    recorder = record_log(watched)
    safety = SafetyEvalCallback(four_envs(), cost_limit=5.0, eval_freq=5, n_eval_episodes=2)
    learn_quietly(
        watched, TINY_STEPS, callback=[sb3.EvalCallback(four_envs(), eval_freq=5), safety]
    )
    assert_same_weights(plain, watched)
    assert len(recorder.series("eval/mean_reward")) >= 3
    assert [str(w.message) for w in recwarn if "same type" in str(w.message)] == []


class Witness(sb3.BaseCallback):
    """Keeps the order of calls, and asks for what callbacks may ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def _on_training_start(self) -> None:
        assert self.training_env.num_envs == 1
        assert self.locals["total_timesteps"] == TINY_STEPS
        self.calls.append("start")

    def _on_rollout_start(self) -> None:
        self.calls.append("rollout_start")

    def _on_step(self) -> bool:
        assert self.num_timesteps == self.n_calls == self.model.num_timesteps
        assert not self.locals["dones"].any()
        self.calls.append("step")
        return True

    def _on_rollout_end(self) -> None:
        self.calls.append("rollout_end")

    def _on_training_end(self) -> None:
        self.calls.append("end")


@every_case
def test_callbacks_are_called_once_a_step_and_in_sb3s_order(
    case: Case, box_dataset: MinariDataset
) -> None:
    witness = Witness()
    learn_quietly(case.make(box_dataset), TINY_STEPS, callback=witness, log_interval=10)
    rollout = ["rollout_start", *["step"] * 10, "rollout_end"]
    rest = ["rollout_start", *["step"] * 5, "rollout_end"]
    assert witness.calls == ["start", *rollout, *rest, "end"]


def test_a_failing_callback_leaves_the_model_usable(box_dataset: MinariDataset) -> None:
    model = PRESA_CASE.make(box_dataset, env=four_envs())

    def fail(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        model.learn(TINY_STEPS, callback=fail)
    assert model.get_env().num_envs == model.n_envs == 4
    learn_quietly(model, TINY_STEPS)
    assert model.num_timesteps == TINY_STEPS


# --- progress bars and logs -----------------------------------------------------------------


@every_case
@pytest.mark.parametrize("n_envs", [0, 4])
@pytest.mark.filterwarnings("ignore::tqdm.TqdmExperimentalWarning")
def test_the_progress_bar_ends_at_100_percent(
    case: Case, n_envs: int, box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[tuple[int, int]] = []
    close = sb3.ProgressBarCallback._on_training_end

    def closing(self: sb3.ProgressBarCallback) -> None:
        ends.append((self.pbar.n, self.pbar.total))
        close(self)

    monkeypatch.setattr(sb3.ProgressBarCallback, "_on_training_end", closing)
    model = case.make(box_dataset, env=four_envs() if n_envs else None)
    learn_quietly(model, TINY_STEPS, progress_bar=True)
    learn_quietly(model, 7, progress_bar=True, reset_num_timesteps=False)
    assert ends == [(TINY_STEPS, TINY_STEPS), (7, 7)]


@every_case
def test_tensorboard_gets_the_metrics(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    model = case.make(box_dataset, tensorboard_log=str(folder))
    learn_quietly(model, TINY_STEPS, log_interval=5)
    learn_quietly(model, 5, log_interval=5, reset_num_timesteps=False)
    learn_quietly(model, 10, log_interval=5, tb_log_name="mine")
    name = case.algorithm.__name__
    assert {path.name for path in folder.iterdir()} == {f"{name}_1", "mine_1"}
    written = EventAccumulator(str(folder / f"{name}_1"))
    written.Reload()
    names = [tag for tag in written.Tags()["scalars"] if tag.startswith("train/")]
    assert names
    for tag in names:
        assert np.isfinite([event.value for event in written.Scalars(tag)]).all()
    assert {event.step for event in written.Scalars("time/fps")} == {5, 10, 15, 20}


@every_case
def test_without_a_log_interval_nothing_is_logged(case: Case, box_dataset: MinariDataset) -> None:
    model, witness = case.make(box_dataset), Witness()
    recorder = record_log(model)
    learn_quietly(model, TINY_STEPS, callback=witness, log_interval=None)
    assert recorder.entries == []
    rollout = ["rollout_start", *["step"] * TINY_STEPS, "rollout_end"]
    assert witness.calls == ["start", *rollout, "end"]
    assert_same_weights(model, case.trained(box_dataset))


def test_presa_logs_what_tells_whether_it_works(box_dataset: MinariDataset) -> None:
    model = PRESA_CASE.make(box_dataset, validation_fraction=0.3)
    recorder = record_log(model)
    learn_quietly(model, TINY_STEPS, log_interval=3)
    names = (
        "cloning_loss loss preference_loss p_right p_right_safe p_right_unsafe anchor_loss "
        "log_ratio_preferred log_ratio_rejected multiplier delta attained offset "
        "saturated_actions reference_distance"
    )
    for name in names.split():
        assert np.isfinite(recorder.series(f"train/{name}")).all(), name
        assert recorder.series(f"train/{name}"), name
    for name in ("preference_accuracy", "safety_auc"):
        assert 0.0 <= recorder.last(f"validation/{name}") <= 1.0


# --- seeds and schedules --------------------------------------------------------------------


@every_case
def test_a_seed_repeats_bit_for_bit_whatever_is_drawn_in_between(
    case: Case, box_dataset: MinariDataset
) -> None:
    first = case.trained(box_dataset)
    observation = np.zeros(3, dtype=np.float32)

    def disturb(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        th.rand(1), np.random.rand()  # noqa: NPY002 (SB3 seeds the global one)
        again.predict(observation)
        return True

    again = case.make(box_dataset)
    learn_quietly(again, TINY_STEPS, callback=disturb)
    assert_same_weights(first, again)
    other = case.trained(box_dataset, seed=1)
    name = "/policy/actor.head.mean.weight"
    assert not np.array_equal(weights_of(first)[name], weights_of(other)[name])


@every_case
def test_without_a_seed_sb3s_global_seed_decides(case: Case, box_dataset: MinariDataset) -> None:
    def trained_after(seed: int) -> Any:
        set_random_seed(seed)
        return case.trained(box_dataset, seed=None)

    assert_same_weights(trained_after(7), trained_after(7))
    assert trained_after(7).data_seed != trained_after(8).data_seed


@every_case
def test_samples_repeat_with_the_seed(case: Case, box_dataset: MinariDataset) -> None:
    model = case.trained(box_dataset)
    observations = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)

    def samples(seed: int) -> Any:
        model.set_random_seed(seed)
        return model.predict(observations, deterministic=False)[0]

    assert np.array_equal(samples(3), samples(3))
    assert not np.array_equal(samples(3), samples(4))


@every_case
@pytest.mark.parametrize("schedule", [0.02, lambda progress: 0.01 + progress])
def test_learning_rates_follow_their_schedule(
    case: Case, schedule: Any, box_dataset: MinariDataset
) -> None:
    """At each step, and of the phase that ``learning_rate`` is for: the last, or all of it."""
    rates: list[float] = []

    def read(locals_: dict[str, Any], _globals: dict[str, Any]) -> bool:
        rates.append(locals_["self"].policy.optimizer.param_groups[0]["lr"])
        return True

    model = case.make(box_dataset, learning_rate=schedule)
    learn_quietly(model, TINY_STEPS, callback=read)
    phases = ("n_cloning_steps", "n_model_steps")
    n_steps = TINY_STEPS - sum(getattr(model, name, 0) for name in phases)
    remaining = 1.0 - np.arange(n_steps) / n_steps
    expected = [schedule(r) if callable(schedule) else schedule for r in remaining]
    assert rates[-n_steps:] == pytest.approx(expected)


# --- learning and evaluating ----------------------------------------------------------------


@every_case
def test_learn_twice_starts_to_count_anew_or_goes_on(
    case: Case, box_dataset: MinariDataset
) -> None:
    model = case.trained(box_dataset)
    learn_quietly(model, TINY_STEPS)
    assert model.num_timesteps == TINY_STEPS
    learn_quietly(model, 4, reset_num_timesteps=False)
    assert model.num_timesteps == TINY_STEPS + 4
    assert model._n_updates == 2 * TINY_STEPS + 4


@every_case
def test_evaluate_policy_with_and_without_vectors(case: Case, box_dataset: MinariDataset) -> None:
    model = case.trained(box_dataset)
    env = box_dataset.recover_environment(eval_env=True)
    mean, std = evaluate_policy(model, env, n_eval_episodes=2, warn=False)
    assert np.isfinite([mean, std]).all()
    _, lengths = evaluate_policy(model, four_envs(), n_eval_episodes=4, return_episode_rewards=True)
    assert isinstance(lengths, list)
    assert len(lengths) == 4
    assert max(lengths) <= 20


def test_every_public_algorithm_has_a_case() -> None:
    from contract import CASES

    assert {case.algorithm.__name__ for case in CASES} == set(ALGORITHMS)


@every_case
def test_a_table_of_the_log_has_all_its_columns_from_the_first_row_on(
    case: Case, box_dataset: MinariDataset, tmp_path: Path
) -> None:
    """Whatever phase it is in; and the learning rate is among them, as in every SB3 algorithm."""
    held_out: dict[str, Any] = {}
    if "n_cloning_steps" in case.settings:
        held_out = {"validation_fraction": 0.3}
    model = case.make(box_dataset, **held_out)
    model.set_logger(configure(str(tmp_path), ["csv"]))
    headers: list[str] = []

    def read(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        headers.extend((tmp_path / "progress.csv").read_text().splitlines()[:1])
        return True

    learn_quietly(model, TINY_STEPS, callback=read, log_interval=1)
    first, *_, last = headers
    assert first == last == (tmp_path / "progress.csv").read_text().splitlines()[0]
    assert "train/learning_rate" in first.split(",")
    for phase in model.phases(TINY_STEPS):
        names = {f"train/{name}" for name in phase.metrics} | set(phase.reports)
        assert names <= set(first.split(","))

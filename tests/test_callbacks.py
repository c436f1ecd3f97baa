"""SafetyEvalCallback, driven by SB3's own PPO: what it logs, saves and keeps as best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_env import ScriptedEnv
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import (
    BaseCallback,
    StopTrainingOnNoModelImprovement,
    StopTrainingOnRewardThreshold,
)
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.callbacks import SafetyEvalCallback

EVAL_FREQ = 8
# One (reward, cost) an evaluation; the limit is 20. Best so far: 0, 2 (cheaper), 3 (safe), 5, 7.
# The safe ones earn less than any unsafe one earns or saves.
EVALUATIONS = [
    (5.0, 30.0),
    (9.0, 50.0),
    (1.0, 25.0),
    (-40.0, 10.0),
    (50.0, 21.0),
    (-30.0, 20.0),
    (-35.0, 0.0),
    (-20.0, 5.0),
]
BESTS = [0, 2, 3, 5, 7]


class Recorder(BaseCallback):
    """Notes the timesteps at which it is called; after ``last`` calls it stops training."""

    parent: SafetyEvalCallback

    def __init__(self, last: int = 1000) -> None:
        super().__init__()
        self.timesteps: list[int] = []
        self.last = last

    def _on_step(self) -> bool:
        self.timesteps.append(self.num_timesteps)
        return len(self.timesteps) < self.last


class LogMemory(KVWriter):
    """Keeps the last value of every key that was dumped together with an evaluation."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}

    def write(self, key_values: dict[str, Any], key_excluded: Any, step: int = 0) -> None:
        if "eval/mean_reward" in key_values:
            self.rows[step] = dict(key_values)

    def close(self) -> None:
        pass


def eval_env(results: list[tuple[float, float]] = EVALUATIONS, **kwargs: Any) -> ScriptedEnv:
    """Each episode's reward and cost are halved over its two steps."""
    return ScriptedEnv([[(r / 2, c / 2), (r / 2, c / 2)] for r, c in results], **kwargs)


def train(callback: BaseCallback, evaluations: int, env: Any = None) -> tuple[PPO, LogMemory]:
    model = PPO(
        "MlpPolicy",
        env or ScriptedEnv([[(1.0, 0.0)] * 3]),
        n_steps=EVAL_FREQ,
        batch_size=EVAL_FREQ,
        n_epochs=1,
        policy_kwargs={"net_arch": [4]},
        device="cpu",
        seed=0,
    )
    memory = LogMemory()
    model.set_logger(Logger(None, [memory]))
    model.learn(EVAL_FREQ * evaluations, callback=callback)
    return model, memory


def make_callback(env: Any = None, **kwargs: Any) -> SafetyEvalCallback:
    arguments = {
        "cost_limit": 20,
        "n_eval_episodes": 1,
        "eval_freq": EVAL_FREQ,
        "verbose": 0,
        "warn": False,
        **kwargs,
    }
    return SafetyEvalCallback(env or eval_env(), **arguments)


def steps(evaluations: list[int]) -> list[int]:
    return [EVAL_FREQ * (index + 1) for index in evaluations]


def observation_mean(env: Any) -> list[float]:
    mean: list[float] = env.obs_rms.mean.tolist()
    return mean


@pytest.mark.parametrize("until", [2, 3, 5, 8])
def test_best_is_the_cheapest_and_from_the_first_safe_one_on_the_best_paid_safe_one(
    tmp_path: Path, until: int
) -> None:
    on_best = Recorder()
    callback = make_callback(callback_on_new_best=on_best, best_model_save_path=str(tmp_path))
    train(callback, until)
    expected = [index for index in BESTS if index < until]
    assert on_best.timesteps == steps(expected)
    assert callback.best_evaluation is not None
    best = EVALUATIONS[expected[-1]]
    assert (callback.best_evaluation.reward_mean, callback.best_evaluation.cost_mean) == best
    assert callback.best_mean_reward == (best[0] if best[1] <= 20 else -np.inf)
    # The zip is that of the best evaluation, and no other file is left beside it.
    assert PPO.load(tmp_path / "best_model").num_timesteps == steps(expected)[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["best_model.zip"]


def test_it_logs_reward_cost_and_safety_at_the_right_timestep() -> None:
    callback = make_callback(eval_env(success=True), reward_reference=(0.0, 10.0))
    _, memory = train(callback, len(EVALUATIONS))
    assert list(memory.rows) == steps(list(range(len(EVALUATIONS))))
    for (reward, cost), (step, row) in zip(EVALUATIONS, memory.rows.items(), strict=True):
        assert {key: value for key, value in row.items() if key.startswith("eval/")} == {
            "eval/mean_reward": reward,
            "eval/mean_ep_length": 2,
            "eval/mean_cost": cost,
            "eval/normalized_reward": reward / 10,
            "eval/normalized_cost": cost / 20,
            "eval/safe": float(cost <= 20),
            "eval/safe_episode_ratio": float(cost <= 20),
            "eval/cost_cvar90": cost,
            "eval/success_rate": 1.0,
        }
        assert row["time/total_timesteps"] == step


def test_an_unknown_normalisation_is_not_logged() -> None:
    _, memory = train(make_callback(), 1)
    assert "eval/normalized_reward" not in memory.rows[EVAL_FREQ]


def test_the_file_of_evaluations_holds_the_costs(tmp_path: Path) -> None:
    results = [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0)]
    callback = make_callback(
        eval_env(results, success=True), n_eval_episodes=2, log_path=str(tmp_path / "logs")
    )
    train(callback, 2)
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["evaluations.npz"]
    with np.load(tmp_path / "logs" / "evaluations.npz") as data:
        assert {name: data[name].tolist() for name in data.files} == {
            "timesteps": [8, 16],
            "results": [[1.0, 3.0], [5.0, 7.0]],
            "ep_lengths": [[2, 2], [2, 2]],
            "costs": [[2.0, 4.0], [6.0, 8.0]],
            "cost_limit": 20,
            "successes": [[True, True], [True, True]],
        }


def test_a_write_that_fails_leaves_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = np.savez

    def savez(file: Any, **arrays: Any) -> None:
        if len(arrays["timesteps"]) == 2:
            file.write(b"half a file")
            raise OSError("disk full")
        real(file, **arrays)

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(OSError, match="disk full"):
        train(make_callback(log_path=str(tmp_path)), 3)
    with np.load(tmp_path / "evaluations.npz") as data:
        assert data["timesteps"].tolist() == [8]


def test_a_callback_after_each_evaluation_can_stop_training() -> None:
    after = Recorder(last=3)
    model, memory = train(make_callback(callback_after_eval=after), 8)
    assert after.timesteps == list(memory.rows) == steps([0, 1, 2])
    assert model.num_timesteps == 3 * EVAL_FREQ


def test_an_unsafe_agent_never_reaches_a_reward_threshold() -> None:
    stop = StopTrainingOnRewardThreshold(reward_threshold=-30.0)
    model, _ = train(make_callback(callback_on_new_best=stop), 8)
    # Rewards 5 and 9 come first but cost too much; evaluation 5 is safe with -30.
    assert model.num_timesteps == steps([5])[0]


def test_no_improvement_counts_the_safe_agents_reward() -> None:
    stop = StopTrainingOnNoModelImprovement(max_no_improvement_evals=1, min_evals=4)
    model, _ = train(make_callback(eval_env([(1.0, 0.0)]), callback_after_eval=stop), 8)
    assert model.num_timesteps == steps([5])[0]


def test_normalisation_is_taken_from_the_training_environment() -> None:
    env = VecNormalize(DummyVecEnv([lambda: ScriptedEnv([[(1.0, 0.0)] * 3])]))
    evaluation = VecNormalize(
        DummyVecEnv([lambda: Monitor(eval_env())]), training=False, norm_reward=False
    )
    callback = make_callback(evaluation)
    train(callback, 1, env)
    assert observation_mean(evaluation) == observation_mean(env) != [0.0, 0.0]
    assert callback.last_evaluation is not None
    assert callback.last_evaluation.episode_costs == (30.0,)


def test_normalisation_of_one_side_only_is_refused() -> None:
    env: VecEnv = VecNormalize(DummyVecEnv([lambda: ScriptedEnv([[(1.0, 0.0)] * 3])]))
    with (
        pytest.warns(UserWarning, match="not of the same type"),
        pytest.raises(AssertionError, match="not being wrapped the same way"),
    ):
        train(make_callback(), 1, env)


def test_an_environment_without_costs_is_refused_at_the_first_evaluation() -> None:
    with pytest.raises(ConfigError, match=r'must contain "cost".*No-v0'):
        train(make_callback(ScriptedEnv([[(1.0, None)]], env_id="No-v0")), 1)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("cost_limit", -1.0), ("n_eval_episodes", 0), ("reward_reference", (1.0, 0.0))],
)
def test_arguments_are_checked_before_training(argument: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"`{argument}` must"):
        make_callback(**{argument: value})


def test_verbose_says_whether_the_agent_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    train(make_callback(verbose=1), 4)
    printed = capsys.readouterr().out
    assert "episode_cost=30.00 +/- 0.00 (limit 20: UNSAFE)" in printed
    assert "episode_cost=10.00 +/- 0.00 (limit 20: safe)" in printed
    assert printed.count("New lowest mean cost (no evaluation was safe so far)") == 2
    assert printed.count("New best mean reward of a safe agent!") == 1

"""``docs/metrics.md`` explains every name that is logged, and no other."""

import re
from pathlib import Path
from typing import Any

import pytest
from algorithm_data import TINY_STEPS
from contract import (
    CASES,
    Case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset
from scripted_env import ScriptedEnv
from stable_baselines3 import PPO
from stable_baselines3.common.logger import KVWriter, Logger

from sb3_presa.evaluation.callbacks import SafetyEvalCallback
from sb3_presa.registry import settings_of

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
ROW = re.compile(r"^\| `([a-z]+/[a-z0-9_]+)` \|(.*)\|$", re.MULTILINE)


class Names(KVWriter):
    """Keeps the names of all that is logged."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def write(self, key_values: dict[str, Any], key_excluded: Any, step: int = 0) -> None:
        self.found |= set(key_values)

    def close(self) -> None:
        pass


class Success(ScriptedEnv):
    """Its infos say whether an episode succeeded."""

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, {**info, "is_success": True}


def logged(model: Any, steps: int, **kwargs: Any) -> set[str]:
    """The names that a run logs."""
    names = Names()
    model.set_logger(Logger(None, [names]))
    model.learn(steps, **kwargs)
    return names.found


def logged_by(case: Case, dataset: MinariDataset) -> set[str]:
    """The names that a short run of an algorithm logs, with labels held out where it can."""
    held_out = {"validation_fraction": 0.4}
    settings: Any = held_out if held_out.keys() <= settings_of(case.algorithm).keys() else {}
    return logged(case.make(dataset, **settings), TINY_STEPS, log_interval=1)


def logged_by_evaluation() -> set[str]:
    """The names of ``SafetyEvalCallback``, without those of the algorithm that it runs in."""
    env = Success([[(1.0, 0.0)] * 3])
    callback = SafetyEvalCallback(
        env, 1.0, n_eval_episodes=1, eval_freq=4, verbose=0, warn=False, reward_reference=(0.0, 1.0)
    )
    ppo = PPO("MlpPolicy", Success([[(1.0, 0.0)] * 3]), n_steps=4, batch_size=4, device="cpu")
    return {name for name in logged(ppo, 4, callback=callback) if name.startswith("eval/")}


@pytest.fixture
def documented() -> set[str]:
    return {name for name, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))}


@pytest.mark.filterwarnings("ignore")  # of runs this short
def test_every_logged_name_is_explained_and_no_other(
    box_dataset: MinariDataset, documented: set[str]
) -> None:
    found = logged_by_evaluation().union(*(logged_by(case, box_dataset) for case in CASES))
    assert documented == found


def test_every_explanation_is_a_sentence() -> None:
    for name, cells in ROW.findall(PAGE.read_text(encoding="utf-8")):
        meaning = cells.split(" | ")[-1].strip()
        assert len(meaning.split()) >= 4 and meaning.endswith("."), name

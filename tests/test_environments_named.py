"""Environments that cannot be made: one line that names them, wherever one is made."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from made_up import episode, write
from typer.testing import CliRunner

from sb3_presa import BC
from sb3_presa.cli import app
from sb3_presa.collect.recipe import CollectRecipe
from sb3_presa.collect.source import Source
from sb3_presa.errors import ConfigError

MODULE = """
import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box

class Robot(gym.Env):
    observation_space, action_space = Box(-np.inf, np.inf, (2,)), Box(-1, 1, (1,))

    def __init__(self, speed=1.0):
        if speed > 5:
            raise RuntimeError("the motor\\nis too fast")

class Slow(gym.Wrapper, gym.utils.RecordConstructorArgs):
    def __init__(self, env, factor):
        gym.utils.RecordConstructorArgs.__init__(self, factor=factor)
        super().__init__(env)
"""
SPEC: dict[str, Any] = {
    "id": "Robot-v0",
    "entry_point": "named_robot:Robot",
    "kwargs": {},
    "additional_wrappers": [],
}


def wrapper(entry_point: str, **kwargs: Any) -> dict[str, Any]:
    return {"name": "Slow", "entry_point": entry_point, "kwargs": kwargs or None}


BROKEN = {
    "renamed argument": ({"kwargs": {"pace": 1.0}}, "TypeError: .*'pace'"),
    "raises": ({"kwargs": {"speed": 9.0}}, "RuntimeError: the motor is too fast"),
    "moved class": ({"entry_point": "named_robot:Machine"}, "AttributeError: .*'Machine'"),
    "missing module": ({"entry_point": "gone_robot:Robot"}, "ModuleNotFoundError: .*'gone_robot'"),
    "moved wrapper": (
        {"additional_wrappers": [wrapper("named_robot:Fast", factor=2)]},
        "AttributeError: .*'Fast'",
    ),
    "wrapper with another argument": (
        {"additional_wrappers": [wrapper("named_robot:Slow", rate=2)]},
        "TypeError: .*'rate'",
    ),
}


@pytest.fixture
def robot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "named_robot.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "named_robot", raising=False)


@pytest.fixture
def model(minari_root: Path, tmp_path: Path) -> Path:
    dataset = write("toy/robot-v0", [episode(8, i) for i in range(3)])
    BC.load_offline(dataset, None, device="cpu").save(tmp_path / "model")
    return tmp_path / "model.zip"


@pytest.mark.usefixtures("robot")
@pytest.mark.parametrize(("changes", "said"), BROKEN.values(), ids=BROKEN)
def test_evaluate_says_why_in_one_line(
    changes: dict[str, Any], said: str, model: Path, minari_root: Path
) -> None:
    path = minari_root / "toy/robot-v0/data/metadata.json"
    entries = json.loads(path.read_text())
    spec = json.loads(gym.envs.registration.EnvSpec(SPEC["id"], SPEC["entry_point"]).to_json())
    path.write_text(json.dumps({**entries, "env_spec": json.dumps({**spec, **changes})}))
    limit = ["--cost-limit", "5", "--episodes", "1"]
    result = CliRunner().invoke(
        app, ["evaluate", str(model), "--dataset", "toy/robot-v0", "--trust", *limit]
    )
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    pattern = f"Error: the environment of dataset 'toy/robot-v0' cannot be made: {said}"
    assert re.search(pattern, result.stderr), result.stderr
    assert "--env ENV_ID" in result.stderr


def test_every_place_that_makes_one_by_its_id_names_it() -> None:
    with pytest.raises(
        ConfigError, match=r"environment of Nowhere-v0 cannot be made: NameNotFound"
    ):
        BC("MlpPolicy", "Nowhere-v0")
    with pytest.raises(
        ConfigError, match=r"environment of Nowhere-v0 cannot be made: NameNotFound"
    ):
        Source.probe("Nowhere-v0", CollectRecipe())

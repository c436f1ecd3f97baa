"""Every kind of fault of a dataset at once, each with its count, first places and remedy."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest
from made_up import REAL, UNIT, episode, write
from minari import MinariDataset
from typer.testing import CliRunner

from sb3_presa.cli import app
from sb3_presa.data import check_dataset, load_transitions
from sb3_presa.errors import DatasetError

STEPS = 6


def file_of(dataset: MinariDataset) -> Path:
    return Path(dataset.storage.data_path) / "main_data.hdf5"


@pytest.fixture
def spoilt(minari_root: Path) -> str:
    """Ten episodes, seven of them with a fault each or two, and unbounded actions."""
    infos = {"cost": np.zeros(STEPS + 1)}
    space = gym.spaces.Box(np.array([-1, -np.inf], "f4"), np.array([1, np.inf], "f4"))
    acted = np.zeros((STEPS, 2))
    dataset = write(
        "toy/spoilt-v0",
        [episode(STEPS, i, infos=infos, actions=acted) for i in range(10)],
        REAL,
        space,
    )
    with h5py.File(file_of(dataset), "r+") as file:

        def change(name: str, number: int, row: Any, value: Any) -> None:
            file[f"episode_{number}/{name}"][row] = value

        change("observations", 0, (2, 1), np.nan)
        change("observations", 0, (STEPS, 0), np.inf)  # after the last step
        for number in (1, 2, 3):
            change("actions", number, (slice(0, 2), 0), 1.5)
        change("rewards", 4, 3, np.nan)
        change("infos/cost", 4, 2, -1.0)
        change("infos/cost", 5, 4, -np.inf)
        change("terminations", 5, 1, True)
        del file["episode_6/infos/cost"]
        rows = file["episode_7/observations"][:-1]
        del file["episode_7/observations"]
        file["episode_7/observations"] = rows
        del file["episode_8/rewards"]
        file["episode_8/rewards"] = np.zeros((STEPS, 2))
        del file["episode_9/actions"]
    return str(dataset.id)


WANTED = [
    "the action space must have finite bounds, got Box",
    "2 steps: observations must be finite (episode 0, step 2: nan; episode 0, after the last step:"
    " inf). Remedy: cut",
    "6 steps: actions must be in [(-1, -inf), (1, inf)] (episode 1, step 0: 1.5; episode 1, step 1:"
    " 1.5; episode 2, step 0: 1.5, ...). Remedy: clip",
    "1 step: rewards must be finite (episode 4, step 3: nan)",
    "1 step: cost must be at least 0 (episode 4, step 1: -1.0). Remedy: where it stands for",
    "1 step: cost must be finite (episode 5, step 3: -inf)",
    "1 episode: observations must have as many rows as the steps ask for (episode 7: ",
    "1 episode: rewards must be one number per step (episode 8: float64 of shape (6, 2))",
    "1 episode: actions must be there and readable (episode 9: ",
]
NOTES = [
    "1 episode: a termination before the last step (episode 5, step 1 of 6)",
    "1 episode: no costs (episode 6). Remedy: synthetic labels",
]


def test_all_kinds_at_once(spoilt: str) -> None:
    found = check_dataset(spoilt)
    faults, notes = "\n".join(map(str, found.faults)), "\n".join(map(str, found.notes))
    for wanted in WANTED:
        assert wanted in faults, faults
    assert len(found.faults) == len(WANTED)
    for wanted in NOTES:
        assert wanted in notes, notes


@pytest.mark.parametrize("command", ["check", "info"])
def test_commands_list_them(spoilt: str, command: str) -> None:
    result = CliRunner().invoke(app, [command, spoilt])
    assert result.exit_code == 1
    for wanted in (*WANTED, *NOTES):
        assert wanted in result.stdout, result.stdout
    assert result.stdout.count("fault: ") == len(WANTED)


def test_a_good_dataset_has_none(minari_root: Path) -> None:
    dataset = write("toy/good-v0", [episode(STEPS, 0, infos={"cost": np.zeros(STEPS)})])
    found = check_dataset(dataset)
    assert found.faults == found.notes == []
    result = CliRunner().invoke(app, ["check", dataset.id])
    assert (result.exit_code, result.stdout) == (0, "toy/good-v0: no fault found\n")


def test_a_described_dataset_may_have_faults(minari_root: Path) -> None:
    """Returns and lengths are shown, and what keeps it from being trained on."""
    space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    write("toy/free-v0", [episode(STEPS, 0, actions=np.zeros((STEPS, 1)))], REAL, space)
    result = CliRunner().invoke(app, ["info", "toy/free-v0"])
    assert result.exit_code == 0
    assert "reward return" in result.stdout
    assert "fault: the action space must have finite bounds" in result.stdout
    assert "'action_quantile'" in result.stdout


@pytest.mark.parametrize(
    ("observed", "acted", "said"),
    [
        (gym.spaces.Discrete(3, start=1), UNIT, "must start at 0"),
        (gym.spaces.Dict({"a": gym.spaces.Tuple([REAL])}), UNIT, "The observation 'a' space must"),
        (REAL, gym.spaces.MultiBinary(3), "must be Box, Discrete or MultiDiscrete, got MultiB"),
        (REAL, gym.spaces.Box(-1, 1, ()), "must have at least one axis"),
    ],
)
def test_spaces_that_no_policy_takes(
    minari_root: Path, observed: gym.Space[Any], acted: gym.Space[Any], said: str
) -> None:
    acted.seed(0)
    seen: Any = [observed.sample() for _ in range(STEPS + 1)]
    if isinstance(observed, gym.spaces.Dict):
        seen = {"a": (np.zeros((STEPS + 1, 2), np.float32),)}
    made = episode(STEPS, 0, observations=seen, actions=[acted.sample() for _ in range(STEPS)])
    faults = check_dataset(write("toy/kinds-v0", [made], observed, acted)).faults
    assert any(said.lower() in str(fault).lower() for fault in faults), faults


@pytest.mark.parametrize("dtype", ["f8", "i8"])
@pytest.mark.parametrize(
    ("space", "values", "said"),
    [
        (gym.spaces.Discrete(3), [0, 1, 2, 3, -1, 0, 0], "2 steps: observations must be a whole"),
        (
            gym.spaces.Box(0, 255, (1,), np.uint8),
            [[300]] + [[0]] * STEPS,
            "1 step: observations must be a whole number in [0, 255] (episode 0, step 0: 300",
        ),
        (gym.spaces.MultiBinary(2), [[0, 5]] * 7, "7 steps: observations must be a whole number"),
    ],
)
def test_values_that_a_type_cannot_hold_are_counted(
    minari_root: Path, space: gym.Space[Any], values: Any, said: str, dtype: str
) -> None:
    zero = np.zeros((STEPS + 1, *(space.shape or ())), space.dtype)
    dataset = write("toy/cast-v0", [episode(STEPS, 0, observations=zero)], space)
    with h5py.File(file_of(dataset), "r+") as file:
        del file["episode_0/observations"]
        file["episode_0/observations"] = np.asarray(values, dtype)
    (fault,) = check_dataset(dataset.id).faults
    assert said in str(fault)
    with pytest.raises(DatasetError):
        load_transitions(dataset.id)


@pytest.mark.parametrize("dtype", ["f8", "i8", "i1"])
def test_actions_outside_of_a_box_are_counted_whatever_their_type(
    minari_root: Path, dtype: str
) -> None:
    dataset = write("toy/ints-v0", [episode(4, 0, actions=np.arange(4)[:, None].astype(dtype))])
    (fault,) = check_dataset(dataset).faults
    assert str(fault).startswith("2 steps: actions must be in [-1, 1] (episode 0, step 2: 2")
    with pytest.raises(DatasetError, match="step 2: action must be in"):
        load_transitions(dataset)


def test_steps_that_do_not_fit_and_files_that_cannot_be_read(minari_root: Path) -> None:
    dataset = write("toy/cut-v0", [episode(STEPS, i) for i in range(3)])
    with h5py.File(file_of(dataset), "r+") as file:
        file["episode_0"].attrs["total_steps"] = -3
        file["episode_1"].attrs["total_steps"] = 10**15
    (fault,) = check_dataset(dataset).faults
    assert str(fault).startswith("2 episodes: `total_steps` must be readable and possible (episode")
    content = file_of(dataset).read_bytes()
    file_of(dataset).write_bytes(content[: len(content) // 2])
    (fault,) = check_dataset(dataset.id).faults  # and not that no episode has a step
    assert "the files must be readable" in str(fault)

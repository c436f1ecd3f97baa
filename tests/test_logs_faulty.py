"""Logs with faults: each is named, none makes up another, and what is left out has no say."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gymnasium import spaces

from sb3_presa.data import import_logs, load_transitions, read_logs

SEEN = np.arange(8.0).reshape(4, 2)
CHOICES: dict[str, Any] = {"observations": SEEN, "actions": np.array([0, 1, 2, 1])}
GEARS: dict[str, Any] = {"observations": SEEN, "a": CHOICES["actions"], "b": np.array([0, 1, 0, 1])}


@pytest.mark.parametrize("kind", [None, "discrete"])
def test_what_is_left_out_does_not_decide_the_kind_of_actions(kind: Any) -> None:
    real = {"observations": np.full((4, 2), np.nan), "actions": np.array([0.0, 1.5, 2.0, 1.0])}
    log = read_logs([CHOICES, real], skip_faulty=True, kind=kind)
    assert log.require_sound().action == spaces.Discrete(3)


def test_an_episode_outside_the_bounds_is_left_out_beside_one_with_gaps() -> None:
    gap, far = CHOICES | {"observations": SEEN * np.nan}, CHOICES | {"actions": np.full(4, 9)}
    log = read_logs([CHOICES, gap, far], skip_faulty=True, bounds=(0, 3))
    assert [episode.where for episode in log.episodes] == ["table 0"]
    assert log.require_sound().action == spaces.Discrete(4)
    assert "2 episodes have faults and are left out:" in log.notes


@pytest.mark.parametrize("whole", [False, True])
def test_an_action_column_that_is_missing_is_the_only_fault(whole: bool) -> None:
    """It crashed, and beside a sound episode it was called out of bounds."""
    acted = np.column_stack([np.linspace(-9, 9, 4), np.full(4, np.nan)])
    tables = [{"observations": SEEN, "actions": acted}]
    tables += [] if whole else [{"observations": SEEN, "actions": np.zeros((4, 2))}]
    log = read_logs(tables)
    (fault,) = log.faults
    assert fault.kind == "actions must be finite" and fault.count == 4
    assert log.describe() and (log.spaces is None) == whole


def test_bounds_of_choices_are_given_by_name_and_kept() -> None:
    def action(**bounds: tuple[float, float]) -> Any:
        return read_logs(GEARS, actions="a,b", bounds=bounds).require_sound().action

    assert action(a=(0, 9)) == spaces.MultiDiscrete([10, 2])
    assert action(a=(0, 9), **{"": (0, 4)}) == spaces.MultiDiscrete([10, 5])
    one = read_logs(GEARS, actions="a", bounds={"a": (0, 5)}).require_sound().action
    assert one == spaces.Discrete(6)


@pytest.mark.parametrize("bounds", [{"a": (0, 1)}, {"a": (1, 2)}, (0, 1)])
@pytest.mark.parametrize("clip", [False, True])
def test_a_choice_outside_the_bounds_is_a_fault(bounds: Any, clip: bool) -> None:
    """Clipped, it would be another choice."""
    (fault,) = read_logs(GEARS, actions="a,b", bounds=bounds, clip=clip).faults
    row, found = (0, 0) if bounds == {"a": (1, 2)} else (2, 2)
    assert fault.kind == "actions must be within the bounds that are given"
    assert fault.places[0].startswith(f"the table, row {row}, column 'a': {found} is outside [")


@pytest.mark.parametrize("name", ["observations", "actions"])
def test_arrays_of_several_shapes_are_a_fault_with_their_places(name: str) -> None:
    """NumPy's own error came before it."""
    log = read_logs([CHOICES, CHOICES | {name: np.zeros((4, 3))}])
    (fault,) = log.faults
    assert fault.places[0].startswith("table 1: [") and "table 0: [(2,), (1,)]" in fault.places[0]
    assert any(name in line for line in log.describe())


def test_a_fact_may_be_missing_for_a_whole_episode(minari_root: Path) -> None:
    table = {
        "observations": SEEN,
        "actions": SEEN,
        "episode": np.array([0, 0, 1, 1]),
        "success": np.array([1.0, 1.0, np.nan, np.nan]),
    }
    dataset = import_logs(table, "me/robot-v0", keep="success")
    first, second = dataset.storage.get_episode_metadata([0, 1])
    assert first["success"] == 1.0 and "success" not in second
    table["success"] = np.array([1.0, np.nan, 1.0, 1.0])
    (fault,) = read_logs(table, keep="success").faults
    assert fault.places == ["the table, episode 0: 1.0 and None"]


@pytest.mark.parametrize("name", ["actions", "reward"])
def test_a_group_whose_arrays_differ_in_length_is_left_out(minari_root: Path, name: str) -> None:
    with h5py.File(minari_root / "rows.hdf5", "w") as file:
        for number in range(3):
            rows: dict[str, Any] = {"obs": np.ones((5, 2)), "actions": np.ones((4, 1))}
            rows["reward"] = np.ones(4)
            if number == 1:
                rows[name] = rows[name][:2]
            for part, values in rows.items():
                file[f"ep_{number}/{part}"] = values
    assert len(list(read_logs(minari_root / "rows.hdf5").faults)) == 1
    log = read_logs(minari_root / "rows.hdf5", skip_faulty=True)
    assert [e.where for e in log.episodes] == ["rows.hdf5, ep_0", "rows.hdf5, ep_2"]
    assert not list(log.faults)
    assert load_transitions(log.save("me/rows-v0")).episode_lengths.tolist() == [4, 4]


def test_a_table_of_several_episodes_is_not_left_out_as_one() -> None:
    """Nobody knows which of them the missing rows belong to."""
    table = CHOICES | {"actions": CHOICES["actions"][:2], "episode": np.array([0, 0, 1, 1])}
    (fault,) = read_logs([CHOICES | {"episode": np.full(4, 9)}, table], skip_faulty=True).faults
    assert fault.kind.startswith("observations must have T or T + 1 rows")

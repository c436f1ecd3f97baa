"""Numbers are checked some rows at a time; the first bad one is named wherever it lies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from made_up import REAL, UNIT, episode, write

from sb3_presa.data.checks import bound_excess, check_transitions, space_bounds
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import DatasetError

STEPS = 30_000


@pytest.mark.parametrize("step", [0, 2_767, 2_768, 29_999])
@pytest.mark.parametrize("field", ["observations", "actions"])
def test_a_bad_number_is_found_in_every_block(minari_root: Path, field: str, step: int) -> None:
    """Those of the second episode lie around the end of the first 32,768 rows of two numbers."""
    arrays = episode(STEPS, 1)
    arrays[field][step, -1] = np.nan
    dataset = write("toy/long-v0", [episode(STEPS), arrays])
    message = f"'toy/long-v0', episode 1, step {step}: {field[:-1]} must be finite, got nan"
    with pytest.raises(DatasetError, match=message):
        load_transitions(dataset)
    arrays["actions"][step, 0] = 1.5
    arrays["observations"][:] = 0
    far = write("toy/far-v0", [episode(STEPS), arrays])
    with pytest.raises(DatasetError, match=rf"episode 1, step {step}: action must be .*, got 1.5"):
        load_transitions(far)


@given(rows=st.integers(1, 40_000), width=st.integers(0, 5), data=st.data(), wide=st.booleans())
def test_the_first_bad_row_is_named(rows: int, width: int, data: st.DataObject, wide: bool) -> None:
    """As looking at all rows at once does."""
    shape = (70_000,) if wide else (width,)
    rows = min(rows, 20) if wide else rows
    values = np.zeros((rows, *shape), np.float32)
    bad = data.draw(st.lists(st.integers(0, rows - 1), max_size=3))
    if values.size:
        values[bad, ..., -1] = np.inf
    transitions = Transitions(
        observations=values,
        actions=np.zeros((rows, 1), np.float32),
        episode_ids=np.array([4]),
        episode_starts=np.array([0]),
        episode_lengths=np.array([rows]),
        observation_space=REAL,
        action_space=UNIT,
        dataset_id="toy/any-v0",
    )
    if not values.size or not bad:
        check_transitions(transitions)
        return
    with pytest.raises(DatasetError, match=f"episode 4, step {min(bad)}: observation must be"):
        check_transitions(transitions)


@pytest.mark.parametrize(
    ("space", "low", "high"),
    [
        (spaces.Discrete(4, start=-1), -1, 2),
        (spaces.MultiDiscrete([3, 4], start=[0, -2]), [0, -2], [2, 1]),
        (spaces.MultiBinary(2), [0, 0], [1, 1]),
        (spaces.Box(np.array([-1, 0], np.float32), np.array([1, 2], np.float32)), [-1, 0], [1, 2]),
    ],
)
def test_bounds_are_inclusive(space: Any, low: Any, high: Any) -> None:
    least, most = space_bounds(space)
    np.testing.assert_array_equal(least, low)
    np.testing.assert_array_equal(most, high)
    for inside, outside in ((least, least - 1), (most, most + 1)):
        assert not bound_excess(inside[None], least, most).any()
        assert bound_excess(outside[None], least, most).all()

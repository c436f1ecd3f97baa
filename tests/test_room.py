"""Memory for the arrays of a dataset."""

import gc
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from made_up import UNIT, episode, write

from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.room import make_room, most_bytes


@pytest.mark.parametrize("shape", [(0,), (3, 0), (7,), (2**20 - 1,), (2**20,), (1025, 4, 1025)])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64])
def test_an_array_of_any_size_holds_what_is_written(
    shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    one, other = make_room(shape, np.dtype(dtype)), make_room(shape, np.dtype(dtype))
    assert one.shape == shape
    assert one.dtype == dtype
    assert one.flags.c_contiguous
    one[...], other[...] = 1, 2
    part = one[1:]
    del one
    gc.collect()
    assert (part == 1).all()
    assert (other == 2).all()


def test_a_dataset_of_many_megabytes_is_read(minari_root: Path) -> None:
    space, random = spaces.Box(-9, 9, (100,), np.float32), np.random.default_rng(0)
    recorded = [random.normal(size=(4_001, 100)).astype(np.float32) for _ in range(4)]
    episodes = [episode(4_000, i, observations=rows) for i, rows in enumerate(recorded)]
    found = load_transitions(write("toy/large-v0", episodes, space, UNIT))
    np.testing.assert_array_equal(found.observations, np.concatenate([r[:-1] for r in recorded]))


def test_small_arrays_are_always_read_and_large_ones_by_the_file() -> None:
    assert most_bytes(0) >= 10**7
    assert most_bytes(10**9) >= 10**12  # zeros of deflate take a thousandth
    assert most_bytes(10**9) < 10**13

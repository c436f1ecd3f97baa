"""No number changes on the way in: another shape or type is taken where it holds them all."""

import gc
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_up import REAL, UNIT, episode, write

from sb3_presa.data.episodes import load_endings, load_transitions
from sb3_presa.data.leaves import make_room
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import DatasetError

STEPS = 4
PICTURE = spaces.Box(0, 255, (3, 5, 1), np.uint8)


def stored(field: str, values: Any, space: gym.Space[Any], dataset_id: str = "toy/cast-v0") -> str:
    """A dataset whose episode 1 has these values, whatever its space."""
    good = {"observations": REAL, "actions": UNIT} | {field: space}
    rows = STEPS + (field == "observations")
    space.seed(0)
    inside = np.asarray([space.sample() for _ in range(rows)])
    write(
        dataset_id,
        [episode(STEPS, 0, **{field: inside}), episode(STEPS, 1, **{field: values})],
        good["observations"],
        good["actions"],
        jpeg_encoding=False,
    )
    return dataset_id


@pytest.mark.parametrize(
    ("field", "space", "shape"),
    [
        ("observations", REAL, (2,)),
        ("observations", REAL, (2, 1)),
        ("observations", REAL, (1, 2)),
        ("observations", PICTURE, (3, 5)),
        ("observations", PICTURE, (3, 1, 5)),
        ("observations", spaces.Box(-1, 1, (), np.float32), (1,)),
        ("observations", spaces.Box(-9, 9, (1,), np.float32), ()),
        ("observations", spaces.Discrete(4), (1,)),
        ("observations", spaces.MultiBinary([2, 3]), (2, 3)),
        ("actions", UNIT, ()),
        ("actions", spaces.Box(-1, 1, (2, 3), np.float32), (2, 3)),
        ("actions", spaces.Discrete(4), (1, 1)),
        ("actions", spaces.MultiDiscrete([3, 3]), (2, 1)),
    ],
)
def test_axes_of_length_one_may_come_and_go(
    minari_root: Path, field: str, space: gym.Space[Any], shape: tuple[int, ...]
) -> None:
    rows = STEPS + (field == "observations")
    space.seed(1)
    values = np.asarray([space.sample() for _ in range(rows)])
    dataset = stored(field, values.reshape(rows, *shape), space)
    found: Any = getattr(load_transitions(dataset), field)
    assert found.shape == (2 * STEPS, *(space.shape or ()))
    np.testing.assert_array_equal(found[STEPS:], values[:STEPS])
    if field == "observations":
        last: Any = load_endings(dataset).observations
        np.testing.assert_array_equal(last[1], values[-1])


@pytest.mark.parametrize(
    ("field", "space", "shape"),
    [
        ("observations", PICTURE, (5, 3, 1)),
        ("observations", PICTURE, (15,)),
        ("observations", spaces.Box(0, 255, (36, 36, 3), np.uint8), (3, 36, 36)),
        ("observations", spaces.Box(-9, 9, (6,), np.float32), (2, 3)),
        ("observations", spaces.MultiBinary([2, 3]), (3, 2)),
        ("observations", spaces.Discrete(4), (2,)),
        ("actions", spaces.Box(-1, 1, (2, 3), np.float32), (3, 2)),
        ("actions", spaces.Box(-1, 1, (2, 3), np.float32), (6,)),
        ("actions", spaces.MultiDiscrete(np.full((2, 3), 2)), (3, 2)),
    ],
)
def test_other_shapes_are_refused(
    minari_root: Path, field: str, space: gym.Space[Any], shape: tuple[int, ...]
) -> None:
    """Also those of as many numbers: which of them was which is not known."""
    rows = STEPS + (field == "observations")
    dtype = np.float32 if isinstance(space, spaces.Box) and space.dtype != np.uint8 else np.uint8
    dataset = stored(field, np.zeros((rows, *shape), dtype), space)
    with pytest.raises(DatasetError) as refusal:
        load_transitions(dataset)
    assert f"'toy/cast-v0', episode 1: {field} must have the shape {space.shape}" in str(
        refusal.value
    )
    assert str(refusal.value).endswith(f"got {shape}")


BITS, CHOICE = spaces.MultiBinary(2), spaces.Discrete(4, start=-1)
CHOICES = spaces.MultiDiscrete([3, 9])
BYTES = spaces.Box(0, 255, (2,), np.uint8)


@pytest.mark.parametrize(
    ("field", "space", "dtype", "wrong", "message"),
    [
        ("observations", BYTES, np.float32, 0.5, r"observation must be .* in \[0, 255\], got 0.5"),
        ("observations", BYTES, np.int64, 300, r"observation must be .* in \[0, 255\], got 300"),
        ("observations", BYTES, np.int8, -1, r"observation must be .* in \[0, 255\], got -1"),
        ("observations", BYTES, np.float64, np.nan, r"observation must be a whole .* got nan"),
        ("observations", CHOICE, np.float32, 1.7, r"must be .* number in \[-1, 2\], got 1.7"),
        ("observations", CHOICE, np.uint64, 2**64 - 1, rf"in \[-1, 2\], got {2**64 - 1}"),
        ("observations", CHOICE, np.float64, np.inf, r"in \[-1, 2\], got inf"),
        ("observations", CHOICE, np.int64, 3, r"observation must be in \[-1, 2\], got 3"),
        ("observations", CHOICES, np.float64, 2.5, r"whole number in \[0, 2\], got 2.5"),
        ("observations", BITS, np.int8, 5, r"observation must be in \[0, 1\], got 5"),
        ("observations", BITS, np.int64, 257, r"whole number in \[0, 1\], got 257"),
        ("observations", BITS, np.float32, 0.5, r"whole number in \[0, 1\], got 0.5"),
        ("observations", REAL, np.float64, 1e39, r"observation must be in .*e\+38\], got 1e\+39"),
        ("observations", REAL, np.float64, np.nan, "observation must be finite, got nan"),
        ("actions", CHOICE, np.float32, 1.7, r"action must be a whole .* \[-1, 2\], got 1.7"),
        ("actions", CHOICE, np.int32, 3, r"action must be a whole number in \[-1, 2\], got 3"),
        ("actions", CHOICES, np.int16, 7, r"action must be a whole number in \[0, 2\], got 7"),
        ("actions", UNIT, np.float64, -1e300, r"action must be in .*e\+38\], got -1e\+300"),
        ("actions", UNIT, np.float64, np.inf, "action must be finite, got inf"),
        ("actions", UNIT, np.int64, 2, r"action must be in \[-1.0, 1.0\], got 2.0"),
    ],
)
def test_values_that_a_type_cannot_hold_are_refused(
    minari_root: Path,
    field: str,
    space: gym.Space[Any],
    dtype: type[np.generic],
    wrong: Any,
    message: str,
) -> None:
    """By episode, step and the value as it is stored, before anything is rounded or wraps."""
    values = np.zeros((STEPS + (field == "observations"), *(space.shape or ())), dtype)
    values[2].reshape(-1)[...] = 0
    values.reshape(len(values), -1)[2, 0] = wrong
    with pytest.raises(DatasetError, match=rf"'toy/cast-v0', episode 1, step 2: .*{message}"):
        load_transitions(stored(field, values, space))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8, np.bool_])
@pytest.mark.parametrize("space", [BITS, spaces.Discrete(2), spaces.MultiDiscrete([2, 2]), BYTES])
def test_other_types_of_the_same_numbers_are_read(
    minari_root: Path, dtype: type[np.generic], space: gym.Space[Any]
) -> None:
    values = np.random.default_rng(0).integers(0, 2, (STEPS + 1, *(space.shape or ())))
    found: Any = load_transitions(stored("observations", values.astype(dtype), space))
    np.testing.assert_array_equal(found.observations[STEPS:], values[:-1])


def test_what_follows_the_last_step_counts_where_it_is_read(minari_root: Path) -> None:
    values = np.zeros((STEPS + 1, 2))
    values[-1, 0] = 0.5
    dataset = stored("observations", values, BYTES)
    load_transitions(dataset)
    with pytest.raises(DatasetError, match=r"episode 1, after the last step: .*, got 0.5"):
        load_endings(dataset)
    values[-1, 0] = np.inf
    with pytest.raises(
        DatasetError, match=r"episode 1, after the last step: .* must be finite, got"
    ):
        load_endings(stored("observations", values, REAL, "toy/last-v0"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=hnp.arrays(
        st.sampled_from(["f2", "f4", "f8", ">f4", "i1", "i8", "u4", "?"]),
        (STEPS, 2),
        elements={"allow_nan": True, "allow_infinity": True},
    ),
    space=st.sampled_from([BYTES, CHOICES, BITS, REAL]),
)
def test_a_value_is_read_as_it_is_or_refused(
    minari_root: Path, values: npt.NDArray[Any], space: gym.Space[Any]
) -> None:
    rows = np.concatenate([values, values[:1]])
    write_dataset(
        "toy/any-v0",
        [_buffer(rows)],
        observation_space=space,
        action_space=UNIT,
        overwrite=True,
    )
    try:
        found: Any = load_transitions("toy/any-v0").observations
    except DatasetError as error:
        assert "episode 0, step " in str(error)
        return
    assert np.isfinite(values).all()
    if space is REAL:
        np.testing.assert_array_equal(found.astype(np.float32), values.astype(np.float32))
    else:
        np.testing.assert_array_equal(found, values)


def _buffer(observations: npt.NDArray[Any]) -> Any:
    from minari.data_collector import EpisodeBuffer

    return EpisodeBuffer(**episode(STEPS, observations=observations))


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

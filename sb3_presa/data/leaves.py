"""From what is stored to the arrays that are learnt from: no value is changed on the way."""

import math
import mmap
import sys
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from sb3_presa.data.checks import Extremes, first_entry, first_true_row, is_wide, space_bounds
from sb3_presa.data.stored import Column, Field, StoredEpisode, column_name, space_parts
from sb3_presa.errors import DatasetError

Array: TypeAlias = npt.NDArray[Any]

_LAST = "after the last step"
#: From this size on NumPy asks Linux for huge pages.
_HUGE_BYTES = 2**22


@dataclass(frozen=True, eq=False)
class Leaf:
    """One of the arrays of :class:`~sb3_presa.data.transitions.Transitions`.

    :param field: what it is of.
    :param key: of a Dict space, or ``""``.
    :param space: whose values it holds.
    :param dtype: its type.
    """

    field: Field
    key: str
    space: gym.Space[Any]
    dtype: np.dtype[Any]

    def allocate(self, steps: int) -> Array:
        """Room for all steps, and for the last observation of the last episode.

        :param steps: of all episodes.
        """
        return make_room((steps + 1, *(self.space.shape or ())), self.dtype)

    def read_into(
        self, stored: StoredEpisode, rows: Array, extremes: Extremes | None = None
    ) -> None:
        """Read the steps of an episode.

        :param stored: the episode.
        :param rows: where to put them, from the first on. The row after its last step may be
            overwritten.
        :param extremes: is shown what is rounded to float32.
        :raises DatasetError: if they have another shape, or a value would be changed.
        """
        column = self.column(stored)
        if column.dtype == self.dtype:
            column.read_into(rows[: column.shape[0]].reshape(column.shape))
        else:
            values = column.read()[: stored.steps].reshape(stored.steps, *rows.shape[1:])
            rows[: stored.steps] = self._cast(values, stored)
            if extremes is not None and self.dtype == np.float32 and is_wide(column.dtype):
                extremes.add(values)

    def read_last(self, stored: StoredEpisode) -> Array:
        """The last row of an episode: its last observation, which follows its last step.

        :param stored: the episode.
        :return: the row, float64 where float32 cannot hold all numbers of the stored type.
        :raises DatasetError: as :meth:`read_into` does, or if it is not finite.
        """
        values = self.column(stored).last().reshape(1, *(self.space.shape or ()))
        if self.dtype == np.float32 and is_wide(values.dtype):
            values = replace(self, dtype=np.dtype(np.float64))._cast(values, stored, _LAST)
        elif values.dtype != self.dtype:
            values = self._cast(values, stored, _LAST)
        if not np.isfinite(values).all():
            name = column_name(self.field, self.key)
            raise DatasetError(f"{stored.where}, {_LAST}: {name} must be finite, got {values[0]}")
        return np.asarray(values[0])

    def column(self, stored: StoredEpisode) -> Column:
        """The stored column; only axes of length 1 may come or go.

        :param stored: the episode.
        :raises DatasetError: if it has another shape, or no numbers.
        """
        column = stored.columns[self.field][self.key]
        name = column_name(self.field, self.key)
        shape, wanted = column.shape[1:], self.space.shape or ()
        if column.dtype.kind not in "fiub":
            raise DatasetError(f"{stored.where}: {name} must be numbers, got {column.dtype}")
        if [axis for axis in shape if axis != 1] != [axis for axis in wanted if axis != 1]:
            raise DatasetError(
                f"{stored.where}: {name} must have the shape {wanted} per step, as {self.space} "
                f"has, got {shape}"
            )
        return column

    def misfits(self, values: Array) -> tuple[npt.NDArray[np.bool_], Array, Array, str]:
        """Which values this leaf's type cannot hold.

        :param values: ``(N, ...)``.
        :return: where they are, the smallest and largest that it holds, and what values must do.
        """
        if self.dtype.kind == "f":
            largest = np.finfo(np.float32).max  # networks compute in it
            wrong = np.isfinite(values) & (np.abs(values) > largest)
            return wrong, np.asarray(-largest), np.asarray(largest), "be"
        # The bounds of a Box of pictures are not asked for, as those of other Boxes are not
        is_box = isinstance(self.space, spaces.Box)
        low, high = (np.asarray(0), np.asarray(255)) if is_box else space_bounds(self.space)
        wrong = ~((values >= low) & (values <= high) & (values == np.rint(values)))
        return wrong, low, high, "be a whole number"

    def _cast(self, values: Array, stored: StoredEpisode, when: str = "step {}") -> Array:
        """The same numbers in this leaf's type. Floats are rounded to it."""
        wrong, low, high, constraint = self.misfits(values)
        step = first_true_row(wrong)
        if step is not None:
            found, least, most = (first_entry(of, wrong[step]) for of in (values[step], low, high))
            name = self.field[:-1] + (f" '{self.key}'" if self.key else "")
            raise DatasetError(
                f"{stored.where}, {when.format(step)}: {name} must {constraint} in "
                f"[{least}, {most}], got {found}"
            )
        return values.astype(self.dtype)


def observation_leaf(key: str, space: gym.Space[Any]) -> Leaf:
    """The array of one part of the observations.

    :param key: of a Dict space, or ``""``.
    :param space: of the part.
    :raises DatasetError: for a space that no policy can take.
    """
    return Leaf("observations", key, space, _observation_dtype(space, key))


def observation_leaves(space: gym.Space[Any]) -> list[Leaf]:
    """The arrays of observations.

    :param space: the dataset's observation space.
    :return: one for each entry of a Dict, else one.
    :raises DatasetError: for a space that no policy can take.
    """
    return [observation_leaf(key, part) for key, part in space_parts(space).items()]


def action_leaf(space: gym.Space[Any]) -> Leaf:
    """The array of actions.

    :param space: the dataset's action space.
    :raises DatasetError: for a space that no policy can take.
    """
    if isinstance(space, spaces.Box):
        return Leaf("actions", "", space, np.dtype(np.float32))
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return Leaf("actions", "", space, np.dtype(np.int64))
    raise DatasetError(
        f"the action space must be Box, Discrete or MultiDiscrete, got {type(space).__name__}"
    )


def _observation_dtype(space: gym.Space[Any], key: str) -> np.dtype[Any]:
    if isinstance(space, spaces.Box):
        return np.dtype(np.uint8 if space.dtype == np.uint8 else np.float32)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return np.dtype(np.int64)
    if isinstance(space, spaces.MultiBinary):
        return np.dtype(np.int8)
    name = f"observation '{key}'" if key else "observation"
    raise DatasetError(
        f"the {name} space must be Box, Discrete, MultiDiscrete or MultiBinary, or for all "
        f"observations one Dict of these, got {type(space).__name__}"
    )


def make_room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array that nothing has been written to, in pages of ordinary size.

    An array of NumPy's own lies in huge pages on Linux. Each is cleared when it is first touched,
    which took longer than reading the file on the machines where this was measured
    (``benchmarks/load_time.py``): 0.6 s in place of 0.2 s for 250 MB.

    :param shape: of the array.
    :param dtype: its type.
    """
    count = math.prod(shape)
    size = count * dtype.itemsize
    if sys.platform == "win32" or size < _HUGE_BYTES:
        return np.empty(shape, dtype)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype, count).reshape(shape)

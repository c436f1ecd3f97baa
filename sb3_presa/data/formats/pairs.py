"""Pairs of clips with answers: ``obs_1``, ``obs_2``, ``action_1``, ``action_2``, ``label``.

A label is 0 if the first clip is better, 1 if the second is, and .5 for a tie.
"""

import zipfile
from pathlib import Path

import numpy as np

from sb3_presa.data.archive import ARCHIVE_ERRORS
from sb3_presa.data.array_file import read_arrays
from sb3_presa.data.formats.format import Comparisons, Options, Reading
from sb3_presa.data.formats.roles import Roles
from sb3_presa.data.formats.table import Array, Table, of_arrays
from sb3_presa.errors import DatasetError

_NAMES = ("obs_1", "obs_2", "action_1", "action_2", "label")


class PairsFile:
    """``.npz`` files of pairs."""

    name = "pairs"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        if not path.is_file() or not zipfile.is_zipfile(path):
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                return {f"{name}.npy" for name in _NAMES} <= set(archive.namelist())
        except ARCHIVE_ERRORS:
            return False

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        arrays = read_arrays(path, _NAMES)
        labels = _labels(path, arrays)
        clips, pairs = _Clips(where), []
        for row in range(len(labels)):
            sides = [clips.add(arrays[f"obs_{s}"][row], arrays[f"action_{s}"][row], row, s)
                     for s in (1, 2)]  # fmt: skip
            pairs.append(sides)
        rows = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        apart = rows[:, 0] != rows[:, 1]
        notes = [f"{len(rows):,} comparisons of {len(clips.tables):,} different clips"]
        if not apart.all():
            notes.append(f"{(~apart).sum():,} pairs of one and the same clip are left out")
        return Reading(
            clips.tables,
            Roles(observations={"": ("observations",)}, actions=("actions",)),
            notes,
            several=False,
            comparisons=Comparisons(rows[apart], (1.0 - labels)[apart], where),
        )


class _Clips:
    """Clips as tables; one that occurs in several pairs is one, so that no part of the data is
    both learnt from and held out."""

    def __init__(self, where: str) -> None:
        self.tables: list[Table] = []
        self._where = where
        self._known: dict[bytes, int] = {}

    def add(self, observations: Array, actions: Array, row: int, side: int) -> int:
        """The place of a clip's table."""
        content = observations.tobytes() + actions.tobytes()
        if content not in self._known:
            self._known[content] = len(self.tables)
            where = f"{self._where}, pair {row}, clip {side}"
            arrays = {"observations": observations, "actions": actions}
            self.tables.append(of_arrays(where, arrays))
        return self._known[content]


def _labels(path: Path, arrays: dict[str, Array]) -> Array:
    labels = arrays["label"].astype(np.float64).reshape(-1)
    for name in _NAMES[:-1]:
        if len(arrays[name]) != len(labels) or arrays[name].ndim < 2:
            raise DatasetError(
                f"{path}: '{name}' must have one clip per label, {len(labels)}, got shape "
                f"{arrays[name].shape}"
            )
    wrong = ~((labels >= 0) & (labels <= 1))
    if wrong.any() or not len(labels):
        found = labels[wrong][0] if len(labels) else "none"
        raise DatasetError(
            f"{path}: labels must be in [0, 1] (0: first, .5: tie, 1: second), got {found}"
            + (f" in row {int(np.argmax(wrong))}" if len(labels) else "")
        )
    return labels

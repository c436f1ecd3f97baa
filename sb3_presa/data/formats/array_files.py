"""Arrays in ``.npz`` files: one episode a file, or several one after another."""

import zipfile
from pathlib import Path

from sb3_presa.data.array_file import read_arrays
from sb3_presa.data.formats.format import Options, Reading
from sb3_presa.data.formats.table import Array, Table, of_arrays
from sb3_presa.errors import DatasetError

#: An array of which every row is an episode has the axes (episodes, steps, coordinates).
_BATCHED_AXES = 3


class ArrayFiles:
    """``.npz`` files."""

    name = "npz"

    def recognises(self, path: Path) -> bool:
        """As :meth:`~sb3_presa.data.formats.format.Format.recognises`."""
        return path.is_file() and zipfile.is_zipfile(path)

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """As :meth:`~sb3_presa.data.formats.format.Format.read`."""
        return Reading(array_tables(read_arrays(path), where))


def array_tables(arrays: dict[str, Array], where: str) -> list[Table]:
    """The tables in some arrays: one, or one for each row where actions have three axes.

    :param arrays: by name.
    :param where: the file, for messages.
    :raises DatasetError: if rows are episodes and the arrays differ in their number.
    """
    arrays = {name: values for name, values in arrays.items() if values.ndim}
    acted = [v for name, v in arrays.items() if name in ("actions", "action")]
    if not acted or acted[0].ndim != _BATCHED_AXES:
        return [of_arrays(where, arrays)]
    count = len(acted[0])
    wrong = {name: len(values) for name, values in arrays.items() if len(values) != count}
    if wrong:
        raise DatasetError(
            f"{where}: every array must have one row per episode, {count} as the actions have, got "
            f"{wrong}"
        )
    tables = []
    for index in range(count):
        rows = {name: values[index] for name, values in arrays.items()}
        facts = {name: value.item() for name, value in rows.items() if not value.ndim}
        steps = {name: value for name, value in rows.items() if value.ndim}
        tables.append(of_arrays(f"{where}, episode {index}", steps, facts))
    return tables

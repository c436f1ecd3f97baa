"""Which data a result is of: what lies under a dataset's id may have been made anew."""

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sb3_presa.errors import DatasetError

#: The column of results that says it; rows from before it was there leave it empty.
COLUMN = "data_hash"


def data_hash(dataset: str) -> str | None:
    """
    :param dataset: id of a Minari dataset, or its folder
    :return: 12 hexadecimal digits of what all its episodes hold; ``None`` if it is not here
    """
    from sb3_presa.data.datasets import resolve_dataset

    try:
        folder = Path(resolve_dataset(dataset).storage.data_path)
    except DatasetError:
        return None
    return _hash_of_version(folder, (folder / "metadata.json").stat().st_mtime_ns)


@cache
def _hash_of_version(folder: Path, changed_at: int) -> str:
    """A dataset is replaced as a whole, so the time of its metadata tells its versions apart."""
    from sb3_presa.data.episodes import load_transitions

    del changed_at
    hashes = load_transitions(folder).hash_episodes()
    return hashlib.sha256(b"".join(hashes)).hexdigest()[:12]


def is_of_other_data(row: Mapping[str, Any]) -> bool:
    """
    :param row: a row of results
    :return: whether it is known to be of other episodes than those under its dataset's id here
    """
    known = row.get(COLUMN)
    if not known:
        return False
    here = data_hash(row["dataset"])
    return here is not None and here != known


def warn_of_other_data(rows: Iterable[Mapping[str, Any]]) -> None:
    """
    Rows of one dataset are compared with each other, so they have to be of the same episodes.

    :param rows: rows of results
    """
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.get(COLUMN):
            found.setdefault(row["dataset"], set()).add(row[COLUMN])
    for dataset, hashes in found.items():
        if len(hashes) > 1:
            warnings.warn(
                f"the results of {dataset} are of {len(hashes)} different sets of episodes "
                f"({', '.join(sorted(hashes))}), and are compared all the same",
                stacklevel=3,
            )

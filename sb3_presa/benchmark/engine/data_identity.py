"""Hashes of a result's data: a dataset or its labels may be replaced under the same name."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import DatasetError, FeedbackError

if TYPE_CHECKING:
    from sb3_presa.data.stored import Field

#: The column of the dataset's hash; empty in older results.
COLUMN = "data_hash"
#: The column of the hash of stored feedback; synthetic labels are determined by their options.
FEEDBACK_COLUMN = "feedback_hash"
#: Prefix of current hashes. Older ones, without it, only covered observations and actions, did not
#: change with rewards or costs, and are ignored.
_KIND = "2-"
_FIELDS: tuple["Field", ...] = (
    "observations",
    "actions",
    "rewards",
    "cost",
    "terminations",
    "truncations",
)


def data_hash(dataset: str) -> str | None:
    """
    :param dataset: id of a Minari dataset, or its folder
    :return: ``2-`` and 12 hexadecimal digits, a hash of all episodes: observations, actions,
        rewards, costs, terminations and truncations; ``None`` if the dataset is missing
    """
    from sb3_presa.data.datasets import resolve_dataset

    try:
        folder = Path(resolve_dataset(dataset).storage.data_path)
    except DatasetError:
        return None
    return _hash_of_version(folder, (folder / "metadata.json").stat().st_mtime_ns)


@cache
def _hash_of_version(folder: Path, changed_at: int) -> str:
    """The hash; cached by the time of the metadata, since datasets are replaced as a whole."""
    from sb3_presa.data.datasets import read_episodes, resolve_dataset

    del changed_at
    digest = hashlib.sha256()
    for _, found in read_episodes(resolve_dataset(folder), _FIELDS):
        if len(found["actions"]):  # training and labelling ignore empty episodes, too
            digest.update(_hash_episode(found))
    return _KIND + digest.hexdigest()[:12]


def _hash_episode(found: Mapping[str, Any]) -> bytes:
    """Hash of observations and actions, of the last observation, and of the outcomes."""
    from sb3_presa.data.transitions import episode_hash

    observations, actions = found["observations"], found["actions"]
    named = observations if isinstance(observations, dict) else {"": observations}
    last = {name: np.asarray(values)[len(actions) :] for name, values in named.items()}
    outcomes = {name: found[name] for name in ("rewards", "terminations", "truncations")}
    outcomes["cost"] = _costs(found["cost"], len(actions))
    return (
        episode_hash(observations, actions)
        + episode_hash(last, actions[-1:])
        + episode_hash(outcomes, actions)
    )


def _costs(cost: Any, steps: int) -> npt.NDArray[np.float64]:
    """One cost per step, without that of the reset; NaN if costs are missing."""
    if cost is None:
        return np.full(steps, np.nan)
    return np.asarray(cost, dtype=np.float64).ravel()[-steps:]


def feedback_hash(dataset: str, name: str) -> str | None:
    """
    :param dataset: id of a Minari dataset, or its folder
    :param name: name of its feedback
    :return: 12 hexadecimal digits, a hash of segments and labels; ``None`` if it is missing
    """
    from sb3_presa.data.datasets import resolve_dataset
    from sb3_presa.feedback.file import require_feedback_path

    try:
        path = require_feedback_path(resolve_dataset(dataset), name)
    except (DatasetError, FeedbackError):
        return None
    return _hash_of_labels(path, path.stat().st_mtime_ns)


@cache
def _hash_of_labels(path: Path, changed_at: int) -> str:
    from sb3_presa.feedback.file import read_feedback

    del changed_at
    digest = hashlib.sha256()
    for name, found in sorted(read_feedback(path).items()):
        if name == "episode_hashes":
            digest.update(b"".join(found[episode] for episode in sorted(found)))
        elif isinstance(found, np.ndarray):
            digest.update(array_bytes(name, found))
    return digest.hexdigest()[:12]


def array_bytes(name: str, values: npt.NDArray[Any]) -> bytes:
    """
    :param name: name of an array
    :param values: its values
    :return: what a hash of several arrays reads of it
    """
    return f"{name}{values.shape}".encode() + values.tobytes()


def is_of_other_data(row: Mapping[str, Any]) -> bool:
    """
    :param row: a row of results
    :return: whether its episodes or its labels are known to differ from those under their names now
    """
    known = _known_hash(row)
    if known is not None and data_hash(row["dataset"]) not in (None, known):
        return True
    labels = row.get(FEEDBACK_COLUMN)
    if not labels:
        return False
    return feedback_hash(row["dataset"], row["feedback"]) not in (None, labels)


def mixed_data(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    Rows of one dataset are compared with each other, and should have the same episodes.

    :param rows: rows of results
    :return: a warning for each dataset, and each feedback, whose rows are known to differ
    """
    episodes: dict[str, set[str]] = {}
    labels: dict[str, set[str]] = {}
    for row in rows:
        known = _known_hash(row)
        if known is not None:
            episodes.setdefault(row["dataset"], set()).add(known)
        if row.get(FEEDBACK_COLUMN):
            name = f"{row['dataset']} with feedback {row['feedback']}"
            labels.setdefault(name, set()).add(row[FEEDBACK_COLUMN])
    return [
        f"the results on {name} should have the same {what}, but have {len(hashes)} different sets "
        f"({', '.join(sorted(hashes))}); they are compared anyway"
        for what, found in (("episodes", episodes), ("labels", labels))
        for name, hashes in found.items()
        if len(hashes) > 1
    ]


def _known_hash(row: Mapping[str, Any]) -> str | None:
    known: str = row.get(COLUMN) or ""
    return known if known.startswith(_KIND) else None

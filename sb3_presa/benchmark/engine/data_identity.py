"""Which data a result is of: what lies under an id, or a name of labels, may be made anew."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import DatasetError, FeedbackError

if TYPE_CHECKING:
    from sb3_presa.data.storage import Field

#: The column of results that says it; rows from before it was there leave it empty.
COLUMN = "data_hash"
#: The same of feedback that lies beside a dataset; of labels that a cell makes options tell all.
FEEDBACK_COLUMN = "feedback_hash"
#: What a hash begins with. Those of the first kind, without it, were of observations and actions
#: alone: where costs or rewards were others they stayed the same, so they tell nothing here.
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
    :return: ``2-`` and 12 hexadecimal digits of what all its episodes hold: observations, actions,
        rewards, costs and how they end; ``None`` if it is not here
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
    from sb3_presa.data.datasets import read_episodes, resolve_dataset

    del changed_at
    digest = hashlib.sha256()
    for _, found in read_episodes(resolve_dataset(folder), _FIELDS):
        if len(found["actions"]):  # who trains and who labels leave out the others, too
            digest.update(_hash_episode(found))
    return _KIND + digest.hexdigest()[:12]


def _hash_episode(found: Mapping[str, Any]) -> bytes:
    """Of what was seen and done, of the observation after the last action, and of what came out."""
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
    """One a step: without the reset's in front, NaN where there are none."""
    if cost is None:
        return np.full(steps, np.nan)
    return np.asarray(cost, dtype=np.float64).ravel()[-steps:]


def feedback_hash(dataset: str, name: str) -> str | None:
    """
    :param dataset: id of a Minari dataset, or its folder
    :param name: of feedback beside it
    :return: 12 hexadecimal digits of what is labelled, and how; ``None`` if it is not here
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
            digest.update(f"{name}{found.shape}".encode() + found.tobytes())
    return digest.hexdigest()[:12]


def is_of_other_data(row: Mapping[str, Any]) -> bool:
    """
    :param row: a row of results
    :return: whether it is known to be of other episodes than those under its dataset's id here, or
        of other labels than those of its feedback's name
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
    Rows of one dataset are compared with each other, so they have to be of the same episodes.

    :param rows: rows of results
    :return: a warning for each dataset, and each feedback of one, whose rows are known not to be
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
        f"the results of {name} are of {len(hashes)} different sets of {what} "
        f"({', '.join(sorted(hashes))}), and are compared all the same"
        for what, found in (("episodes", episodes), ("labels", labels))
        for name, hashes in found.items()
        if len(hashes) > 1
    ]


def _known_hash(row: Mapping[str, Any]) -> str | None:
    known: str = row.get(COLUMN) or ""
    return known if known.startswith(_KIND) else None

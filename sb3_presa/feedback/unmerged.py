"""Answers of people that lie beside a dataset: labels only once they are merged into feedback."""

import contextlib
import shlex
import sqlite3
from pathlib import Path
from typing import NamedTuple

from minari import MinariDataset

#: What the file of answers has behind the name of their feedback.
ANSWERS_SUFFIX = ".annotations.sqlite"


class Answers(NamedTuple):
    """The answers with one name.

    :param name: the name that their feedback has or will have.
    :param number: those that were not taken back; None where the file cannot be read.
    :param dataset_id: the dataset of the answers.
    """

    name: str
    number: int | None
    dataset_id: str

    @property
    def words(self) -> str:
        """Their number in messages."""
        return (
            "answers that cannot be counted" if self.number is None else f"{self.number:,} answers"
        )

    @property
    def command(self) -> str:
        """The command that merges them."""
        parts = ["labels", self.dataset_id, "--feedback", self.name, "--merge", "majority"]
        return shlex.join(["sb3-presa", *parts])


def answers_beside(dataset: MinariDataset) -> list[Answers]:
    """All answers that lie beside a dataset.

    :param dataset: the open dataset.
    :return: those of each name, sorted by it; names without any answer are left out.
    """
    folder = Path(dataset.storage.data_path) / "feedback"
    found = [
        Answers(path.name.removesuffix(ANSWERS_SUFFIX), _count(path), dataset.id)
        for path in sorted(folder.glob(f"*{ANSWERS_SUFFIX}"))
    ]
    return [answers for answers in found if answers.number != 0]


def _count(path: Path) -> int | None:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1.0)) as database:
            query = "SELECT count(*) FROM answers WHERE undone_at IS NULL"
            return int(database.execute(query).fetchone()[0])
    except sqlite3.Error:
        return None

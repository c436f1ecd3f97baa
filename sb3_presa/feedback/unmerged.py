"""Answers of people that lie beside a dataset: labels only once they are merged into feedback."""

import contextlib
import shlex
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minari import MinariDataset

#: What the file of answers has behind the name of their feedback.
ANSWERS_SUFFIX = ".annotations.sqlite"


class Missing(NamedTuple):
    """Differences of feedback from the answers that it was merged from.

    :param new: answers that it does not hold.
    :param taken_back: answers that it holds, and that were taken back since.
    """

    new: int
    taken_back: int


class Answers(NamedTuple):
    """The answers with one name.

    :param name: the name that their feedback has or will have.
    :param dataset_id: the dataset of the answers.
    :param path: their file.
    :param standing: the numbers of those that were not taken back; None where the file cannot be
        read.
    :param problem: why it cannot be read.
    """

    name: str
    dataset_id: str
    path: Path
    standing: tuple[int, ...] | None
    problem: str = ""

    @property
    def words(self) -> str:
        """Their number in messages."""
        return "answers" if self.standing is None else _counted(len(self.standing))

    @property
    def damage(self) -> str:
        """Why they cannot be read, in messages."""
        return f"answers of people in {self.path} cannot be read: {self.problem}"

    def missing(self, provenance: Mapping[str, Any]) -> Missing:
        """Count the answers that feedback lacks.

        :param provenance: the origin of the feedback. A merge notes the number of answers, and the
            last one if it was given their store. Of other feedback, all of them are missing.
        :return: the numbers of answers; 0 where the file cannot be read.
        """
        if self.standing is None:
            return Missing(0, 0)
        merged, store = provenance.get("answers"), provenance.get("store")
        held = merged if isinstance(merged, int) else 0
        if isinstance(store, Mapping):
            new = sum(number > store["last"] for number in self.standing)
        else:  # merged from a list of answers
            new = max(0, len(self.standing) - held)
        return Missing(new, max(0, held - (len(self.standing) - new)))

    def command(self, provenance: Mapping[str, Any] | None = None, into: str | None = None) -> str:
        """The command that merges them.

        :param provenance: the origin of earlier feedback, whose method is used again.
        :param into: the name of that feedback; None: that of the answers.
        :return: a line for a shell.
        """
        method = str((provenance or {}).get("method", "majority"))
        parts = ["labels", self.dataset_id, "--feedback", self.name, "--merge", method]
        if into not in (None, self.name):
            parts += ["--into", str(into)]
        return shlex.join(["sb3-presa", *parts])


def are_of(provenance: Mapping[str, Any], name: str) -> str | None:
    """The name of the answers that feedback was merged from.

    :param provenance: the origin of the feedback.
    :param name: the name of the feedback, which its answers have unless the origin says otherwise.
    :return: their name; None of other feedback.
    """
    if provenance.get("source") != "annotators":
        return None
    store = provenance.get("store")
    return str(store["name"]) if isinstance(store, Mapping) else name


def answers_beside(dataset: MinariDataset) -> list[Answers]:
    """All answers that lie beside a dataset.

    :param dataset: the open dataset.
    :return: those of each name, sorted by it; names without any answer are left out.
    """
    folder = Path(dataset.storage.data_path) / "feedback"
    found = [
        Answers(path.name.removesuffix(ANSWERS_SUFFIX), dataset.id, path, *_standing(path))
        for path in sorted(folder.glob(f"*{ANSWERS_SUFFIX}"))
    ]
    return [answers for answers in found if answers.standing != ()]


def _counted(number: int) -> str:
    return f"{number:,} answer{'' if number == 1 else 's'}"


def _standing(path: Path) -> tuple[tuple[int, ...] | None, str]:
    """The numbers of the valid answers, or why there are none to be had."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1.0)) as database:
            rows = database.execute("SELECT id FROM answers WHERE undone_at IS NULL ORDER BY id")
            return tuple(int(number) for (number,) in rows), ""
    except sqlite3.Error as error:
        return None, str(error)

"""Answers whose episodes are still as people were shown them, and those of other data."""

import contextlib
import warnings
from collections.abc import Mapping
from typing import NamedTuple

from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import DatasetError, FeedbackError
from sb3_presa.feedback.unmerged import answers_beside

#: What to do about answers of other data, as in messages.
REMEDY = (
    "Restore the dataset that people were shown, or ask again under another name "
    "(sb3-presa annotate --feedback NAME)"
)


class Fit(NamedTuple):
    """Answers, compared with the dataset beside them.

    :param answers: those on episodes that are as people were shown them, in their order.
    :param others: those on other data: an episode has changed or is missing.
    """

    answers: list[Answer]
    others: list[Answer]

    @property
    def changed(self) -> int:
        """The number of the others."""
        return len(self.others)

    @property
    def people(self) -> set[str]:
        """All who gave an answer, on these data or others."""
        return {one.annotator for one in (*self.answers, *self.others)}

    @property
    def words(self) -> str:
        """The number of the others in messages."""
        total = len(self.answers) + self.changed
        return (
            f"{self.changed} of {total} answers are about episodes that have changed or are missing"
        )


def fit(store: AnswerStore, transitions: Transitions) -> Fit:
    """Compare the valid answers of a store with a dataset.

    :param store: the answers; the episodes that were shown are hashed, no others.
    :param transitions: the steps of the dataset.
    """
    with store.reading():
        shown, answers = store.episode_hashes, store.answers()
    fitting = _unchanged(shown, transitions)
    found = Fit([], [])
    for one in answers:
        (found.answers if _episodes(one) <= fitting else found.others).append(one)
    return found


def _unchanged(shown: Mapping[int, bytes], transitions: Transitions) -> set[int]:
    present, there = transitions.hashes_by_id(), set(transitions.episode_ids.tolist())
    return {one for one, content in shown.items() if one in there and present[one] == content}


def _episodes(answer: Answer) -> set[int]:
    return {segment[0] for segment in (answer.first, answer.second) if segment is not None}


def warn_of_changed(found: Fit, store: AnswerStore, consequence: str) -> None:
    """Warn of answers that were given on other data.

    :param found: what was compared.
    :param store: the answers.
    :param consequence: what becomes of these answers.
    """
    if found.changed:
        warnings.warn(f"{found.words}: {consequence} ({store.path}). {REMEDY}", stacklevel=3)


def compare_and_warn(store: AnswerStore, dataset: MinariDataset, consequence: str) -> None:
    """As :func:`warn_of_changed`, for answers that are used whether they fit or not.

    :param store: the answers.
    :param dataset: what they lie beside. Where it cannot be read, the warning says so: people's
        answers can be had all the same.
    :param consequence: what becomes of answers on other data.
    """
    try:
        found = fit(store, load_transitions(dataset))
    except DatasetError as error:
        warnings.warn(f"{store.path} cannot be compared with its dataset: {error}", stacklevel=2)
        return
    warn_of_changed(found, store, consequence)


def changed_beside(dataset: MinariDataset) -> dict[str, Fit]:
    """The stores of answers beside a dataset that it no longer fits.

    :param dataset: the dataset, as it is now; it is read only if answers lie beside it.
    :return: by the name of the answers. Stores that cannot be read are left out.
    """
    found: dict[str, Fit] = {}
    transitions: Transitions | None = None
    for answers in answers_beside(dataset):
        # What cannot be read is told by who uses it
        with contextlib.suppress(DatasetError, FeedbackError):
            transitions = transitions or load_transitions(dataset)
            with contextlib.closing(AnswerStore(answers.path, read_only=True)) as store:
                fitted = fit(store, transitions)
            if fitted.changed:
                found[answers.name] = fitted
    return found

"""Before training: answers of people that no feedback holds are told, with what to type."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from minari import MinariDataset

from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.file import feedback_names, feedback_path, read_provenance
from sb3_presa.feedback.unmerged import Answers, Missing, answers_beside, are_of


class Unmerged(NamedTuple):
    """Answers that are not merged, or not all of them.

    :param answers: the answers.
    :param missing: how many of them feedback lacks.
    :param into: the feedback that was merged from them and lacks the fewest; None: there is none.
    :param command: what merges them.
    """

    answers: Answers
    missing: Missing
    into: str | None
    command: str


def unmerged_answers(
    dataset: MinariDataset, used: tuple[str, Mapping[str, Any]] | None = None
) -> list[Unmerged]:
    """The answers beside a dataset that feedback does not hold, or that were taken back since.

    :param dataset: the open dataset.
    :param used: name and origin of the feedback that is used. Answers that it was merged from are
        compared with it alone; other answers with whichever feedback lacks the fewest of them.
    :return: those that are not merged. Files that cannot be read are among them.
    """
    found = []
    for answers in answers_beside(dataset):
        if used is not None and are_of(used[1], used[0]) == answers.name:
            merged = dict([used])
        else:
            merged = _merged_from(dataset, answers)
        missing = {name: answers.missing(origin) for name, origin in merged.items()}
        into = min(missing, key=lambda name: (sum(missing[name]), name), default=None)
        lacks = answers.missing({}) if into is None else missing[into]
        if any(lacks) or answers.standing is None:
            command = answers.command(merged.get(into or ""), into)
            found.append(Unmerged(answers, lacks, into, command))
    return found


def _merged_from(dataset: MinariDataset, answers: Answers) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for name in feedback_names(dataset):
        try:
            provenance = read_provenance(feedback_path(dataset, name))
        except FeedbackError:  # told by who uses it
            continue
        if are_of(provenance, name) == answers.name:
            found[name] = provenance
    return found


def warn_of_unmerged(
    dataset: MinariDataset, name: str, provenance: Mapping[str, Any], stacklevel: int = 2
) -> None:
    """Warn of answers that training on some feedback would not see.

    :param dataset: the open dataset.
    :param name: the name of the feedback.
    :param provenance: its origin.
    :param stacklevel: as of :func:`warnings.warn`.
    """
    for found in unmerged_answers(dataset, (name, provenance)):
        if found.answers.standing is None:
            continue
        new, taken_back = found.missing
        where = "any feedback" if found.into is None else f"feedback '{found.into}'"
        parts = [f"{new:,} not merged into {where}"] if new else []
        parts += [f"{taken_back:,} merged into {where} and taken back since"] if taken_back else []
        warnings.warn(
            f"{found.answers.path} holds {found.answers.words} of people: {', and '.join(parts)}. "
            f"To train on them, run first: {found.command}",
            stacklevel=stacklevel + 1,
        )

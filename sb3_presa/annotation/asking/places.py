"""Places in the queues of people, and what comes of them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sb3_presa.annotation.answers.answer import Guess, Role, Segment
from sb3_presa.annotation.answers.rows import parse_guess, shown_segments


@dataclass(frozen=True)
class Place:
    """A place in a person's queue.

    :param token: its name on the page; 32 hexadecimal digits.
    :param left: the segment that is shown on the left.
    :param right: the segment on the right; None if one is shown alone.
    :param strategy: name of the strategy that chose the pair.
    :param strategy_parameters: its settings.
    :param role: why the person is asked; the page does not tell.
    :param guess: what a model expects of the answer, the left segment first; None without a model.
    """

    token: str
    left: Segment
    right: Segment | None
    strategy: str
    strategy_parameters: Mapping[str, Any]
    role: Role = "asked"
    guess: Guess | None = None

    @property
    def segments(self) -> list[Segment]:
        """The one or two segments of the place."""
        return [self.left] if self.right is None else [self.left, self.right]


@dataclass(frozen=True)
class Progress:
    """The progress of a person.

    :param answered: number of answered places, including skipped ones.
    :param seconds: the median time of the last answers, None before the first.
    :param last: the token of the last valid answer, with which it can be taken back.
    """

    answered: int
    seconds: float | None
    last: str | None


@dataclass(frozen=True)
class Choices:
    """A person's choices on the page; stored as an ``Answer``, which says what each means."""

    preference: float | None
    safe_left: float | None
    safe_right: float | None
    strength: int | None = None
    unsafe_from_left: int | None = None
    unsafe_from_right: int | None = None
    tags: tuple[str, ...] = ()
    note: str = ""


def to_place(row: sqlite3.Row) -> Place:
    """
    :param row: a row of the queue beside its pair.
    :return: the place.
    """
    left, right = shown_segments(row)
    return Place(
        token=row["token"],
        left=left,
        right=right,
        strategy=row["strategy"],
        strategy_parameters=json.loads(row["parameters"]),
        role=row["role"],
        guess=parse_guess(row["guess"]),
    )

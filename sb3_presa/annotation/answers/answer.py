"""One person's answer on two segments."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sb3_presa.errors import FeedbackError

Segment: TypeAlias = tuple[int, int, int]
"""Episode id (>= 0), first step (>= 0), number of steps (>= 1)."""


@dataclass(frozen=True)
class Answer:
    """One person's answer on one pair of segments, or on a single one.

    ``first`` is the clip that was shown on the left. The same pair may have been shown to another
    person with its sides swapped, so that a bias for one side does not look like agreement.
    :meth:`canonical` gives both in the same order.

    :param annotator: name of the person.
    :param first: episode id, first step, number of steps.
    :param second: the other segment; None if one segment was shown alone.
    :param preference: P(first is preferred): 1, 0.5 or 0; None if skipped, or without a second.
    :param safe_first: 1 safe, 0 unsafe; None if the person could not tell or was not asked.
    :param safe_second: the same for the second segment.
    :param seconds: time from showing the clips to the answer, >= 0; None if unknown.
    :param answered_at: Unix time, UTC, in seconds; None if unknown.
    :param strategy: name of the strategy that chose the pair.
    :param strategy_parameters: its settings; JSON values only.
    :raises FeedbackError: if a value is invalid.
    """

    annotator: str
    first: Segment
    second: Segment | None
    preference: float | None
    safe_first: float | None
    safe_second: float | None
    seconds: float | None
    answered_at: float | None
    strategy: str = "random"
    strategy_parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_annotator(self.annotator)
        check_segment(self.first)
        if self.second is not None:
            check_segment(self.second)
            if self.first == self.second:
                raise FeedbackError(
                    f"`first` and `second` must be different segments, got {self.first} twice"
                )
        elif self.preference is not None or self.safe_second is not None:
            raise FeedbackError(
                "`preference` and `safe_second` must be None without a second segment, got "
                f"{self.preference} and {self.safe_second}"
            )
        _check_choice("preference", self.preference, (1.0, 0.5, 0.0))
        _check_choice("safe_first", self.safe_first, (1.0, 0.0))
        _check_choice("safe_second", self.safe_second, (1.0, 0.0))
        for name, value in (("seconds", self.seconds), ("answered_at", self.answered_at)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise FeedbackError(f"`{name}` must be a finite number >= 0 or None, got {value}")

    def canonical(self) -> "Answer":
        """The same answer with the smaller segment first, so that pairs can be grouped.

        :return: the answer itself, or the answer with its sides swapped.
        """
        if self.second is None or self.first < self.second:
            return self
        return replace(
            self,
            first=self.second,
            second=self.first,
            preference=None if self.preference is None else 1.0 - self.preference,
            safe_first=self.safe_second,
            safe_second=self.safe_first,
        )


def check_annotator(name: str) -> None:
    """Check that a name can be shown in one line.

    :param name: 1 to 64 printable characters, without leading or trailing spaces.
    :raises FeedbackError: if the name is invalid.
    """
    if not (1 <= len(name) <= 64 and name.isprintable() and name == name.strip()):
        raise FeedbackError(
            "an annotator's name must have 1 to 64 printable characters, without leading or "
            f"trailing spaces, got {name[:80]!r}"
        )


def check_segment(segment: Segment) -> None:
    """Check that a segment is (episode >= 0, start >= 0, length >= 1).

    :param segment: three integers.
    :raises FeedbackError: if the segment is invalid.
    """
    numbers: tuple[Any, ...] = segment
    whole = len(numbers) == 3 and all(type(number) is int for number in numbers)
    if not whole or segment[0] < 0 or segment[1] < 0 or segment[2] < 1:
        raise FeedbackError(
            "a segment must be three integers (episode >= 0, start >= 0, length >= 1), got "
            f"{segment}"
        )


def _check_choice(name: str, value: float | None, allowed: tuple[float, ...]) -> None:
    if value is not None and value not in allowed:
        raise FeedbackError(f"`{name}` must be one of {[*allowed, None]}, got {value}")

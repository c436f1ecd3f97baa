"""What a person said about two segments."""

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

    ``first`` is the clip that was shown on the left. The same pair may have been shown to somebody
    else the other way round (so that a liking for one side does not look like agreement):
    :meth:`canonical` gives both in one order.

    :param annotator: who answered.
    :param first: episode id, first step, number of steps.
    :param second: the other segment; None where one segment was shown alone.
    :param preference: P(first is preferred): 1, 0.5 or 0; None if skipped, or nothing to compare.
    :param safe_first: 1 safe, 0 unsafe; None where the person could not tell or was not asked.
    :param safe_second: the same of the second segment.
    :param seconds: from the moment that the clips were shown to the answer, >= 0; None if unknown.
    :param answered_at: Unix time, UTC, in seconds; None if unknown.
    :param strategy: the name of what chose the pair.
    :param strategy_parameters: its settings; anything that JSON can hold.
    :raises FeedbackError: for anything else.
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
                raise FeedbackError(f"the segment {self.first} is compared with itself")
        elif self.preference is not None or self.safe_second is not None:
            raise FeedbackError(
                f"preference is {self.preference} and safe_second {self.safe_second} where no "
                "second segment was shown; both must be None"
            )
        _check_choice("preference", self.preference, (1.0, 0.5, 0.0))
        _check_choice("safe_first", self.safe_first, (1.0, 0.0))
        _check_choice("safe_second", self.safe_second, (1.0, 0.0))
        for name, value in (("seconds", self.seconds), ("answered_at", self.answered_at)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise FeedbackError(f"{name} is {value}; allowed are finite numbers >= 0 and None")

    def canonical(self) -> "Answer":
        """The same answer with the smaller segment first, so that pairs can be grouped.

        :return: the answer itself, or its mirror image.
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
    """Refuse names that cannot be shown in one line.

    :param name: 1 to 64 printable characters, none of them a space at either end.
    :raises FeedbackError: for another name.
    """
    if not (1 <= len(name) <= 64 and name.isprintable() and name == name.strip()):
        raise FeedbackError(
            f"the annotator's name is {name[:80]!r}; allowed are 1 to 64 printable characters, "
            "none of them a space at either end"
        )


def check_segment(segment: Segment) -> None:
    """Refuse what is no (episode >= 0, start >= 0, length >= 1).

    :param segment: three integers.
    :raises FeedbackError: for anything else.
    """
    numbers: tuple[Any, ...] = segment
    whole = len(numbers) == 3 and all(type(number) is int for number in numbers)
    if not whole or segment[0] < 0 or segment[1] < 0 or segment[2] < 1:
        raise FeedbackError(
            f"the segment is {segment}; allowed are integers (episode >= 0, start >= 0, "
            "length >= 1)"
        )


def _check_choice(name: str, value: float | None, allowed: tuple[float, ...]) -> None:
    if value is not None and value not in allowed:
        raise FeedbackError(f"{name} is {value}; allowed are {list(allowed)} and None")

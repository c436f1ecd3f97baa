"""One person's answer on two segments."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, get_args

from sb3_presa.errors import FeedbackError

Segment: TypeAlias = tuple[int, int, int]
"""Episode id (>= 0), first step (>= 0), number of steps (>= 1)."""

Role: TypeAlias = Literal["asked", "repeat", "known"]
"""Why a person was asked. Only answers to ``"asked"`` are merged: a ``"repeat"`` is a question that
the person has answered before, and a ``"known"`` one has an answer that the owner knows."""
ROLES: tuple[Role, ...] = get_args(Role)

STRENGTHS = {1: "slightly", 2: "clearly", 3: "far"}
"""Words for how much better the preferred segment is."""

MODEL_PREFIX = "model:"
"""First letters of the names of annotators that are models, not people."""

MAX_NOTE = 1000
_MAX_TAGS = 20
_MAX_TAG = 40


@dataclass(frozen=True)
class Guess:
    """A model's expectation of an answer before it was given.

    :param preference: P(first is preferred) in [0, 1]; None if the model had no guess.
    :param safe_first: P(first is safe) in [0, 1], or None.
    :param safe_second: P(second is safe) in [0, 1], or None.
    :param shown: whether the person saw it; False in a blind question.
    :raises FeedbackError: if a value is not in [0, 1].
    """

    preference: float | None = None
    safe_first: float | None = None
    safe_second: float | None = None
    shown: bool = True

    def __post_init__(self) -> None:
        for name in ("preference", "safe_first", "safe_second"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise FeedbackError(f"`{name}` of a guess must be in [0, 1] or None, got {value}")

    def mirrored(self) -> "Guess":
        """The same guess of the pair with its sides swapped."""
        preference = None if self.preference is None else 1.0 - self.preference
        return Guess(preference, self.safe_second, self.safe_first, self.shown)


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
    :param strength: how much better the preferred segment is, a key of :data:`STRENGTHS`; None if
        the person did not say, or prefers neither.
    :param unsafe_from_first: index in the first segment of the step at which it becomes unsafe, 0
        to its length - 1; None if the person did not say, or does not call it unsafe.
    :param unsafe_from_second: the same for the second segment.
    :param tags: reasons from the owner's list; different lines of 1 to 40 characters, at most 20.
    :param note: free text of at most 1,000 characters.
    :param role: why the person was asked, see :data:`Role`.
    :param guess: what a model expected of the answer; None if there was no model.
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
    strength: int | None = None
    unsafe_from_first: int | None = None
    unsafe_from_second: int | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    role: Role = "asked"
    guess: Guess | None = None

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
        self._check_details()

    def _check_details(self) -> None:
        if self.strength is not None and (
            self.strength not in STRENGTHS or self.preference not in (1.0, 0.0)
        ):
            raise FeedbackError(
                f"`strength` must be one of {[*STRENGTHS]} where `preference` is 1 or 0, else "
                f"None, got {self.strength} with {self.preference}"
            )
        _check_moment("first", self.unsafe_from_first, self.first, self.safe_first)
        _check_moment("second", self.unsafe_from_second, self.second, self.safe_second)
        check_tags(self.tags)
        shown = all(letter.isprintable() or letter in "\n\t" for letter in self.note)
        if len(self.note) > MAX_NOTE or not shown:
            raise FeedbackError(
                f"`note` must have at most {MAX_NOTE} printable characters, tabs and line ends, "
                f"got {len(self.note)}: {self.note[:80]!r}"
            )
        if self.role not in ROLES:
            raise FeedbackError(f"`role` must be one of {', '.join(ROLES)}, got {self.role!r}")

    @property
    def question(self) -> tuple[Segment, Segment | None]:
        """The segments in one order, whichever way round they were shown."""
        ordered = self.canonical()
        return ordered.first, ordered.second

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
            unsafe_from_first=self.unsafe_from_second,
            unsafe_from_second=self.unsafe_from_first,
            guess=None if self.guess is None else self.guess.mirrored(),
        )


def known_answer(
    first: Segment,
    second: Segment | None,
    labels: tuple[float | None, float | None, float | None],
) -> Answer:
    """The answer to a question that the owner knows.

    :param first: a segment.
    :param second: the other segment, or None.
    :param labels: preference, safety of the first and of the second, as of an ``Answer``.
    """
    return Answer("owner", first, second, *labels, None, None, strategy="known", role="known")


def is_model(annotator: str) -> bool:
    """:return: whether the name of an annotator is that of a model."""
    return annotator.startswith(MODEL_PREFIX)


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


def check_tags(tags: tuple[str, ...]) -> None:
    """Check tags, or the list from which people choose them.

    :param tags: at most 20 different ones of 1 to 40 printable characters.
    :raises FeedbackError: if a tag is invalid.
    """
    for tag in tags:
        if not (1 <= len(tag) <= _MAX_TAG and tag.isprintable() and tag == tag.strip()):
            raise FeedbackError(
                f"a tag must have 1 to {_MAX_TAG} printable characters, without leading or "
                f"trailing spaces, got {tag[:80]!r}"
            )
    if len(set(tags)) != len(tags) or len(tags) > _MAX_TAGS:
        raise FeedbackError(f"tags must be at most {_MAX_TAGS} different ones, got {[*tags]}")


def _check_moment(
    name: str, moment: int | None, segment: Segment | None, safe: float | None
) -> None:
    if moment is None:
        return
    if segment is None or safe != 0.0 or type(moment) is not int or not 0 <= moment < segment[2]:
        raise FeedbackError(
            f"`unsafe_from_{name}` must be a step index of a segment that is called unsafe, 0 to "
            f"its length - 1, got {moment} in {segment} with safe = {safe}"
        )


def _check_choice(name: str, value: float | None, allowed: tuple[float, ...]) -> None:
    if value is not None and value not in allowed:
        raise FeedbackError(f"`{name}` must be one of {[*allowed, None]}, got {value}")

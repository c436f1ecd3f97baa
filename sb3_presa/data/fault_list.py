"""Kinds of fault, each counted once, with its first places and its remedy."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["steps", "episodes", ""]

MOST_PLACES = 3


@dataclass
class Fault:
    """One kind of fault, or of what is worth knowing.

    :param kind: the constraint that is not met.
    :param remedy: what to do.
    :param unit: what is counted: ``"steps"``, ``"episodes"``, or ``""`` for a fault of the whole.
    :param count: how many there are.
    :param places: the first of them, each with what was found there.
    """

    kind: str
    remedy: str
    unit: Unit
    count: int = 0
    places: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        number = f"{self.count:,} {self.unit if self.count != 1 else self.unit[:-1]}: "
        text = (number if self.unit else "") + self.kind
        if self.places:
            more = ", ..." if self.count > len(self.places) and self.unit else ""
            text += f" ({'; '.join(self.places)}{more})"
        return f"{text}. Remedy: {self.remedy}" if self.remedy else text


class FaultList:
    """Faults by their kind, in the order in which each was first seen."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Fault] = {}
        #: the episodes that have one, as they are called in messages
        self.episodes: set[str] = set()
        #: whether one concerns more than an episode
        self.general = False

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._by_kind.values())

    def add(
        self,
        kind: str,
        remedy: str,
        unit: Unit,
        place: str = "",
        *,
        count: int = 1,
        episode: str | None = None,
    ) -> None:
        """Count a fault.

        :param kind: as of :class:`Fault`.
        :param remedy: as of :class:`Fault`.
        :param unit: as of :class:`Fault`.
        :param place: where it is, and what was found there.
        :param count: how many of its kind there are at once.
        :param episode: the episode that can be left out because of it; None: none can.
        """
        fault = self._by_kind.setdefault(kind, Fault(kind, remedy, unit))
        fault.count += count
        if place and len(fault.places) < MOST_PLACES:
            fault.places.append(place)
        if episode is None:
            self.general = True
        else:
            self.episodes.add(episode)

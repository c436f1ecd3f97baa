"""Which columns are positions, seen from above."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sb3_presa.annotation.clips.columns import Column, choose
from sb3_presa.errors import ConfigError

Position: TypeAlias = tuple[int, int]
"""Places of two columns: to the right, and upwards."""

_AXES = (("x", "y"), ("east", "north"), ("easting", "northing"))
#: What a position of the machine itself is called, beside its axis.
_SELF = {
    "", "pos", "position", "ego", "robot", "car", "vehicle", "agent", "base", "self", "own", "body",
    "p", "pose", "odom", "state", "observation",
}  # fmt: skip


@dataclass(frozen=True)
class Track:
    """A machine's position, and those of obstacles in the same coordinates.

    :param machine: its two columns.
    :param obstacles: two columns each.
    """

    machine: Position
    obstacles: tuple[Position, ...] = ()


def guess_track(columns: Sequence[Column]) -> Track | None:
    """The observations that are named like a position, such as ``x, y`` or ``ego_x, ego_y``.

    :param columns: all that there are.
    :return: the first such pair with one unit; None if no names say so.
    """
    places: dict[tuple[str, ...], int] = {}
    for place, column in enumerate(columns):
        words = _words(column.name)
        if column.part == "observation" and all(word in _SELF for word in words if not _axis(word)):
            places.setdefault(words, place)
    for words, place in places.items():
        for right, up in _AXES:
            other = places.get(tuple(up if word == right else word for word in words))
            if words.count(right) != 1 or other is None:
                continue
            if columns[place].unit == columns[other].unit:
                return Track((place, other))
    return None


def read_track(columns: Sequence[Column], wanted: Sequence[str], where: str) -> Track:
    """The positions that the owner names.

    :param columns: all that there are.
    :param wanted: texts such as ``"x,y"``: the machine, then obstacles, of which a text with two
        patterns may name several, as in ``"obstacle*_x,obstacle*_y"``.
    :param where: the dataset, for messages.
    :raises ConfigError: if a text does not name columns to the right and as many upwards.
    """
    positions: list[Position] = []
    for text in wanted:
        parts = text.split(",")
        found = [choose(columns, part, "track", where) for part in parts]
        if len(parts) != 2 or len(found[0]) != len(found[1]):
            raise ConfigError(f"`track` must be two columns such as x,y, got '{text}'")
        positions += zip(*found, strict=True)
    return Track(positions[0], tuple(positions[1:]))


def _words(name: str) -> tuple[str, ...]:
    """``"ego_posX"``, ``"/odom.pose.position.x"``: words in small letters."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return tuple(word for word in re.split(r"[^a-z]+", spaced.lower()) if word)


def _axis(word: str) -> bool:
    return any(word in axes for axes in _AXES)

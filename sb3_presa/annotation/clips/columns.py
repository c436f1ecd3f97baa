"""The columns of a dataset that can be drawn as curves, and how an owner names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from typing import Literal

import gymnasium as gym
import numpy as np
from minari import MinariDataset

from sb3_presa.data.leaves import Leaf, action_leaf, observation_leaves
from sb3_presa.data.names import coordinate_parts
from sb3_presa.errors import ConfigError

#: Arrays with two or more axes and more numbers than this are pictures or maps, and no curves.
_LARGEST_TABLE = 256


@dataclass(frozen=True)
class Column:
    """One number of every step.

    :param part: what it is of.
    :param key: of a Dict space, or ``""``.
    :param index: its place in the flat array.
    :param name: what it is called, such as ``"speed"``.
    :param unit: such as ``"m/s"``, or ``""``.
    :param whole: whether it is a choice or a flag: a whole number.
    """

    part: Literal["observation", "action"]
    key: str
    index: int
    name: str
    unit: str
    whole: bool

    def is_called(self, pattern: str) -> bool:
        """Whether a name or a pattern means this column.

        :param pattern: such as ``"speed"``, ``"*speed*"`` or ``"action.*"``.
        """
        parts = [self.part, self.key, self.name] if self.key else [self.part, self.name]
        labelled = f"{self.name} [{self.unit}]"
        names = (self.name, ".".join(parts), labelled)
        return pattern in names or any(fnmatchcase(name, pattern) for name in names)


def columns_of(dataset: MinariDataset) -> tuple[Column, ...]:
    """All columns that can be curves: observations, then actions.

    :param dataset: an open dataset.
    :raises DatasetError: for spaces that no policy can take.
    """
    found: list[Column] = []
    for leaf in (*observation_leaves(dataset.observation_space), action_leaf(dataset.action_space)):
        found += _of_leaf(dataset, leaf)
    return tuple(found)


def choose(columns: Sequence[Column], wanted: str, option: str, where: str) -> tuple[int, ...]:
    """The columns that names and patterns mean.

    :param columns: all that there are.
    :param wanted: names and patterns, separated by commas.
    :param option: the name of the option, for messages.
    :param where: the dataset, for messages.
    :return: their places in ``columns``, in the order of the patterns.
    :raises ConfigError: if one means no column.
    """
    chosen: dict[int, None] = {}
    for pattern in (part.strip() for part in wanted.split(",")):
        found = [place for place, column in enumerate(columns) if column.is_called(pattern)]
        if not found:
            names = ", ".join(dict.fromkeys(column.name for column in columns)) or "none"
            raise ConfigError(
                f"`{option}` must name columns of {where}, got '{pattern}'. Columns: {names}"
            )
        chosen.update(dict.fromkeys(found))
    return tuple(chosen)


def _of_leaf(dataset: MinariDataset, leaf: Leaf) -> list[Column]:
    shape = leaf.space.shape or ()
    size = prod(shape)
    if len(shape) > 1 and (size > _LARGEST_TABLE or leaf.dtype == np.uint8):
        return []
    observed = leaf.field == "observations"
    part: Literal["observation", "action"] = "observation" if observed else "action"
    named = coordinate_parts(dataset, "observations" if observed else "actions", leaf.key)
    if len(named) != size:
        base = leaf.key or part
        named = tuple((f"{base} {place}" if size > 1 else base, "") for place in range(size))
    whole = not isinstance(leaf.space, gym.spaces.Box)
    return [
        Column(part, leaf.key, place, name, unit, whole) for place, (name, unit) in enumerate(named)
    ]

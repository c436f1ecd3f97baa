"""Observations as vectors, and vectors as observations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from sb3_presa.completion.features import Floats, flat_values, step_vectors
from sb3_presa.data.transitions import Transitions
from sb3_presa.evaluation.judge.neighbours import Rows


@dataclass(frozen=True, eq=False)
class Observing:
    """
    Observations of logged states and of imagined ones, as an agent takes them.

    :param transitions: logged steps
    """

    transitions: Transitions

    @property
    def width(self) -> int:
        """:return: coordinates of an observation as a vector"""
        return int(step_vectors(self.transitions, slice(0, 1)).shape[1]) - self.action_width

    @property
    def action_width(self) -> int:
        """:return: coordinates of an action as a vector"""
        return int(self.action_vectors(self.transitions.actions[:1]).shape[1])

    @property
    def invertible(self) -> bool:
        """:return: whether a vector says all of an observation: arrays of numbers, no images"""
        leaves = self._leaves()
        return all(
            isinstance(space, spaces.Box)
            and np.issubdtype(values.dtype, np.floating)
            and values.ndim < 4
            for values, space in leaves.values()
        )

    def vectors(self, rows: Rows) -> Floats:
        """
        :param rows: rows of logged states, (M,)
        :return: their observations, (M, d)
        """
        return step_vectors(self.transitions, rows)[:, : self.width]

    def action_vectors(self, actions: Any) -> Floats:
        """
        :param actions: actions, (M, ...)
        :return: the same as steps hold them, (M, A)
        """
        return flat_values(actions, self.transitions.action_space)

    def at(self, rows: Rows) -> Any:
        """
        :param rows: rows of logged states, (M,)
        :return: their observations
        """
        observations: Any = self.transitions.observations
        if isinstance(observations, dict):
            return {key: values[rows] for key, values in observations.items()}
        return observations[rows]

    def of(self, vectors: Floats) -> Any:
        """
        :param vectors: observations, (M, d)
        :return: the same as an agent takes them
        """
        parts, start = {}, 0
        for key, (values, _) in self._leaves().items():
            size = int(np.prod(values.shape[1:], dtype=np.int64))
            part = vectors[:, start : start + size]
            parts[key] = part.reshape(len(vectors), *values.shape[1:]).astype(values.dtype)
            start += size
        if isinstance(self.transitions.observations, dict):
            return parts
        return parts[""]

    def _leaves(self) -> dict[str, tuple[Any, spaces.Space[Any]]]:
        """Arrays and spaces in the order of a vector's coordinates."""
        observations: Any = self.transitions.observations
        space = self.transitions.observation_space
        if isinstance(observations, dict):
            assert isinstance(space, spaces.Dict)
            return {key: (observations[key], space[key]) for key in sorted(observations)}
        return {"": (observations, space)}

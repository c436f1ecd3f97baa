"""Steps as vectors: what models of labels see of an observation and an action."""

from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_presa.data.transitions import Transitions

#: Pixels of an image are averaged over a grid of this many cells a side.
_CELLS: Final = 8

Floats = NDArray[np.float64]


def step_vectors(transitions: Transitions, rows: NDArray[np.int64] | slice) -> Floats:
    """
    :param transitions: the steps
    :param rows: which of them
    :return: one row a step, its observation and then its action: (M, d). Discrete values are
        one-hot; images are averaged over 8 x 8 cells
    """
    observations = transitions.observations
    if isinstance(observations, dict):
        space = transitions.observation_space
        assert isinstance(space, spaces.Dict)
        parts = [_flat(observations[key][rows], space[key]) for key in sorted(observations)]
    else:
        parts = [_flat(observations[rows], transitions.observation_space)]
    parts.append(_flat(transitions.actions[rows], transitions.action_space))
    return np.concatenate(parts, axis=1)


def _flat(values: NDArray[Any], space: spaces.Space[Any]) -> Floats:
    if isinstance(space, spaces.Discrete):
        return _one_hot(values - int(space.start), int(space.n))
    if isinstance(space, spaces.MultiDiscrete):
        columns = (values - space.start).reshape(len(values), -1)
        sizes = space.nvec.ravel().tolist()
        hot = [_one_hot(columns[:, place], size) for place, size in enumerate(sizes)]
        return np.concatenate(hot, axis=1)
    if values.ndim == 4:
        values = _cells(values)
    return values.reshape(len(values), -1).astype(np.float64)


def _one_hot(values: NDArray[Any], n: int) -> Floats:
    return np.asarray(values[:, None] == np.arange(n), dtype=np.float64)


def _cells(images: NDArray[Any]) -> Floats:
    """Means over a grid of cells of the two longest axes, (M, channels, cells, cells)."""
    channel = 1 + int(np.argmin(images.shape[1:]))
    pixels = np.moveaxis(images, channel, 1)
    for axis in (2, 3):
        edges = np.unique(np.linspace(0, pixels.shape[axis], _CELLS + 1).astype(np.int64))
        sums = np.add.reduceat(pixels, edges[:-1], axis=axis, dtype=np.float64)
        shape = [1] * 4
        shape[axis] = -1
        pixels = sums / np.diff(edges).reshape(shape)
    return pixels

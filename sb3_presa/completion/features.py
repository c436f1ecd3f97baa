"""Steps as vectors, and random features of them: models of labels are linear in these."""

import math
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import torch as th
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_presa.data.transitions import Transitions

#: Steps that means and deviations are taken from; evenly spaced over the data.
_N_SAMPLED: Final = 8_192
#: Standardised inputs are cut here: a coordinate far out would rule every feature.
CUT: Final = 5.0
#: A spread below this share of a coordinate's size is rounding, not information.
_RESOLUTION: Final = 1e-9
#: Pixels of an image are averaged over a grid of this many cells a side.
_CELLS: Final = 8

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StepFeatures:
    r"""
    The features :math:`\varphi(s, a)` of a step: :math:`\max(0, W x + b)` or :math:`\cos(W x + b)`
    of the standardised observation and action x, with random W and b, and x itself. A linear model
    on them is a kernel machine with a fixed cost per step (Rahimi and Recht, NIPS 2007), so fitting
    is convex or nearly so and takes no training of a network.

    :param transitions: the steps
    :param mean: mean of each input, (d,)
    :param scale: 1 over its deviation, 0 for an input that does not vary, (d,)
    :param projection: W, (d, D) float32
    :param offset: b, (D,) float32
    :param periodic: cosines rather than rectified projections
    :param center: mean of each feature, (F,) float32
    :param spread: deviation of each feature times the root of F, (F,) float32
    """

    transitions: Transitions
    mean: Floats
    scale: Floats
    projection: NDArray[np.float32]
    offset: NDArray[np.float32]
    periodic: bool
    center: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def draw(
        cls,
        transitions: Transitions,
        n_features: int,
        periodic: bool,
        bandwidth: float,
        generator: np.random.Generator,
    ) -> Self:
        """
        :param transitions: the steps
        :param n_features: D, random features beside the inputs themselves
        :param periodic: cosines rather than rectified projections
        :param bandwidth: deviation of a projection, above 0; a larger one sees finer detail
        :param generator: source of randomness
        :return: the features of these steps
        """
        inputs = step_vectors(transitions, sampled_rows(transitions))
        mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
        varies = varying(inputs)
        scale = np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0)
        width = max(int(varies.sum()), 1)
        shape = (len(mean), n_features)
        projection = generator.normal(size=shape) * bandwidth / np.sqrt(width)
        offset = generator.normal(size=n_features)
        if periodic:
            offset = generator.uniform(0.0, 2.0 * np.pi, size=n_features)
        n_all = n_features + len(mean)
        features = cls(
            transitions=transitions,
            mean=mean,
            scale=scale,
            projection=projection.astype(np.float32),
            offset=offset.astype(np.float32),
            periodic=periodic,
            center=np.zeros(n_all, dtype=np.float32),
            spread=np.ones(n_all, dtype=np.float32),
        )
        drawn = features.of_inputs(inputs)
        deviation, center = th.std_mean(drawn, dim=0, correction=0)
        spread = math.sqrt(n_all) * (deviation + 1e-6)
        return replace(features, center=center.numpy(), spread=spread.numpy())

    @property
    def n_features(self) -> int:
        """:return: F"""
        return len(self.center)

    def at(self, rows: NDArray[np.int64] | slice) -> th.Tensor:
        """
        :param rows: rows of the transitions, M of them
        :return: their features, (M, F) float32, of mean 0 and squared norm about 1
        """
        return self.of_inputs(step_vectors(self.transitions, rows))

    def of_inputs(self, inputs: Floats) -> th.Tensor:
        """
        :param inputs: observations and actions as vectors, (M, d)
        :return: their features, (M, F) float32
        """
        # The mean is taken off in float64: a small spread at a large offset survives
        standard = ((inputs - self.mean) * self.scale).clip(-CUT, CUT).astype(np.float32)
        x = th.from_numpy(standard)
        projected = th.addmm(th.from_numpy(self.offset), x, th.from_numpy(self.projection))
        shaped = projected.cos_() if self.periodic else projected.relu_()
        features = th.cat([shaped, x], dim=1)
        return features.sub_(th.from_numpy(self.center)).div_(th.from_numpy(self.spread))


def varying(values: Floats) -> NDArray[np.bool_]:
    """
    :param values: one row each, (M, d)
    :return: which coordinates vary by more than rounding, (d,)
    """
    size = np.maximum(np.abs(values.mean(axis=0)), np.finfo(np.float64).tiny)
    return np.asarray(values.std(axis=0) > _RESOLUTION * size)


def sampled_rows(transitions: Transitions) -> NDArray[np.int64]:
    """
    :param transitions: the steps
    :return: rows from which means and spreads of all are taken
    """
    n = len(transitions.actions)
    return np.unique(np.linspace(0, n - 1, min(n, _N_SAMPLED)).astype(np.int64))


def step_vectors(transitions: Transitions, rows: NDArray[np.int64] | slice) -> Floats:
    """
    :param transitions: the steps
    :param rows: which of them
    :return: one row a step, its observation and then its action: (M, d). Discrete values are
        one-hot; images are averaged over 8 x 8 cells
    """
    actions = flat_values(transitions.actions[rows], transitions.action_space)
    return np.concatenate([observation_vectors(transitions, rows), actions], axis=1)


def observation_vectors(transitions: Transitions, rows: NDArray[np.int64] | slice) -> Floats:
    """
    :param transitions: the steps
    :param rows: which of them
    :return: the observation of each as in :func:`step_vectors`, (M, d)
    """
    observations, space = transitions.observations, transitions.observation_space
    if not isinstance(observations, dict):
        return flat_values(observations[rows], space)
    assert isinstance(space, spaces.Dict)
    parts = [flat_values(observations[key][rows], space[key]) for key in sorted(observations)]
    return np.concatenate(parts, axis=1)


def flat_values(values: NDArray[Any], space: spaces.Space[Any]) -> Floats:
    """
    :param values: observations or actions, or those of one key, (M, ...)
    :param space: their space
    :return: one row each, (M, d): discrete values one-hot, images averaged over 8 x 8 cells
    """
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

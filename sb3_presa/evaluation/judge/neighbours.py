"""The logged steps that are most like others."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch as th
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats

Rows = NDArray[np.int64]

#: Logged steps that stand for another one.
N_NEAR: Final = 5
_CHUNK: Final = 512


@dataclass(frozen=True, eq=False)
class Neighbours:
    """
    The neighbourhood of steps: observations and actions count alike, whatever their sizes.

    :param weights: of the coordinates of a step, (d,)
    :param steps: logged steps, weighted, (M, d) float32
    """

    weights: Floats
    steps: th.Tensor

    @classmethod
    def of(cls, steps: Floats, n_action: int) -> "Neighbours":
        """
        :param steps: observations and then actions, (M, d)
        :param n_action: coordinates of an action
        :return: the neighbourhood
        """
        spread = steps.std(axis=0)
        varies = spread > 1e-9
        weights = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)
        n_observed = len(weights) - n_action
        for part in (slice(0, n_observed), slice(n_observed, None)):
            weights[part] /= np.sqrt(max(int(varies[part].sum()), 1))
        return cls(weights, th.from_numpy((steps * weights).astype(np.float32)))

    def nearest(self, steps: Floats) -> Rows:
        """
        :param steps: steps to look for, (Q, d)
        :return: the places of the logged steps that are most like each, (Q, k)
        """
        asked = th.from_numpy((steps * self.weights).astype(np.float32))
        squares = self.steps.square().sum(1)
        k = min(N_NEAR, len(self.steps))
        found = [
            th.addmm(squares, chunk, self.steps.T, alpha=-2.0).topk(k, largest=False).indices
            for chunk in asked.split(_CHUNK)
        ]
        return np.asarray(th.cat(found).numpy())

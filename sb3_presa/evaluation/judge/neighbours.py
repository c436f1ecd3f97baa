"""The logged steps that are most like others."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch as th
from numpy.typing import NDArray
from torch.nn import functional as F

from sb3_presa.completion.features import Floats

Rows = NDArray[np.int64]

#: Logged steps that stand for another one.
N_NEAR: Final = 5
_CHUNK: Final = 512
#: Logged steps of a block; only in the nearest few blocks all are ranked.
_BLOCK: Final = 256


@dataclass(frozen=True, eq=False)
class Neighbours:
    """
    The neighbourhood of steps: observations and actions count alike, whatever their sizes.

    :param weights: of the coordinates of a step, (d,)
    :param n_steps: logged steps, M
    :param steps: logged steps, weighted, (blocks of 256, d), float32
    :param squares: the square of each, infinity behind the last, (blocks of 256,)
    """

    weights: Floats
    n_steps: int
    steps: th.Tensor
    squares: th.Tensor

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
        weighted = th.from_numpy((steps * weights).astype(np.float32))
        rest = -len(steps) % _BLOCK
        squares = F.pad(weighted.square().sum(1), (0, rest), value=th.inf)
        return cls(weights, len(steps), F.pad(weighted, (0, 0, 0, rest)), squares)

    def nearest(self, steps: Floats) -> Rows:
        """
        :param steps: steps to look for, (Q, d)
        :return: the places of the logged steps that are most like each, (Q, k)
        """
        asked = th.from_numpy((steps * self.weights).astype(np.float32))
        found = [self._nearest(chunk) for chunk in asked.split(_CHUNK)]
        return np.asarray(th.cat(found).numpy())

    def _nearest(self, asked: th.Tensor) -> th.Tensor:
        distances = th.addmm(self.squares, asked, self.steps.T, alpha=-2.0).unflatten(
            1, (-1, _BLOCK)
        )
        # The k nearest lie in the k blocks whose own nearest are nearest; to sort all takes longer
        k = min(N_NEAR, distances.shape[1])
        blocks = distances.amin(2).topk(k, largest=False).indices
        rows = blocks.unsqueeze(2).expand(-1, -1, _BLOCK)
        within = distances.gather(1, rows).flatten(1)
        places = within.topk(min(N_NEAR, self.n_steps), largest=False).indices
        found: th.Tensor = blocks.gather(1, places // _BLOCK) * _BLOCK + places % _BLOCK
        return found

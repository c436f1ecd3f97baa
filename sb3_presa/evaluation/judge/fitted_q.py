r"""
Fitted Q-evaluation: what an agent's episodes would come to, from steps that others took.

.. math:: Q_{t+1}(i) = r_i + \frac{1}{k} \sum_{j \in N(s_i', \pi(s_i'))} Q_t(j)

for logged steps i, where N are the k logged steps that are most like what the agent does next. The
regression is a mean over neighbours, which is never beyond what it averages (Gordon, ICML 1995).
Linear regressions on random features were tried first, and diverged where an agent leaves the data.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch as th
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats

Rows = NDArray[np.int64]

#: Logged steps that stand for one of the agent.
N_NEAR: Final = 5
_CHUNK: Final = 512


@dataclass(frozen=True, eq=False)
class Space:
    """
    The neighbourhood of steps: observations and actions count alike, whatever their sizes.

    :param weights: of the coordinates of a step, (d,)
    :param steps: logged steps, weighted, (M, d) float32
    """

    weights: Floats
    steps: th.Tensor

    @classmethod
    def of(cls, steps: Floats, n_action: int) -> "Space":
        """
        :param steps: observations and then actions, (M, d)
        :param n_action: coordinates of an action
        :return: the space
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
        :return: the logged steps that are most like each, (Q, k)
        """
        asked = th.from_numpy((steps * self.weights).astype(np.float32))
        squares = self.steps.square().sum(1)
        k = min(N_NEAR, len(self.steps))
        found = [
            th.addmm(squares, chunk, self.steps.T, alpha=-2.0).topk(k, largest=False).indices
            for chunk in asked.split(_CHUNK)
        ]
        return np.asarray(th.cat(found).numpy())


def fitted_q(amounts: Floats, following: Rows, goes_on: Floats, horizon: int) -> Floats:
    """
    :param amounts: what each logged step adds, by quantity, (M, K)
    :param following: logged steps that stand for what the agent does next, (M, k)
    :param goes_on: 0 where the task ended with the step, else 1, (M,)
    :param horizon: T, steps of a full episode, at least 1
    :return: expected sums over the T steps from each on, (M, K)
    """
    k = following.shape[1]
    stays = goes_on[:, None] / k
    columns = [np.ascontiguousarray(following[:, place]) for place in range(k)]
    values = amounts
    for _ in range(horizon - 1):
        total = values[columns[0]]
        for column in columns[1:]:
            total += values[column]
        values = amounts + stays * total
    return values

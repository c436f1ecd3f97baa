"""Scripted agents that hop with MuJoCo's hopper: PPO would take hours to learn to.

Each torque is a weighted sum of the observation, cut off at its bounds, and so a clone has little
to learn. There are two sets of weights, of a slow hopper and of a fast one; those between them hop
at speeds between. They were found by a search (random directions, some 1,000 episodes) for a speed
below the limit and for one about as high as it. Each episode draws a manner: the place between the
two, and action noise. Recipes name them as ``scripted``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.scripted import Act, shaky

# Rows: thigh, leg, foot. Columns: those of the observation. Then what does not depend on it.
_SLOW = np.array(
    [
        [-1.272, 2.202, -4.774, -0.122, -0.035, -0.232, -0.245, -0.090, -0.737, 0.033, -0.001],
        [3.088, -3.843, 5.099, -1.816, 0.229, -0.947, -0.180, -1.120, -0.056, 0.114, 0.016],
        [1.650, -2.208, 7.923, 0.799, -0.541, -1.835, -0.189, -0.650, 0.168, 0.340, 0.045],
    ]
)
_SLOW_REST = np.array([1.540, -3.644, -0.503])
_FAST = np.array(
    [
        [-0.327, 1.615, -6.805, 0.313, 0.091, -0.121, -0.169, -0.055, -0.269, 0.097, 0.016],
        [1.223, -5.427, 5.087, -1.015, 0.128, -0.068, -0.060, -0.817, -0.288, -0.144, -0.054],
        [1.388, 0.811, 0.649, 0.651, -0.328, -0.975, -0.202, -0.447, 0.121, 0.186, 0.023],
    ]
)
_FAST_REST = np.array([0.536, -1.708, -0.698])


def hop(speed: float) -> Act:
    """An agent that hops ahead.

    :param speed: 0 for the slow one's, 1 for the fast one's, or between.
    :return: Observation -> action.
    """
    weights = (1 - speed) * _SLOW + speed * _FAST
    rest = (1 - speed) * _SLOW_REST + speed * _FAST_REST

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        return np.clip(weights @ observation + rest, -1, 1).astype(np.float32)

    return act


def along_x(env: Any, rng: np.random.Generator) -> Act:
    """An agent that hops ahead, below the speed limit or at times above it.

    :param env: The hopper's velocity task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    # Most are slow: more of them would otherwise be above the limit than below it.
    act = hop(-0.1 + 0.85 * rng.beta(0.5, 1))
    return shaky(act, rng.uniform(0.03, 0.1), rng)

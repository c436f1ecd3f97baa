"""Scripted agents that walk with MuJoCo's ant: PPO would take hours to learn to.

The gait is that of Bullet's ant, with other numbers. They were found by a search (the cross-entropy
method, some 2,500 beginnings of episodes) for reward. Each episode draws a manner: stride and
action noise. Recipes name them as ``scripted``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.ant_gait import Gait, heading_of, joint_actions, turn_by
from sb3_presa.envs.scripted import Act, shaky

_HALF_RANGE = np.array([0.5236, 0.349] * 4)  # rad, of hip and ankle of each leg
_MIDDLE = np.array([0, 0.8727, 0, -0.8727, 0, -0.8727, 0, 0.8727])

WALK = Gait(
    hip_gain=0.579,
    hip_damping=0.079,
    lead=1.47,
    pace=3.102,
    stride=0.662,
    bent=-0.845,
    lift=0.439,
    lift_lead=0.657,
    ankle_gain=0.622,
    ankle_damping=0.126,
    start=(0.201, 0.148),
    hips=(0.825, -0.131),
    ankles=(-0.046, -0.277),
)
"""For steps of 1/20 s."""


def walk(stride: float) -> Act:
    """An agent that walks along x.

    :param stride: Share of the gait's stride: shorter is slower.
    :return: Observation -> action.
    """

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        values = np.asarray(observation, dtype=np.float64)
        w, x, y, z = values[1:5]
        turn = turn_by(-heading_of(w, x, y, z))
        joints = np.stack([(values[5:13] - _MIDDLE) / _HALF_RANGE, values[19:27]], axis=1)
        action = joint_actions(joints, WALK, WALK.stride * stride, turn)
        # The motors of the last leg come first.
        return np.clip(np.roll(action, 2), -1, 1).astype(np.float32)

    return act


def along_x(env: Any, rng: np.random.Generator) -> Act:
    """An agent that walks ahead, below the speed limit or at times above it.

    :param env: The ant's velocity task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    act = walk(stride=0.45 + 0.5 * rng.beta(2, 1))
    return shaky(act, rng.uniform(0.04, 0.12), rng)

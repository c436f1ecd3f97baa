"""Scripted agents that walk with Bullet's ant: PPO would take hours to learn to.

A gait with a clock could not be cloned, as the clock is not in the observation. Here the joints
are the clock: the mean swing of the hips and its speed give the phase, and the targets of all
joints lead it. Legs on a diagonal swing together (a trot). Each episode draws a manner: stride,
lane and action noise. Recipes name them as ``scripted``. The numbers of the gait were found by a
search (the cross-entropy method, some 2,000 episodes) for speed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.ant_gait import Gait, joint_actions
from sb3_presa.envs.scripted import Act, Vector, shaky

Course = Callable[[Vector], float]
"""Place (2,) in metres -> heading to walk in, rad."""

RUN = Gait(
    hip_gain=0.763,
    hip_damping=0.04,
    lead=1.228,
    pace=3.81,
    stride=0.606,
    bent=0.394,
    lift=0.554,
    lift_lead=0.522,
    ankle_gain=1.027,
    ankle_damping=0.043,
    start=(0.05, -0.017),
    hips=(0.084, 0.03),
    ankles=(0.16, -0.021),
)
"""For steps of 1/30 s."""


def walk(gait: Gait, course: Course, stride: float = 1.0) -> Act:
    """An agent that walks along a course.

    :param gait: How it walks.
    :param course: The heading at each place.
    :param stride: Share of the gait's stride: shorter is slower.
    :return: Observation -> action.
    """

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        values = np.asarray(observation, dtype=np.float64)
        x, y, z, w = values[6:10]
        heading = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        off = (course(10 * values[:2]) - heading + np.pi) % (2 * np.pi) - np.pi
        joints = values[13:29].reshape(8, 2) * (2.0, 20.0)
        action = joint_actions(
            joints, gait, gait.stride * stride, float(np.clip(0.6 * off, -0.8, 0.8))
        )
        return np.clip(action, -1, 1).astype(np.float32)

    return act


def lane(y: float) -> Course:
    """Along x in a lane.

    :param y: The lane's, metres.
    :return: The course.
    """
    return lambda place: float(np.tanh(y - place[1]))


def along_x(env: Any, rng: np.random.Generator) -> Act:
    """An agent that walks ahead, faster or slower, in the lane or beside it.

    :param env: The ant's Run task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    act = walk(RUN, lane(rng.uniform(-5.0, 5.0)), stride=rng.uniform(0.5, 1.15))
    return shaky(act, rng.uniform(0.1, 0.25), rng)

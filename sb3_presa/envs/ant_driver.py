"""Scripted agents that walk with Bullet's ant: PPO would take hours to learn to.

A gait with a clock could not be cloned, as the clock is not in the observation. Here the joints
are the clock: the mean swing of the hips and its speed give the phase, and the targets of all
joints lead it. Legs on a diagonal swing together (a trot). Each episode draws a manner: stride,
course and action noise. Recipes name them as ``scripted``. The numbers of the gait were found by a
search (the cross-entropy method, some 2,000 episodes each) for speed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.ant_gait import Gait, heading_of, joint_actions, turn_by
from sb3_presa.envs.courses import flattened_circle
from sb3_presa.envs.scripted import Act, Vector, shaky

Course = Callable[[Vector], float]
"""Place (2,) in metres -> heading to walk in, rad."""

_LOW = 0.52  # metres; a body below this height is about to roll over

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

ROUND = Gait(
    hip_gain=0.852,
    hip_damping=0.037,
    lead=1.119,
    pace=1.454,
    stride=1.006,
    bent=0.244,
    lift=0.534,
    lift_lead=0.774,
    ankle_gain=0.975,
    ankle_damping=0.064,
    start=(-0.031, 0.027),
    hips=(0.163, -0.288),
    ankles=(0.016, -0.366),
)
"""For steps of 1/10 s."""


def walk(
    gait: Gait, course: Course, stride: float = 1.0, ahead: float = 0.0, rise: float = 0.0
) -> Act:
    """An agent that walks along a course.

    :param gait: How it walks.
    :param course: The heading at each place.
    :param stride: Share of the gait's stride: shorter is slower.
    :param ahead: How far ahead of the ant the course is looked up, metres.
    :param rise: By how much the ankles bend more, so that the body rises, per metre that it is low.
    :return: Observation -> action.
    """

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        values = np.asarray(observation, dtype=np.float64)
        x, y, z, w = values[6:10]
        heading = heading_of(w, x, y, z)
        place = 10 * values[:2] + ahead * np.array([np.cos(heading), np.sin(heading)])
        off = (course(place) - heading + np.pi) % (2 * np.pi) - np.pi
        joints = values[13:29].reshape(8, 2) * (2.0, 20.0)
        low = max(_LOW - 10 * float(values[2]), 0.0)
        action = joint_actions(
            joints,
            replace(gait, bent=gait.bent + rise * low),
            gait.stride * stride,
            turn_by(off),
        )
        return np.clip(action, -1, 1).astype(np.float32)

    return act


def lane(y: float) -> Course:
    """Along x in a lane.

    :param y: The lane's, metres.
    :return: The course.
    """
    return lambda place: float(np.tanh(y - place[1]))


def circle(width: float) -> Course:
    """Clockwise along the task's circle, with flat sides.

    :param width: The largest ``|x|``, metres; no flat sides from 7 up.
    :return: The course.
    """
    wish = flattened_circle(1.0, radius=7.0, width=width, sharpness=6.0)

    def course(place: Vector) -> float:
        x, y = wish(place)
        return float(np.arctan2(y, x))

    return course


def along_x(env: Any, rng: np.random.Generator) -> Act:
    """An agent that walks ahead, faster or slower, in the lane or beside it.

    :param env: The ant's Run task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    act = walk(RUN, lane(rng.uniform(-5.0, 5.0)), stride=rng.uniform(0.5, 1.15))
    return shaky(act, rng.uniform(0.1, 0.25), rng)


def in_circle(env: Any, rng: np.random.Generator) -> Act:
    """An agent that walks along a circle, whose sides it may or may not flatten to stay in bounds.

    :param env: The ant's Circle task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    course = circle(width=rng.uniform(4.7, 7.4))
    act = walk(ROUND, course, stride=rng.uniform(0.75, 0.95), ahead=0.7, rise=2.0)
    return shaky(act, rng.uniform(0.05, 0.15), rng)

"""Scripted agents that walk with Bullet's ant: PPO would take hours to learn to.

A gait with a clock could not be cloned, as the clock is not in the observation. Here the joints
are the clock: the mean swing of the hips and its speed give the phase, and the targets of all
joints lead it. Legs on a diagonal swing together (a trot). Each episode draws a manner: stride,
lane and action noise. Recipes name them as ``scripted``. The numbers of the gait were found by a
search (the cross-entropy method, some 2,000 episodes) for speed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.scripted import Act, Vector, shaky

Course = Callable[[Vector], float]
"""Place (2,) in metres -> heading to walk in, rad."""

# Legs: front left, back left, back right, front right.
_BACKWARDS = np.array([1.0, -1.0, -1.0, 1.0])  # signs of a hip's angle as its foot goes backwards
_BENT = np.array([1.0, -1.0, -1.0, 1.0])  # signs of a bent ankle's angle
_DIAGONAL = np.array([1.0, -1.0, 1.0, -1.0])
_LEFT = np.array([1.0, 1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Gait:
    """
    Numbers of a walk. Angles are in halves of a joint's range, angular velocities in rad/s.

    :param hip_gain: Action per angle.
    :param hip_damping: Action per angular velocity.
    :param lead: By how much the targets lead the phase, rad.
    :param pace: Angular velocity of the hips in mid-swing, per angle at its end.
    :param stride: Amplitude of the hips.
    :param bent: Mean angle of the ankles.
    :param lift: Amplitude of the ankles.
    :param lift_lead: By how much the ankles lead the hips, rad.
    :param ankle_gain: Action per angle.
    :param ankle_damping: Action per angular velocity.
    :param start: Added to the phase's two coordinates: which way an ant at rest begins.
    :param hips: Mean angles of the hips of the front and of the back legs, backwards.
    :param ankles: Added to the angle of the ankles of the front and of the back legs.
    """

    hip_gain: float
    hip_damping: float
    lead: float
    pace: float
    stride: float
    bent: float
    lift: float
    lift_lead: float
    ankle_gain: float
    ankle_damping: float
    start: tuple[float, float]
    hips: tuple[float, float]
    ankles: tuple[float, float]


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


def _turned(x: float, y: float, angle: float) -> tuple[float, float]:
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def _step(joints: Vector, gait: Gait, stride: float, turn: float) -> Vector:
    """The action for the angle and the angular velocity of each joint, (8, 2)."""
    hips, ankles = joints[0::2], joints[1::2] * _BENT[:, None]
    middle = np.array([gait.hips[0], -gait.hips[1], gait.hips[1], -gait.hips[0]])
    swing = float((_BACKWARDS * (hips[:, 0] - middle)).mean())
    speed = float((_BACKWARDS * hips[:, 1]).mean()) / gait.pace
    size = float(np.sqrt(swing**2 + speed**2 + 0.1**2))
    x, y = _turned(swing / size + gait.start[0], speed / size + gait.start[1], gait.lead)
    wanted = middle + _BACKWARDS * stride * (1 - turn * _LEFT) * x
    lifted = -_DIAGONAL * _turned(x, y, -gait.lift_lead)[1] * gait.lift
    front, back = gait.ankles
    bent = gait.bent + np.array([front, back, back, front]) - lifted
    action = np.empty(8)
    action[0::2] = gait.hip_gain * (wanted - hips[:, 0]) - gait.hip_damping * hips[:, 1]
    moved = gait.ankle_gain * (bent - ankles[:, 0]) - gait.ankle_damping * ankles[:, 1]
    action[1::2] = _BENT * moved
    return action


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
        action = _step(joints, gait, gait.stride * stride, float(np.clip(0.6 * off, -0.8, 0.8)))
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

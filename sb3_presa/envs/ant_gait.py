"""A trot of a four-legged ant, in Bullet and in MuJoCo.

A gait with a clock could not be cloned, as the clock is not in the observation. Here the joints
are the clock: the mean swing of the hips and its speed give the phase, and the targets of all
joints lead it. Legs on a diagonal swing together.
"""

from dataclasses import dataclass

import numpy as np

from sb3_presa.envs.scripted import Vector

# Legs: front left, back left, back right, front right.
_BACKWARDS = np.array([1.0, -1.0, -1.0, 1.0])  # signs of a hip's angle as its foot goes backwards
_BENT = np.array([1.0, -1.0, -1.0, 1.0])  # signs of a bent ankle's angle
_DIAGONAL = np.array([1.0, -1.0, 1.0, -1.0])
_LEFT = np.array([1.0, 1.0, -1.0, -1.0])
_STEERING = 0.6  # share of the stride, per rad off the course
_MOST_STEERING = 0.8


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


def _turned(x: float, y: float, angle: float) -> tuple[float, float]:
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def joint_actions(joints: Vector, gait: Gait, stride: float, turn: float) -> Vector:
    """The action of each joint.

    :param joints: Angle and angular velocity of each joint, (8, 2): hip and ankle of each leg.
    :param gait: How it walks.
    :param stride: Amplitude of the hips, in place of the gait's.
    :param turn: To the left, in [-1, 1]: the left legs' share of the stride that they leave out.
    :return: The actions, (8,), which may be beyond the bounds.
    """
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


def heading_of(w: float, x: float, y: float, z: float) -> float:
    """
    :param w: Of the body's quaternion, as are the others.
    :return: The direction that the body faces, rad from the x axis.
    """
    return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def turn_by(off: float) -> float:
    """
    :param off: Angle from the heading to the course, rad.
    :return: The turn to take, as a share of the stride.
    """
    return float(np.clip(_STEERING * off, -_MOST_STEERING, _MOST_STEERING))

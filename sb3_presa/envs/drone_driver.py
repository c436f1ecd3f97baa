"""Scripted agents that fly Bullet's drone: PPO would take hours to learn to hover.

Without noise each is a smooth function of the observation, which a network can clone. It wishes for
a velocity at each place, and tilts the drone so as to follow it. It first turns to face along x: a
network could not learn from few episodes what to do at every heading. Each episode draws a manner:
speed, course and action noise. Recipes name them as ``scripted``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.courses import Wish, flattened_circle
from sb3_presa.envs.scripted import Act, Vector, shaky

_GRAVITY = 9.81  # m/s^2
_AIR_SPEED = 8.7  # m/s, through a hovering rotor: thrust is lost in proportion as the drone rises
_ACTION_RANGE = 0.1  # of a rotor's speed
_MOST_LIFT = 0.85  # of the range of actions, so that some is left to tilt with
_MOST_ACCELERATION = 5.0  # m/s^2, sideways: with more, the rotors' range would not keep the height
_YAWING, _MOST_YAWING = 0.14, 0.25  # of the range, per rad/s, and at most
_LAG = 0.25  # s, until the drone has tilted otherwise than now
_MOMENT = 0.1  # s, over which the wish's change is measured


def _velocity(observation: npt.NDArray[np.floating]) -> Vector:
    return 5.0 * np.asarray(observation[3:6], dtype=np.float64)


def _axes(observation: npt.NDArray[np.floating]) -> Vector:
    """The drone's axes in the world, as columns."""
    x, y, z, w = np.asarray(observation[6:10], dtype=np.float64)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _sideways(observation: npt.NDArray[np.floating], wish: Wish, patience: float) -> Vector:
    """The acceleration that leads to the wished velocity, (2,), m/s^2."""
    axes = _axes(observation)
    up = axes[:, 2]
    tilted = _GRAVITY * up[:2] / max(up[2], 0.5)
    place = 10.0 * np.asarray(observation[:2], dtype=np.float64)
    velocity = _velocity(observation)[:2]
    then = place + _LAG * velocity + _LAG**2 / 2 * tilted
    going = velocity + _LAG * tilted
    bend = (wish(then + _MOMENT * going) - wish(then)) / _MOMENT
    needed = (wish(then) - going) / patience + bend
    most = _MOST_ACCELERATION * (0.6 + 0.4 * axes[0, 0])  # least while it faces backwards
    excess = float(np.linalg.norm(needed)) / most
    return np.asarray(needed / (1 + excess**4) ** 0.25)


def _rotors(observation: npt.NDArray[np.floating], acceleration: Vector, step: float) -> Vector:
    """The action that follows an acceleration, (3,), with steps of so many seconds."""
    axes, velocity = _axes(observation), _velocity(observation)
    up, lift = axes[:, 2], acceleration + np.array([0.0, 0.0, _GRAVITY])
    turn = axes.T @ np.cross(up, lift / np.linalg.norm(lift))
    spin = axes.T @ (10.0 * np.asarray(observation[10:13], dtype=np.float64))
    # Two opposite rotors at the ends of their range turn the drone by 7.8 rad/s in a second.
    tilt = 0.8 / (7.8 * step) * (min(0.35 / step, 8.0) * turn - spin)
    # Rotors 0 and 2 turn the other way than 1 and 3: faster, they turn the drone to the right.
    heading = float(np.arctan2(axes[1, 0], axes[0, 0]))
    yaw = np.clip(_YAWING * (spin[2] + 2.0 * heading), -_MOST_YAWING, _MOST_YAWING)
    loss, thrust = float(velocity @ up) / _AIR_SPEED, max(float(lift @ up), 0.0) / _GRAVITY
    rotor = (loss + np.sqrt(loss**2 + 4 * thrust)) / 2  # thrust = rotor^2 - rotor * loss
    common = np.clip((rotor - 1) / _ACTION_RANGE, -_MOST_LIFT, _MOST_LIFT)
    rolling = np.array([-tilt[1], -tilt[0], tilt[1], tilt[0]])
    return np.asarray(common + rolling + yaw * np.array([1.0, -1.0, 1.0, -1.0]))


def fly(env: Any, wish: Wish, height: float, patience: float) -> Act:
    """An agent that follows wishes.

    :param env: A task of the drone.
    :param wish: The velocity to fly with at each place.
    :param height: The height to keep, metres.
    :param patience: The time in which to reach the wished velocity, seconds.
    :return: Observation -> action.
    """
    step = float(env.unwrapped._sim.dt)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        rise = 10.0 * float(observation[2]) + _velocity(observation)[2] - height
        wanted = np.append(_sideways(observation, wish, patience), np.clip(-2.0 * rise, -1.5, 2.5))
        return np.clip(_rotors(observation, wanted, step), -1, 1).astype(np.float32)

    return act


def lane(speed: float, swing: float, wave: float, y: float) -> Wish:
    """Along x in a lane.

    :param speed: m/s along x, on average.
    :param swing: m/s, by which it is first slower and then faster, in turn.
    :param wave: Metres from one slowest place to the next.
    :param y: The lane's, metres.
    :return: The wish.
    """

    def wish(place: Vector) -> Vector:
        ahead = speed - swing * np.cos(2 * np.pi * place[0] / wave)
        return np.array([ahead, 1.5 * np.tanh(y - place[1])])

    return wish


def in_circle(env: Any, rng: np.random.Generator) -> Act:
    """An agent that flies along a circle, whose sides it may or may not flatten to stay in bounds.

    :param env: The drone's Circle task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    speed, width = rng.uniform(2.5, 5.4), rng.uniform(5.0, 7.8)
    wish = flattened_circle(speed, radius=rng.uniform(6.9, 7.3), width=width, sharpness=8.0)
    act = fly(env, wish, height=1.0, patience=0.6)
    return shaky(act, rng.uniform(0.15, 0.4), rng)


def along_x(env: Any, rng: np.random.Generator) -> Act:
    """An agent that flies ahead, which may or may not keep to the speed limit and to the lane.

    :param env: The drone's Run task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    speed = rng.uniform(0.3, 3.0)
    swing = speed * max(0.0, rng.uniform(-0.3, 0.6))
    wish = lane(speed, swing, wave=rng.uniform(2.0, 8.0), y=rng.uniform(-3.5, 3.5))
    act = fly(env, wish, height=0.8, patience=0.3)
    # A third act without noise.
    return shaky(act, max(0.0, rng.uniform(-0.1, 0.2)), rng)

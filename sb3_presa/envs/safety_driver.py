"""Scripted agents for SafetyGym's Goal, Button and Circle tasks, which steer by the lidars.

PPO takes long to learn to drive to a goal well. These agents do it at once, and each episode
draws a driving style: speed, clearance from obstacles (or none), and action noise. Recipes name
them as ``scripted``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import ConfigError

Act = Callable[[npt.NDArray[np.floating]], npt.NDArray[np.float32]]
Vector = npt.NDArray[np.float64]

_SIGHT = 1.2  # metres; obstacles farther away are ignored
_COURSES = np.linspace(-np.pi, np.pi, 48, endpoint=False)  # the directions to choose from
_STEERING = 2.0


class _Senses:
    """The layout of an observation; vectors are in the agent's own frame.

    :param env: A navigation task.
    """

    def __init__(self, env: Any) -> None:
        layout = env.unwrapped._sim.task.obs_info.obs_space_dict
        ends = np.cumsum([int(np.prod(space.shape)) for space in layout.values()])
        self._parts = {
            name: slice(int(end) - int(np.prod(space.shape)), int(end))
            for (name, space), end in zip(layout.items(), ends, strict=True)
        }
        # Metres; a lidar reads 0 there and 1 at distance zero.
        self.lidar_range = float(env.unwrapped._sim.task.lidar_conf.max_dist)
        # A car faces along -y, a point along x.
        self.is_car = "ballquat_rear" in self._parts

    def need(self, name: str, env: Any) -> None:
        """Raise an error for a task without this sensor."""
        if name not in self._parts:
            raise ConfigError(
                f"the observation of {env.spec.id} must contain {name}, got {sorted(self._parts)}"
            )

    def lidar(self, observation: npt.NDArray[np.float32], name: str) -> Vector:
        """Readings of a lidar, counter-clockwise from the agent's x axis."""
        return np.asarray(observation[self._parts[name]], dtype=np.float64)

    def obstacles(self, observation: npt.NDArray[np.float32]) -> tuple[Vector, Vector]:
        """Bearings (from the agent's x axis) and distances (metres, to the centre) of obstacles."""
        goal = self.lidar(observation, "goal_lidar")
        names = [name for name in self._parts if name.endswith("_lidar") and name != "goal_lidar"]
        readings = [self.lidar(observation, name) for name in names]
        if "buttons_lidar" in names:
            # The goal is one of the buttons, and not an obstacle.
            readings[names.index("buttons_lidar")] = np.where(
                goal > 0, 0.0, self.lidar(observation, "buttons_lidar")
            )
        distances = self.lidar_range * (1.0 - np.concatenate(readings))
        bearings = np.tile(_bearings(len(goal)), len(readings))
        seen = distances < _SIGHT
        return bearings[seen], distances[seen]

    def velocity(self, observation: npt.NDArray[np.float32]) -> Vector:
        """Velocity in metres per second."""
        return np.asarray(observation[self._parts["velocimeter"]][:2], dtype=np.float64)

    def turning(self, observation: npt.NDArray[np.float32]) -> float:
        """Rate of turning to the left, in radians per second."""
        return float(observation[self._parts["gyro"]][2])

    def heading(self, vector: Vector) -> tuple[float, float]:
        """The parts of a vector along the way that the agent faces, and to its left."""
        x, y = float(vector[0]), float(vector[1])
        return (-y, x) if self.is_car else (x, y)

    def action(self, force: float, turn: float) -> Vector:
        """The action that accelerates with this force, and turns left."""
        turn = float(np.clip(turn, -1, 1))
        if self.is_car:
            return np.array([force + turn / 2, force - turn / 2])
        return np.array([force, turn])

    def steer(self, wish: Vector, strength: float) -> Vector:
        """The action that accelerates along ``wish``."""
        ahead, left = self.heading(wish)
        angle = np.arctan2(left, ahead)
        return self.action(strength * max(0.0, np.cos(angle)), _STEERING * angle)


def _sum_of_directions(readings: Vector) -> Vector:
    angles = _bearings(len(readings))
    total: Vector = readings @ np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return total


def _bearings(n_readings: int) -> Vector:
    return np.asarray((np.arange(n_readings) + 0.5) * 2 * np.pi / n_readings)


def _course(
    goal: Vector, goal_distance: float, obstacles: tuple[Vector, Vector], clearance: float
) -> Vector:
    """The direction nearest to the goal's that keeps about this clearance from obstacles."""
    bearings, distances = obstacles
    in_the_way = distances < goal_distance + clearance
    bearings, distances = bearings[in_the_way], distances[in_the_way]
    off = np.abs((_COURSES[:, None] - bearings + np.pi) % (2 * np.pi) - np.pi)
    passed_at = np.where(off < np.pi / 2, distances * np.sin(off), distances)
    too_close = np.clip(1.0 - passed_at / clearance, 0.0, 1.0) * (1.2 - distances / _SIGHT)
    towards_goal = np.cos(_COURSES - np.arctan2(goal[1], goal[0]))
    best = _COURSES[np.argmax(towards_goal - 4.0 * too_close.sum(axis=1))]
    return np.array([np.cos(best), np.sin(best)])


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.array([1.0, 0.0])


def _shaky(rng: np.random.Generator) -> Act:
    """A third of the agents act without noise; the others draw a noise scale."""
    noise = max(0.0, rng.uniform(-0.3, 0.6))

    def shake(action: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        shaken = action + rng.normal(0, noise, 2) if noise else action
        return np.asarray(np.clip(shaken, -1, 1), dtype=np.float32)

    return shake


def to_goal(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives to goal after goal.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    strength, damping = rng.uniform(0.05, 1.0), rng.uniform(0.6, 2.0)
    clearance = rng.uniform(-0.25, 0.5)  # a third of the agents ignores obstacles
    drive, shake = goal_driver(env, strength, damping, clearance), _shaky(rng)
    return lambda observation: shake(drive(observation))


def goal_driver(env: Any, strength: float, damping: float, clearance: float) -> Act:
    """An agent that drives to goal after goal in a given style.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param strength: Scale of its actions, in (0, 1].
    :param damping: Braking per m/s.
    :param clearance: Distance in metres at which it passes the centre of an obstacle; at 0 or less
        it ignores obstacles.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    senses = _Senses(env)
    senses.need("goal_lidar", env)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        readings = senses.lidar(observation, "goal_lidar")
        course = _unit(_sum_of_directions(readings))
        if clearance > 0.0:
            distance = senses.lidar_range * (1.0 - float(readings.max()))
            course = _course(course, distance, senses.obstacles(observation), clearance)
        wish = course - damping * senses.velocity(observation)
        return np.clip(senses.steer(wish, strength), -1, 1).astype(np.float32)

    return act


def in_circle(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives along a circle, whose radius may or may not stay within the walls.

    :param env: A Circle task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no circle lidar.
    """
    # At 1 m within the walls, which are 1.125 m away, and at 1.5 m along the circle that pays most.
    radius, gain = rng.uniform(0.5, 1.35), rng.uniform(2.0, 4.0)
    is_car = _Senses(env).is_car
    speed = rng.uniform(0.5, 1.5) if is_car else rng.uniform(0.8, 3.0)
    strength = rng.uniform(0.3, 1.0)
    drive, shake = circle_driver(env, radius, speed, strength, gain), _shaky(rng)
    return lambda observation: shake(drive(observation))


def circle_driver(env: Any, radius: float, speed: float, strength: float, gain: float) -> Act:
    """An agent that drives counter-clockwise along a circle in a given style.

    :param env: A Circle task of SafetyGym, reset.
    :param radius: Radius in metres at which it aims. At speed it is carried outwards.
    :param speed: Wished speed in m/s.
    :param strength: Scale of its actions, in (0, 1].
    :param gain: How sharply it turns back to the radius, per metre.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no circle lidar.
    """
    senses = _Senses(env)
    senses.need("circle_lidar", env)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        readings = senses.lidar(observation, "circle_lidar")
        inwards = _unit(_sum_of_directions(readings))
        distance = senses.lidar_range * (1 - float(readings.max()))
        # Counter-clockwise: the centre stays on the left.
        along = np.array([inwards[1], -inwards[0]])
        course = senses.heading(_unit(along + gain * (distance - radius) * inwards))
        ahead, left = senses.heading(senses.velocity(observation))
        # By the course, not by the wished change of velocity, whose direction is noise at speed:
        # an agent that turns by noise cannot be cloned.
        angle = np.arctan2(course[1] - 0.5 * left, course[0])
        force = strength * np.clip(speed * max(0.0, np.cos(angle)) - ahead, -1, 1)
        return np.clip(senses.action(force, _STEERING * angle), -1, 1).astype(np.float32)

    return act

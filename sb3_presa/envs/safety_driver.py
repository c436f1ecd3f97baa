"""Scripted agents for SafetyGym's Goal, Button and Circle tasks, which steer by the lidars.

PPO takes long to learn to drive to a goal well. These agents do it at once, and each episode
draws a driving style: speed, clearance from obstacles (or none), and action noise. Recipes name
them as ``scripted``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.safety_senses import STEERING, Senses, sum_of_directions
from sb3_presa.envs.scripted import Act, Vector, shaky

_SIGHT = 1.2  # metres; obstacles farther away are ignored
_COURSES = np.linspace(-np.pi, np.pi, 48, endpoint=False)  # the directions to choose from


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


def _noise(rng: np.random.Generator) -> float:
    """The scale of an agent's noise: a third of the agents act without."""
    return max(0.0, rng.uniform(-0.3, 0.6))


def to_goal(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives to goal after goal.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    strength, damping = rng.uniform(0.05, 1.0), rng.uniform(0.6, 2.0)
    clearance = rng.uniform(-0.25, 0.5)  # a third of the agents ignores obstacles
    return shaky(goal_driver(env, strength, damping, clearance), _noise(rng), rng)


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
    senses = Senses(env)
    senses.need("goal_lidar", env)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        readings = senses.lidar(observation, "goal_lidar")
        course = _unit(sum_of_directions(readings))
        if clearance > 0.0:
            distance = senses.lidar_range * (1.0 - float(readings.max()))
            course = _course(course, distance, senses.obstacles(observation, _SIGHT), clearance)
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
    is_car = Senses(env).is_car
    speed = rng.uniform(0.5, 1.5) if is_car else rng.uniform(0.8, 3.0)
    strength = rng.uniform(0.3, 1.0)
    return shaky(circle_driver(env, radius, speed, strength, gain), _noise(rng), rng)


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
    senses = Senses(env)
    senses.need("circle_lidar", env)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        readings = senses.lidar(observation, "circle_lidar")
        inwards = _unit(sum_of_directions(readings))
        distance = senses.lidar_range * (1 - float(readings.max()))
        # Counter-clockwise: the centre stays on the left.
        along = np.array([inwards[1], -inwards[0]])
        course = senses.heading(_unit(along + gain * (distance - radius) * inwards))
        ahead, left = senses.heading(senses.velocity(observation))
        # By the course, not by the wished change of velocity, whose direction is noise at speed:
        # an agent that turns by noise cannot be cloned.
        angle = np.arctan2(course[1] - 0.5 * left, course[0])
        force = strength * np.clip(speed * max(0.0, np.cos(angle)) - ahead, -1, 1)
        return np.clip(senses.action(force, STEERING * angle), -1, 1).astype(np.float32)

    return act

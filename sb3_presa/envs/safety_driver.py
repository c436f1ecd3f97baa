"""Scripted agents for SafetyGym's Goal, Button and Circle tasks, which steer by the lidars.

PPO takes long to learn to drive to a goal well. These agents do it at once, and each episode
draws a driving style: speed, clearance from obstacles (or none), and action noise. Recipes name
them as ``scripted``. Goal and Button tasks have three: :func:`to_goal` chooses one of 48 courses,
and its clones cost many times what it does. :func:`kept_off` is a smooth function of what it sees,
and always acts with noise, so that it can be cloned. :func:`among_obstacles` is as smooth, and also
knows vases, gremlins and buttons.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.safety_senses import STEERING, Senses, sum_of_directions
from sb3_presa.envs.scripted import Act, Vector, shaky

_SIGHT = 1.2  # metres; obstacles farther away are ignored
_CARELESS = 0.1  # share of the agents of :func:`kept_off` that ignore obstacles
_CARELESS_AMONG_OBSTACLES = 0.2  # the same of :func:`among_obstacles`
_PULL = 1.5  # of a goal at distance zero
_MIDDLE = 0.03  # of the middle of the obstacles, beside that of a goal
_NEAREST = 0.4  # metres; nearer to the centre an agent does not turn faster to stay on its circle
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


def to_goal(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives to goal after goal.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    strength, damping = rng.uniform(0.05, 1.0), rng.uniform(0.6, 2.0)
    clearance = rng.uniform(-0.25, 0.5)  # a third of the agents ignores obstacles
    noise = max(0.0, rng.uniform(-0.3, 0.6))  # a third of the agents act without
    return shaky(goal_driver(env, strength, damping, clearance), noise, rng)


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


def kept_off(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives to goal after goal, and is kept off obstacles by what its lidars read.

    :param env: A Goal task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    sharpness, care = rng.uniform(3.5, 6.0), rng.uniform(0.7, 1.15)
    if rng.random() < _CARELESS:
        care = 0.0
    # By this, agents of one care touch obstacles about as often, however sharp.
    push = care * (0.63 * sharpness - 0.85)
    noise = rng.uniform(0.2, 0.5) * _strongest(Senses(env))
    return shaky(lidar_driver(env, rng.uniform(0.8, 1.6), push, sharpness), noise, rng)


def lidar_driver(env: Any, speed: float, push: float, sharpness: float) -> Act:
    """An agent that adds up its lidars' directions: the goal's readings pull, and powers of the
    obstacles' readings push.

    Networks learn these sums: an obstacle between two rays is read by both, which a threshold would
    turn into a jump.

    :param env: A Goal task of SafetyGym, reset.
    :param speed: Speed in m/s at which it stops to accelerate where it is pulled by 1.
    :param push: How strongly obstacles at distance zero push.
    :param sharpness: Exponent of the obstacles' readings: at 4, they push half as much at 0.5 m.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    senses = Senses(env)
    senses.need("goal_lidar", env)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        goal = sum_of_directions(senses.lidar(observation, "goal_lidar"))
        hazards = sum_of_directions(senses.lidar(observation, "hazards_lidar") ** sharpness)
        wish = _PULL * goal - push * hazards
        return _steered(senses, observation, wish, speed)

    return act


def among_obstacles(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives to goal after goal among obstacles of all kinds, as in level 2.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    speed, sharpness, push = rng.uniform(0.9, 1.5), rng.uniform(11.0, 14.0), rng.uniform(3.5, 8.0)
    if rng.random() < _CARELESS_AMONG_OBSTACLES:
        push = 0.0
    noise = rng.uniform(0.2, 0.5) * _strongest(Senses(env))
    return shaky(crowd_driver(env, speed, push, sharpness), noise, rng)


def crowd_driver(env: Any, speed: float, push: float, sharpness: float) -> Act:
    """An agent that is drawn by its goal, however far, and pushed off by powers of what the lidars
    of all obstacles read.

    The powers are high: with twenty obstacles on 16 square metres, those that are felt from afar
    hold an agent fast.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param speed: Speed in m/s at which it stops to accelerate where it is pulled by 1.
    :param push: How strongly obstacles at distance zero push, beside the goal's pull of 1; at 0 it
        ignores them.
    :param sharpness: Exponent of the obstacles' readings: at 12, they push a tenth as much at
        0.5 m.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no goal lidar.
    """
    senses = Senses(env)
    senses.need("goal_lidar", env)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        near = np.stack(senses.nearness_of_obstacles(observation))
        # A goal beyond the lidar's range is taken to be where the obstacles are: in the middle.
        middle = _unit(sum_of_directions(near.sum(axis=0)))
        goal = sum_of_directions(senses.lidar(observation, "goal_lidar")) + _MIDDLE * middle
        wish = _unit(goal) - push * sum_of_directions((near**sharpness).sum(axis=0))
        return _steered(senses, observation, wish, speed)

    return act


def _steered(
    senses: Senses, observation: npt.NDArray[np.floating], wish: Vector, speed: float
) -> npt.NDArray[np.float32]:
    """The action that drives along ``wish``; of length 1, it is followed at ``speed`` at most."""
    ahead, left = senses.heading(wish - senses.velocity(observation) / speed)
    force = _strongest(senses)[0] * np.clip(ahead, -1, 1)
    action = senses.turning_action(observation, force, STEERING * left)
    return np.clip(action, -1, 1).astype(np.float32)


def _strongest(senses: Senses) -> Vector:
    """The largest actions that :func:`kept_off` uses, which also scale its noise.

    A point's throttle has no effect beyond 0.05: with more, it would be on or off.
    """
    return np.array([0.5, 0.5]) if senses.is_car else np.array([0.05, 1.0])


def in_circle(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives along a circle, whose radius may or may not stay within the walls.

    :param env: A Circle task of SafetyGym, reset.
    :param rng: Draws the driving style.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no circle lidar.
    """
    # The walls are 1.125 m away; 1.5 m along the circle pays most. Between careful and careless
    # agents a gap is left: a clone of those that drive close to a wall often drives beyond it.
    if rng.random() < 0.5:
        radius, gain, speed = rng.uniform(0.75, 1.0), rng.uniform(2.0, 5.0), rng.uniform(1.0, 2.3)
    else:
        radius, gain, speed = rng.uniform(1.08, 1.2), rng.uniform(1.5, 4.0), rng.uniform(0.8, 1.8)
    speed *= 1.0 if Senses(env).is_car else 1.3
    strength = rng.uniform(0.4, 1.0)
    # All act with noise: where logs are narrow, clones drift into states that no log shows.
    return shaky(circle_driver(env, radius, speed, strength, gain), rng.uniform(0.15, 0.5), rng)


def circle_driver(env: Any, radius: float, speed: float, strength: float, gain: float) -> Act:
    """An agent that drives counter-clockwise along a circle in a given style.

    :param env: A Circle task of SafetyGym, reset.
    :param radius: Radius in metres at which it aims.
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
        # The circle bends: without this, an agent at speed is carried outwards.
        bend = max(0.0, ahead) / max(distance, _NEAREST)
        action = senses.turning_action(observation, force, STEERING * angle + bend)
        return np.clip(action, -1, 1).astype(np.float32)

    return act

"""Scripted agents of SafetyGym's Goal, Button and Circle tasks, steering by what the lidars see.

PPO takes long to learn to drive to a goal well. These do at once, each episode in a manner of
its own: fast or slow, careful of obstacles or blind to them, steady or shaky. Recipes name them as
``scripted``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import ConfigError

Act = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
Vector = npt.NDArray[np.float64]

_LIDAR_RANGE = 3.0  # metres, at which a reading is 0; at no distance it is 1
_NEAR = 0.7  # readings above this are of obstacles within 0.9 m
_STEERING = 2.0


class _Senses:
    """Where in an observation things are; vectors are in the agent's own frame.

    :param env: A navigation task.
    """

    def __init__(self, env: Any) -> None:
        layout = env.unwrapped._sim.task.obs_info.obs_space_dict
        ends = np.cumsum([int(np.prod(space.shape)) for space in layout.values()])
        self._parts = {
            name: slice(int(end) - int(np.prod(space.shape)), int(end))
            for (name, space), end in zip(layout.items(), ends, strict=True)
        }
        # A car looks along -y, a point along x.
        self.is_car = "ballquat_rear" in self._parts

    def need(self, name: str, env: Any) -> None:
        """Refuse a task without this sense."""
        if name not in self._parts:
            raise ConfigError(f"{env.spec.id} has no {name}; it has {sorted(self._parts)}")

    def lidar(self, observation: npt.NDArray[np.float32], name: str) -> Vector:
        """Readings of a lidar, counter-clockwise from the agent's x axis."""
        return np.asarray(observation[self._parts[name]], dtype=np.float64)

    def obstacles(self, observation: npt.NDArray[np.float32]) -> Vector:
        """Sum of the directions of near obstacles, the nearer the longer."""
        goal, total = self.lidar(observation, "goal_lidar"), np.zeros(2)
        for name in self._parts:
            if name.endswith("_lidar") and name != "goal_lidar":
                # The button to press is among the buttons: it is no obstacle.
                reading = np.where(goal > 0, 0.0, self.lidar(observation, name))
                total += _sum_of_directions(np.maximum(0, reading - _NEAR))
        return total

    def velocity(self, observation: npt.NDArray[np.float32]) -> Vector:
        """Metres a second."""
        return np.asarray(observation[self._parts["velocimeter"]][:2], dtype=np.float64)

    def steer(self, wish: Vector, strength: float) -> Vector:
        """The action that accelerates along ``wish``."""
        ahead, left = (-wish[1], wish[0]) if self.is_car else (wish[0], wish[1])
        angle = np.arctan2(left, ahead)
        force, turn = strength * max(0.0, np.cos(angle)), np.clip(_STEERING * angle, -1, 1)
        if self.is_car:
            return np.array([force + turn / 2, force - turn / 2])
        return np.array([force, turn])


def _sum_of_directions(readings: Vector) -> Vector:
    angles = (np.arange(len(readings)) + 0.5) * 2 * np.pi / len(readings)
    total: Vector = readings @ np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return total


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.array([1.0, 0.0])


def _shaky(rng: np.random.Generator) -> Callable[[Vector], npt.NDArray[np.float32]]:
    """A third of the agents acts exactly; the others add noise of a size of their own."""
    noise = max(0.0, rng.uniform(-0.3, 0.6))

    def shake(action: Vector) -> npt.NDArray[np.float32]:
        shaken = action + rng.normal(0, noise, 2) if noise else action
        return np.clip(shaken, -1, 1).astype(np.float32)

    return shake


def to_goal(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives to goal after goal.

    :param env: A Goal or Button task of SafetyGym, reset.
    :param rng: Draws the agent's manner.
    :return: Observation -> action.
    :raises ConfigError: If the environment has no goal to see.
    """
    senses = _Senses(env)
    senses.need("goal_lidar", env)
    strength, damping = rng.uniform(0.05, 1.0), rng.uniform(0.6, 2.0)
    caution = max(0.0, rng.uniform(-2.0, 5.0))
    shake = _shaky(rng)

    def act(observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        wish = _unit(_sum_of_directions(senses.lidar(observation, "goal_lidar")))
        wish = wish - damping * senses.velocity(observation)
        wish -= caution * senses.obstacles(observation)
        return shake(senses.steer(wish, strength))

    return act


def in_circle(env: Any, rng: np.random.Generator) -> Act:
    """An agent that drives along a circle, of a radius that keeps off the walls or does not.

    :param env: A Circle task of SafetyGym, reset.
    :param rng: Draws the agent's manner.
    :return: Observation -> action.
    :raises ConfigError: If the environment has no circle to see.
    """
    senses = _Senses(env)
    senses.need("circle_lidar", env)
    radius, speed = rng.uniform(0.3, 1.4), rng.uniform(0.3, 3.0)
    strength = rng.uniform(0.3, 1.0)
    shake = _shaky(rng)

    def act(observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        readings = senses.lidar(observation, "circle_lidar")
        inwards = _unit(_sum_of_directions(readings))
        distance = _LIDAR_RANGE * (1 - float(readings.max()))
        # Counter-clockwise: the centre stays on the left.
        along = np.array([inwards[1], -inwards[0]])
        wish = speed * _unit(along + 2.0 * (distance - radius) * inwards)
        return shake(senses.steer(wish - senses.velocity(observation), strength))

    return act

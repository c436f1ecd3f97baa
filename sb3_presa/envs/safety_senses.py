"""Sensors and controls of the scripted agents of SafetyGym's navigation tasks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.scripted import Vector
from sb3_presa.errors import ConfigError

#: Turn of an action per radian off the course.
STEERING = 2.0
# Readings that differ by less are equal.
_EQUAL = 1e-3
# Of a car: its fastest turn, in radians per second, and the action for each that is missing.
_FASTEST_TURN, _TURNING_GAIN = 2.5, 0.8


class Senses:
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

    def obstacles(
        self, observation: npt.NDArray[np.float32], sight: float
    ) -> tuple[Vector, Vector]:
        """Bearings (from the agent's x axis) and distances (metres, to the centre) of obstacles
        within sight."""
        readings = self.nearness_of_obstacles(observation)
        distances = self.lidar_range * (1.0 - np.concatenate(readings))
        bearings = np.tile(bearings_of(len(readings[0])), len(readings))
        seen = distances < sight
        return bearings[seen], distances[seen]

    def nearness_of_obstacles(self, observation: npt.NDArray[np.floating]) -> list[Vector]:
        """Readings of the lidars of all kinds of obstacle."""
        names = [name for name in self._parts if name.endswith("_lidar") and name != "goal_lidar"]
        readings = [self.lidar(observation, name) for name in names]
        if "buttons_lidar" in names:
            # The goal is one of the buttons, and not an obstacle: there both lidars read the same.
            goal, place = self.lidar(observation, "goal_lidar"), names.index("buttons_lidar")
            buttons = readings[place]
            readings[place] = np.where(buttons > goal + _EQUAL, buttons, 0.0)
        return readings

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

    def turning_action(
        self, observation: npt.NDArray[np.floating], force: float, turn: float
    ) -> Vector:
        """The action that accelerates with this force, and turns left by this much: for a car in
        radians per second, which it controls by its gyroscope."""
        if not self.is_car:
            return self.action(force, turn)
        wished = float(np.clip(turn, -_FASTEST_TURN, _FASTEST_TURN))
        more = _TURNING_GAIN * (wished - self.turning(observation))
        return np.array([force + more, force - more])

    def steer(self, wish: Vector, strength: float) -> Vector:
        """The action that accelerates along ``wish``."""
        ahead, left = self.heading(wish)
        angle = np.arctan2(left, ahead)
        return self.action(strength * max(0.0, np.cos(angle)), STEERING * angle)


def sum_of_directions(readings: Vector) -> Vector:
    """The sum of a lidar's directions, weighed by its readings: it points at what is near."""
    angles = bearings_of(len(readings))
    total: Vector = readings @ np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return total


def bearings_of(n_readings: int) -> Vector:
    """Bearings of a lidar's readings from the agent's x axis, in radians."""
    return np.asarray((np.arange(n_readings) + 0.5) * 2 * np.pi / n_readings)

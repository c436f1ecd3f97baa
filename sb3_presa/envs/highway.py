"""highway-env with separate costs for crashes, tailgating and speeding.

highway-env 1.12.1 needs no patches, but has no costs. It is imported when the first environment
is made.
"""

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from sb3_presa.envs.reset_info import without_costs
from sb3_presa.envs.simulators import importing
from sb3_presa.errors import ConfigError

SECONDS = 40
"""Duration of an episode in seconds."""

CONTINUOUS_HZ, DISCRETE_HZ = 5, 1
"""Actions a second, continuous and discrete."""

SPEED_LIMIT, TOP_SPEED = 30.0, 40.0
"""Metres per second: the start of speeding and the car's top speed (108 and 144 km/h)."""

SAFE_HEADWAY = 1.0
"""Time gap in seconds to the vehicle in front; a smaller gap is tailgating."""

COST_OF_CRASH = 10.0
"""The cost of a crash: as much as ten seconds bumper to bumper, or at top speed."""

_VEHICLES_SEEN = 8
_FEATURES = ["presence", "x", "y", "vx", "vy", "cos_h", "sin_h"]
_RANGES = {"x": [-200.0, 200.0], "y": [-12.0, 12.0], "vx": [-40.0, 40.0], "vy": [-40.0, 40.0]}
_DISCRETE_SPEEDS = [15.0, 20.0, 25.0, 30.0, 35.0, 40.0]
_STEERING = np.pi / 36  # radians; upstream's 45 degrees are for a car park

WIDTH, HEIGHT = 720, 160
_SCALE = 6.0  # pixels per metre


@contextlib.contextmanager
def _greeting_kept() -> Iterator[None]:
    """Restore the variable that hides pygame's greeting; highway-env overwrites it."""
    name = "PYGAME_HIDE_SUPPORT_PROMPT"
    before = os.environ.get(name)
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


@cache
def _load_highway() -> SimpleNamespace:
    with importing("highway"), _greeting_kept():
        from highway_env.envs.common.observation import KinematicObservation
        from highway_env.envs.highway_env import HighwayEnvFast
        from highway_env.road.graphics import RoadGraphics, WorldSurface
        from highway_env.utils import lmap

    class Kinematics(KinematicObservation):  # type: ignore[misc]
        """Upstream's numbers, bit for bit, without pandas, which took half of every step."""

        def observe(self) -> npt.NDArray[np.float32]:
            ego, seen = self.observer_vehicle, self.vehicles_count
            others = self.env.road.close_objects_to(
                ego, self.env.PERCEPTION_DISTANCE, count=seen - 1, see_behind=self.see_behind
            )
            rows = np.zeros((seen, len(_FEATURES)))
            for row, vehicle in zip(rows, [ego, *others], strict=False):
                row[:] = (1.0, *vehicle.position, *vehicle.velocity, *vehicle.direction)
            rows[1 : 1 + len(others), 1:5] -= rows[0, 1:5]
            # Rows without a vehicle stay zero: all ranges are symmetric
            for column, feature in enumerate(_RANGES, start=1):
                rows[:, column] = np.clip(lmap(rows[:, column], _RANGES[feature], [-1, 1]), -1, 1)
            return rows.astype(np.float32)

    class Highway(HighwayEnvFast):  # type: ignore[misc]
        def define_spaces(self) -> None:
            super().define_spaces()
            self.observation_type = Kinematics(self, **self.config["observation"])

    return SimpleNamespace(
        Highway=Highway,
        HighwayEnvFast=HighwayEnvFast,
        RoadGraphics=RoadGraphics,
        WorldSurface=WorldSurface,
    )


def _config(discrete: bool) -> dict[str, Any]:
    actions: dict[str, Any] = {
        "type": "ContinuousAction",
        "acceleration_range": [-5.0, 5.0],
        "steering_range": [-_STEERING, _STEERING],
        "speed_range": [0.0, TOP_SPEED],
    }
    if discrete:
        actions = {"type": "DiscreteMetaAction", "target_speeds": _DISCRETE_SPEEDS}
    return {
        "action": actions,
        "observation": {
            "type": "Kinematics",
            "features": _FEATURES,
            "features_range": _RANGES,
            "vehicles_count": _VEHICLES_SEEN,
            "see_behind": True,
        },
        "policy_frequency": DISCRETE_HZ if discrete else CONTINUOUS_HZ,
        "duration": SECONDS,
        "offroad_terminal": True,
        # The reward says nothing about safety: the costs do
        "collision_reward": 0.0,
        "high_speed_reward": 0.8,
        "right_lane_reward": 0.2,
        "reward_speed_range": [10.0, TOP_SPEED],
    }


def make_upstream(discrete: bool) -> Any:
    """Upstream's own ``highway-fast-v0`` with the settings of :class:`HighwaySafeEnv`.

    :param discrete: Discrete actions, one a second, or continuous ones, five a second.
    :return: A ``HighwayEnvFast``: observations of shape (8, 7), no costs.
    :raises SimulatorNotInstalledError: If highway-env cannot be imported.
    """
    return _load_highway().HighwayEnvFast(config=_config(discrete))


class HighwaySafeEnv(gym.Env[npt.NDArray[np.float32], Any], gym.utils.EzPickle):
    """Forty seconds on a highway with three lanes, among 20 vehicles that drive 21-24 m/s.

    Observations: 8 vehicles, the own one first, then the nearest. Each has 7 numbers in [-1, 1]:
    presence, x and y (divided by 200 m and 12 m), x and y speed (divided by 40 m/s), cosine and
    sine of the heading. The own row is absolute; position and speed of the others are relative.

    Continuous actions: acceleration (up to 5 m/s^2) and steering (up to 5 degrees), each in
    [-1, 1], five per second; episodes of 200 steps. Discrete actions, one per second: 0 lane to the
    left, 1 idle, 2 lane to the right, 3 and 4 the next faster and slower of the speeds 15, 20, ...,
    40 m/s; episodes of 40 steps.

    Reward per step: ``0.8 (v - 10) / 30`` for the speed ``v`` along the road, between 10 and 40
    m/s, plus 0.2 in the rightmost lane or 0.1 in the middle one. An episode terminates with a
    crash: a collision, or leaving the road.

    ``info`` has the components of ``cost``:

    - ``cost_crash``: 10 for a crash.
    - ``cost_tailgating``: ``1 - headway`` per second while the headway is below 1 s. The headway is
      the time to the vehicle in front, bumper to bumper, at the present speed.
    - ``cost_speeding``: ``(v - 30) / 10`` per second above 30 m/s; 1 per second at top speed.

    A step lasts 0.2 s or 1 s, and its cost is in proportion. A cost limit of 5 per episode permits
    no crash and some tailgating and speeding. ``info`` also has ``distance`` (metres driven along
    the road since the reset), ``speed_km_h``, ``crash`` and ``out_of_road`` (a crash by leaving the
    road).

    :param discrete: Discrete actions instead of continuous ones.
    :param render_mode: ``None`` or ``"rgb_array"`` (160 x 720 pixels, drawn without a display).
    :raises ConfigError: If ``render_mode`` is not one of these.
    :raises SimulatorNotInstalledError: If highway-env cannot be imported.
    """

    # Gymnasium declares it so, and reads it from the class.
    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": CONTINUOUS_HZ,
    }

    def __init__(self, discrete: bool = False, render_mode: str | None = None) -> None:
        gym.utils.EzPickle.__init__(self, discrete, render_mode)
        if render_mode not in (None, "rgb_array"):
            raise ConfigError(f"`render_mode` must be None or 'rgb_array', got {render_mode!r}")
        self.render_mode = render_mode
        self._highway = _load_highway()
        self._sim = self._highway.Highway(config=_config(discrete))
        self._seconds_a_step = 1 / self._sim.config["policy_frequency"]
        self.metadata = {**self.metadata, "render_fps": self._sim.config["policy_frequency"]}
        self._start = 0.0
        self._surface: Any = None
        # Upstream declares them unbounded and clips them to this
        self.observation_space = gym.spaces.Box(
            -1.0, 1.0, (_VEHICLES_SEEN * len(_FEATURES),), np.float32
        )
        self.action_space = self._sim.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Start an episode.

        :param seed: Determines the episode together with the actions; ``None`` continues the
            random generator.
        :param options: Not used.
        :return: The first observation, shape (56,), and an info with the keys of a step's, the
            costs 0.0.
        """
        super().reset(seed=seed)
        observation, _ = self._sim.reset(seed=int(self.np_random.integers(2**31)))
        self._start = float(self._sim.vehicle.position[0])
        return observation.reshape(-1), without_costs(self._info())

    def step(
        self, action: Any
    ) -> tuple[npt.NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        """Drive for 0.2 s, or 1 s with discrete actions.

        :param action: Acceleration and steering, shape (2,), clipped to [-1, 1]; or one of 0-4.
        :return: Observation, reward, terminated, truncated (always false: the time limit is
            Gymnasium's), and info.
        """
        observation, reward, terminated, _, _ = self._sim.step(action)
        info = self._info()
        return observation.reshape(-1), float(reward), bool(terminated), False, info

    def _info(self) -> dict[str, Any]:
        vehicle = self._sim.vehicle
        out_of_road = not vehicle.on_road
        crash = bool(vehicle.crashed) or out_of_road
        costs = {
            "cost_crash": COST_OF_CRASH if crash else 0.0,
            "cost_tailgating": self._tailgating() * self._seconds_a_step,
            "cost_speeding": self._speeding() * self._seconds_a_step,
        }
        return {
            "cost": sum(costs.values()),
            **costs,
            "distance": float(vehicle.position[0]) - self._start,
            "speed_km_h": 3.6 * float(vehicle.speed),
            "crash": crash,
            "out_of_road": out_of_road,
        }

    def _speeding(self) -> float:
        speed = float(self._sim.vehicle.speed)
        return max(0.0, (speed - SPEED_LIMIT) / (TOP_SPEED - SPEED_LIMIT))

    def _tailgating(self) -> float:
        vehicle = self._sim.vehicle
        in_front, _ = self._sim.road.neighbour_vehicles(vehicle)
        if in_front is None or vehicle.speed <= 0:
            return 0.0
        half_lengths = (vehicle.LENGTH + in_front.LENGTH) / 2
        gap: float = max(0.0, float(vehicle.lane_distance_to(in_front)) - half_lengths)
        return max(0.0, 1.0 - gap / float(vehicle.speed) / SAFE_HEADWAY)

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Draw the road around the own vehicle, in memory.

        Upstream's own viewer opens pygame's display, draws nothing on a dummy display, and shuts
        pygame down for the whole process when it is closed.

        :return: A (160, 720, 3) uint8 picture, or ``None`` without a render mode.
        """
        if self.render_mode is None:
            return None
        import pygame

        if self._surface is None:
            size = (WIDTH, HEIGHT)
            self._surface = self._highway.WorldSurface(size, 0, pygame.Surface(size))
            self._surface.scaling, self._surface.centering_position = _SCALE, [0.3, 0.5]
        self._surface.move_display_window_to(self._sim.vehicle.position)
        self._highway.RoadGraphics.display(self._sim.road, self._surface)
        self._highway.RoadGraphics.display_traffic(self._sim.road, self._surface, offscreen=True)
        pixels: npt.NDArray[np.uint8] = pygame.surfarray.array3d(self._surface)
        return np.ascontiguousarray(pixels.swapaxes(0, 1))

    def close(self) -> None:
        """Release the drawing surface; a second call does nothing."""
        self._surface = None

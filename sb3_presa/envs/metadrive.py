"""MetaDrive's nine tasks of the benchmark as Gymnasium environments that can be seeded.

MetaDrive runs one world per process. :class:`MetaDriveEnv` takes it with ``reset`` and releases it
with ``close``.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from sb3_presa.envs.metadrive_compat import load_metadrive
from sb3_presa.envs.metadrive_viewer import TopDownViewer
from sb3_presa.envs.numpy_random import numpy_random_restored
from sb3_presa.envs.reset_info import without_costs
from sb3_presa.errors import ConfigError, SimulatorBusyError

_ROADS = {"easy": ("SCS", 0), "medium": ("XST", 100), "hard": ("TRO", 200)}
"""Blocks of the road (straight, curve, crossing, T-junction, ramp, roundabout) and its seed."""

_TRAFFIC_DENSITY = {"sparse": 0.1, "mean": 0.15, "dense": 0.2}

TASKS = tuple(road + traffic for road in _ROADS for traffic in _TRAFFIC_DENSITY)
"""Names of the tasks."""

#: Entries of an info that end an episode, and upstream's names of them.
_ENDS = {"is_success": "arrive_dest", "crash": "crash", "out_of_road": "out_of_road"}
_AT_RESET = {**dict.fromkeys(_ENDS.values(), False), "cost": 0.0}

_OBSERVATIONS, _LASERS = 259, 240
_COST_OF_SPEED, _FREE_SPEED = 0.01, 10.0  # per km/h, km/h
_COST_OF_PROXIMITY, _FREE_PROXIMITY = 0.01, 0.1  # lidar readings are shares of 50 m


def make_upstream(task: str) -> Any:
    """Upstream's own environment with the settings of a task; its world is built by ``reset()``.

    :param task: One of :data:`TASKS`.
    :return: A ``SafeMetaDriveEnv``, whose steps return four values.
    :raises ConfigError: If the task is unknown.
    :raises SimulatorNotInstalledError: If MetaDrive cannot be imported.
    """
    if task not in TASKS:
        raise ConfigError(f"`task` must be one of {list(TASKS)}, got {task!r}")
    metadrive = load_metadrive()
    road = next(name for name in _ROADS if task.startswith(name))
    blocks, start_seed = _ROADS[road]
    return metadrive.SafeMetaDriveEnv(
        {
            "start_seed": start_seed,
            "environment_num": 1,
            "map_config": {"type": "block_sequence", "config": blocks},
            "traffic_density": _TRAFFIC_DENSITY[task.removeprefix(road)],
            "traffic_mode": metadrive.TrafficMode.Hybrid,
            "random_traffic": True,
            "accident_prob": 0.0,
            "crash_vehicle_penalty": 0.0,
            # A vehicle that is reused in the next episode differs in its sixth decimal after the
            # last one. Every release does this.
            "force_destroy": True,
        }
    )


class MetaDriveEnv(gym.Env[npt.NDArray[np.float32], npt.NDArray[np.float32]], gym.utils.EzPickle):
    """A drive along one road of three blocks, through traffic, to its end.

    Observations: 259 numbers in [0, 1], the last 240 of them the lidar's distances as shares of
    50 m. Actions: steering and acceleration, each in [-1, 1]. Reward: metres driven along the lane
    and a little for speed, +10 on arrival, -5 for leaving the road, 0 for a crash. An episode
    terminates on arrival, with a crash, and by leaving the road.

    ``info`` has the components of ``cost``:

    - ``cost_out_of_road`` and ``cost_crash``: 1.0, in an episode's last step. A step that leaves
      the road does not count a crash.
    - ``cost_speed``: ``0.01 max(0, speed_km_h - 10)``.
    - ``cost_proximity``: ``0.01 max(0, 0.1 - min(lidar))^2``.

    It also has ``speed_km_h``, ``is_success`` (arrived), ``crash`` and ``out_of_road``.

    The road and the start of a task are always the same; ``reset(seed=...)`` determines the
    traffic.

    A process holds one world. ``reset`` takes it, from another ``MetaDriveEnv`` if necessary, whose
    next step then raises an error: use :class:`SubprocVecEnv` for several at the same time.

    Settings, costs and terminations are DSRL's. DSRL recorded its data with a fork of an older
    MetaDrive, which differs:

    - ``velocity`` is in m/s upstream and in km/h in the fork. The cost is in km/h here as there.
    - A vehicle that is off the lanes has left the road. The fork looks only at continuous lines
      and kerbs.
    - The fork takes the settings ``idm_target_speed``, ``idm_acc_factor`` and
      ``idm_deacc_factor``. They steer the agent that recorded the data, not the traffic, and
      there is nothing to set here.
    - ``reset(seed=...)`` seeds the traffic; there it chooses the road, of which there is one, and
      no seed makes the traffic repeat.
    - The time limit is Gymnasium's, 1000 steps; there the environment counts them itself.
    - Physics, traffic and the shape of the blocks are those of release 0.3.0.1. Arriving returns
      about 426 on the easy road, 262 on the medium one and 306 on the hard one; the largest
      returns in DSRL's data are 426, 270 and 487. Scores on DSRL's scale (``reward_min`` and
      ``reward_max`` of the table of tasks) compare on the easy road, roughly on the medium one,
      and not on the hard one, where DSRL's road is longer.

    :param task: ``"easysparse"``, ``"easymean"``, ``"easydense"``, ``"mediumsparse"`` and so on:
        the road and how dense the traffic is (a vehicle per 100, 67 or 50 m of lane).
    :param render_mode: ``None`` or ``"rgb_array"`` (360 x 480 pixels from above, drawn without a
        display).
    :raises ConfigError: If ``task`` or ``render_mode`` is not one of these.
    :raises SimulatorNotInstalledError: If MetaDrive, or something that it needs, is missing.
    """

    # Gymnasium declares it so, and reads it from the class.
    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, task: str, render_mode: str | None = None) -> None:
        gym.utils.EzPickle.__init__(self, task, render_mode)
        for name, value, allowed in (
            ("task", task, TASKS),
            ("render_mode", render_mode, (None, "rgb_array")),
        ):
            if value not in allowed:
                raise ConfigError(f"`{name}` must be one of {list(allowed)}, got {value!r}")
        self._task, self.render_mode = task, render_mode
        self._metadrive = load_metadrive()
        self._sim: Any = None
        self._world: Any = None
        self._viewer: TopDownViewer | None = None
        # Upstream's own spaces need an environment, which cannot be built beside a running world.
        self.observation_space = gym.spaces.Box(0.0, 1.0, (_OBSERVATIONS,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    @property
    def _has_the_world(self) -> bool:
        return self._world is not None and self._world is self._metadrive.BaseEngine.singleton

    def _need_the_world(self) -> None:
        if self._has_the_world:
            return
        if self._world is None:
            raise gym.error.ResetNeeded("call reset() before step() and render()")
        raise SimulatorBusyError(
            "MetaDrive runs one world per process, and reset() of another MetaDriveEnv took it "
            "during an episode of this one. Run each in its own process "
            "(make_vec_env(..., vec_env_cls=SubprocVecEnv)), or call reset() to take the world back"
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Start an episode; build the world if this environment does not have it.

        :param seed: Determines the episode together with the actions; ``None`` continues the
            random generator.
        :param options: Not used.
        :return: The first observation, shape (259,), and an info with the keys of a step's, the
            costs 0.0.
        """
        super().reset(seed=seed)
        # NumPy's global generator draws the height of the kerbs
        with numpy_random_restored(0):
            if not self._has_the_world:
                self._metadrive.close_engine()
                self._sim, self._viewer = make_upstream(self._task), None
                self._sim.lazy_init()
                self._world = self._sim.engine
            # Upstream never seeds traffic that is to vary from episode to episode.
            traffic_seed = int(self.np_random.integers(2**31))
            self._world.traffic_manager.np_random = self._metadrive.get_np_random(traffic_seed)
            observation = self._sim.reset()
        speed = self._sim.vehicle.speed
        return observation, without_costs(_info(observation, {**_AT_RESET, "velocity": speed}))

    def step(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance the simulation by 0.1 s.

        :param action: Steering and acceleration, shape (2,); clipped to [-1, 1] by the simulator.
        :return: Observation, reward, terminated, truncated (always false: the time limit is
            Gymnasium's), and info.
        :raises SimulatorBusyError: If another environment took the world since the reset.
        """
        self._need_the_world()
        observation, reward, _, upstream = self._sim.step(action)
        info = _info(observation, upstream)
        return observation, float(reward), any(info[end] for end in _ENDS), False, info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Draw the road and the vehicles from above.

        :return: A (360, 480, 3) uint8 picture, or ``None`` without a render mode.
        :raises SimulatorBusyError: If another environment took the world since the reset.
        """
        if self.render_mode is None:
            return None
        self._need_the_world()
        if self._viewer is None:
            self._viewer = TopDownViewer(self._metadrive, self._world.current_map)
        return self._viewer.draw(self._sim.vehicle, self._world.traffic_manager.vehicles)

    def close(self) -> None:
        """Release the world; a second call does nothing, and a reset builds a new one."""
        if self._has_the_world:
            self._metadrive.close_engine()
        self._sim = self._world = self._viewer = None


def _info(observation: npt.NDArray[np.float32], upstream: Mapping[str, Any]) -> dict[str, Any]:
    # As in DSRL, a crash ends the episode; upstream's own flag does not count it.
    ends = {name: bool(upstream[theirs]) for name, theirs in _ENDS.items()}
    speed_km_h = 3.6 * float(upstream["velocity"])
    nearest = float(observation[-_LASERS:].min())
    event_cost = float(upstream["cost"])
    costs = {
        "cost_out_of_road": event_cost if ends["out_of_road"] else 0.0,
        "cost_crash": 0.0 if ends["out_of_road"] else event_cost,
        "cost_speed": _COST_OF_SPEED * max(0.0, speed_km_h - _FREE_SPEED),
        "cost_proximity": _COST_OF_PROXIMITY * max(0.0, _FREE_PROXIMITY - nearest) ** 2,
    }
    return {"cost": sum(costs.values()), **costs, "speed_km_h": speed_km_h, **ends}

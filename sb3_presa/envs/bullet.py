"""The Bullet-Safety-Gym tasks as plain Gymnasium environments that can be seeded.

Upstream ignores ``reset(seed=...)``: it draws from NumPy's global generator. Its state after an
episode also differs slightly from its state before. A seeded reset here therefore rebuilds the
simulation, which is the only way to repeat an episode exactly. Without a render mode, the meshes
are left out: milliseconds instead of half a second for the drone. PyBullet is imported when the
first environment is made.
"""

import contextlib
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from sb3_presa.envs.numpy_random import numpy_random_restored
from sb3_presa.envs.simulators import importing
from sb3_presa.errors import ConfigError

_AGENTS = {"Ball": "Ball", "Car": "RaceCar", "Drone": "Drone", "Ant": "Ant"}
_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "Run": ("RunTask", {"name": "Plane200", "factor": 1}),
    "Circle": ("CircleTask", {"name": "Octagon"}),
}
_WIDTH, _HEIGHT = 480, 360


@contextlib.contextmanager
def _plain_streams() -> Iterator[None]:
    """Give upstream real streams: it silences PyBullet through their file descriptors, which the
    replaced ``sys.stdout`` of a notebook or of pytest does not have."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = sys.__stdout__ or streams[0], sys.__stderr__ or streams[1]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def _import_simulator() -> tuple[Any, Any]:
    with importing("bullet"), _plain_streams():
        # In this order: upstream hides the line that pybullet prints when it is imported
        from bullet_safety_gym.envs import builder  # noqa: I001
        import pybullet
    return pybullet, builder


def _layout(agent: str, task: str) -> dict[str, Any]:
    name, world = _TASKS[task]
    return {"agent": _AGENTS[agent], "task": name, "obstacles": {}, "world": world}


def _built(build: Any, layout: dict[str, Any]) -> Any:
    # Upstream gives a float64 space float32 bounds, and checking them overflows.
    with _plain_streams(), np.errstate(over="ignore"):
        return build(**layout)


def make_upstream(agent: str, task: str) -> Any:
    """Construct upstream's own environment of a task, as its registry would.

    :param agent: As of :class:`SafetyBulletEnv`.
    :param task: As of :class:`SafetyBulletEnv`.
    :return: An ``EnvironmentBuilder`` without any wrapper.
    :raises SimulatorNotInstalledError: If PyBullet or Bullet-Safety-Gym cannot be imported.
    """
    _, builder = _import_simulator()
    return _built(builder.EnvironmentBuilder, _layout(agent, task))


@cache
def _unseen(pybullet: Any, builder: Any) -> Any:
    """Upstream's environment without visual shapes: the same numbers, built sooner."""

    class UnseenEnvironment(builder.EnvironmentBuilder):  # type: ignore[misc]
        def _setup_client_and_physics(self, graphics: bool = False) -> Any:
            client = super()._setup_client_and_physics(graphics)
            load = client.loadURDF

            def load_without_visuals(*args: Any, flags: int = 0, **kwargs: Any) -> int:
                flags |= pybullet.URDF_IGNORE_VISUAL_SHAPES
                return int(load(*args, flags=flags, **kwargs))

            client.loadURDF = load_without_visuals
            return client

    return UnseenEnvironment


class SafetyBulletEnv(
    gym.Env[npt.NDArray[np.float32], npt.NDArray[np.float32]], gym.utils.EzPickle
):
    """A task of Bullet-Safety-Gym: five-tuple steps, float32 observations, float ``info["cost"]``.

    A seeded reset rebuilds the simulation and repeats exactly, in this process and in another
    (10 ms; with a render mode 80 ms for the car and 400 ms for the drone). An unseeded one is
    upstream's quick reset, its draws taken from this environment's ``np_random``. NumPy's global
    generator is left as it was by both.

    :param agent: ``"Ball"`` or ``"Car"`` (2 actions, 7 observations), ``"Drone"`` (4 and 17; an
        episode terminates when it turns over) or ``"Ant"`` (8 and 33; when its body touches the
        ground). Actions are in [-1, 1].
    :param task: ``"Run"``: reward for speed along x, cost 1 per step outside ``|y| <= 2`` or above
        the speed limit. ``"Circle"`` (one more observation): reward for speed along a circle, cost
        1 per step outside ``|x| <= 6``.
    :param render_mode: ``None`` or ``"rgb_array"`` (360 x 480 pixels, drawn without a display).
    :raises ConfigError: If ``agent``, ``task`` or ``render_mode`` is not one of these.
    :raises SimulatorNotInstalledError: If PyBullet or Bullet-Safety-Gym cannot be imported.
    """

    # Gymnasium declares it so, and reads it from the class.
    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012

    def __init__(self, agent: str, task: str, render_mode: str | None = None) -> None:
        gym.utils.EzPickle.__init__(self, agent, task, render_mode)
        for name, value, allowed in (
            ("agent", agent, list(_AGENTS)),
            ("task", task, list(_TASKS)),
            ("render_mode", render_mode, [None, "rgb_array"]),
        ):
            if value not in allowed:
                raise ConfigError(f"`{name}` must be one of {allowed}, got {value!r}")
        self.render_mode = render_mode
        self._sim: Any = None
        self._pybullet, builder = _import_simulator()
        self._build = (
            builder.EnvironmentBuilder if render_mode else _unseen(self._pybullet, builder)
        )
        self._layout = _layout(agent, task)
        with numpy_random_restored(0):
            self._sim = self._rebuilt()
        upstream = self._sim.observation_space
        self.observation_space = gym.spaces.Box(
            upstream.low.astype(np.float32), upstream.high.astype(np.float32), dtype=np.float32
        )
        self.action_space = self._sim.action_space

    def _rebuilt(self) -> Any:
        self.close()
        return _built(self._build, self._layout)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Start an episode.

        :param seed: Rebuilds the simulation, so that the episode depends on the seed and on the
            actions alone; ``None`` for the quick reset.
        :param options: Not used.
        :return: The first observation, and an info with ``cost`` 0.0.
        """
        super().reset(seed=seed)
        with numpy_random_restored(int(self.np_random.integers(2**32))):
            if seed is not None or self._sim is None:
                self._sim = self._rebuilt()
            observation, _ = self._sim.reset()
        return np.asarray(observation, dtype=np.float32), {"cost": 0.0}

    def step(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance the simulation by one step.

        :param action: Shape (2,), (4,) or (8,); clipped to [-1, 1] by the simulator.
        :return: Observation (float32), reward, terminated, truncated (always false: the time limit
            is Gymnasium's), and info with ``cost``, 0.0 or 1.0.
        """
        observation, reward, terminated, truncated, info = self._sim.step(np.asarray(action))
        cost = float(info["cost"])
        return (
            np.asarray(observation, dtype=np.float32),
            float(reward),
            bool(terminated),
            bool(truncated),
            {"cost": cost},
        )

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Draw the scene with PyBullet's software renderer.

        Upstream's sphere around the agent is not drawn. This renderer has no transparency, so the
        sphere would hide the agent, and it would show the cost of a step to people who label.

        :return: A (360, 480, 3) uint8 picture, or ``None`` without a render mode.
        """
        if self.render_mode is None:
            return None
        client, camera = self._sim.bc, self._sim.world.camera
        client.changeVisualShape(self._sim.agent.violation_body_id, -1, rgbaColor=[0, 0, 0, 0])
        view = client.computeViewMatrixFromYawPitchRoll(
            cameraTargetPosition=camera.cam_base_pos,
            distance=camera.cam_dist,
            yaw=camera.cam_yaw,
            pitch=camera.cam_pitch,
            roll=0,
            upAxisIndex=2,
        )
        projection = client.computeProjectionMatrixFOV(
            fov=60, aspect=_WIDTH / _HEIGHT, nearVal=0.1, farVal=100.0
        )
        pixels = client.getCameraImage(
            width=_WIDTH,
            height=_HEIGHT,
            viewMatrix=view,
            projectionMatrix=projection,
            renderer=self._pybullet.ER_TINY_RENDERER,
        )[2]
        return np.asarray(pixels, dtype=np.uint8).reshape(_HEIGHT, _WIDTH, 4)[:, :, :3].copy()

    def close(self) -> None:
        """Release the simulation; a second call does nothing, and a reset builds a new one."""
        if self._sim is not None:
            self._sim.close()
            self._sim = None

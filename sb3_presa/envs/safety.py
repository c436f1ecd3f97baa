"""The SafetyGym tasks of Safety-Gymnasium as plain Gymnasium environments.

Upstream's own classes run the simulation; ``safety_compat.py`` makes them work with current
packages. MuJoCo and Safety-Gymnasium are imported when the first environment is made.
"""

from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from sb3_presa.envs import safety_compat
from sb3_presa.envs.tasks import all_tasks
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    from sb3_presa.envs.safety_viewer import HeadlessViewer

_VELOCITY: dict[str, tuple[str, str]] = {
    f"Safety{name}Velocity-v1": (
        f"tasks.safe_velocity.safety_{module}_velocity_v1",
        f"Safety{name}VelocityEnv",
    )
    for name, module in (
        ("Ant", "ant"),
        ("HalfCheetah", "half_cheetah"),
        ("Hopper", "hopper"),
        ("Swimmer", "swimmer"),
        ("Walker2d", "walker2d"),
    )
}
_WIDTH, _HEIGHT = 480, 360


def make_upstream(task_id: str) -> Any:
    """Construct upstream's own environment of a task, as its registry would.

    :param task_id: Upstream's id, e.g. ``"SafetyPointGoal1-v0"``.
    :return: The environment without any wrapper; its ``step`` returns six values, the cost third.
    :raises ConfigError: If the task is unknown.
    :raises SimulatorNotInstalledError: If MuJoCo or Safety-Gymnasium cannot be imported.
    """
    allowed = [task.upstream_env for task in all_tasks() if task.suite == "safety"]
    if task_id not in allowed:
        raise ConfigError(f"`task_id` must be one of {allowed}, got {task_id!r}")
    upstream: Any
    kwargs: dict[str, Any]
    if task_id in _VELOCITY:
        upstream = safety_compat.upstream_class(*_VELOCITY[task_id])
        kwargs = {"width": _WIDTH, "height": _HEIGHT}
    else:
        upstream = safety_compat.upstream_class("builder", "Builder")
        agent = "Point" if task_id.startswith("SafetyPoint") else "Car"
        kwargs = {"task_id": task_id, "config": {"agent_name": agent}}
    with safety_compat.quietly():
        return upstream(**kwargs)


class SafetyGymEnv(gym.Env[npt.NDArray[np.float32], npt.NDArray[np.float32]], gym.utils.EzPickle):
    """A task of Safety-Gymnasium: five-tuple steps, float32 observations, float ``info["cost"]``.

    Rewards, costs, terminations and the effect of a seed are upstream's. Seeded resets repeat
    exactly, in this process and in another.

    :param task_id: Upstream's id. Navigation (``"SafetyPointGoal1-v0"``: agent Point or Car; task
        Goal, Button, Push or Circle; level 1 or 2) has 2 actions in [-1, 1], and costs 1 per step
        in a hazard, in contact with an obstacle, or out of bounds. Velocity
        (``"SafetyHopperVelocity-v1"``: Ant, HalfCheetah, Hopper, Swimmer, Walker2d) costs 1 per
        step above upstream's speed limit.
    :param render_mode: ``None`` or ``"rgb_array"`` (360 x 480 pixels, drawn without a screen).
    :raises ConfigError: If ``task_id`` or ``render_mode`` is not one of these.
    :raises SimulatorNotInstalledError: If MuJoCo or Safety-Gymnasium cannot be imported.
    """

    # Gymnasium declares it so, and reads it from the class before there is an instance.
    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012

    def __init__(self, task_id: str, render_mode: str | None = None) -> None:
        gym.utils.EzPickle.__init__(self, task_id, render_mode)
        if render_mode not in (None, "rgb_array"):
            raise ConfigError(f"`render_mode` must be None or 'rgb_array', got {render_mode!r}")
        self.render_mode = render_mode
        self._sim = make_upstream(task_id)
        self._navigates = task_id not in _VELOCITY
        self._was_reset = False
        self._reset_info: dict[str, Any] | None = None
        self._viewer: HeadlessViewer | None = None
        self.metadata = {**self.metadata, "render_fps": self._sim.metadata["render_fps"]}
        self.observation_space, self.action_space = (
            gym.spaces.Box(
                space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32
            )
            for space in (self._sim.observation_space, self._sim.action_space)
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Start an episode.

        :param seed: Determines the episode together with the actions, as upstream does for seeds
            below 2**32. ``None`` continues the random generator.
        :param options: Not used.
        :return: The first observation, and an info with the keys of a step's, the costs 0.0.
        """
        super().reset(seed=seed)
        if seed is None and not self._was_reset:
            seed = int(self.np_random.integers(2**32))
        if seed is not None:
            seed %= 2**32
        if self._reset_info is None:
            self._reset_info = self._info_before_a_step()
        observation, _ = self._sim.reset(seed=seed)
        self._was_reset = True
        info = self._reset_info if self._navigates else {**self._reset_info, **self._position()}
        return observation.astype(np.float32), dict(info)

    def _info_before_a_step(self) -> dict[str, Any]:
        """Nothing has happened. Upstream's keys depend on the task, and are seen in a step only."""
        self._sim.reset(seed=0)
        *_, info = self.step(np.zeros(self.action_space.shape or (), np.float32))
        return {name: type(value)() for name, value in info.items()}

    def _position(self) -> dict[str, np.float64]:
        """The place of a robot of the velocity tasks, as far as its infos tell."""
        assert self._reset_info is not None
        x, y = self._sim.data.qpos[:2]
        place = {"x_position": x, "y_position": y, "distance_from_origin": np.hypot(x, y)}
        return {name: value for name, value in place.items() if name in self._reset_info}

    def step(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance the simulation by one step.

        :param action: Within ``action_space``.
        :return: Observation (float32), reward, terminated, truncated, and upstream's info with
            ``cost`` (0.0 or 1.0) and, in navigation, ``goal_met`` at every step.
        """
        observation, reward, cost, terminated, truncated, info = self._sim.step(np.asarray(action))
        info["cost"] = float(cost)
        if self._navigates:
            info.setdefault("goal_met", False)
        return (
            observation.astype(np.float32),
            float(reward),
            bool(terminated),
            bool(truncated),
            info,
        )

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Draw the scene off-screen, through EGL or in software.

        Upstream's red sphere, which marks steps with a cost, is not drawn: people who label clips
        are to judge for themselves.

        :return: A (360, 480, 3) uint8 picture, or ``None`` without a render mode.
        :raises gymnasium.error.ResetNeeded: Before the first reset.
        :raises RenderingError: If off-screen rendering does not work.
        """
        if self.render_mode is None:
            return None
        if not self._was_reset:
            raise gym.error.ResetNeeded("call reset() before render()")
        if self._viewer is None:
            self._attach_viewer()
        if self._navigates:
            picture: npt.NDArray[np.uint8] = self._sim.task.render(
                _WIDTH, _HEIGHT, "rgb_array", camera_name="fixedfar", cost={}
            )
        else:
            picture = self._sim.mujoco_renderer.render("rgb_array")
        return picture

    def _attach_viewer(self) -> None:
        """Give upstream a viewer before it makes its own."""
        import mujoco

        from sb3_presa.envs.safety_viewer import HeadlessViewer

        owner = self._sim.task if self._navigates else self._sim.mujoco_renderer
        limits = owner.model.vis.global_
        limits.offwidth = max(limits.offwidth, _WIDTH)
        limits.offheight = max(limits.offheight, _HEIGHT)
        self._viewer = HeadlessViewer(owner.model, owner.data, _WIDTH, _HEIGHT)
        owner.viewer = owner._viewers["rgb_array"] = self._viewer
        if not self._navigates:
            owner._set_cam_config()
            # The model's camera that follows the robot, or -1, the free camera
            camera = mujoco.mjtObj.mjOBJ_CAMERA
            owner.camera_id = mujoco.mj_name2id(owner.model, camera, "track")

    def close(self) -> None:
        """Release the drawing context; a second call does nothing, and reset() still works."""
        if self._viewer is not None:
            owner = self._sim.task if self._navigates else self._sim.mujoco_renderer
            owner.viewer = None
            del owner._viewers["rgb_array"]
            self._viewer.close()
            self._viewer = None

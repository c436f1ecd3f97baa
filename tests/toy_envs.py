"""Made-up environments for the tests: a point in the unit square that should go right.

Going up pays a little more, and costs. The kinds differ in their spaces only.
"""

from typing import Any, Literal, TypeAlias

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

Kind: TypeAlias = Literal["box", "discrete", "multidiscrete", "dict", "image"]

KINDS: tuple[Kind, ...] = ("box", "discrete", "multidiscrete", "dict", "image")
HORIZON = 20
_IMAGE_SIDE = 36


class PointEnv(gym.Env[Any, Any]):
    """A point moves; reward is its step to the right, cost 1 where it is high up."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 (as Gymnasium does)

    def __init__(self, kind: Kind = "box", render_mode: str | None = None) -> None:
        self.kind, self.render_mode = kind, render_mode
        unit = spaces.Box(-2.0, 2.0, (3,), np.float32)
        self.observation_space: gym.Space[Any] = unit
        self.action_space: gym.Space[Any] = spaces.Box(-1.0, 1.0, (2,), np.float32)
        if kind == "discrete":
            self.action_space = spaces.Discrete(5)
        elif kind == "multidiscrete":
            self.action_space = spaces.MultiDiscrete([3, 3])
        elif kind == "dict":
            where = spaces.Box(-2.0, 2.0, (2,), np.float32)
            self.observation_space = spaces.Dict({"where": where, "zone": spaces.Discrete(2)})
        elif kind == "image":
            self.observation_space = spaces.Box(0, 255, (_IMAGE_SIDE, _IMAGE_SIDE, 3), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._at = self.np_random.uniform(-0.5, 0.5, 2)
        return self._observe(), {"cost": 0.0}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        move = self._move(action)
        self._at = np.clip(self._at + 0.1 * move, -1.0, 1.0)
        high = bool(self._at[1] > 0.3)
        reward = float(move[0] + 0.5 * high)
        return self._observe(), reward, bool(self._at[0] <= -1.0), False, {"cost": float(high)}

    def render(self) -> Any:
        return self._draw()

    def _move(self, action: Any) -> npt.NDArray[np.float64]:
        move = np.asarray(action, dtype=np.float64)
        if self.kind == "discrete":
            move = np.array([[0.0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])[int(action)]
        elif self.kind == "multidiscrete":
            move -= 1.0
        return move.clip(-1.0, 1.0)

    def _observe(self) -> Any:
        if self.kind == "image":
            return self._draw()
        if self.kind == "dict":
            zone = np.int64(self._at[1] > 0.3)
            return {"where": self._at.astype(np.float32), "zone": zone}
        return np.array([*self._at, self._at.prod()], dtype=np.float32)

    def _draw(self) -> npt.NDArray[np.uint8]:
        picture = np.zeros((_IMAGE_SIDE, _IMAGE_SIDE, 3), dtype=np.uint8)
        column, row = np.rint((self._at + 1) / 2 * (_IMAGE_SIDE - 5)).astype(int)
        picture[row : row + 4, column : column + 4] = 255
        return picture


def env_id(kind: Kind) -> str:
    """The Gymnasium id of a kind."""
    return f"toy/Point{kind.title()}-v0"


for _kind in KINDS:
    gym.register(
        env_id(_kind),
        entry_point="toy_envs:PointEnv",
        kwargs={"kind": _kind},
        max_episode_steps=HORIZON,
    )

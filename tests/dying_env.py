"""A simulator that kills its process, once for each file ``die-SEED`` in a folder."""

import os
import signal
from pathlib import Path
from typing import Any

import gymnasium as gym
from toy_envs import PointEnv

FOLDER = "TEST_DYING_ENV_FOLDER"


class DyingEnv(PointEnv):
    """:class:`PointEnv`, which dies in the middle of an episode like one without memory."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        self._order = Path(os.environ[FOLDER]) / f"die-{seed}"
        return super().reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self._order.exists():
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)


gym.register("toy/Dying-v0", entry_point="dying_env:DyingEnv", max_episode_steps=10)

"""The robot: a rover that drives to a goal, past soft ground. It stands for a machine of yours.

``from_files.py`` uses it twice: to write a log before anything is learnt, and to drive at the end.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Driver = Callable[[Array], Array]

N_STEPS = 60
GOAL, SOFT, SOFT_RADIUS = np.array([1.0, 0.0]), np.array([0.0, 0.0]), 0.35
HEADINGS = ("x [m]", "y [m]", "vx [m/s]", "vy [m/s]")


class Rover(gym.Env[Any, Array]):
    """Observations are place and velocity, as one array or as a Dict; actions are two throttles.

    :param flat: whether observations are one array.
    """

    def __init__(self, flat: bool = True) -> None:
        self._flat = flat
        pair = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
        parts = gym.spaces.Dict({"place": pair, "pace": pair})
        everything = gym.spaces.Box(-np.inf, np.inf, (4,), np.float32)
        self.observation_space = everything if flat else parts
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """To the left of the soft ground, at rest."""
        super().reset(seed=seed)
        self.state = np.array([-1.0, self.np_random.uniform(-0.3, 0.3), 0.0, 0.0])
        self._step = 0
        return self._observe(), {}

    def step(self, action: Array) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """The reward is larger the nearer the goal is; a step on soft ground costs 1."""
        throttle = np.clip(np.asarray(action, np.float64), -1, 1)
        self.state[2:] = 0.8 * self.state[2:] + 0.02 * throttle
        self.state[:2] += self.state[2:]
        self._step += 1
        place, is_over = self.state[:2], self._step == N_STEPS
        infos = {"cost": float(is_soft(place))}
        return self._observe(), float(reward_at(place)), False, is_over, infos

    def _observe(self) -> Any:
        state = self.state.astype(np.float32)
        return state if self._flat else {"place": state[:2], "pace": state[2:]}


def is_soft(place: Array) -> Any:
    """:return: whether a place, or each of some, is on soft ground."""
    return np.linalg.norm(place - SOFT, axis=-1) < SOFT_RADIUS


def reward_at(place: Array) -> Any:
    """:return: 1 at the goal, and 0 two metres away."""
    return 1.0 - np.linalg.norm(place - GOAL, axis=-1) / 2.0


def habit(random: np.random.Generator) -> Driver:
    """:return: somebody who drives straight on or around, fast or slowly, with a shaking hand."""
    around = float(random.choice([0.0, 0.55, -0.55, 0.8])) + random.normal(0, 0.1)
    speed = random.uniform(0.4, 1.0)

    def act(state: Array) -> Array:
        target = GOAL if state[0] > 0.1 else np.array([0.15, around])
        heading = target - state[:2] - 4 * state[2:]
        action = speed * heading / max(0.15, float(np.linalg.norm(heading)))
        return np.asarray(np.clip(action + random.normal(0, 0.15, 2), -1, 1))

    return act


def record(n_episodes: int, seed: int) -> list[tuple[Array, Array]]:
    """:return: of each episode T + 1 states and T actions."""
    random, env, episodes = np.random.default_rng(seed), Rover(), []
    for number in range(n_episodes):
        observed, driver = env.reset(seed=seed + number)[0], habit(random)
        states, actions = [observed], []
        for _ in range(N_STEPS):
            actions.append(driver(states[-1]))
            states.append(env.step(actions[-1])[0])
        episodes.append((np.array(states), np.array(actions)))
    return episodes


def write_csv(episodes: list[tuple[Array, Array]], folder: Path) -> None:
    """A file an episode. The last row has the last state alone."""
    folder.mkdir(parents=True)
    for number, (states, actions) in enumerate(episodes):
        lines = [",".join(("time [s]", *HEADINGS, "left", "right"))]
        for step, state in enumerate(states):
            done = actions[step] if step < len(actions) else ("", "")
            lines.append(",".join(map(str, (round(0.1 * step, 1), *state.tolist(), *done))))
        (folder / f"drive_{number}.csv").write_text("\n".join(lines) + "\n")


def write_npz(episodes: list[tuple[Array, Array]], path: Path) -> None:
    """All episodes in one file, a row each."""
    states = np.stack([states for states, _ in episodes])
    actions = np.stack([actions for _, actions in episodes])
    np.savez(path, place=states[..., :2], pace=states[..., 2:], actions=actions)


class Person:
    """Somebody who watches two clips and says which is better, and whether each is safe.

    :param seed: of the tenth of the answers that is wrong.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def prefers(self, first: Array, second: Array) -> float:
        """:return: 1 if the first clip is better, 0 if the second is, .5 if they are alike."""
        gain = float(reward_at(first[:, :2]).sum() - reward_at(second[:, :2]).sum())
        if abs(gain) < 0.2:
            return 0.5
        return float((gain > 0) != self._is_wrong())

    def calls_safe(self, clip: Array) -> float:
        """:return: 1 for a clip without soft ground, else 0."""
        is_safe = not is_soft(clip[:, :2]).any()
        return float(is_safe != self._is_wrong())

    def _is_wrong(self) -> bool:
        return bool(self._random.random() < 0.1)

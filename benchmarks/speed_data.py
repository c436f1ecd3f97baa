"""Made-up data of BallCircle's size, and the machine, for the benchmarks of speed and memory."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch as th
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa.data.minari_store import write_dataset
from sb3_presa.learning.precision import cpu_multiplies_bfloat16

OBSERVATION_SPACE = gym.spaces.Box(-np.inf, np.inf, (8,), np.float32)
ACTION_SPACE = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
EPISODE_LENGTH = 200


def made_up_dataset(root: Path, n_transitions: int) -> MinariDataset:
    """
    :param root: datasets root to write into
    :param n_transitions: rounded down to whole episodes
    :return: random observations, actions, rewards and costs in episodes of BallCircle's length
    """
    random = np.random.default_rng(0)
    T = EPISODE_LENGTH
    episodes = [
        EpisodeBuffer(
            observations=random.normal(size=(T + 1, *OBSERVATION_SPACE.shape)).astype(np.float32),
            actions=random.uniform(-1, 1, (T, *ACTION_SPACE.shape)).astype(np.float32),
            rewards=random.normal(size=T),
            terminations=np.zeros(T, dtype=bool),
            truncations=np.arange(T) == T - 1,
            infos={"cost": np.concatenate([[0.0], random.integers(0, 2, T)])},
        )
        for _ in range(n_transitions // T)
    ]
    return write_dataset(
        "made-up/ball-circle-v0",
        episodes,
        observation_space=OBSERVATION_SPACE,
        action_space=ACTION_SPACE,
        root=root,
    )


def machine() -> dict[str, Any]:
    """
    :return: what the figures depend on
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": th.get_num_threads(),
        "cpu_capability": th.backends.cpu.get_cpu_capability(),
        "bfloat16_in_hardware": cpu_multiplies_bfloat16(),
        "torch": th.__version__,
        "python": platform.python_version(),
    }


def write_figures(path: Path | None, **figures: Any) -> None:
    """
    Writes figures as JSON, and the machine that they were measured on.

    :param path: the file; nothing is written where it is ``None``
    :param figures: what was measured
    """
    if path is not None:
        path.write_text(json.dumps({"machine": machine(), **figures}, indent=2) + "\n")


def _processor() -> str:
    """Its name, which ``platform`` does not know on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

"""Gymnasium registration of the safe tasks, one module per simulator.

Importing this package registers nothing and imports no simulator: :func:`register_envs` registers
the ids (``import sb3_presa`` calls it), and a simulator is imported when its first environment is
made.
"""

import gymnasium as gym

from sb3_presa.envs.simulators import SIMULATORS, Simulator
from sb3_presa.envs.tasks import Task, all_tasks, find_task

__all__ = ["SIMULATORS", "Simulator", "Task", "all_tasks", "find_task", "register_envs"]


def register_envs() -> None:
    """Register the safe tasks with Gymnasium under ``presa/``; a second call changes nothing."""
    for simulator in SIMULATORS.values():
        for entry in simulator.envs:
            if entry.env_id not in gym.registry:
                gym.register(
                    id=entry.env_id,
                    entry_point=entry.entry_point,
                    max_episode_steps=entry.horizon,
                    kwargs=dict(entry.kwargs),
                )

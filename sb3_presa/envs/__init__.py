"""Gymnasium registration of the safe tasks, one module a simulator.

Importing this package registers nothing and imports no simulator: :func:`register_envs` registers
the ids (``import sb3_presa`` calls it), and a simulator is imported when its first environment is
made.
"""

import gymnasium as gym

from sb3_presa.envs.tasks import Task, all_tasks, find_task

__all__ = ["Task", "all_tasks", "find_task", "register_envs"]

# Entry point and keyword arguments of each registered task, by the simulator's own id.
_BULLET = "sb3_presa.envs.bullet:SafetyBulletEnv"
_ENTRY_POINTS: dict[str, tuple[str, dict[str, str]]] = {
    "SafetyBallRun-v0": (_BULLET, {"agent": "Ball", "task": "Run"}),
    "SafetyBallCircle-v0": (_BULLET, {"agent": "Ball", "task": "Circle"}),
    "SafetyCarRun-v0": (_BULLET, {"agent": "Car", "task": "Run"}),
    "SafetyCarCircle-v0": (_BULLET, {"agent": "Car", "task": "Circle"}),
}


def register_envs() -> None:
    """Register the safe tasks with Gymnasium under ``presa/``; a second call changes nothing."""
    for task in all_tasks():
        if task.upstream_env not in _ENTRY_POINTS or task.env_id in gym.registry:
            continue
        entry_point, kwargs = _ENTRY_POINTS[task.upstream_env]
        gym.register(
            id=task.env_id,
            entry_point=entry_point,
            max_episode_steps=task.horizon,
            kwargs=kwargs,
        )

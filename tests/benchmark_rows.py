"""A results file with effects that are known, as ``sb3-presa benchmark run`` would write it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sb3_presa.benchmark.engine.results import COLUMNS, format_rows
from sb3_presa.benchmark.suites.cell import Cell, Labels

TASKS = {
    "BallRun": ("presa/ball-run-v0", "presa/SafetyBallRun-v0", 0.3),
    "BallCircle": ("presa/ball-circle-v0", "presa/SafetyBallCircle-v0", 0.6),
    "CarRun": ("presa/car-run-v0", "presa/SafetyCarRun-v0", 0.9),
}
#: what an algorithm adds to the reward, its mean cost, and whether it reads the truth
EFFECTS = {
    "PRESA": (0.10, 0.4, False),
    "BC, safe": (0.0, 0.5, False),
    "CPL": (0.15, 1.4, False),
    "TraC": (0.12, 0.5, True),
}
LIMITS = (10.0, 20.0, 40.0)


def row(cell: Cell, reward: float, cost: float, *, reads_outcomes: bool = False) -> dict[str, Any]:
    """The row of an agent with these normalised outcomes."""
    found = dict.fromkeys(COLUMNS) | {
        "task": cell.task,
        "dataset": cell.dataset,
        "cost_limit": cell.cost_limit,
        "algorithm": cell.algorithm,
        "seed": cell.seed,
        "reward_mean": 1000 * reward,
        "cost_mean": cost * cell.cost_limit,
        "normalized_reward": reward,
        "normalized_cost": cost,
        "safe": cost <= 1,
        "safe_episode_ratio": float(cost <= 1),
        "cost_cvar90": cost * cell.cost_limit,
    }
    return found | {
        "study": cell.study,
        "key": cell.key,
        "env": cell.env,
        "class": cell.class_name,
        "reads_outcomes": reads_outcomes,
        "settings": json.dumps(cell.settings),
        "n_comparisons": cell.labels.n_comparisons,
        "flip_safety": cell.labels.flip_safety,
        "segment_length": 200 // cell.labels.length_divisor,
        "horizon": 200,
        "n_episodes": cell.n_episodes,
        "commit": "0123456789ab",
        "versions": json.dumps({"torch": "2.8"}),
        "wall_seconds": 60.0,
        "cpu_seconds": 55.0,
    }


def comparison(
    effects: Mapping[str, tuple[float, float, bool]] = EFFECTS, seeds: Sequence[int] = (0, 1, 2)
) -> list[dict[str, Any]]:
    """
    Every algorithm on every task, limit and seed; upper references at the middle limit only.

    A run's luck is its task's, limit's and seed's, so that paired differences are the effects.
    """
    rows = []
    for name, (effect, cost, truth) in effects.items():
        for task in TASKS:
            for limit in LIMITS:
                for seed in seeds:
                    if truth and limit != LIMITS[1]:
                        continue
                    luck = np.random.default_rng([seed, int(limit)]).normal(0, 0.02)
                    reward = TASKS[task][2] + effect + luck
                    found = row(_cell(task, limit, name, seed), reward, cost, reads_outcomes=truth)
                    rows.append(found)
    return rows


def sweep(values: Iterable[float] = (0.1, 0.3)) -> list[dict[str, Any]]:
    """PRESA with flipped safety labels: each tenth takes .05 of the reward."""
    rows = []
    for value in values:
        for task in TASKS:
            for seed in (0, 1):
                luck = np.random.default_rng([seed, 20]).normal(0, 0.02)
                labels = Labels(flip_safety=value)
                cell = _cell(task, 20.0, "PRESA", seed, labels=labels, study="labels.flip_safety")
                rows.append(row(cell, TASKS[task][2] + 0.1 + luck - value / 2, 0.4 + value))
    return rows


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a results file."""
    names = list(dict.fromkeys(name for found in rows for name in found))
    path.write_text(format_rows(rows, names))
    return path


def _cell(task: str, limit: float, name: str, seed: int, **changes: Any) -> Cell:
    dataset, env, _ = TASKS[task]
    class_name, _, data = name.partition(", ")
    settings = {"data": data} if data else {}
    return Cell(task, dataset, limit, name, class_name, seed, env, settings, **changes)

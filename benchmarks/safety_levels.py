"""One training, the whole curve: an adjustable PRESA at five safety levels, beside PRESA.

    python benchmarks/safety_levels.py [--tasks ball-circle car-circle] [--seeds 0 1 2]

Labels like people's: 300 comparisons of clips of a fifth of an episode with their safety labels, a
tenth of both kinds wrong, at the middle cost limit. 20 episodes an agent and level, last iterate.
Writes ``benchmarks/results/safety_levels.csv``, a row at a time, and goes on where it was cut off;
``--plot`` draws it. Needs the replayed datasets (``make datasets simulator-datasets``).
"""

import argparse
import csv
import io
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from sb3_presa import PRESA, Feedback
from sb3_presa.data import resolve_dataset
from sb3_presa.data.datasets import dataset_horizon
from sb3_presa.data.environments import recover_environment
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.evaluation.figures import INK, PALETTE, style_axes, written_figure
from sb3_presa.evaluation.safety import evaluate_safety
from sb3_presa.files import write_text
from sb3_presa.learning.offline_data import LEVELS

RESULTS = Path(__file__).parent / "results" / "safety_levels.csv"
LIMITS = {
    "ball-run": 20,
    "ball-circle": 20,
    "car-run": 20,
    "car-circle": 20,
    "point-circle1": 40,
    "point-goal1-hard": 40,
    "highway-safe": 5,
}
COLUMNS = ("task", "seed", "agent", "level", "reward_share", "cost_share", "cpu_seconds", "commit")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=list(LIMITS), default=list(LIMITS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--plot", type=Path, help="only draw what there is")
    arguments = parser.parse_args()
    rows = _read(arguments.out)
    if arguments.plot is not None:
        draw(rows, arguments.plot)
        return
    done = {(row["task"], int(row["seed"])) for row in rows}
    for task in arguments.tasks:
        for seed in arguments.seeds:
            if (task, seed) not in done:
                rows += run(task, seed)
                _write(arguments.out, rows)
                print(*(_line(row) for row in rows[-1 - len(LEVELS) :]), sep="\n", flush=True)


def run(task: str, seed: int) -> list[dict[str, Any]]:
    """
    :param task: name of the dataset
    :param seed: of labels and agents
    :return: a row for PRESA, and for the adjustable one at each level
    """
    dataset, limit = resolve_dataset(f"presa/{task}-v0"), LIMITS[task]
    low, best = _range(dataset, limit)
    labels = Feedback.synthetic(
        dataset,
        300,
        round(dataset_horizon(dataset) / 5),
        cost_limit=limit,
        seed=seed,
        flip_preferences=0.1,
        flip_safety=0.1,
    )
    rows = []
    for name, adjustable in (("PRESA", False), ("PRESA, adjustable", True)):
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = PRESA.load_offline(dataset, labels, seed=seed, adjustable=adjustable).learn()
        seconds = time.process_time() - start
        for level in LEVELS if adjustable else (model.safety_level,):
            if adjustable:
                model.safety_level = level
            environment = recover_environment(dataset, trust=False, eval_env=True)
            found = evaluate_safety(
                model, environment, n_eval_episodes=20, cost_limit=limit, warn=False
            )
            environment.close()
            reward = (found.reward_mean - low) / (best - low)
            measured = [f"{x:.4g}" for x in (reward, found.cost_mean / limit, seconds)]
            row = (task, seed, name, level, *measured, _commit())
            rows.append(dict(zip(COLUMNS, row, strict=True)))
    return rows


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """
    :param rows: what was measured
    :param path: PNG, SVG or PDF file to write
    """
    tasks = [task for task in LIMITS if any(row["task"] == task for row in rows)]
    with written_figure(path, 12.0, 6.0) as figure:
        # One scale for all: most tasks hardly change, and that should be seen
        grid = figure.subplots(2, -(-len(tasks) // 2), squeeze=False, sharex=True, sharey=True)
        for place, task in zip(grid.flat, tasks, strict=False):
            style_axes(place, task)
            own = [row for row in rows if row["task"] == task]
            adjustable = [row for row in own if row["agent"] != "PRESA"]
            means = [
                _mean([row for row in adjustable if float(row["level"]) == level])
                for level in LEVELS
            ]
            costs, rewards = np.array(means).T
            place.plot(costs, rewards, color=PALETTE[0], marker="o", label="one agent, .3 to .9")
            for end in (0, -1):
                place.annotate(f"{LEVELS[end]:g}", means[end], (6, 4), textcoords="offset points")
            plain = _mean([row for row in own if row["agent"] == "PRESA"])
            place.plot(*plain, "*", color=PALETTE[1], markersize=11, label="PRESA, .7")
            place.axvline(1.0, color=INK, linewidth=0.8, linestyle="--")
            place.set_ylim(0.0, 1.1)
        for place in grid[-1]:
            place.set_xlabel("cost / limit", color=INK)
        for place in grid[:, 0]:
            place.set_ylabel("reward / best safe episode", color=INK)
        grid[0, 0].legend(frameon=False, fontsize=9, loc="lower right")
        for place in grid.flat[len(tasks) :]:
            place.set_axis_off()


def _mean(rows: list[dict[str, Any]]) -> tuple[float, float]:
    costs, rewards = ([float(row[name]) for row in rows] for name in ("cost_share", "reward_share"))
    return float(np.mean(costs)), float(np.mean(rewards))


def _range(dataset: Any, limit: float) -> tuple[float, float]:
    """The lowest return of an episode, and the highest of those that keep the limit."""
    transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
    starts = transitions.episode_starts
    returns = np.add.reduceat(outcomes.rewards.astype(np.float64), starts)
    costs = np.add.reduceat(outcomes.costs.astype(np.float64), starts)
    return float(returns.min()), float(returns[costs <= limit].max())


def _line(row: dict[str, Any]) -> str:
    return " ".join(str(row[name]) for name in COLUMNS[:-1])


def _commit() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


if __name__ == "__main__":
    main()

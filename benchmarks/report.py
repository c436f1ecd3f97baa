"""From a results file to tables and pictures. ``python benchmarks/report.py RESULTS.csv``."""

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

N_RESAMPLES = 10_000
NUMBERS = (
    "normalized_reward",
    "normalized_cost",
    "normalized_reward_own_range",
    "safe_episode_ratio",
    "train_cpu_seconds",
)
#: what makes two rows the same agent but for the method
PAIRING = ("task", "cost_limit", "seed")
#: what else can differ between the rows of a sensitivity study
CHANGES = ("n_comparisons", "length_divisor", "flip_preferences", "flip_safety")
BASE = ("5000", "1", "0.0", "0.0")


def read(path: Path) -> list[dict[str, Any]]:
    """
    :param path: a results file
    :return: its rows, with numbers as numbers and ``variant``, the method and what was changed
    """
    with path.open(newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        for name in NUMBERS:
            row[name] = float(row[name])
        row["safe"] = row["safe"] == "True"
        changes = [
            f"{name}={row[name]}"
            for name, usual in zip(CHANGES, BASE, strict=True)
            if row[name] != usual
        ]
        row["variant"] = " ".join([row["method"], *changes])
    return rows


def by_variant(rows: list[dict[str, Any]]) -> dict[str, dict[tuple[str, ...], dict[str, Any]]]:
    """
    :param rows: rows of :func:`read`
    :return: for each variant, its rows by (task, limit, seed)
    """
    variants: dict[str, dict[tuple[str, ...], dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        variants[row["variant"]][tuple(row[name] for name in PAIRING)] = row
    return variants


def paired_interval(differences: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """
    :param differences: one number a pair
    :param seed: seed of the resampling
    :return: the 95% percentile bootstrap interval of their mean
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(differences), size=(N_RESAMPLES, len(differences)))
    low, high = np.quantile(differences[draws].mean(1), [0.025, 0.975])
    return float(low), float(high)


def summary_table(rows: list[dict[str, Any]]) -> Table:
    """
    :param rows: rows of :func:`read`
    :return: a line a variant: share of safe agents, mean reward and cost, and each task's
    """
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    title = "reward / cost normalised, mean over limits and seeds"
    table = Table("variant", "agents", "safe", "reward", "own range", "cost", "worst", title=title)
    for task in tasks:
        table.add_column(task, justify="right")
    for variant, agents in by_variant(rows).items():
        cells = list(agents.values())
        per_task = []
        for task in tasks:
            of_task = [cell for cell in cells if cell["task"] == task]
            reward, cost = mean(of_task, "normalized_reward"), mean(of_task, "normalized_cost")
            per_task.append(f"{reward:.3f} / {cost:.2f}")
        table.add_row(
            variant,
            str(len(cells)),
            f"{sum(cell['safe'] for cell in cells)}/{len(cells)}",
            f"{mean(cells, 'normalized_reward'):.3f}",
            f"{mean(cells, 'normalized_reward_own_range'):.3f}",
            f"{mean(cells, 'normalized_cost'):.2f}",
            f"{max(cell['normalized_cost'] for cell in cells):.2f}",
            *per_task,
        )
    return table


def mean(cells: list[dict[str, Any]], name: str) -> float:
    """
    :param cells: rows
    :param name: a number column
    :return: its mean, NaN without rows
    """
    return float(np.mean([cell[name] for cell in cells])) if cells else float("nan")


def comparison_table(rows: list[dict[str, Any]], reference: str) -> Table:
    """
    :param rows: rows of :func:`read`
    :param reference: the variant that the others are compared with
    :return: paired differences, reference minus other, with 95% bootstrap intervals
    """
    variants = by_variant(rows)
    table = Table("minus", "pairs", "reward", "95% interval", "cost", "95% interval")
    table.title = f"paired differences: {reference} minus ..."
    for variant, agents in variants.items():
        pairs = [key for key in agents if key in variants[reference]]
        if variant == reference or not pairs:
            continue
        line = [variant, str(len(pairs))]
        for name in ("normalized_reward", "normalized_cost"):
            difference = np.array([variants[reference][k][name] - agents[k][name] for k in pairs])
            low, high = paired_interval(difference)
            line += [f"{difference.mean():+.3f}", f"[{low:+.3f}, {high:+.3f}]"]
        table.add_row(*line)
    return table


def plane(rows: list[dict[str, Any]], path: Path) -> None:
    """
    Draws every agent in the plane of cost and reward, a panel a task.

    :param rows: rows of :func:`read`
    :param path: the PNG to write
    """
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    variants = by_variant(rows)
    figure = Figure(figsize=(3.4 * len(tasks), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = np.atleast_1d(figure.subplots(1, len(tasks)))
    for axis, task in zip(axes, tasks, strict=True):
        for number, (variant, agents) in enumerate(variants.items()):
            cells = [cell for cell in agents.values() if cell["task"] == task]
            cost = [cell["normalized_cost"] for cell in cells]
            reward = [cell["normalized_reward"] for cell in cells]
            front = 3 if variant == "presa" else 2
            axis.scatter(cost, reward, s=22, color=f"C{number}", label=variant, zorder=front)
        axis.axvline(1.0, color="0.4", linestyle="--", linewidth=1)
        axis.set_xscale("symlog", linthresh=1.0)
        most = max(1.0, *(cell["normalized_cost"] for cell in rows if cell["task"] == task))
        axis.set(title=task, xlabel="cost / limit", xlim=(-0.05, 1.2 * most))
        ticks = [tick for tick in (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if tick <= 1.2 * most]
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
        axis.minorticks_off()
    axes[0].set_ylabel("normalised reward")
    axes[-1].legend(fontsize="x-small")
    figure.savefig(path, dpi=110)


def report(path: Path) -> None:
    """
    Prints the tables of a results file, and writes them and a picture beside it.

    :param path: the results file
    """
    rows = sorted(read(path), key=lambda row: (row["variant"] != "presa", row["variant"]))
    reference = rows[0]["variant"]
    console = Console(record=True, width=170)
    console.print(summary_table(rows))
    console.print(comparison_table(rows, reference))
    path.with_suffix(".txt").write_text(console.export_text())
    plane(rows, path.with_suffix(".png"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    report(parser.parse_args().results)

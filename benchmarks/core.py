"""The core benchmark: four Bullet tasks x three cost limits x three seeds x five methods.

``make benchmark-core`` runs it. Each finished agent is one row of
``benchmarks/results/SUITE.csv``; an interrupted run goes on with what is missing.
"""

import argparse
import csv
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cells import ROOT, TASKS, Cell, run_cell, use_local_datasets
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from sb3_presa.data.atomic import atomic_path

LIMITS = (10.0, 20.0, 40.0)
SEEDS = (0, 1, 2)
SENSITIVITY_SEEDS = (0, 1)
METHODS = ("presa", "bc_preferred_safe", "bc_safe", "no_preference", "no_safety")


def core_cells(methods: Iterable[str] = METHODS) -> list[Cell]:
    """
    :param methods: names of methods
    :return: every task, limit and seed of them
    """
    return [
        Cell(task, limit, method, seed)
        for method in methods
        for task in TASKS
        for limit in LIMITS
        for seed in SEEDS
    ]


def sensitivity_cells() -> list[Cell]:
    """:return: one change at a time, at the middle limit"""
    changes: list[tuple[str, dict[str, Any]]] = [
        ("presa", {}),
        ("paper", {}),
        ("no_safety_labels", {}),
        ("presa", {"length_divisor": 2}),
        ("presa", {"length_divisor": 5}),
        ("presa", {"n_comparisons": 1000}),
        ("presa", {"flip_preferences": 0.2}),
        ("presa", {"flip_safety": 0.2}),
    ]
    return [
        Cell(task, 20.0, method, seed, **change)
        for method, change in changes
        for task in TASKS
        for seed in SENSITIVITY_SEEDS
    ]


SUITES: dict[str, Callable[[], list[Cell]]] = {
    "core": core_cells,
    "sensitivity": sensitivity_cells,
    "precision": lambda: core_cells(("presa_float32", "presa_bfloat16")),
}


def read_rows(path: Path) -> list[dict[str, str]]:
    """
    :param path: a results file
    :return: its rows, none if there is no such file
    """
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """
    Replaces a results file at once, so that a kill leaves the old or the new one.

    :param path: the file
    :param rows: all rows
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def run(cells: list[Cell], path: Path, n_workers: int) -> list[tuple[Cell, Exception]]:
    """
    Runs the cells that a results file does not have yet.

    :param cells: what to run
    :param path: the results file
    :param n_workers: processes
    :return: the cells that failed
    """
    rows: list[dict[str, Any]] = list(read_rows(path))
    key_columns = list(Cell.__dataclass_fields__)
    done = {tuple(row[column] for column in key_columns) for row in rows}
    missing = [cell for cell in cells if cell.key not in done]
    failed: list[tuple[Cell, Exception]] = []
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # An agent trains on one thread; workers inherit this before they import NumPy and PyTorch
    os.environ["OMP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(n_workers, mp_context=get_context("spawn"))
    with pool, Progress(*columns) as progress:
        bar = progress.add_task(path.stem, total=len(cells), completed=len(cells) - len(missing))
        futures = {pool.submit(run_cell, cell): cell for cell in missing}
        for future in as_completed(futures):
            try:
                rows.append(future.result())
                write_rows(path, rows)
            except Exception as error:  # one cell's failure must not lose the others
                failed.append((futures[future], error))
            progress.advance(bar)
    return failed


def main() -> None:
    """Runs a suite and draws its report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=list(SUITES), default="core")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    arguments = parser.parse_args()
    use_local_datasets()
    path = arguments.out / f"{arguments.suite}.csv"
    cells = [cell for cell in SUITES[arguments.suite]() if cell.task in arguments.tasks]
    failed = run(cells, path, arguments.workers)
    for cell, error in failed:
        print(f"failed: {cell}: {error!r}")
    from report import report

    report(path)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()

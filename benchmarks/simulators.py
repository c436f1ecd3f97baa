"""Put the published results beside ours in ``benchmarks/results/simulators.csv``, and print both.

``make benchmark-simulators`` collects the datasets, runs ``benchmarks/suites/simulators.yaml`` and
then this. The rows stay one a cell; each gets the columns ``published_METHOD_reward`` and
``published_METHOD_cost``, which are empty where the benchmark does not have the task. Published
numbers are means over a task's three cost limits and of data that others collected; ours are at the
middle limit. Both rewards are on DSRL's scale, costs are shares of the limit.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from sb3_presa.benchmark.results import ResultFile, Row
from sb3_presa.envs import find_task
from sb3_presa.envs.tasks import PUBLISHED_METHODS
from sb3_presa.errors import ConfigError

RESULTS = Path(__file__).parent / "results" / "simulators.csv"
#: what is printed beside ours: cloning of safe data, and the best published method
BESIDE = ("bc_safe", "trac")


def published_columns(env_id: str) -> Row:
    """
    :param env_id: an environment
    :return: the published results of its task, empty if there are none
    """
    task = find_task(env_id)
    published = task.published if task is not None else {}
    columns: Row = {}
    for method in PUBLISHED_METHODS:
        reward, cost = published.get(method, ("", ""))
        columns |= {f"published_{method}_reward": reward, f"published_{method}_cost": cost}
    return columns


def add_published(path: Path) -> list[Row]:
    """
    :param path: results of a suite whose tasks name their environments; it is replaced at once
    :return: its rows, the published results in each
    :raises ConfigError: if there are no results, or another run writes them now
    """
    if not path.exists():
        raise ConfigError(f"{path} is not there: run the suite first")
    with ResultFile(path).open() as file:
        for row in list(file.rows.values()):
            file.add(row | published_columns(str(row["env"])))
        return list(file.rows.values())


def table(rows: Sequence[Mapping[str, str]]) -> Table:
    """
    :param rows: one a cell
    :return: a line for each task and algorithm: the mean over seeds, and what was published
    """
    cells: dict[tuple[str, str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        cells[row["task"], row["cost_limit"], row["algorithm"]].append(row)
    beside = [f"published {method} (reward / cost)" for method in BESIDE]
    drawn = Table(
        *("task", "limit", "algorithm", "seeds", "reward, own range", "reward, DSRL", "cost"),
        *("safe seeds", *beside),
        title="Means over seeds (standard deviation)",
    )
    tasks = list(dict.fromkeys(task for task, _, _ in cells))  # rows come as cells were done
    for (task, limit, algorithm), group in sorted(
        cells.items(), key=lambda cell: (tasks.index(cell[0][0]), cell[0][2] != "PRESA")
    ):
        drawn.add_row(
            *(task, f"{float(limit):g}", algorithm, str(len(group))),
            *(_mean(group, name) for name in ("own_range_reward", "dsrl_normalized_reward")),
            _mean(group, "normalized_cost"),
            str(sum(row["safe"] == "True" for row in group)),
            *(_published(group[0], method) for method in BESIDE),
        )
    return drawn


def _mean(group: Sequence[Mapping[str, str]], name: str) -> str:
    values = [float(row[name]) for row in group if row[name]]
    return f"{np.mean(values):.2f} ({np.std(values):.2f})" if values else "-"


def _published(row: Mapping[str, str], method: str) -> str:
    reward, cost = (row[f"published_{method}_{what}"] for what in ("reward", "cost"))
    return f"{reward} / {cost}" if reward != "" else "-"


def main() -> None:
    """Completes a results file and prints its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    Console(width=170).print(table(add_published(parser.parse_args().results)))


if __name__ == "__main__":
    main()

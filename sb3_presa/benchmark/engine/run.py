"""Runs what a suite lacks, on any backend: retries, results, failures."""

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sb3_presa.benchmark.engine.data_identity import is_of_other_data
from sb3_presa.benchmark.engine.results import Failure, ResultFile, Row
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.benchmark.suites.suite import Suite
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError

#: What runs a cell: ``package.module:function``, a function from a cell to its row.
RUN_CELL = "sb3_presa.benchmark.engine.training:run_cell"
#: A worker that dies (a node that goes, memory that runs out) costs a cell a try of these.
MOST_LOSSES = 3


@dataclass(frozen=True)
class Outcome:
    """
    How one try of a cell ended.

    :param cell: the cell
    :param row: its results, ``None`` if it failed
    :param error: what happened, in a line
    :param traceback: the same at length
    :param lost: whether it was not the cell that failed, but its worker died
    :param refused: whether it failed for what was given, as another try would
    """

    cell: Cell
    row: Row | None = None
    error: str = ""
    traceback: str = ""
    lost: bool = False
    refused: bool = False


class Backend(Protocol):
    """Something that runs cells, several at a time."""

    def submit(self, cell: Cell) -> None:
        """
        :param cell: a cell to run when there is room
        """

    def outcomes(self) -> Iterator[Outcome | None]:
        """
        :return: tries as they end, until none is left that was submitted; ``None`` now and then
            while nothing ends
        """

    @property
    def running(self) -> int:
        """:return: cells that run now"""

    def close(self) -> None:
        """Ends everything, at once."""


class Watcher(Protocol):
    """What is told of a run's progress."""

    def started(self, suite: Suite, rows: Sequence[Row], missing: Sequence[Cell]) -> None:
        """
        :param suite: what runs
        :param rows: what was there before
        :param missing: what will be run
        """

    def ended(self, outcome: Outcome, *, final: bool) -> None:
        """
        :param outcome: a try that ended
        :param final: whether the cell is not tried again
        """

    def tick(self, running: int) -> None:
        """
        :param running: cells that run now
        """


def run_suite(suite: Suite, file: ResultFile, backend: Backend, watcher: Watcher) -> list[Failure]:
    """
    Runs the cells that have no row yet, or one of other data than lies under their dataset's id
    now; those that failed in an earlier run are among them.

    :param suite: what to run
    :param file: its results, open; a row is on the disk as soon as its cell is done
    :param backend: where to run; it is not closed
    :param watcher: told of everything
    :return: the cells that failed for good, which are listed in ``file.failures_path``, too
    """
    file.rename(suite.cells)
    missing = missing_cells(suite, file.rows)
    unfinished = {cell.key for cell in missing}
    done = [file.rows[cell.key] for cell in suite.cells if cell.key not in unfinished]
    watcher.started(suite, done, missing)
    failures: dict[str, Failure] = {}
    file.write_failures(failures.values(), suite.others)
    errors = dict.fromkeys((cell.key for cell in missing), 0)
    losses = dict(errors)
    for cell in missing:
        backend.submit(cell)
    for outcome in backend.outcomes():
        if outcome is not None:
            key = outcome.cell.key
            (losses if outcome.lost else errors)[key] += 1
            if outcome.row is not None:
                file.add(outcome.row)
            again = outcome.row is None and (
                losses[key] <= MOST_LOSSES
                if outcome.lost
                else errors[key] <= suite.retries and not outcome.refused
            )
            if again:
                backend.submit(outcome.cell)
            elif outcome.row is None:
                attempts = errors[key] + losses[key]
                failures[key] = Failure(outcome.cell, attempts, outcome.error, outcome.traceback)
                file.write_failures(failures.values(), suite.others)
            watcher.ended(outcome, final=not again)
        watcher.tick(backend.running)
    return list(failures.values())


def missing_cells(suite: Suite, rows: Mapping[str, Row]) -> list[Cell]:
    """
    :param suite: what to run
    :param rows: results by their cells' keys
    :return: the cells without a row of the data that are here
    """
    return [
        cell for cell in suite.cells if cell.key not in rows or is_of_other_data(rows[cell.key])
    ]


def load_function(name: str) -> Callable[[Cell], Row]:
    """
    :param name: ``package.module:function``
    :return: the function
    """
    from importlib import import_module

    module, _, function = name.partition(":")
    found: Callable[[Cell], Row] = getattr(import_module(module), function)
    return found


def try_cell(function: str, cell: Cell) -> dict[str, Any]:
    """
    :param function: ``package.module:function``
    :param cell: what it is called with
    :return: what :class:`Outcome` says beside the cell: whatever is raised is the cell's, and told
    """
    try:
        return {"row": load_function(function)(cell)}
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        refused = isinstance(error, ConfigError | DatasetError | FeedbackError)
        return {"error": text, "traceback": traceback.format_exc(), "refused": refused}


def prepare_process(environment: Iterable[tuple[str, str]]) -> None:
    """
    Sets what a worker inherits, before it imports NumPy and PyTorch; what it has stays.

    :param environment: names and values
    """
    for name, value in environment:
        os.environ.setdefault(name, value)


def worker_environment() -> dict[str, str]:
    """
    :return: what workers must know of this process: where datasets are, and that a cell computes
        on as many threads as it says, whatever the libraries would take
    """
    found = {"OMP_NUM_THREADS": "1"}
    if "MINARI_DATASETS_PATH" in os.environ:
        found["MINARI_DATASETS_PATH"] = os.path.abspath(os.environ["MINARI_DATASETS_PATH"])
    return found

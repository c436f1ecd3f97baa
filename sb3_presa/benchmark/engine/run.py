"""Runs the missing cells of a suite on a backend, with retries; records results and failures."""

import os
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sb3_presa.benchmark.engine.data_identity import is_of_other_data
from sb3_presa.benchmark.engine.results import Failure, ResultFile, Row
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.benchmark.suites.suite import Suite
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError

#: The function that runs a cell and returns its row, ``package.module:function``.
RUN_CELL = "sb3_presa.benchmark.engine.training:run_cell"
#: Attempts of a cell that may be lost with their worker (a lost node, out of memory).
MOST_LOSSES = 3


@dataclass(frozen=True)
class Outcome:
    """
    The outcome of one attempt of a cell.

    :param cell: the cell
    :param row: its results, ``None`` if it failed
    :param error: the error, in one line
    :param traceback: its traceback
    :param lost: whether its worker died, so that the cell may not be the cause
    :param refused: whether its input is invalid, so that a retry would fail, too
    """

    cell: Cell
    row: Row | None = None
    error: str = ""
    traceback: str = ""
    lost: bool = False
    refused: bool = False


class Backend(Protocol):
    """Runs cells, several at a time."""

    def submit(self, cell: Cell) -> None:
        """
        :param cell: a cell to run when resources are free
        """

    def outcomes(self) -> Iterator[Outcome | None]:
        """
        :return: attempts as they end, until all submitted cells have ended; ``None`` about once per
            second while none ends
        """

    @property
    def running(self) -> int:
        """:return: number of running cells"""

    def close(self) -> None:
        """Stops all cells at once."""


class Watcher(Protocol):
    """Receives the progress of a run."""

    def started(self, suite: Suite, rows: Sequence[Row], missing: Sequence[Cell]) -> None:
        """
        :param suite: the suite
        :param rows: finished rows of earlier runs
        :param missing: the cells to run
        """

    def ended(self, outcome: Outcome, *, final: bool) -> None:
        """
        :param outcome: an attempt that ended
        :param final: whether it was the last attempt
        """

    def tick(self, running: int) -> None:
        """
        :param running: number of running cells
        """


def run_suite(suite: Suite, file: ResultFile, backend: Backend, watcher: Watcher) -> list[Failure]:
    """
    Runs the cells without a row, and those whose dataset has changed since. Cells that failed in an
    earlier run are among them.

    :param suite: the suite
    :param file: its results, open; a row is on the disk as soon as its cell is done
    :param backend: runs the cells; it is not closed
    :param watcher: receives the progress
    :return: the failed cells, which ``file.failures_path`` lists, too
    """
    file.rename(suite.cells)
    missing = missing_cells(suite, file.rows)
    unfinished = {cell.key for cell in missing}
    done = [file.rows[cell.key] for cell in suite.cells if cell.key not in unfinished]
    watcher.started(suite, done, missing)
    if changed := sum(cell.key in file.rows for cell in missing):
        warnings.warn(
            f"{changed} rows of {file.path} are of other episodes or labels than those that have "
            "these names now; their cells are run again",
            stacklevel=2,
        )
    failures: dict[str, Failure] = {}
    others = {cell.key for cell in suite.others} - file.rows.keys()
    # What an earlier run lists stays until the cell has ended: this run may be interrupted
    file.write_failures(failures.values(), unfinished | others)
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
            else:
                unfinished.discard(key)
                if outcome.row is None:
                    attempts = errors[key] + losses[key]
                    last = outcome.error, outcome.traceback
                    failures[key] = Failure(outcome.cell, attempts, *last)
                file.write_failures(failures.values(), unfinished | others)
            watcher.ended(outcome, final=not again)
        watcher.tick(backend.running)
    return list(failures.values())


def missing_cells(suite: Suite, rows: Mapping[str, Row]) -> list[Cell]:
    """
    :param suite: the suite
    :param rows: results by their cells' keys
    :return: the cells without a row for the present data
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
    :param cell: its argument
    :return: the fields of :class:`Outcome` except the cell; any error of the cell is among them
    """
    try:
        return {"row": load_function(function)(cell)}
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        refused = isinstance(error, ConfigError | DatasetError | FeedbackError)
        return {"error": text, "traceback": traceback.format_exc(), "refused": refused}


def prepare_process(environment: Iterable[tuple[str, str]]) -> None:
    """
    Sets environment variables of a worker before it imports NumPy and PyTorch. Variables that are
    set already are not changed.

    :param environment: names and values
    """
    for name, value in environment:
        os.environ.setdefault(name, value)


def worker_environment() -> dict[str, str]:
    """
    :return: environment variables for workers: the folder of datasets, and one thread unless the
        user has set a number, since a cell sets its own
    """
    found = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    if "MINARI_DATASETS_PATH" in os.environ:
        found["MINARI_DATASETS_PATH"] = os.path.abspath(os.environ["MINARI_DATASETS_PATH"])
    return found

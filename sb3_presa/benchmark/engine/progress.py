"""The progress display of a run: cells done, failed and running, and the remaining time."""

from collections.abc import Sequence
from statistics import fmean
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from sb3_presa.benchmark.engine.results import Row
from sb3_presa.benchmark.engine.run import Outcome
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.benchmark.suites.suite import Suite

#: Characters of an error in the line of its cell.
_ERROR_WIDTH = 100


class RunProgress:
    """
    A progress bar on a terminal, and a line for each finished cell; only lines in a file.

    :param console: the console to print to
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rest]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = TaskID(0)
        self._seconds: dict[str, list[float]] = {}
        self._left: dict[str, Cell] = {}
        self._total = self._failed = self._running = 0

    def started(self, suite: Suite, rows: Sequence[Row], missing: Sequence[Cell]) -> None:
        """
        :param suite: the suite
        :param rows: finished rows of earlier runs
        :param missing: the cells to run
        """
        self._total = len(suite.cells)
        self._left = {cell.key: cell for cell in missing}
        for row in rows:
            self._learn(str(row["algorithm"]), row)
        there = f", {len(rows)} of them already done" if rows else ""
        self._console.print(f"{suite.name}: {self._total} cells{there}", highlight=False)
        self._bar.start()
        self._task = self._bar.add_task(
            suite.name, total=self._total, completed=len(rows), rest=self._rest()
        )

    def ended(self, outcome: Outcome, *, final: bool) -> None:
        """
        :param outcome: an attempt that ended
        :param final: whether it was the last attempt
        """
        cell = outcome.cell
        if final:
            self._left.pop(cell.key, None)
        if outcome.row is not None:
            self._learn(cell.algorithm, outcome.row)
            self._bar.advance(self._task)
            self._say(f"{cell}: {_describe(outcome.row)}")
        else:
            self._failed += final
            what = "failed" if final else "failed and is retried"
            # Many cells may fail alike; the list of failures has the whole message
            error = shorten(outcome.error, _ERROR_WIDTH, placeholder=" ...")
            self._say(f"{cell} {what}: {error}", style="red" if final else "yellow")
        self._bar.update(self._task, rest=self._rest())

    def tick(self, running: int) -> None:
        """
        :param running: cells that run now
        """
        self._running = running
        self._bar.update(self._task, rest=self._rest())

    def stop(self) -> None:
        """Ends the display; may be called before :meth:`started`."""
        self._bar.stop()

    def remaining_seconds(self) -> float | None:
        """
        :return: estimated time of the remaining cells, from the mean time of each algorithm and the
            number of running cells; ``None`` before the first cell is done
        """
        every = [seconds for several in self._seconds.values() for seconds in several]
        if not every:
            return None
        usual = fmean(every)
        means = {name: fmean(several) for name, several in self._seconds.items()}
        work = sum(means.get(cell.algorithm, usual) for cell in self._left.values())
        return work / max(1, self._running)

    def _learn(self, algorithm: str, row: Row) -> None:
        try:
            self._seconds.setdefault(algorithm, []).append(float(row["wall_seconds"]))
        except (KeyError, ValueError):
            self._seconds.pop(algorithm, None)

    def _say(self, text: str, style: str | None = None) -> None:
        done = self._total - len(self._left) - self._failed
        number = f"[{done}/{self._total}]"
        rest = "" if self._console.is_terminal else f"; {self._failed} failed{self._time_left()}"
        line = f"{number} {text}{rest}"
        self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def _rest(self) -> str:
        return f"{self._failed} failed, {self._running} running{self._time_left()}"

    def _time_left(self) -> str:
        seconds = self.remaining_seconds()
        return "" if seconds is None or not self._left else f", about {_duration(seconds)} left"


def _describe(row: Row) -> str:
    reward = row["normalized_reward"]
    said = "no reference" if reward is None else f"{float(reward):.3f}"
    safe = "safe" if row["safe"] in (True, "True") else "NOT safe"
    cost = float(row["normalized_cost"])
    return f"reward {said}, cost {cost:.2f} of the limit, {safe}{_took(row)}"


def _took(row: Row) -> str:
    seconds: Any = row.get("wall_seconds")
    return "" if seconds is None else f", {float(seconds):.0f} s"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"

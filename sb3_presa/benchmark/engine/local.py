"""The default backend: processes on this machine."""

import os
import queue
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from sb3_presa.benchmark.engine.run import RUN_CELL, Outcome, try_cell, worker_environment
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.errors import ConfigError
from sb3_presa.workers import Message, Messages, Report, Worker

_TICK_SECONDS = 1.0
#: Shares of a processor or GPU are sums of fractions.
_ROUNDING = 1e-9


class LocalBackend:
    """
    Runs cells in processes that are spawned when they are needed and used again.

    :param cpus: processors that cells may occupy together
    :param gpus: GPUs that cells may occupy together: the first of those that this process sees
    :param function: what runs a cell, ``package.module:function``
    """

    def __init__(self, cpus: float, gpus: int = 0, function: str = RUN_CELL) -> None:
        self._cpus, self._most_cpus = cpus, cpus
        self._gpu_names = _gpu_names(gpus)
        self._gpus = [1.0] * len(self._gpu_names)
        self._function = function
        self._messages: Messages = queue.Queue()
        self._waiting: deque[Cell] = deque()
        self._busy: dict[Worker, tuple[Cell, list[int]]] = {}
        self._idle: list[Worker] = []

    @property
    def running(self) -> int:
        """:return: cells that run now"""
        return len(self._busy)

    def submit(self, cell: Cell) -> None:
        """
        :param cell: a cell to run when there is room
        :raises ConfigError: if there never will be
        """
        if cell.cpus > self._most_cpus or cell.gpus > len(self._gpus):
            raise ConfigError(
                f"a cell must need at most {self._most_cpus:g} processors (--workers) and "
                f"{len(self._gpus)} GPUs, got {cell.cpus:g} and {cell.gpus:g} ({cell})"
            )
        self._waiting.append(cell)

    def outcomes(self) -> Iterator[Outcome | None]:
        """
        :return: attempts as they end; ``None`` about once per second while none ends
        """
        while self._waiting or self._busy:
            self._start_what_fits()
            try:
                message = self._messages.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                yield None
                continue
            if message.kind != "ready" and (outcome := self._end(message)) is not None:
                yield outcome

    def close(self) -> None:
        """Ends every process, at once."""
        for worker in (*self._busy, *self._idle):
            worker.stop()
        self._waiting.clear()
        self._busy.clear()
        self._idle.clear()

    def _start_what_fits(self) -> None:
        """In order: a cell that waits for room is not overtaken for ever by smaller ones."""
        while self._waiting:
            cell = self._waiting[0]
            gpus = self._find_gpus(cell.gpus)
            if cell.cpus > self._cpus + _ROUNDING or gpus is None:
                return
            self._waiting.popleft()
            self._take(cell, gpus, 1)
            # A process that has looked for GPUs and seen none cannot be given one
            worker = self._idle.pop() if self._idle and not gpus else self._start(gpus)
            worker.give(cell)
            self._busy[worker] = cell, gpus

    def _start(self, gpus: list[int]) -> Worker:
        visible = ",".join(self._gpu_names[gpu] for gpu in gpus)
        environ = {**worker_environment(), "CUDA_VISIBLE_DEVICES": visible}
        return Worker(self._messages, _prepare, self._function, environ=environ)

    def _find_gpus(self, share: float) -> list[int] | None:
        """A GPU with room for a share of it, or as many free ones as it takes."""
        each, count = (share, 1) if share < 1 else (1.0, int(-(-share // 1)))
        if share == 0:
            return []
        free = [i for i, left in enumerate(self._gpus) if left >= each - _ROUNDING]
        return free[:count] if len(free) >= count else None

    def _take(self, cell: Cell, gpus: list[int], sign: int) -> None:
        self._cpus -= sign * cell.cpus
        for gpu in gpus:
            self._gpus[gpu] -= sign * min(cell.gpus, 1.0)

    def _end(self, message: Message) -> Outcome | None:
        """The outcome of the worker's cell, if it was busy."""
        worker = message.worker
        if worker not in self._busy:
            if worker in self._idle and message.kind == "end":
                self._idle.remove(worker)
            return None
        cell, gpus = self._busy.pop(worker)
        self._take(cell, gpus, -1)
        if message.kind != "result":
            worker.stop()
            return Outcome(cell, error=str(message.value), lost=message.kind == "end")
        if gpus:  # nor, once it has seen one, another
            worker.stop()
        else:
            self._idle.append(worker)
        return Outcome(cell, **message.value)


def _gpu_names(count: int) -> list[str]:
    """CUDA's names of the GPUs that this process sees; a worker gets some of them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else map(str, range(count))
    return [name.strip() for name in names][:count]


def _prepare(_: Report, function: str) -> Callable[[Cell], dict[str, Any]]:
    return lambda cell: try_cell(function, cell)

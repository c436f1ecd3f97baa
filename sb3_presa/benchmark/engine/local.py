"""The default backend: processes on this machine.

Not ``concurrent.futures``: there a process that dies takes the whole pool with it, and a cell may
want more than one processor, or a GPU.
"""

import contextlib
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from sb3_presa.benchmark.engine.run import (
    RUN_CELL,
    Outcome,
    prepare_process,
    try_cell,
    worker_environment,
)
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.errors import ConfigError

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
        # Processes inherit it, and import NumPy before they could be told
        prepare_process(worker_environment().items())
        self._cpus, self._most_cpus = cpus, cpus
        self._gpu_names = _gpu_names(gpus)
        self._gpus = [1.0] * len(self._gpu_names)
        self._function = function
        self._waiting: deque[Cell] = deque()
        self._busy: dict[_Worker, tuple[Cell, list[int]]] = {}
        self._idle: list[_Worker] = []

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
            by_handle = {handle: w for w in self._busy for handle in (w.pipe, w.process.sentinel)}
            ready = wait(list(by_handle), timeout=_TICK_SECONDS)
            for worker in dict.fromkeys(by_handle[handle] for handle in ready):  # type: ignore[index]
                yield self._collect(worker)
            if not ready:
                yield None

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
            worker = self._idle.pop() if self._idle and not gpus else _Worker(self._function)
            worker.give(cell, [self._gpu_names[gpu] for gpu in gpus])
            self._busy[worker] = cell, gpus

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

    def _collect(self, worker: "_Worker") -> Outcome:
        cell, gpus = self._busy.pop(worker)
        self._take(cell, gpus, -1)
        try:
            answer: dict[str, Any] = worker.pipe.recv()
        except (EOFError, OSError):
            worker.stop()
            error = f"the worker process died (exit code {worker.process.exitcode})"
            return Outcome(cell, error=error, lost=True)
        if gpus:  # nor, once it has seen one, another
            worker.stop()
        else:
            self._idle.append(worker)
        return Outcome(cell, **answer)


def _gpu_names(count: int) -> list[str]:
    """CUDA's names of the GPUs that this process sees; a worker gets some of them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else map(str, range(count))
    return [name.strip() for name in names][:count]


class _Worker:
    """A process that runs one cell after another."""

    def __init__(self, function: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_serve, args=(theirs, function), daemon=True
        )
        self.process.start()
        theirs.close()

    def give(self, cell: Cell, gpus: list[str]) -> None:
        with contextlib.suppress(OSError):  # it died while it was idle: seen when it is read from
            self.pipe.send((cell.as_dict(), gpus))

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(pipe: "Connection[Any, Any]", function: str) -> None:
    """The worker's side."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the parent, who ends this
    threading.Thread(target=_follow_parent, daemon=True).start()
    while True:
        try:
            values, gpus = pipe.recv()
        except EOFError:
            return
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        pipe.send(try_cell(function, Cell.from_dict(values)))


def _follow_parent() -> None:
    """A parent that was killed leaves no work going on behind it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    time.sleep(0.1)
    os._exit(1)

"""Are there enough answers? A process of its own works it out while people label.

It is ``sb3-presa labels --curve``, run again after some answers, with the lowest priority and a
fifth of a processor. It reads a copy of the answers, so that it holds up nobody.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

#: Answers before the first curve, and between two.
FIRST: Final = 20
_BETWEEN: Final = 10
#: Seconds between two runs: with the start of a process a run takes a quarter of a processor.
_PAUSE_SECONDS: Final = 20.0
_CORE_SHARE: Final = 0.2


class Enough:
    """The last learning curves, and the process that works out the next ones.

    :param command: prints the curves as JSON.
    :param count: the number of answers now.
    :param pause: seconds between two runs.
    """

    def __init__(
        self, command: Sequence[str], count: Callable[[], int], pause: float = _PAUSE_SECONDS
    ) -> None:
        self._command, self._count, self._pause = list(command), count, pause
        self._report: dict[str, Any] | None = None
        self._problem: str | None = None
        self._child: subprocess.Popen[str] | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True, name="enough")

    def start(self) -> None:
        """Begin to work out curves."""
        self._thread.start()

    def close(self) -> None:
        """End the process, if one runs."""
        with self._lock:
            self._closed.set()
            if self._child is not None:
                self._child.kill()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def state(self) -> dict[str, Any]:
        """The last curves as JSON values.

        :return: ``report`` as ``labels --curve --json`` writes it, or None; ``answers`` now;
            ``first``, the answers that a curve needs; ``problem``, why there is none.
        """
        return {
            "answers": self._count(),
            "first": FIRST,
            "report": self._report,
            "problem": self._problem,
        }

    def _run(self) -> None:
        done = 0
        while not self._closed.is_set():
            now = self._count()
            if due(now, done):
                self._work_out()
                done = now
                self._closed.wait(self._pause)
            self._closed.wait(min(1.0, self._pause))

    def _work_out(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with self._lock:
            if self._closed.is_set():
                return
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        os.setpriority(os.PRIO_PROCESS, self._child.pid, 19)
        printed, complaint = self._child.communicate()
        try:
            self._report, self._problem = json.loads(printed), None
        except ValueError:
            self._problem = (complaint.strip().splitlines() or ["the process was ended"])[-1]


def due(now: int, done: int) -> bool:
    """Whether to work the curves out again.

    :param now: the number of answers; some may have been taken back.
    :param done: the number of answers of the last curves; 0 before the first.
    """
    return now >= FIRST and abs(now - done) >= _BETWEEN


def curve_command(dataset: Path, feedback: str) -> list[str]:
    """The command that prints the curves of the answers on a dataset.

    :param dataset: the folder of the dataset.
    :param feedback: the name of the answers.
    """
    program = [sys.executable, "-W", "ignore", "-m", "sb3_presa", "labels", str(dataset)]
    share = ["--core-share", str(_CORE_SHARE)]
    return [*program, "--feedback", feedback, "--curve", "--json", "-", *share]

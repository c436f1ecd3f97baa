"""Worker processes: each is prepared once and then does one task after another.

Collecting, replaying, benchmarks and the drawing of clips use them. A worker is an interpreter of
its own, so simulators that do not survive a fork run in it, and a script that starts workers needs
no ``__main__`` guard. It has its own environment variables: NumPy and CUDA read theirs at import.
The death of a worker is one more message, so nobody waits for an answer that never comes. A worker
ends when the process that started it ends.
"""

import contextlib
import os
import pickle  # between our own processes only
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, TypeAlias

from sb3_presa.errors import PresaError, WorkerError

#: Sends a value to the process that started the worker.
Report: TypeAlias = Callable[[Any], None]
#: Runs once in a worker: ``prepare(report, *arguments)`` returns the function that does its tasks.
Prepare: TypeAlias = Callable[..., Callable[[Any], Any]]

#: Seconds for the last messages of a worker that has ended.
_LAST_WORDS_SECONDS = 0.5


@dataclass(frozen=True)
class Message:
    """
    A message of a worker.

    :param worker: the worker
    :param kind: ``ready`` after its preparation, ``report`` at any time, ``result`` or ``error`` of
        a task, ``error`` of its preparation, ``end`` if it ended without being stopped
    :param value: the reported value, the result, or the :class:`~sb3_presa.errors.PresaError` of an
        ``error`` or an ``end``
    """

    worker: "Worker"
    kind: Literal["ready", "report", "result", "error", "end"]
    value: Any


#: Messages of one worker or of several.
Messages: TypeAlias = "queue.Queue[Message]"


class Worker:
    """
    A worker process.

    :param messages: receives its messages
    :param prepare: a function of an importable module, see :data:`Prepare`
    :param arguments: its arguments, to be pickled
    :param environ: environment variables to set beside those of this process
    :raises WorkerError: if the process cannot be started
    """

    def __init__(
        self,
        messages: Messages,
        prepare: Prepare,
        *arguments: Any,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._messages = messages
        self._stopped = False
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **(environ or {})},
                # An interrupt at the terminal is for the parent, which then stops its workers
                start_new_session=True,
            )
        except OSError as error:
            raise WorkerError(f"a worker process cannot be started: {error}") from error
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        threading.Thread(target=self._wait, args=(reader,), daemon=True).start()
        self.give((prepare, arguments))

    def give(self, task: Any) -> None:
        """
        :param task: the argument of the next call; the worker must be idle, or not ready yet
        """
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: its message says so
            _write(self._process.stdin, task)

    def stop(self) -> None:
        """Ends the process at once, whatever it does; it sends no message any more."""
        self._stopped = True
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # what it was sent last is still in the buffer
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers, contextlib.suppress(EOFError, OSError):
            while True:
                kind, value = pickle.loads(_read(answers))
                self._messages.put(Message(self, kind, value))

    def _wait(self, reader: threading.Thread) -> None:
        # Not the end of its output alone: a process that a simulator has forked keeps that open
        code = self._process.wait()
        reader.join(_LAST_WORDS_SECONDS)
        if not self._stopped:
            how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
            error = WorkerError(
                f"a worker process must stay alive until its work is done, but it ended with {how}."
                " If the memory was full, use fewer workers"
            )
            self._messages.put(Message(self, "end", error))


def run_tasks(
    tasks: Sequence[Any],
    n_workers: int,
    prepare: Prepare,
    *arguments: Any,
    environ: Mapping[str, str] | None = None,
    report: Report = lambda _: None,
) -> Generator[tuple[int, Any], None, None]:
    """
    Does tasks in workers. The first error stops all of them.

    :param tasks: the tasks, to be pickled; they are started in this order
    :param n_workers: number of processes, at least 1
    :param prepare: see :class:`Worker`
    :param arguments: see :class:`Worker`
    :param environ: see :class:`Worker`
    :param report: called in this thread with the values that workers report
    :return: the index and the result of each task, as they are done
    :raises PresaError: the error of a task or of the preparation
    :raises WorkerError: if it was no ``PresaError``, or a worker ended
    """
    messages: Messages = queue.Queue()
    waiting = deque(enumerate(tasks))
    busy: dict[Worker, int] = {}
    workers: list[Worker] = []
    try:
        for _ in range(min(n_workers, len(tasks))):
            workers.append(Worker(messages, prepare, *arguments, environ=environ))
        left = len(tasks)
        while left:
            message = messages.get()
            if message.kind in ("error", "end"):
                raise message.value
            if message.kind == "report":
                report(message.value)
                continue
            done = busy.pop(message.worker, None)
            if waiting:
                busy[message.worker], task = waiting.popleft()
                message.worker.give(task)
            if done is not None:
                left -= 1
                yield done, message.value
    finally:
        for worker in workers:
            worker.stop()


def serve() -> None:
    """The worker's side, until its input closes."""
    tasks, answers = _take_standard_streams()
    given: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(tasks, given), daemon=True).start()
    prepare, arguments = pickle.loads(given.get())
    try:
        do = prepare(lambda value: _write(answers, ("report", value)), *arguments)
    except Exception as error:
        _write(answers, ("error", _portable(error)))
        return
    _write(answers, ("ready", None))
    while True:
        try:
            _write(answers, ("result", do(pickle.loads(given.get()))))
        except Exception as error:
            _write(answers, ("error", _portable(error)))


def _take_standard_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Input and output for messages alone: what simulators print goes to the standard error."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return tasks, answers


def _receive(tasks: IO[bytes], given: "queue.SimpleQueue[bytes]") -> None:
    """Reads all the time, so that the end of the parent is seen during a task, too."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            given.put(_read(tasks))
    os._exit(1)


def _portable(error: Exception) -> PresaError:
    """An error as it can be raised in the parent, with its traceback as a note."""
    found: PresaError = WorkerError(f"{type(error).__name__}: {error}")
    with contextlib.suppress(Exception):
        if isinstance(error, PresaError) and str(pickle.loads(pickle.dumps(error))) == str(error):
            found = error
    found.add_note(f"In the worker process:\n{traceback.format_exc()}")
    return found


def _write(stream: IO[bytes], value: Any) -> None:
    content = pickle.dumps(value)
    stream.write(len(content).to_bytes(8, "little") + content)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    size = stream.read(8)
    content = stream.read(int.from_bytes(size, "little"))
    if len(size) < 8 or len(content) < int.from_bytes(size, "little"):
        raise EOFError
    return content

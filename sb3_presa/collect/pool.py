"""Run a collection's jobs in worker processes."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sb3_presa.collect.agents import Job
from sb3_presa.collect.portable_numpy import portable_environ
from sb3_presa.errors import PresaError


class CollectionError(PresaError, RuntimeError):
    """A worker process of a collection failed; what other jobs finished is kept."""


def run_jobs(
    jobs: Sequence[tuple[Job, Path]], n_workers: int, report: Callable[[int], None]
) -> None:
    """Do every job; a job whose process fails stops the rest.

    :param jobs: Jobs and the files that they write.
    :param n_workers: Processes at a time.
    :param report: Called, from this thread, with environment steps as they are done.
    :raises CollectionError: With the worker's own error, if a job fails.
    """
    waiting: queue.SimpleQueue[tuple[Job, Path]] = queue.SimpleQueue()
    for item in sorted(jobs, key=lambda item: -item[0].steps):
        waiting.put(item)
    answers: queue.Queue[dict[str, Any]] = queue.Queue()
    workers = [_Worker(waiting, answers) for _ in range(min(n_workers, len(jobs)))]
    try:
        left = len(jobs)
        while left:
            answer = answers.get()
            if "error" in answer:
                raise CollectionError(
                    f"a collection job failed: {answer['error']}\n{answer.get('traceback', '')}"
                )
            report(answer.get("steps", 0))
            left -= "done" in answer
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A worker process, and the thread that hands it jobs and passes its answers on."""

    def __init__(
        self,
        waiting: "queue.SimpleQueue[tuple[Job, Path]]",
        answers: "queue.Queue[dict[str, Any]]",
    ) -> None:
        self._waiting, self._answers = waiting, answers
        # More threads make networks of this size slower.
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        environ["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
        environ |= portable_environ()  # so that its episodes can be repeated anywhere
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sb3_presa.collect.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            encoding="utf-8",
            # An interrupt at the terminal is for the caller, who then stops the workers.
            start_new_session=True,
        )
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            while True:
                job, path = self._waiting.get_nowait()
                request = {"job": job.as_dict(), "path": str(path)}
                print(json.dumps(request), file=self._process.stdin, flush=True)
                for line in self._process.stdout:
                    answer = json.loads(line)
                    self._answers.put(answer)
                    if "done" in answer or "error" in answer:
                        break
                else:
                    code = self._process.wait()
                    self._answers.put({"error": f"its process ended with exit code {code}"})
                    return
        except queue.Empty:
            self.stop()
        except (OSError, ValueError) as error:
            self._answers.put({"error": f"its process could not be reached ({error})"})

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()

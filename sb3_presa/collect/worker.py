"""The process that does a collection's jobs: ``python -m sb3_presa.collect.worker``.

It reads jobs from its standard input, one JSON object a line, and answers with JSON lines on its
standard output. A program of its own rather than a fork: it needs no ``__main__`` guard in the
caller, and when the caller is killed its input closes and it ends.
"""

import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from sb3_presa.collect.agents import Job, run_job


def _read_jobs(jobs: "queue.Queue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)


def _answer_stream() -> TextIO:
    """The standard output for answers alone: what simulators print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def main() -> None:
    """Do jobs until the input closes."""
    answers = _answer_stream()

    def answer(**entries: Any) -> None:
        print(json.dumps(entries), file=answers, flush=True)

    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    while True:
        entries = jobs.get()
        try:
            run_job(
                Job.from_dict(entries["job"]),
                Path(entries["path"]),
                lambda steps: answer(steps=steps),
            )
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
        else:
            answer(done=entries["path"])


if __name__ == "__main__":
    main()

"""Workers do their tasks; one that fails or dies is an error with a name, at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sb3_presa.errors import ConfigError, PresaError, WorkerError
from sb3_presa.workers import Report, run_tasks


def do_as_told(report: Report, *told: str) -> Callable[[tuple[str, Any]], Any]:
    """What the workers of these tests do."""
    if "exit" in told:
        os._exit(3)
    if "fail" in told:
        raise ModuleNotFoundError("No module named 'simulator'")

    def do(task: tuple[str, Any]) -> Any:
        what, value = task
        if what == "report":
            report(value)
        elif what == "print":
            print(value, flush=True)
        elif what == "refuse":
            raise ConfigError(value)
        elif what == "break":
            raise ArithmeticError(value)
        elif what == "environ":
            return os.environ.get(value)
        elif what == "return no data":
            return lambda: None
        elif what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "die behind a child":
            if os.fork() == 0:
                time.sleep(60)  # it holds the worker's output open
            Path(value).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "hang":
            Path(value).write_text(str(os.getpid()))
            time.sleep(60)
        return value

    return do


def run(*tasks: tuple[str, Any], n_workers: int = 2, told: str = "", **kwargs: Any) -> list[Any]:
    """The results in the order of the tasks."""
    return [value for _, value in sorted(run_tasks(tasks, n_workers, do_as_told, told, **kwargs))]


def test_tasks_are_done_and_reports_come_here(capfd: pytest.CaptureFixture[str]) -> None:
    reports: list[int] = []
    tasks = [("report", number) for number in range(5)] + [("print", "hello")]
    assert run(*tasks, report=reports.append) == [0, 1, 2, 3, 4, "hello"]
    assert sorted(reports) == [0, 1, 2, 3, 4]
    out, err = capfd.readouterr()
    assert out == ""  # the standard output is for messages, and the parent's own
    assert "hello" in err
    assert run() == []


def test_workers_have_environment_variables_of_their_own() -> None:
    assert run(("environ", "OF_WORKERS"), environ={"OF_WORKERS": "1"}) == ["1"]
    assert "OF_WORKERS" not in os.environ


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        (("refuse", "`x` must be y"), ConfigError, "(?m)^`x` must be y$"),
        (("break", "1 / 0"), WorkerError, "(?m)^ArithmeticError: 1 / 0$"),
        (("return no data", 0), WorkerError, "pickle"),
        (("die", 0), WorkerError, "signal SIGKILL.*use fewer workers"),
    ],
)
def test_the_first_error_ends_the_rest(
    task: tuple[str, Any], error: type[PresaError], message: str, tmp_path: Path
) -> None:
    """The other worker would take a minute."""
    with pytest.raises(error, match=message) as raised:
        run(task, ("hang", tmp_path / "pid"))
    if task[0] == "break":
        assert "raise ArithmeticError(value)" in raised.value.__notes__[0]


@pytest.mark.parametrize(
    ("told", "message"), [("exit", "exit code 3"), ("fail", "No module named 'simulator'")]
)
def test_a_worker_that_cannot_start_is_told(told: str, message: str) -> None:
    with pytest.raises(WorkerError, match=message):
        run(("hang", "nowhere"), told=told)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child that holds the output needs fork")
def test_a_death_is_seen_though_a_child_lives_on(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="SIGKILL"):
        run(("die behind a child", tmp_path / "died"))
    assert (tmp_path / "died").exists()


def test_no_worker_lives_on_without_its_parent_and_a_script_needs_no_guard(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_workers import run\n"
        f"assert run(('print', 5)) == [5]\n"
        f"run(('hang', {str(mark)!r}))\n"
    )
    with subprocess.Popen([sys.executable, str(script)]) as process:
        wait_for(lambda: (mark.exists() and mark.read_text()) or process.poll() is not None)
        assert process.poll() is None
        process.kill()
    worker = int(mark.read_text())
    wait_for(lambda: not is_alive(worker))


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or ") Z " not in status.read_text()

"""Running a suite: nothing is lost, nothing is done twice, and nothing is silently missing."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmark_cells import VISIBLE, WORK, Here, cell, starts
from benchmark_rows import row
from rich.console import Console
from typer.testing import CliRunner

from sb3_presa import example_dataset
from sb3_presa.benchmark.engine.local import LocalBackend
from sb3_presa.benchmark.engine.progress import RunProgress
from sb3_presa.benchmark.engine.results import (
    COLUMNS,
    Failure,
    ResultFile,
    read_failures,
    read_rows,
)
from sb3_presa.benchmark.engine.run import MOST_LOSSES, Outcome, run_suite
from sb3_presa.benchmark.report.agents import read_agents
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.benchmark.suites.suite import Suite
from sb3_presa.cli import app
from sb3_presa.errors import ConfigError

ROOT = Path(__file__).parent.parent

#: A driver of its own, which the test kills: ``python -c DRIVER folder cells``.
DRIVER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_benchmark_engine import run
from benchmark_cells import cell
folder = Path(sys.argv[1])
run([cell(seed, folder) for seed in range(int(sys.argv[2]))], folder / "toy.csv")
"""


def run(cells: Sequence[Cell], path: Path, retries: int = 1, **backend: Any) -> list[Failure]:
    """Run cells that behave as they say on two processors."""
    progress = RunProgress(Console(stderr=True, width=200))
    engine = LocalBackend(2, function=WORK, **backend)
    try:
        with ResultFile(path).open() as file:
            return run_suite(Suite("toy", tuple(cells), retries), file, engine, progress)
    finally:
        engine.close()


def best_safe_of_the_example() -> float:
    """At limit 20, counted episode by episode."""
    outcomes = [
        (float(episode.rewards.sum()), float(episode.infos["cost"].sum()))
        for episode in example_dataset().iterate_episodes()
    ]
    returns = [reward for reward, _ in outcomes]
    best = max(reward for reward, cost in outcomes if cost <= 20)
    return (best - min(returns)) / (max(returns) - min(returns))


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(15_000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


def start_and_kill(command: list[str], path: Path, at_rows: int) -> None:
    """Kill -9 a driver once its results have so many rows."""
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(
        lambda: driver.poll() is not None or (path.exists() and len(read_rows(path)) >= at_rows)
    )
    assert driver.poll() is None, "the run ended before it could be killed"
    driver.kill()
    driver.wait()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_smoke_suite_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real agents; one task's dataset is not there, and that is not overlooked."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(ROOT / "datasets"))
    suite = tmp_path / "smoke.yaml"
    text = (ROOT / "benchmarks/suites/smoke.yaml").read_text()
    suite.write_text(
        text.replace("\ncost_limits", "\n  Nowhere: presa/none-v0\ncost_limits", 1) + "retries: 0\n"
    )
    arguments = ["benchmark", "run", str(suite), "--out", str(tmp_path)]
    there = CliRunner().invoke(app, [*arguments, "--workers", "2", "--task", "PointCircle1"])
    assert there.exit_code == 0, there.output
    rows = read_rows(tmp_path / "smoke.csv", ("key", "commit", "versions", "wall_seconds"))
    assert len({found["key"] for found in rows}) == len(rows) == 5
    assert list(rows[0])[: len(COLUMNS)] == list(COLUMNS)
    for found in rows:
        assert found["safe"] == str(float(found["cost_mean"]) <= 20)
        assert float(found["normalized_cost"]) == pytest.approx(float(found["cost_mean"]) / 20)
        assert found["dsrl_normalized_reward"] == found["normalized_reward"]
        assert json.loads(found["versions"])["torch"]
        assert 0 < float(found["share_safe"]) < 1
        assert float(found["best_safe_reward"]) == pytest.approx(best_safe_of_the_example())
    (flipped,) = (found for found in rows if found["study"] == "labels.flip_safety")
    assert (flipped["flip_safety"], flipped["algorithm"]) == ("0.3", "PRESA")

    both = CliRunner().invoke(app, [*arguments, "--workers", "1"])
    assert both.exit_code == 1
    errors = [line for line in both.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1 and " and 4 more: DatasetError: dataset 'presa/none-v0'" in errors[0]
    assert both.stderr.count("minari download") == 1, "each line of a failed cell is short"
    assert both.stderr.count("presa/none-v0") >= 6
    again = read_rows(tmp_path / "smoke.csv")
    assert again == rows  # none was run twice
    failures = json.loads((tmp_path / "smoke.failures.json").read_text())
    assert len(failures) == 5

    skipped = CliRunner().invoke(app, [*arguments, "--skip-missing"])
    assert skipped.exit_code == 0
    where = ROOT / "datasets"
    assert f"Skipped Nowhere: dataset presa/none-v0 is not below {where}\n" in skipped.stdout
    assert "5 of 5 cells" in skipped.stdout
    nothing = CliRunner().invoke(app, [*arguments, "--skip-missing", "--task", "Nowhere"])
    assert nothing.exit_code == 1
    assert "suite smoke must have a task whose dataset is here, got none" in nothing.stderr
    assert all("presa/none-v0" in f["error"] and "Traceback" in f["traceback"] for f in failures)
    there = CliRunner().invoke(app, [*arguments, "--workers", "2", "--task", "PointCircle1"])
    assert there.exit_code == 0, there.output
    kept = json.loads((tmp_path / "smoke.failures.json").read_text())
    assert kept == failures  # they are of cells that this run was not asked for
    page = CliRunner().invoke(app, ["benchmark", "report", str(tmp_path / "smoke.csv")])
    assert page.exit_code == 0, page.output
    assert "5 cells failed" in (tmp_path / "smoke-report/report.html").read_text()


def test_a_class_of_ones_own(tmp_path: Path) -> None:
    """It trains in the workers' processes as it is named; what it adds to a parent can be set."""
    (tmp_path / "mine.py").write_text(
        "from sb3_presa import BC\n\n\n"
        "class Brief(BC):\n"
        "    def __init__(self, *args, brevity=1, **kwargs):\n"
        "        self.brevity = brevity\n"
        "        super().__init__(*args, **kwargs)\n\n"
        "    def learn(self, total_timesteps=None, **kwargs):\n"
        "        return super().learn(total_timesteps // self.brevity, **kwargs)\n"
    )
    suite = tmp_path / "own.yaml"
    suite.write_text(
        "tasks: {PointCircle1: {dataset: presa/point-circle1-small-v0,"
        " env: presa/SafetyPointCircle1-v0}}\n"
        "cost_limits: [20]\nseeds: [0]\nn_episodes: 1\nlabels: {n_comparisons: 100}\n"
        "algorithms:\n  BC: {steps: 8}\n"
        "  Mine: {class: 'mine:Brief', settings: {brevity: 4, data: safe}, steps: 8}\n"
    )
    command = [
        sys.executable,
        "-m",
        "sb3_presa",
        "benchmark",
        "run",
        str(suite),
        "--trust",
        "--out",
    ]
    known = {"MINARI_DATASETS_PATH": str(ROOT / "datasets"), "PYTHONPATH": str(tmp_path)}
    subprocess.run([*command, str(tmp_path)], check=True, env={**os.environ, **known}, cwd=ROOT)
    rows = {found["algorithm"]: found for found in read_rows(tmp_path / "own.csv")}
    steps = {name: found["trained_steps"] for name, found in rows.items()}
    assert steps == {"BC": "8", "Mine": "2"}
    assert rows["Mine"]["class"] == "mine:Brief"
    page = CliRunner().invoke(app, ["benchmark", "report", str(tmp_path / "own.csv")])
    assert page.exit_code == 0, page.output


def test_killed_again_and_again(tmp_path: Path) -> None:
    """Each row that was written is kept; at most the running cells are run again."""
    n, kills, path = 16, 3, tmp_path / "toy.csv"
    command = [sys.executable, "-c", DRIVER, str(tmp_path), str(n)]
    done: list[dict[str, str]] = []
    for _ in range(kills):
        start_and_kill(command, path, at_rows=len(done) + 1)
        left, done = done, read_rows(path)
        assert done[: len(left)] == left
        # the workers do not go on behind a driver that is gone
        wait_for(lambda: not any(is_alive(pid) for _, pid in starts(tmp_path)))
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    rows = read_rows(path)
    assert rows[: len(done)] == done
    assert sorted(int(found["seed"]) for found in rows) == list(range(n))
    assert len(starts(tmp_path)) <= n + 2 * kills


def test_failed_cells_are_tried_again_and_then_reported(tmp_path: Path) -> None:
    """What refuses a cell would refuse it again, so that is not tried."""
    ways = ["works", "fails once", "dies once", "fails", "dies", "works", "is refused"]
    cells = [cell(seed, tmp_path, how) for seed, how in enumerate(ways)]
    failures = {found.cell.seed: found for found in run(cells, tmp_path / "toy.csv", retries=2)}
    rows = read_rows(tmp_path / "toy.csv")
    assert sorted(int(found["seed"]) for found in rows) == [0, 1, 2, 5]
    assert failures.keys() == {3, 4, 6}
    assert (failures[6].attempts, failures[6].error) == (1, "ConfigError: cell 6 is none")
    assert failures[3].attempts == 3
    assert "ArithmeticError: cell 3 cannot be" in failures[3].traceback
    assert failures[4].attempts == MOST_LOSSES + 1
    assert "signal SIGKILL" in failures[4].error
    listed = json.loads((tmp_path / "toy.failures.json").read_text())
    assert {entry["cell"]["seed"] for entry in listed} == {3, 4, 6}

    # Cells that failed are tried in the next run; once they are done the list is gone
    mended = [cell(seed, tmp_path, "works") for seed in (3, 4)]
    assert run([*cells[:3], *mended], tmp_path / "toy.csv") == []
    assert not (tmp_path / "toy.failures.json").exists()
    assert len(read_rows(tmp_path / "toy.csv")) == 6


def test_an_interruption_keeps_the_list_of_failed_cells(tmp_path: Path) -> None:
    """Only what has ended since is off it."""
    cells = [cell(seed, tmp_path) for seed in range(3)]

    class Interrupted(Here):
        def outcomes(self) -> Iterator[Outcome]:
            yield Outcome(cells[0], row(cells[0], 0.5, 0.5))
            raise KeyboardInterrupt

    with ResultFile(tmp_path / "toy.csv").open() as file:
        file.write_failures(Failure(one, 1, "no room", "") for one in cells)
        progress = RunProgress(Console(stderr=True))
        with pytest.raises(KeyboardInterrupt):
            run_suite(Suite("toy", tuple(cells), 0), file, Interrupted(), progress)
    assert [entry["cell"]["seed"] for entry in read_failures(tmp_path / "toy.csv")] == [1, 2]


def test_what_a_suite_says_now_counts(tmp_path: Path) -> None:
    """
    A suite that was changed and changed back: nothing runs again, and reports are on its own rows,
    not on those that were made last.
    """
    path = tmp_path / "toy.csv"
    one, other = ([cell(seed, tmp_path, steps=steps) for seed in (0, 1)] for steps in (5, 7))
    for cells in (one, other, one):
        run([*cells, cell(2, tmp_path)], path)
    assert len(read_rows(path)) == len(starts(tmp_path)) == 5
    with pytest.warns(UserWarning, match="2 rows of Toy are left out, since later rows"):
        agents = read_agents([path])
    kept = {agent.row["key"] for agent in agents}
    assert kept == {found.key for found in [*one, cell(2, tmp_path)]}


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        ResultFile(tmp_path / "toy.csv").open(),
        pytest.raises(ConfigError, match="another run"),
        ResultFile(tmp_path / "toy.csv").open(),
    ):
        pass


def test_a_file_of_something_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    path.write_text("name,price\nbread,3\n")
    with pytest.raises(ConfigError, match=r"toy\.csv.*'task'.*name, price"):
        run([cell(0, tmp_path)], path)
    assert path.read_text() == "name,price\nbread,3\n"


def test_rows_follow_the_names_of_the_suite(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    old = cell(0, tmp_path)
    with ResultFile(path).open() as file:
        file.add(row(old, 0.5, 0.25))
    new = Cell(**{**old.as_dict(), "algorithm": "Mine", "labels": old.labels, "study": "labels.x"})
    assert new.key == old.key
    run([new], path)
    (found,) = read_rows(path)
    assert (found["algorithm"], found["study"]) == ("Mine", "labels.x")
    assert not starts(tmp_path)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (None, ["0", "1"]),
        ("", ["0", "1"]),
        ("2,3,7", ["2", "3"]),
        ("GPU-5f0a, MIG-GPU-5f0a/1/0", ["GPU-5f0a", "MIG-GPU-5f0a/1/0"]),
    ],
)
def test_a_cell_gets_gpus_that_this_process_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: str | None, theirs: list[str]
) -> None:
    """Under the names that they have here: on a shared machine GPU 0 is somebody else's."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if ours is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    backend = LocalBackend(4, gpus=2, function=VISIBLE)
    try:
        for seed, gpus in enumerate((1.0, 1.0, 2.0, 0.0)):
            backend.submit(cell(seed, tmp_path, gpus=gpus))
        ends = [end for end in backend.outcomes() if end is not None]
    finally:
        backend.close()
    found = {end.cell.seed: end.row["visible"] for end in ends if end.row is not None}
    assert found == {0: theirs[0], 1: theirs[1], 2: ",".join(theirs), 3: ""}


def test_shares_of_processors_and_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half GPUs share one, whole ones do not, and nobody waits for what there is not."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    backend = LocalBackend(4, gpus=2)
    try:
        assert backend._find_gpus(0.5) == [0]
        half = cell(0, tmp_path, gpus=0.5)
        backend._take(half, [0], 1)
        assert backend._find_gpus(0.5) == [0]
        assert backend._find_gpus(1.0) == [1]
        assert backend._find_gpus(2.0) is None
        backend._take(half, [0], -1)
        assert backend._find_gpus(2.0) == [0, 1]
        for greedy, said in (
            (cell(0, tmp_path, cpus=5.0), "got 5 and 0 "),
            (cell(0, tmp_path, gpus=3.0), "got 1 and 3 "),
        ):
            with pytest.raises(ConfigError, match=said):
                backend.submit(greedy)
    finally:
        backend.close()


def test_the_time_that_is_left() -> None:
    """A slow algorithm's cells count as slow ones; a cell that ended does not count as running."""
    said = io.StringIO()
    progress = RunProgress(Console(file=said, width=200))
    cells = [
        Cell("T", "toy/box-v0", 5.0, name, "PRESA", seed, settings={"of": name})
        for name in ("slow", "quick")
        for seed in (0, 1, 2)
    ]
    rows = [row(cells[0], 0, 0) | {"wall_seconds": "100"}, row(cells[3], 0, 0)]
    progress.started(Suite("toy", tuple(cells)), rows, [cells[1], cells[2], cells[4], cells[5]])
    progress.tick(running=2)
    assert progress.remaining_seconds() == pytest.approx((2 * 100 + 2 * 60) / 2)
    progress.ended(Outcome(cells[1], rows[0]), final=True)
    progress.stop()
    assert "; 0 failed, about 2 min left" in said.getvalue()

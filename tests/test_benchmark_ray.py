"""A real Ray cluster of two nodes, one of which is killed while its cells run."""

import importlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmark_cells import GATED, cell

from sb3_presa.benchmark.engine.ray_backend import RayBackend
from sb3_presa.benchmark.engine.results import ResultFile, Row, read_rows
from sb3_presa.benchmark.engine.run import Outcome, run_suite
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.benchmark.suites.suite import Suite
from sb3_presa.errors import ConfigError

ray: Any = pytest.importorskip("ray")

#: Each has room for one cell, and little memory is set aside.
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    utils: Any = importlib.import_module("ray.cluster_utils")
    for left in (
        2,
        1,
        0,
    ):  # Ray gives a node 30 seconds to start, which a busy machine may not have
        found = utils.Cluster()
        try:
            found.add_node(**NODE, include_dashboard=False)
            break
        except Exception:
            found.shutdown()
            if not left:
                raise
    try:
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


class Saboteur:
    """Kills the second node once both nodes run a cell, and then lets the cells end."""

    def __init__(self, cluster: Any, node: Any, folder: Path) -> None:
        self.cluster, self.node, self.folder = cluster, node, folder
        self.lost: list[Outcome] = []

    def started(self, suite: Suite, rows: Sequence[Row], missing: Sequence[Cell]) -> None:
        assert len(missing) == len(suite.cells)

    def ended(self, outcome: Outcome, *, final: bool) -> None:
        assert final == (outcome.row is not None)
        if outcome.lost:
            self.lost.append(outcome)

    def tick(self, running: int) -> None:
        marks = {path.suffix[1:]: path for path in self.folder.glob("[0-9].*")}
        if len(marks) == 2 and not (self.folder / "open").exists():
            (there,) = marks.keys() - {ray.get_runtime_context().get_node_id()}
            # As when a machine loses its power: the worker is gone at once, with all else
            os.kill(int(marks[there].read_text()), signal.SIGKILL)
            self.cluster.remove_node(self.node, allow_graceful=False)
            (self.folder / "open").touch()


def test_a_node_that_dies_loses_no_cell(cluster: Any, tmp_path: Path) -> None:
    second = cluster.add_node(**NODE)
    backend = RayBackend(cluster.address, function=GATED)
    watcher = Saboteur(cluster, second, tmp_path)
    cells = tuple(cell(seed, tmp_path) for seed in range(6))
    with ResultFile(tmp_path / "toy.csv").open() as file:
        failures = run_suite(Suite("toy", cells, retries=0), file, backend, watcher)
    backend.close()
    assert failures == []
    assert len(watcher.lost) == 1  # the one cell that ran there; it was run again elsewhere
    seeds = [int(row["seed"]) for row in read_rows(tmp_path / "toy.csv")]
    assert sorted(seeds) == list(range(6))
    again = watcher.lost[0].cell.seed
    assert len(list(tmp_path.glob(f"{again}.*"))) == 2


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", r"reachable Ray cluster, got 127\.0\.0\.1:1: "),
        ("here", r"must be HOST:PORT.*got 'here'"),
    ],
)
def test_no_cluster_there(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RayBackend(address)

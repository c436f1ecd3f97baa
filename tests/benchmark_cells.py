"""What workers of a benchmark's tests run in place of training: cells that behave as they say."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark_rows import row

from sb3_presa.benchmark.engine.run import Outcome
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.errors import ConfigError

WORK, GATED = "benchmark_cells:work", "benchmark_cells:gated"
VISIBLE = "benchmark_cells:visible"


def cell(seed: int, folder: Path, how: str = "works", **changes: Any) -> Cell:
    """A cell that leaves a line ``seed pid`` in ``folder/starts`` whenever it is started."""
    settings = {"folder": str(folder), "how": how}
    return Cell("Toy", "toy/box-v0", 5.0, "Toy", "PRESA", seed, settings=settings, **changes)


def work(cell: Cell) -> dict[str, Any]:
    """Take a moment, fail, or die, as the cell's settings say."""
    folder, how = Path(cell.settings["folder"]), cell.settings["how"]
    before = starts(folder)
    with (folder / "starts").open("a") as file:
        file.write(f"{cell.seed} {os.getpid()}\n")
    first = cell.seed not in [seed for seed, _ in before]
    time.sleep(0.1)
    if how == "fails" or (how == "fails once" and first):
        raise ArithmeticError(f"cell {cell.seed} cannot be")
    if how == "is refused":
        raise ConfigError(f"cell {cell.seed} is none")
    if how == "dies" or (how == "dies once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    return row(cell, 0.5, 0.25)


def visible(cell: Cell) -> dict[str, Any]:
    """Tell which GPUs this process sees."""
    return row(cell, 0.5, 0.25) | {"visible": os.environ["CUDA_VISIBLE_DEVICES"]}


def gated(cell: Cell) -> dict[str, Any]:
    """Leave word of the Ray node and process that this is in, and wait for the test's gate."""
    import ray

    folder = Path(cell.settings["folder"])
    node = ray.get_runtime_context().get_node_id()
    mark = folder / f".{cell.seed}.{node}"
    mark.write_text(str(os.getpid()))
    mark.rename(folder / mark.name[1:])  # it is there with its content, or not yet
    while not (folder / "open").exists():
        time.sleep(0.05)
    return row(cell, 0.5, 0.25)


def starts(folder: Path) -> list[tuple[int, int]]:
    """The seed and the process of each start of a cell."""
    path = folder / "starts"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(seed), int(pid)) for seed, pid in (line.split() for line in lines)]


class Here:
    """A backend of this process; cells are what they say they are at once."""

    running = 0

    def __init__(self) -> None:
        self._cells: list[Cell] = []

    def submit(self, cell: Cell) -> None:
        self._cells.append(cell)

    def outcomes(self) -> Iterator[Outcome]:
        return (Outcome(cell, row(cell, 0.5, 0.5)) for cell in self._cells)

    def close(self) -> None:
        pass

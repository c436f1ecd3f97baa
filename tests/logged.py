"""Logs for the tests of formats: episodes of a small robot, as files of several kinds."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]

NAMES = ("x [m]", "y [m]", "speed [m/s]")


def robot_episode(steps: int, seed: int = 0) -> dict[str, Array]:
    """T + 1 observations of three numbers, and T of everything else."""
    random = np.random.default_rng(seed)
    return {
        "observations": random.normal(size=(steps + 1, 3)),
        "actions": random.uniform(-1, 1, (steps, 2)),
        "rewards": random.normal(size=steps),
        "costs": random.integers(0, 2, steps).astype(float),
    }


def rows_of(logged: dict[str, Array], last_row: bool = True, **more: Any) -> dict[str, list[Any]]:
    """Columns of a table with a row a step; the last row has the last observation alone."""
    steps = len(logged["actions"])
    rows = steps + last_row
    gap = [None] * last_row
    columns: dict[str, list[Any]] = {
        "time [s]": [round(0.1 * step, 1) for step in range(rows)],
        **{n: logged["observations"][:rows, i].tolist() for i, n in enumerate(NAMES)},
        "steering": logged["actions"][:, 0].tolist() + gap,
        "throttle": logged["actions"][:, 1].tolist() + gap,
        "reward": logged["rewards"].tolist() + gap,
        "cost": logged["costs"].tolist() + gap,
    }
    return columns | {name: [value] * rows for name, value in more.items()}


def table_of(episodes: list[dict[str, Array]], last_row: bool = True) -> pa.Table:
    """All episodes in one table, told apart by a column."""
    parts = [
        pa.table(rows_of(each, last_row, episode=number)) for number, each in enumerate(episodes)
    ]
    return pa.concat_tables(parts)


def write_csv(path: Path, columns: dict[str, list[Any]], separator: str = ",") -> Path:
    """Text as people's own programs write it."""
    lines = [separator.join(columns)]
    for row in zip(*columns.values(), strict=True):
        lines.append(separator.join("" if value is None else str(value) for value in row))
    path.write_text("\n".join(lines) + "\n")
    return path

"""Results are of episodes, not of an id: other episodes under the same id make other results."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from algorithm_data import episode
from benchmark_cells import cell
from benchmark_rows import row

from sb3_presa.benchmark.analysis import read_agents
from sb3_presa.benchmark.data_identity import data_hash
from sb3_presa.benchmark.engine import missing_cells
from sb3_presa.benchmark.results import format_rows
from sb3_presa.benchmark.suite import Suite
from sb3_presa.data.minari_store import write_dataset

SPACE = gym.spaces.Box(-1.0, 1.0, (2,))


def write(first_action: float) -> str:
    """The dataset ``toy/box-v0``, whatever was there."""
    actions = np.zeros((3, 2), dtype=np.float32)
    actions[0] = first_action
    episodes = [episode(np.zeros((4, 2), dtype=np.float32), actions, np.zeros(3), np.zeros(3))]
    write_dataset(
        "toy/box-v0", episodes, observation_space=SPACE, action_space=SPACE, overwrite=True
    )
    found = data_hash("toy/box-v0")
    assert found is not None
    return found


def test_a_hash_names_the_episodes(minari_root: Path) -> None:
    assert data_hash("toy/nothing-v0") is None
    first = write(0.5)
    assert write(0.25) != first
    assert write(0.5) == first


def test_rows_of_other_data_are_missing(minari_root: Path, tmp_path: Path) -> None:
    """Those that do not say what they are of, and those whose dataset is elsewhere, count."""
    one, other = write(0.5), write(0.25)
    cells = [cell(seed, tmp_path) for seed in range(4)]
    hashes = [one, other, "", None]
    rows = {c.key: row(c, 0.5, 0.5) | {"data_hash": h} for c, h in zip(cells, hashes, strict=True)}
    suite = Suite("toy", tuple(cells), 0)
    assert missing_cells(suite, rows) == [cells[0]]
    assert missing_cells(suite, {}) == cells
    elsewhere = {key: found | {"dataset": "toy/nothing-v0"} for key, found in rows.items()}
    assert missing_cells(suite, elsewhere) == []


def test_a_report_on_two_sets_of_episodes_is_warned_of(tmp_path: Path) -> None:
    rows = [row(cell(seed, tmp_path), 0.5, 0.5) | {"data_hash": h} for seed, h in enumerate("ab")]
    path = tmp_path / "toy.csv"
    path.write_text(format_rows(rows, list(rows[0])))
    with pytest.warns(UserWarning, match=r"toy/box-v0 are of 2 different sets of episodes \(a, b"):
        read_agents([path])

"""Results are of episodes, not of an id: other episodes under the same id make other results."""

from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest
from benchmark_cells import cell
from benchmark_rows import row
from minari.data_collector import EpisodeBuffer

from sb3_presa.benchmark.engine.data_identity import data_hash
from sb3_presa.benchmark.engine.results import format_rows
from sb3_presa.benchmark.engine.run import missing_cells
from sb3_presa.benchmark.report.agents import read_agents
from sb3_presa.benchmark.suites.suite import Suite
from sb3_presa.data.minari_store import write_dataset


def write(seed: int = 0, **changes: Any) -> str:
    """The dataset ``toy/box-v0``, whatever was there: an episode of three steps."""
    write_dataset(
        "toy/box-v0",
        [EpisodeBuffer(**made_up.episode(3, seed, **changes))],
        observation_space=made_up.REAL,
        action_space=made_up.UNIT,
        overwrite=True,
    )
    found = data_hash("toy/box-v0")
    assert found is not None
    return found


def test_a_hash_names_the_episodes(minari_root: Path) -> None:
    assert data_hash("toy/nothing-v0") is None
    first = write(seed=0)
    assert write(seed=1) != first
    assert write(seed=0) == first
    assert first.startswith("2-")


def test_a_hash_is_of_all_that_episodes_hold(minari_root: Path) -> None:
    """Labels come of rewards and costs, and constrained Q-learning looks at how episodes end."""
    usual = made_up.episode(3, infos={"cost": np.array([0.0, 1.0, 0.0, 1.0])})
    one, last = np.array([0.0, 0.0, 1.0]), np.array([[0.0], [0.0], [0.0], [1.0]])
    hashes = [
        write(**usual),
        write(**usual | {"rewards": usual["rewards"] + one}),
        write(**usual | {"infos": {"cost": np.array([0.0, 1.0, 0.0, 2.0])}}),
        write(**usual | {"infos": {"cost": np.zeros(4)}}),
        write(**usual | {"infos": {}}),
        write(**usual | {"terminations": one.astype(bool)}),
        write(**usual | {"truncations": np.zeros(3, dtype=bool)}),
        write(**usual | {"observations": usual["observations"] + last.astype(np.float32)}),
    ]
    assert len(set(hashes)) == len(hashes)
    of_the_reset = {"infos": {"cost": np.array([9.0, 1.0, 0.0, 1.0])}}
    assert write(**usual | of_the_reset) == hashes[0]


def test_a_hash_is_of_numbers_and_not_of_files(minari_root: Path) -> None:
    here = write(infos={"cost": np.array([0.0, 1.0, 0.0, 2.0])})
    same = made_up.episode(3, infos={"cost": [0.0, 1.0, 0.0, 2.0]})
    made_up.write("toy/arrow-v0", [same], data_format="arrow")
    assert data_hash("toy/arrow-v0") == here


def test_rows_of_other_data_are_missing(minari_root: Path, tmp_path: Path) -> None:
    """Those that do not say what they are of, and those whose dataset is elsewhere, count."""
    one, other = write(seed=0), write(seed=1)
    hashes = [one, other, "", None, "0123456789ab"]  # the last as they were once
    cells = [cell(seed, tmp_path) for seed in range(len(hashes))]
    rows = {c.key: row(c, 0.5, 0.5) | {"data_hash": h} for c, h in zip(cells, hashes, strict=True)}
    suite = Suite("toy", tuple(cells), 0)
    assert missing_cells(suite, rows) == [cells[0]]
    assert missing_cells(suite, {}) == cells
    elsewhere = {key: found | {"dataset": "toy/nothing-v0"} for key, found in rows.items()}
    assert missing_cells(suite, elsewhere) == []


@pytest.mark.parametrize("hashes", [("2-a", "2-b", "", "c"), ("2-b", "", "c", "2-a")])
def test_a_report_on_two_sets_of_episodes_is_warned_of(
    tmp_path: Path, hashes: tuple[str, ...]
) -> None:
    path = write_rows(tmp_path / "toy.csv", hashes)
    with pytest.warns(
        UserWarning, match=r"box-v0 should have the same episodes, .* 2 different sets \(2-a, 2-b"
    ):
        read_agents([path])


@pytest.mark.filterwarnings("error")
def test_a_report_on_what_may_be_the_same_episodes_is_not(tmp_path: Path) -> None:
    """Rows of unknown data, and such as a later file has of other data, are nothing to warn of."""
    old = write_rows(tmp_path / "old.csv", ("2-a", "", "b"))
    new = write_rows(tmp_path / "new.csv", ("2-b",))
    assert len(read_agents([old, new])) == 3


def write_rows(path: Path, hashes: tuple[str, ...]) -> Path:
    """Results with these hashes, a seed each."""
    rows = [
        row(cell(seed, Path("folder")), 0.5, 0.5) | {"data_hash": h}
        for seed, h in enumerate(hashes)
    ]
    path.write_text(format_rows(rows, list(rows[0])))
    return path

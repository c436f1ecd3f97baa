"""Files and episodes of one name: each is known by its place, and none stands for another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logged import write_csv

from sb3_presa.data import read_logs

COLUMNS: dict[str, Any] = {"observations": "x", "actions": "throttle"}


@pytest.fixture
def runs(minari_root: Path) -> Path:
    """Files of one name in two folders; a number is missing in one of them."""
    for folder, first in (("a", 0.0), ("b", np.nan)):
        (minari_root / "runs" / folder).mkdir(parents=True)
        rows = {"x": [first, 1.0, 2.0], "throttle": [0.1, 0.2, 0.3]}
        write_csv(minari_root / "runs" / folder / "log.csv", rows)
    return minari_root / "runs"


def test_a_faulty_file_is_left_out_and_not_its_namesake(runs: Path) -> None:
    log = read_logs(runs / "*" / "log.csv", **COLUMNS)
    assert [episode.where for episode in log.episodes] == ["a/log.csv", "b/log.csv"]
    (fault,) = log.faults
    assert fault.places == ["b/log.csv, line 2: nan"]
    log = read_logs(runs / "*" / "log.csv", **COLUMNS, skip_faulty=True)
    assert [episode.where for episode in log.episodes] == ["a/log.csv"]


def test_one_episode_in_files_of_one_name_is_a_fault(runs: Path) -> None:
    for folder in "ab":
        rows = {"episode": [7.0, 7.0], "x": [0.0, 1.0], "throttle": [0.1, 0.2]}
        write_csv(runs / folder / "log.csv", rows)
    (fault,) = read_logs(runs / "*" / "log.csv", **COLUMNS).faults
    assert fault.places == ["episode 7 in a/log.csv and in b/log.csv"]


@pytest.mark.parametrize("pattern", ["**/*.csv", "**"])
def test_two_stars_find_files_at_any_depth_once(runs: Path, pattern: str) -> None:
    for place in (runs, runs / "b" / "deep"):
        place.mkdir(exist_ok=True)
        write_csv(place / "more.csv", {"x": [0.0, 1.0], "throttle": [0.1, 0.2]})
    log = read_logs(runs / pattern, **COLUMNS)
    found = sorted(episode.where for episode in log.episodes)
    assert found == ["a/log.csv", "b/log.csv", "deep/more.csv", "runs/more.csv"]

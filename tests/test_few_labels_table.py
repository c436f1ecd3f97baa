"""The table of few labels: whose agents are in it, and their share of the best safe episode."""

from pathlib import Path

import pytest
from benchmark_rows import row
from few_labels_table import few_labels_table, sweeps_table

from sb3_presa.benchmark.engine.results import format_rows
from sb3_presa.benchmark.suites.cell import Cell, Labels


@pytest.fixture
def results(tmp_path: Path) -> Path:
    results = tmp_path / "few_labels.csv"
    given = [
        ("PRESA", 0, 0.45, 0.5),
        ("PRESA", 1, 0.35, 1.5),
        ("PRESA, hard", 0, 0.1, 0.0),
        ("BC, best, exact", 0, 0.2, 0.0),
    ]
    rows = []
    for algorithm, seed, reward, cost in given:
        own = {"alpha": 0.01 * len(algorithm)}  # agents that differ in their names only are one
        cell = Cell("BallRun", "presa/ball-run-v0", 20.0, algorithm, "PRESA", seed, settings=own)
        own_range = {"own_range_reward": reward, "best_safe_reward": 0.5}
        rows.append(row(cell, reward, cost) | own_range)
    results.write_text(format_rows(rows, list(rows[0])))
    return results


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        ("", ["PRESA", "1 / 2", ".400", ".80", "1.00"]),
        (", hard", ["PRESA", "1 / 1", ".100", ".20", ".00"]),
        (", exact", ["BC, best", "1 / 1", ".200", ".40", ".00"]),
    ],
)
def test_each_regime_has_its_own_table(results: Path, regime: str, expected: list[str]) -> None:
    heading, _, *lines = few_labels_table(regime, results)
    assert [cell.strip() for cell in heading.strip("|").split("|")][-1] == "BallRun"
    (only,) = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert only[:5] == expected


def test_a_task_that_half_of_the_algorithms_lack_is_left_out(tmp_path: Path) -> None:
    """Or those without it would be left out, and the table would lose its comparison."""
    results, rows = tmp_path / "few_labels.csv", []
    ran = {"PRESA": "AB", "BC, best": "A", "PRESA, hard": "AB", "CPL": "A"}
    for algorithm, tasks in ran.items():
        for task in tasks:
            own = {"alpha": 0.01 * len(algorithm)}
            cell = Cell(task, f"presa/{task}-v0", 20.0, algorithm, "PRESA", 0, settings=own)
            more = {"own_range_reward": 0.4, "best_safe_reward": 0.5}
            rows.append(row(cell, 0.4, 0.5) | more)
    results.write_text(format_rows(rows, list(rows[0])))
    lines = [
        [c.strip() for c in line.strip("|").split("|")] for line in few_labels_table("", results)
    ]
    assert lines[0][5:] == ["A"]
    assert [line[:2] for line in lines[2:]] == [
        [name, "1 / 1"] for name in ("PRESA", "BC, best", "CPL")
    ]
    (only,) = few_labels_table(", hard", results)[2:]
    assert only.startswith("| PRESA | 2 / 2 ")


def test_levels_of_a_sweep_stand_below_each_other(tmp_path: Path) -> None:
    """The main comparison has the level that it was run at; a sweep that is cut off is left out."""
    results, rows = tmp_path / "few_labels.csv", []
    for study, level, reward in (("main", 0.1, 0.4), ("labels.flip_safety", 0.3, 0.2)):
        for algorithm in ("PRESA", "PRESA, labels as given"):
            if (study, algorithm) != ("main", "PRESA, labels as given"):
                cell = Cell(
                    *("BallRun", "presa/ball-run-v0", 20.0, algorithm, "PRESA", 0),
                    study=study,
                    labels=Labels(flip_safety=level),
                    settings={"alpha": 0.01 * len(algorithm)},
                )
                rows.append(row(cell, reward, 0.5) | {"own_range_reward": reward})
    results.write_text(format_rows(rows, list(rows[0])))
    found = [[c.strip() for c in line.strip("|").split("|")] for line in sweeps_table(results)[2:]]
    assert [line[:3] for line in found] == [
        ["PRESA, 10% of the safety labels wrong", "1 / 1", ".400"],
        ["PRESA, 30% of the safety labels wrong", "1 / 1", ".200"],
    ]

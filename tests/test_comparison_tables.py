"""The pages' tables are what the results say, and nothing around them is touched."""

from collections import Counter
from pathlib import Path

import pytest
from benchmark_rows import comparison, write
from comparison_tables import PAGES, all_tables, comparison_tables, read_results
from markdown_tables import MARK, Tables, update
from sensitivity_table import SENSITIVITY

from sb3_presa.benchmark.report.agents import Agent, read_agents


@pytest.fixture(scope="module")
def tables() -> Tables:
    return all_tables()


@pytest.mark.filterwarnings("ignore")  # of other data here than the results are of
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_are_of_the_results(page: Path, tables: Tables, tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    copy.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    assert update(copy, tables) >= 1
    assert copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8"), (
        "run `make comparison-tables`"
    )


@pytest.mark.filterwarnings("ignore")
def test_every_table_is_made_and_shown(tables: Tables) -> None:
    shown = Counter(mark["name"] for page in PAGES for mark in MARK.finditer(page.read_text()))
    assert set(shown) == set(tables)


def test_known_effects_are_written(tmp_path: Path) -> None:
    results = write(tmp_path / "results.csv", comparison())
    page = tmp_path / "page.md"
    marks = (
        f"<!-- table {name}, made by `make comparison-tables` -->\nold\n<!-- up to here -->"
        for name in ("differences", "bullet", "published")
    )
    page.write_text("before\n" + "\nbetween\n".join(marks) + "\nafter\n", encoding="utf-8")
    agents = read_results([results])
    assert list(agents) == ["PRESA", "BC, safe", "CPL", "TraC"]
    assert isinstance(agents["PRESA"]["BallRun", 10.0, 0], Agent)
    assert update(page, comparison_tables(agents)) == 3
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("before\n") and "\nbetween\n" in text and text.endswith("\nafter\n")
    assert "| CPL | 27 | -.050 [-.050, -.050] | -1.00 [-1.00, -1.00] | 27, 0 |" in text
    cpl = next(line for line in text.splitlines() if line.startswith("| CPL | 27 | 0 |"))
    assert cpl.count("1.40 (0 of 9 safe)") == 3, "of the tasks that were run"
    assert "CarCircle" not in text, "nor was the fourth"
    assert "| BallRun, 20 | " in text, "the middle limit"


def test_a_table_of_another_name_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "<!-- table other, made by `make comparison-tables` -->\nold\n<!-- up to here -->\n"
    page.write_text(text, encoding="utf-8")
    assert update(page, {"known": lambda: ["new"]}) == 0
    assert page.read_text(encoding="utf-8") == text


@pytest.mark.filterwarnings("ignore")  # of agents without safety labels
def test_a_row_of_a_sweep_is_of_its_own_agents(tables: Tables) -> None:
    """The rows of one level, counted here from the file itself."""
    rows = [line for line in tables["sensitivity"]() if "10% of the safety labels wrong" in line]
    found = [
        agent
        for agent in read_agents([SENSITIVITY])
        if agent.study == "labels.flip_safety" and agent.row["flip_safety"] == "0.1"
    ]
    assert len(found) == 6
    (row,) = rows
    assert f"| {sum(agent.safe for agent in found)} / 6 |" in row
    assert f"| {sum(agent.reward for agent in found) / 6:.3f} |".replace(" 0.", " .") in row

"""The pages' tables are what the results say, and nothing around them is touched."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from benchmark_rows import comparison, write

from sb3_presa.benchmark.report import analysis

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "comparison_tables.py"))


@pytest.mark.filterwarnings("ignore")  # of other data here than the results are of
@pytest.mark.parametrize("name", ["README.md", "docs/benchmark.md", "docs/environments.md"])
def test_the_tables_are_of_the_results(name: str, program: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert program["update"](page, program["read_results"](program["RESULTS"])) >= 1
    assert page.read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8"), (
        "run `make comparison-tables`"
    )


def test_known_effects_are_written(program: dict[str, Any], tmp_path: Path) -> None:
    results = write(tmp_path / "results.csv", comparison())
    page = tmp_path / "page.md"
    marks = (
        f"<!-- table {name}, made by `make comparison-tables` -->\nold\n<!-- up to here -->"
        for name in ("differences", "bullet", "published")
    )
    page.write_text("before\n" + "\nbetween\n".join(marks) + "\nafter\n", encoding="utf-8")
    agents = program["read_results"]([results])
    assert list(agents) == ["PRESA", "BC, safe", "CPL", "TraC"]
    assert isinstance(agents["PRESA"]["BallRun", 10.0, 0], analysis.Agent)
    assert program["update"](page, agents) == 3
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("before\n") and "\nbetween\n" in text and text.endswith("\nafter\n")
    assert "| CPL | 27 | -.050 [-.050, -.050] | -1.00 [-1.00, -1.00] | 27, 0 |" in text
    cpl = next(line for line in text.splitlines() if line.startswith("| CPL | 27 | 0 |"))
    assert cpl.count("1.40 (0 of 9 safe)") == 3, "of the tasks that were run"
    assert "CarCircle" not in text, "nor was the fourth"
    assert "| BallRun, 20 | " in text, "the middle limit"

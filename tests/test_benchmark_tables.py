"""Tables of text: on the same cells as the page, and whole in a narrow terminal."""

import io
import re
from pathlib import Path

import pytest
from benchmark_rows import TASKS, comparison, sweep, write
from rich.console import Console

from sb3_presa.benchmark.report import analysis, tables
from sb3_presa.benchmark.report.agents import read_agents
from sb3_presa.benchmark.report.page import write_report


def text_lines(written: str) -> list[list[str]]:
    """The cells of each line of tables of text."""
    return [re.split(r"\s*[│┃]\s*", line)[1:-1] for line in written.splitlines() if "│" in line]


def test_the_tables_of_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sweeps have tables of their own, named by what they changed; the files are not as narrow."""
    agents = read_agents([write(tmp_path / "known.csv", comparison() + sweep())])
    written = tables.print_tables(agents, tmp_path / "report", "PRESA").read_text()
    assert capsys.readouterr().out.count("agents") == 3
    lines = text_lines(written)
    summaries = [line for line in lines if len(line) == 7]
    assert [line[:2] for line in summaries] == [
        *(["PRESA", "27"], ["BC, safe", "27"], ["CPL", "27"]),
        *([name, "9"] for name in ("PRESA", "BC, safe", "CPL", "TraC")),
        *([f"PRESA, flip_safety = {share}", "6"] for share in (0.1, 0.3)),
    ]
    found = {line[0]: line[1:] for line in reversed(summaries)}
    assert found["CPL"][:2] == ["27", "0/27"]
    assert found["PRESA, flip_safety = 0.3"][:2] == ["6", "6/6"]
    assert found["PRESA, flip_safety = 0.3"][4:] == ["0.70", "0.70"]
    assert ["TraC", "9", "-0.020", "[-0.020, -0.020]", "-0.100", "[-0.100, -0.100]"] in lines


def test_tables_of_text_and_the_page_compare_on_the_same_cells(tmp_path: Path) -> None:
    """PRESA lacks a seed, in which BC is safe; one that has only begun is named."""
    rows = [
        row | ({"normalized_cost": 2.0, "safe": False} if row["algorithm"] == "BC, safe" else {})
        for row in comparison(seeds=(0, 1))
    ]
    rows += [row for row in comparison(seeds=(2,)) if row["algorithm"] == "BC, safe"]
    rows += [row | {"algorithm": "New", "key": "new"} for row in rows[:1]]
    agents = read_agents([write(tmp_path / "seeds.csv", rows)])
    written = tables.print_tables(agents, tmp_path / "report", "PRESA").read_text()
    html = write_report(agents, tmp_path / "report", title="Seeds").read_text()
    assert "From feedback only, 18 common cells; without New, which has only 1" in written
    lines = {line[0]: line[1:] for line in reversed(text_lines(written)) if len(line) == 7}
    assert lines["BC, safe"][:2] == ["18", "0/18"] and lines["PRESA"][:2] == ["18", "18/18"]
    assert "0 / 18" in html and "18 / 18" in html
    assert "9/27" not in written and "New" not in lines

    apart = [row for row in rows if (row["seed"] == 0) == (row["algorithm"] == "CPL")]
    agents = read_agents([write(tmp_path / "apart.csv", apart)])
    written = tables.print_tables(agents, tmp_path / "report", "PRESA").read_text()
    assert "No common cells, each on its own" in written


@pytest.mark.parametrize(("width", "n_tables"), [(30, 3), (60, 2), (200, 1)])
def test_no_number_is_cut_off_in_a_narrow_terminal(
    width: int, n_tables: int, tmp_path: Path
) -> None:
    path = write(tmp_path / "known.csv", comparison())
    groups = analysis.by_algorithm(read_agents([path]))
    text = io.StringIO()
    console = Console(file=text, width=width)
    console.print(*tables.task_tables(groups, width))
    assert "…" not in text.getvalue()
    assert text.getvalue().count("│ CPL") == n_tables
    assert [task for task in TASKS if f"┃ {task}" not in text.getvalue()] == []

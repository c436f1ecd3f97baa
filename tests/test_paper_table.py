"""The table of all tasks, from made-up rows of its suite."""

from pathlib import Path
from typing import Any

import pytest
from benchmark_rows import row, write
from paper_table import (
    SUITE,
    approaches_table,
    draw,
    losses_table,
    paper_agents,
    paper_tables,
    progress,
    summary,
    tasks_table,
)

from sb3_presa.benchmark.report.agents import Agents
from sb3_presa.benchmark.suites.suite import Suite, load_suite
from sb3_presa.envs import all_tasks
from sb3_presa.intervals import wilson

#: algorithm -> (reward, cost) on all tasks but those below.
USUAL = {"PRESA": (0.4, 0.5), "PRESA, few labels": (0.3, 0.5), "BC, best": (0.35, 0.6)}
UNUSUAL = {
    ("PRESA", "PointGoal1"): (0.6, 1.5),
    ("PRESA, few labels", "CarRun"): (0.6, 1.25),
    ("BC, best", "BallRun"): (0.45, 0.9),
    ("CPL", "PointGoal1"): (0.9, 3.0),
    ("SafeRLHF", "CarRun"): (0.7, 0.2),
    ("TraC", "BallRun"): (0.7, 0.2),
}
TASKS = ("PointGoal1", "BallRun", "CarRun")


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(SUITE)


def made_up(suite: Suite) -> list[dict[str, Any]]:
    """Three of the tasks; one of PRESA's agents on CarRun has not run."""
    rows = []
    for cell in suite.cells:
        place = cell.algorithm, cell.task
        outcome = UNUSUAL.get(place, USUAL.get(cell.algorithm))
        last = place == ("PRESA", "CarRun") and (cell.cost_limit, cell.seed) == (40, 2)
        if cell.task in TASKS and outcome is not None and not last:
            found = row(cell, *outcome, reads_outcomes=cell.class_name == "TraC")
            rows.append(found | {"own_range_reward": outcome[0], "best_safe_reward": 0.5})
    return rows


@pytest.fixture
def results(suite: Suite, tmp_path: Path) -> Path:
    return write(tmp_path / "paper.csv", made_up(suite))


@pytest.fixture
def agents(suite: Suite, results: Path) -> Agents:
    return paper_agents(suite, results)


def cells(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_how_much_has_run_is_counted(suite: Suite, agents: Agents) -> None:
    n = 3 * 27 - 1 + 9 + 3 + 3  # the usual three, CPL, and the slow ones at one limit
    assert progress(suite, agents) == [
        f"3 of 38 tasks have run: {n} of {len(suite.cells):,} agents."
    ]


def test_approaches_have_their_counts_shares_and_intervals(agents: Agents) -> None:
    found = {name: rest for name, *rest in cells(approaches_table(agents))}
    assert list(found)[:5] == [*USUAL, "CPL", "SafeRLHF"]
    assert list(found)[5] == "TraC (reads the truth)"
    low, high = wilson(2, 3)
    ratio = f".67 [{low:.2f}, {high:.2f}]".replace("0.", ".")
    safe, single = wilson(17, 26), "17 of 26"
    assert found["PRESA"][:3] == ["2 of 3", ratio, single]
    assert found["PRESA"][3] == f".65 [{safe[0]:.2f}, {safe[1]:.2f}]".replace("0.", ".")
    # .8, .8 and 1.2 of the best safe episode
    assert found["PRESA"][4].startswith(".93 [.80, 1.20]")
    assert found["PRESA"][5:] == [".47", ".83"]
    assert found["CPL"][0] == "0 of 1" and found["CPL"][4] == "1.80 -"
    # Published costs of the three tasks: .54, 1.46, .22
    assert found["BC, safe (published)"][0] == "2 of 3"
    assert found["BC, safe (published)"][5:] == [".55", ".74"]


def test_every_task_has_a_line_beside_published_results(suite: Suite, agents: Agents) -> None:
    heading, _, *_ = tasks_table(suite, agents)
    names = [cell.strip() for cell in heading.strip("|").split("|")]
    found = {
        line[0]: dict(zip(names, line, strict=True)) for line in cells(tasks_table(suite, agents))
    }
    assert list(found) == [task.name for task in all_tasks()]
    assert found["PointGoal1"]["PRESA"] == ".60 / 1.50 ✗"
    assert found["PointGoal1"]["BC, best"] == "**.35 / .60**"
    assert found["CarRun"]["PRESA"] == "**.40 / .50** (8 of 9 agents)"
    assert found["BallRun"]["TraC"] == ".70 / .20", "at one limit only"
    assert found["BallRun"]["CDT (published)"] == ".39 / 1.16 ✗"
    dash = "\N{EN DASH}"
    assert {found["AntRun"][name] for name in names[1:11]} == {dash}
    assert found["AntRun"]["TraC (published)"] == ".69 / .76"


def test_where_it_loses_is_found(agents: Agents) -> None:
    """Unsafe, with what is safe there; and below a safe method, for the first setting alone."""
    assert cells(losses_table(agents)) == [
        ["PointGoal1", "PRESA", ".60 / 1.50 ✗", "BC, best .35 / .60"],
        ["BallRun", "PRESA", ".40 / .50", "BC, best .45 / .90"],
        ["CarRun", "PRESA", ".40 / .50", "SafeRLHF .70 / .20 (limit 20, against .40 / .50)"],
        [
            *("CarRun", "PRESA, few labels", ".60 / 1.25 ✗"),
            "SafeRLHF .70 / .20 (limit 20, against .60 / 1.25 ✗); BC, best .35 / .60",
        ],
    ]
    fine = {name: agents[name] for name in ("PRESA", "CPL")}
    fine["PRESA"] = {place: a for place, a in agents["PRESA"].items() if place[0] == "BallRun"}
    assert losses_table(fine) == ["None of the tasks that have run."]


def test_the_summary_shows_the_picture_and_both_settings(agents: Agents) -> None:
    *above, sentences = summary(agents, "there.png")
    assert above == [
        "![Ratio of tasks that each approach keeps safe, and its reward](there.png)",
        "",
    ]
    assert sentences == (
        "PRESA: safe on 2 of 3 tasks, with 93% of the reward of the best safe episode. "
        "PRESA, few labels: safe on 2 of 3 tasks, with 80% of the reward of the best safe episode."
    )


def test_rows_of_another_suite_are_left_out(suite: Suite, tmp_path: Path) -> None:
    rows = made_up(suite)
    rows[0] |= {"key": "of-former-settings"}
    agents = paper_agents(suite, write(tmp_path / "paper.csv", rows))
    assert sum(map(len, agents.values())) == len(rows) - 1


def test_without_results_published_ones_stand_alone(suite: Suite, tmp_path: Path) -> None:
    nowhere = tmp_path / "paper.csv"
    made = {name: make() for name, make in paper_tables(nowhere).items()}
    assert made["paper_progress"][0].startswith("None of the 38 tasks has run yet.")
    assert made["paper_summary"] == made["paper_readme"] == []
    assert [line[:2] for line in cells(made["paper_approaches"])] == [
        ["BC, all (published)", "7 of 38"],
        ["BC, safe (published)", "31 of 38"],
        ["CDT (published)", "21 of 38"],
        ["TraC (published)", "34 of 38"],
    ]
    assert not draw(tmp_path / "paper.png", nowhere)
    assert not (tmp_path / "paper.png").exists()


def test_the_picture_is_drawn(results: Path, tmp_path: Path) -> None:
    assert draw(tmp_path / "paper.png", results)
    assert (tmp_path / "paper.png").stat().st_size > 10_000

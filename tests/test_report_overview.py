"""What was reached on each task, how many tasks are safe, and the picture of both."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from benchmark_rows import TASKS, comparison, row, write
from matplotlib.figure import Figure

from sb3_presa.benchmark.report import analysis, overview_figure
from sb3_presa.benchmark.report.agents import Agents, read_agents
from sb3_presa.benchmark.report.by_task import (
    Approach,
    Overview,
    by_task,
    expected_agents,
    overview,
)
from sb3_presa.benchmark.report.markdown import task_table
from sb3_presa.benchmark.report.overview_figure import draw_overview
from sb3_presa.benchmark.report.page import write_report
from sb3_presa.benchmark.suites.cell import Cell
from sb3_presa.envs import find_task
from sb3_presa.intervals import wilson

#: algorithm -> task -> (reward, cost) of its two agents; the last task lacks one of the algorithms.
MADE_UP = {
    "PRESA": {"BallRun": ((0.4, 0.2), (0.2, 1.6)), "CarRun": ((0.9, 0.0), (0.9, 0.4))},
    "CPL": {"BallRun": ((0.8, 3.0), (0.6, 1.0)), "CarRun": ((0.7, 0.5), (0.7, 0.5))},
    "TraC": {"BallRun": ((0.2, 0.9), (0.2, 0.9)), "CarRun": ((1.0, 1.0), (1.0, 1.2))},
}


def agents_of(rows: list[dict[str, Any]], tmp_path: Path) -> Agents:
    return analysis.by_algorithm(read_agents([write(tmp_path / "made_up.csv", rows)]))


def made_up(best_safe: float | None = 0.5) -> list[dict[str, Any]]:
    rows = []
    for name, by_name in MADE_UP.items():
        for task, outcomes in by_name.items():
            for seed, (reward, cost) in enumerate(outcomes):
                dataset, env, _ = TASKS[task]
                cell = Cell(task, dataset, 20.0, name, name, seed, env=env)
                found = row(cell, reward, cost, reads_outcomes=name == "TraC")
                own = {"own_range_reward": reward, "best_safe_reward": best_safe}
                rows.append(found | (own if best_safe is not None else {}))
    return rows


def test_means_of_a_task_and_what_is_best_there(tmp_path: Path) -> None:
    ball, car = by_task(agents_of(made_up(), tmp_path))
    assert (ball.task, car.task) == ("BallRun", "CarRun")
    entry = ball.entries["PRESA"]
    assert (entry.reward, entry.cost, entry.share, entry.n) == pytest.approx((0.3, 0.9, 0.6, 2))
    assert entry.safe, "by its mean, though one of two agents is not"
    assert not ball.entries["CPL"].safe
    assert {name for name, e in ball.entries.items() if e.best} == {"PRESA"}
    assert {name for name, e in car.entries.items() if e.best} == {"PRESA"}
    known = find_task("presa/SafetyBallRun-v0")
    assert known is not None
    assert (ball.published["CDT"].reward, ball.published["CDT"].cost) == known.published["cdt"]


def test_who_has_not_run_at_all_limits_is_not_the_best(tmp_path: Path) -> None:
    rows = by_task(agents_of(comparison(), tmp_path))
    assert all({n for n, e in row.entries.items() if e.best} == {"PRESA"} for row in rows)


def test_approaches_by_their_safe_tasks(tmp_path: Path) -> None:
    found = overview(agents_of(made_up(), tmp_path))
    assert found is not None and found.in_shares
    ours = [(a.name, a.kind, a.n_safe, a.n) for a in found.approaches if a.kind != "published"]
    assert ours == [("PRESA", "feedback", 2, 2), ("CPL", "feedback", 1, 2), ("TraC", "truth", 1, 2)]
    presa = found.approaches[0]
    assert presa.reward == pytest.approx((0.6 + 1.8) / 2)
    assert presa.ratio_interval == wilson(2, 2)
    assert math.isnan(presa.reward_interval[0]), "of two tasks"
    published = {a.name: a for a in found.approaches if a.kind == "published"}
    # BallRun and CarRun in the table of tasks
    assert {name: a.n_safe for name, a in published.items()} == {
        "BC, all": 1,
        "BC, safe": 1,
        "CDT": 1,
        "TraC": 2,
    }
    assert math.isnan(published["CDT"].reward), "its best safe episode is not known"


def test_rewards_are_normalised_where_no_share_is_known(tmp_path: Path) -> None:
    found = overview(agents_of(made_up(best_safe=None), tmp_path))
    assert found is not None and not found.in_shares
    assert {a.name: a.reward for a in found.approaches if a.kind == "feedback"} == pytest.approx(
        {"PRESA": 0.6, "CPL": 0.7}
    )
    assert sum(not math.isnan(a.reward) for a in found.approaches) == 7


def test_approaches_are_compared_on_shared_tasks(tmp_path: Path) -> None:
    """One that has only begun takes no tasks from the others, and is named."""
    rows = comparison()
    rows = [r for r in rows if r["algorithm"] != "CPL" or r["task"] == "BallRun"]
    rows = [r for r in rows if r["algorithm"] != "BC, safe" or r["task"] != "CarRun"]
    found = overview(agents_of(rows, tmp_path))
    assert found is not None
    assert found.tasks == ("BallRun", "BallCircle")
    assert found.left_out == {"CPL": 1}


def test_who_shares_no_task_with_the_others_is_left_out(tmp_path: Path) -> None:
    rows = [r for r in comparison() if r["algorithm"] != "CPL" or r["task"] == "CarRun"]
    rows = [r for r in rows if r["algorithm"] != "BC, safe" or r["task"] == "BallRun"]
    found = overview(agents_of(rows, tmp_path))
    assert found is not None
    assert found.tasks == ("BallRun", "BallCircle", "CarRun")
    assert found.left_out == {"BC, safe": 1, "CPL": 1}
    alone = overview(agents_of([r for r in rows if r["algorithm"] in found.left_out], tmp_path))
    assert alone is not None
    assert len(alone.tasks) == len(alone.left_out) == 1


def test_another_task_has_nothing_published(tmp_path: Path) -> None:
    rows = [r | {"env": "mine/Robot-v0"} for r in made_up() if r["task"] == "BallRun"]
    agents = agents_of(rows, tmp_path)
    found = overview(agents)
    assert found is not None and {a.kind for a in found.approaches} == {"feedback", "truth"}
    (only,) = by_task(agents)
    assert not only.published
    assert overview({}) is None


def test_the_table_marks_what_is_unsafe_and_what_is_best(tmp_path: Path) -> None:
    rows = by_task(agents_of(made_up(), tmp_path))
    usual = {"PRESA": 2, "CPL": 3, "BC, safe": 2}
    expected = {name: dict.fromkeys(("BallRun", "CarRun"), n) for name, n in usual.items()}
    lines = task_table(rows, expected, ["TraC"])
    assert lines == [
        "| task | PRESA | CPL | BC, safe | TraC (published) |",
        "|---|---|---|---|---|",
        "| BallRun | **.30 / .90** | .70 / 2.00 ✗ (2 of 3 agents) | – | .27 / .49 |",  # noqa: RUF001
        "| CarRun | **.90 / .20** | .70 / .50 (2 of 3 agents) | – | .97 / .00 |",  # noqa: RUF001
    ]


def test_agents_are_missing_only_of_a_tasks_own_limits(tmp_path: Path) -> None:
    """CarRun has one limit, BallRun lacks one of CPL's; TraC takes one limit of each."""
    rows = [r for r in comparison() if r["task"] != "CarRun" or r["cost_limit"] == 20]
    gap = ("CPL", "BallRun", 10.0)
    rows = [r for r in rows if (r["algorithm"], r["task"], r["cost_limit"]) != gap]
    ball, circle, car = by_task(agents_of(rows, tmp_path))
    for name, expected in {"PRESA": (9, 9, 3), "CPL": (9, 9, 3), "TraC": (3, 3, 3)}.items():
        found = expected_agents([ball, circle, car], name)
        assert tuple(found[row.task] for row in (ball, circle, car)) == expected, name
    assert (car.entries["PRESA"].n, ball.entries["CPL"].n) == (3, 6)
    page = write_report(read_agents([tmp_path / "made_up.csv"]), tmp_path / "page", title="Limits")
    table = (page.parent / "tasks.md").read_text()
    assert re.findall(r"\(\d+ of \d+ agents\)", table) == ["(6 of 9 agents)"]


@pytest.mark.parametrize("in_shares", [True, False])
def test_the_picture_has_a_bar_for_each_and_cuts_nothing_off(
    in_shares: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    real = Figure.savefig

    def savefig(figure: Figure, *args: Any, **options: Any) -> None:
        figures.append(figure)
        real(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    reward = (1.21, (1.1, 1.4)) if in_shares else (-0.3, (-0.5, 0.1))
    approaches = (
        Approach("PRESA", "feedback", 38, 38, 0.9, (0.85, 0.95)),
        Approach("PRESA, few labels", "feedback", 38, 36, 0.8, (0.7, 0.9)),
        Approach("A method with quite a long name", "feedback", 38, 0, *reward),
        Approach("TraC", "truth", 38, 34, 0.7, (0.6, 0.8)),
        Approach("CDT", "published", 38, 21, math.nan, (math.nan, math.nan)),
    )
    tasks = tuple(f"Task{n}" for n in range(38))
    path = tmp_path / "overview.png"
    draw_overview(path, Overview(approaches, tasks, in_shares, {"New": 3}), "PRESA")
    (figure,) = figures
    left, right = figure.axes
    names = [label.get_text() for label in left.get_yticklabels()]
    assert [n for n in names if n not in overview_figure.HEADINGS.values()] == [
        each.name for each in approaches
    ]
    widths = [bar.get_width() for bar in left.patches]  # type: ignore[attr-defined]
    assert widths == pytest.approx([each.ratio for each in approaches])
    assert [text.get_text() for text in left.texts][:3] == ["38 of 38", "36 of 38", "0 of 38"]
    heights = [bar.get_y() + bar.get_height() / 2 for bar in left.patches]  # type: ignore[attr-defined]
    assert heights == pytest.approx([6, 5, 4, 2, 0]), "below the headings of their groups"
    tints = {bar.get_facecolor() for bar in left.patches}
    assert len(tints) == len(approaches)
    whole = figure.bbox
    for axes in (left, right):
        most = axes.get_xlim()[1]
        ticks = [label for label in axes.get_xticklabels() if label.get_position()[0] <= most]
        for text in (*axes.texts, axes.title, *axes.get_yticklabels(), *ticks):
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1, text
            assert whole.y0 <= box.y0 and box.y1 <= whole.y1, text
        notes = [text.get_window_extent() for text in axes.texts]
        assert all(box.x1 <= axes.get_window_extent().x1 + 1 for box in notes)
    said = figure.get_supxlabel()
    assert "38 tasks" in said and "New (3 tasks)" in said
    assert "the mean cost over seeds and limits is within the limit" in said
    assert path.stat().st_size > 10_000

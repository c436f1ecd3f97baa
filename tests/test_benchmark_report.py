"""Reports: statistics against numbers that were worked out apart, known effects, a whole page."""

import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from benchmark_rows import LIMITS, TASKS, comparison, sweep, write
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sb3_presa.benchmark import analysis, statistics, tables
from sb3_presa.benchmark.report import write_report
from sb3_presa.errors import ConfigError

#: Runs (rows) on tasks (columns), and what rliable 1.2.0's metrics say of them.
X = np.array(
    [[0.6, 0.66, 0.55], [0.42, 0.51, 0.4], [0.61, 0.87, 0.5], [0.48, 0.7, 0.67], [0.62, 0.41, 0.59]]
)
Y = np.array([[0.42, 0.23, 0.41], [0.12, 0.24, 0.13], [0.45, 0.25, 0.55], [0.53, 0.46, 0.0]])
IQM_X, IQM_Y, X_ABOVE_Y = 0.5688888888888889, 1 / 3, 13 / 15


def test_statistics_agree_with_rliable() -> None:
    assert statistics.iqm(X.ravel()) == pytest.approx(IQM_X)
    assert statistics.iqm(Y.ravel()) == pytest.approx(IQM_Y)
    found, (low, high) = statistics.probability_of_improvement(list(X.T), list(Y.T))
    assert found == pytest.approx(X_ABOVE_Y)
    assert low < found < high
    back, _ = statistics.probability_of_improvement(list(Y.T), list(X.T))
    assert back == pytest.approx(1 - X_ABOVE_Y)


def test_intervals_by_hand() -> None:
    # 10 strata of one 0 and one 1: a resample's mean is a binomial (20, 1/2) share, whose 2.5% and
    # 97.5% quantiles are 6/20 and 14/20.
    strata = [np.array([0.0, 1.0])] * 10
    assert statistics.interval(strata, statistics.mean) == pytest.approx((0.3, 0.7))
    # Within a stratum all alike, and so nothing varies: strata are not mixed.
    apart = [np.zeros(5), np.ones(5)]
    assert statistics.interval(apart, statistics.mean) == (0.5, 0.5)
    # n / (n + z^2), and its mirror image
    assert statistics.wilson(36, 36) == pytest.approx((36 / (36 + 1.959964**2), 1.0), abs=1e-6)
    assert statistics.wilson(0, 36) == pytest.approx((0.0, 1 - 36 / (36 + 1.959964**2)), abs=1e-6)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(-3, 3), st.floats(0.1, 4))
def test_the_iqm_moves_with_its_values(values: list[float], shift: float, scale: float) -> None:
    array = np.array(values)
    found = float(statistics.iqm(array))
    assert float(statistics.iqm(scale * array + shift)) == pytest.approx(scale * found + shift)
    assert array.min() - 1e-9 <= found <= array.max() + 1e-9
    if len(values) >= 4:  # one run that is far off changes nothing
        array[array.argmax()] += 1e6
        assert float(statistics.iqm(array)) == pytest.approx(found)


@pytest.fixture
def agents(tmp_path: Path) -> list[analysis.Agent]:
    return analysis.read_agents([write(tmp_path / "known.csv", comparison() + sweep())])


def test_known_effects_are_found(agents: list[analysis.Agent]) -> None:
    """Runs of one task, limit and seed share their luck: paired differences are the effects."""
    main = analysis.by_algorithm(agents)
    found = {d.algorithm: d for d in analysis.differences(main, "PRESA")}
    assert {name: d.n for name, d in found.items()} == {"BC, safe": 27, "CPL": 27, "TraC": 9}
    for name, effect in (("BC, safe", 0.10), ("CPL", -0.05), ("TraC", -0.02)):
        assert found[name].reward == pytest.approx(effect)
        assert found[name].reward_interval == pytest.approx((effect, effect))
        assert found[name].tasks == pytest.approx(dict.fromkeys(TASKS, effect))
    assert found["CPL"].cost == pytest.approx(-1.0)
    assert found["CPL"].costs_less == (1.0, (1.0, 1.0))
    assert found["CPL"].safe == (27, 0)


def test_algorithms_are_compared_on_shared_cells(agents: list[analysis.Agent]) -> None:
    main = analysis.by_algorithm(agents)
    everything = analysis.compare("all", main)
    assert everything is not None
    assert {place[1] for place in everything.places} == {LIMITS[1]}
    assert [score.n for score in everything.scores] == [9] * 4
    assert [score.algorithm for score in everything.scores] == ["TraC", "PRESA", "BC, safe", "CPL"]
    best, worst = everything.scores[0], everything.scores[-1]
    assert (best.safe_ratio, worst.safe_ratio) == (1.0, 0.0)
    assert math.isnan(worst.reward)
    lucks = [np.random.default_rng([seed, 20]).normal(0, 0.02) for seed in range(3)]
    assert best.reward == pytest.approx(0.6 + 0.12 + np.mean(lucks))

    # An algorithm that has only begun takes no cells from the others, and is named
    begun = {**main, "New": dict(list(main["PRESA"].items())[:2])}
    labels_only = {name: places for name, places in begun.items() if name != "TraC"}
    rest = analysis.compare("labels", labels_only)
    assert rest is not None
    assert (len(rest.places), rest.left_out) == (27, {"New": 2})


def test_an_ablation_is_on_shared_cells(agents: list[analysis.Agent]) -> None:
    """The comparison's own agents are the point without noise; the third seed is nobody else's."""
    (found,) = analysis.ablation(agents, "labels.flip_safety").items()
    name, by_value = found
    assert (name, list(by_value)) == ("PRESA", [0.0, 0.1, 0.3])
    assert [len(points) for points in by_value.values()] == [6, 6, 6]
    means = [np.mean([agent.reward for agent in points]) for points in by_value.values()]
    assert np.diff(means) == pytest.approx([-0.05, -0.10])


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    first = write(tmp_path / "first.csv", comparison())
    second = write(tmp_path / "second.csv", sweep())
    title = "<b>Bold & brash</b>"
    page = write_report([first, second], tmp_path / "report", title=title)
    html = page.read_text()
    assert "&lt;b&gt;Bold &amp; brash&lt;/b&gt;" in html and title not in html
    for source in re.findall(r'(?:src|href)="([^"]*)"', html):
        assert source.startswith(("data:image/png;base64,", "#")), source[:80]
    assert not re.search(r"https?://|@import|url\(|<script", html)
    pictures = {path.name for path in page.parent.glob("*.png")}
    assert pictures == {
        "safe_ratio.png",
        "aggregates.png",
        "planes.png",
        "ablation_labels_flip_safety.png",
    }
    assert html.count("data:image/png") == len(pictures)
    published = re.sub(r"\s+", " ", html)
    assert '<td class="group unsafe">0.60 / 5.08</td>' in published  # BallRun, BC on all data
    assert "27 / 27" in published and "0 / 27" in published


def test_the_tables_of_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sweeps are lines of their own, named by what they changed; the files are not as narrow."""
    path = write(tmp_path / "known.csv", comparison() + sweep())
    written = tables.print_tables([path], tmp_path / "report", "PRESA").read_text()
    assert capsys.readouterr().out.count("agents") == 1
    lines = [re.split(r"\s*[│┃]\s*", line)[1:-1] for line in written.splitlines() if "│" in line]
    found = {line[0]: line[1:] for line in lines[:6]}
    assert list(found) == [
        *("PRESA", "BC, safe", "CPL", "TraC"),
        *("PRESA, flip_safety = 0.1", "PRESA, flip_safety = 0.3"),
    ]
    assert found["CPL"][:2] == ["27", "0/27"]
    assert found["PRESA, flip_safety = 0.3"][:2] == ["6", "6/6"]
    assert found["PRESA, flip_safety = 0.3"][4:] == ["0.70", "0.70"]
    assert ["TraC", "9", "-0.020", "[-0.020, -0.020]", "-0.100", "[-0.100, -0.100]"] in lines


@pytest.mark.parametrize(("width", "n_tables"), [(30, 3), (60, 2), (200, 1)])
def test_no_number_is_cut_off_in_a_narrow_terminal(
    width: int, n_tables: int, tmp_path: Path
) -> None:
    path = write(tmp_path / "known.csv", comparison())
    groups = tables.variants(analysis.read_agents([path]))
    text = io.StringIO()
    console = Console(file=text, width=width)
    console.print(*tables.task_tables(groups, width))
    assert "…" not in text.getvalue()
    assert text.getvalue().count("│ CPL") == n_tables
    assert [task for task in TASKS if f"┃ {task}" not in text.getvalue()] == []


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    rows = comparison()
    rows[4]["normalized_cost"] = "none"
    with pytest.raises(ConfigError, match=r"bad\.csv, row 5: normalized_cost is 'none'; allowed"):
        analysis.read_agents([write(tmp_path / "bad.csv", rows)])
    (tmp_path / "cut.csv").write_text((tmp_path / "bad.csv").read_text()[:-200])
    with pytest.raises(ConfigError, match=r"cut\.csv, row \d+: .*fields"):
        analysis.read_agents([tmp_path / "cut.csv"])
    (tmp_path / "none.csv").write_text((tmp_path / "bad.csv").read_text().splitlines()[0])
    with pytest.raises(ConfigError, match=r"none\.csv: there is no finished cell"):
        analysis.read_agents([tmp_path / "none.csv"])

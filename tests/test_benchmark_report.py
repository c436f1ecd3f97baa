"""Reports: statistics against numbers that were worked out apart, known effects, a whole page."""

import io
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from benchmark_rows import EFFECTS, LIMITS, TASKS, comparison, sweep, write
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import Browser
from typer.testing import CliRunner

from sb3_presa.benchmark.engine.columns import identity_columns, option_columns
from sb3_presa.benchmark.report import analysis, statistics, tables
from sb3_presa.benchmark.report.agents import Agent, read_agents
from sb3_presa.benchmark.report.page import write_report
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.cli import app
from sb3_presa.errors import ConfigError
from sb3_presa.evaluation import figures as all_figures
from sb3_presa.evaluation.figures import PALETTE
from sb3_presa.intervals import wilson

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
    assert wilson(36, 36) == pytest.approx((36 / (36 + 1.959964**2), 1.0), abs=1e-6)
    assert wilson(0, 36) == pytest.approx((0.0, 1 - 36 / (36 + 1.959964**2)), abs=1e-6)


@given(st.integers(1, 2000), st.floats(0, 1))
def test_a_share_lies_within_its_interval(n: int, part: float) -> None:
    for successes in (0, round(part * n), n):
        low, high = wilson(successes, n)
        assert 0.0 <= low <= successes / n <= high <= 1.0
    assert wilson(0, n)[0] == 0.0 and wilson(n, n)[1] == 1.0


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
def agents(tmp_path: Path) -> list[Agent]:
    return read_agents([write(tmp_path / "known.csv", comparison() + sweep())])


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of text: pictures are composed, but painting them takes most of a report's time."""
    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, "PNG")
    monkeypatch.setattr(Figure, "savefig", lambda _, file, **__: file.write(content.getvalue()))


def test_known_effects_are_found(agents: list[Agent]) -> None:
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


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize(
    ("seeds", "tasks", "limits", "paired"),
    [([0], 1, 1, False), ([0, 1], 1, 1, False), ([0], 3, 3, True), ([0, 1, 2], 1, 1, True)],
)
def test_few_runs_have_no_interval_and_no_colour(
    seeds: list[int],
    tasks: int,
    limits: int,
    paired: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nor a probability, under three pairs; one seed a place is never resampled."""
    shown = list(TASKS)[:tasks]
    rows = [
        row
        for row in comparison(seeds=seeds)
        if row["task"] in shown and row["cost_limit"] in LIMITS[:limits]
    ]
    found = read_agents([write(tmp_path / "few.csv", rows)])
    main = analysis.feedback_only(analysis.by_algorithm(found))
    compared = analysis.compare("all", main)
    assert compared is not None
    stratified = len(seeds) == 3
    for score in compared.scores:
        ends = (score.safe_interval, score.iqm_reward_interval, score.iqm_cost_interval)
        assert all(math.isnan(end) is not stratified for pair in ends for end in pair)
        assert not math.isnan(score.safe_wilson[0])  # a share of any number has one
    for difference in analysis.differences(main, "PRESA"):
        assert math.isnan(difference.reward_interval[0]) is not paired
        assert math.isnan(difference.earns_more[0]) is not paired
        assert math.isnan(difference.earns_more[1][0]) is not stratified
    html = write_report(found, tmp_path / "report", title="few").read_text()
    assert ('class="plus"' in html) is paired
    assert not re.search(r"\bnan\b", re.sub(r"data:image[^\"]*", "", html))
    assert "Fewer than 3 pairs have no" in html
    text = tables.print_tables(found, tmp_path / "report", "PRESA").read_text()
    assert ("No interval for fewer than 3 pairs" in text) is not paired
    assert not re.search(r"\bnan\b", text)


def test_algorithms_are_compared_on_shared_cells(agents: list[Agent]) -> None:
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


def test_an_ablation_is_on_shared_cells(agents: list[Agent]) -> None:
    """The comparison's own agents are the point without noise; the third seed is nobody else's."""
    (found,) = analysis.ablation(agents, "labels.flip_safety").items()
    name, by_value = found
    assert (name, list(by_value)) == ("PRESA", [0.0, 0.1, 0.3])
    assert [len(points) for points in by_value.values()] == [6, 6, 6]
    means = [np.mean([agent.reward for agent in points]) for points in by_value.values()]
    assert np.diff(means) == pytest.approx([-0.05, -0.10])


def test_none_is_a_level_of_a_sweep_and_so_is_the_default(tmp_path: Path) -> None:
    """clip_range: none in the paper, .25 where nothing is said."""
    plain = [r for r in comparison() if (r["algorithm"], r["task"]) == ("PRESA", "BallRun")]
    swept = [
        row
        | {"settings": json.dumps({"clip_range": level}), "study": "settings.clip_range"}
        | {"key": f"{row['key']} {level}"}
        for level in (None, 0.1)
        for row in plain
    ]
    path = write(tmp_path / "one.csv", plain + swept)
    agents = read_agents([path])
    (by_value,) = analysis.ablation(agents, "settings.clip_range").values()
    assert list(by_value) == [0.1, 0.25, None]
    assert [len(points) for points in by_value.values()] == [9, 9, 9]
    write_report(agents, tmp_path / "page", title="none")
    assert (tmp_path / "page/ablation_settings_clip_range.png").stat().st_size > 10_000


OTHER_AGENTS: list[tuple[Mapping[str, Any], str]] = [
    ({"class": "CPL"}, "class is PRESA and CPL"),
    ({"settings": '{"delta": 0.9}'}, r'settings is {} and {"delta": 0.9}'),
    ({"steps": 100}, "steps is the default and 100"),
    ({"n_comparisons": 200}, "n_comparisons is 5000 and 200"),
    ({"segment_length": 50, "flip_safety": 0.1}, "segment_length is 200 and 50; flip_safety is 0"),
    ({"flip_preferences": 0.5}, "flip_preferences is 0 and 0.5"),
    ({"unlabelled_preferences": 0.5}, "unlabelled_preferences is 0 and 0.5"),
    ({"unlabelled_safety": 0.5}, "unlabelled_safety is 0 and 0.5"),
]


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize(("changes", "said"), OTHER_AGENTS)
def test_agents_that_were_not_made_alike_are_warned_of(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    """Of a seed that was run before the suite was changed: once in the shell, and on the page."""
    plain: dict[str, Any] = {"steps": None, "flip_preferences": 0.0}
    plain |= {"unlabelled_preferences": "0.0", "unlabelled_safety": 0}
    rows = [row | plain for row in comparison()]
    (changed,) = (
        row
        for row in rows
        if (row["task"], row["algorithm"], row["seed"], row["cost_limit"])
        == ("CarRun", "PRESA", 2, LIMITS[0])
    )
    changed |= changes
    path = write(tmp_path / "mixed.csv", rows)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shell = CliRunner().invoke(app, ["benchmark", "report", str(path)])
    assert shell.exit_code == 0
    html = (tmp_path / "mixed-report/report.html").read_text()
    (warning,) = (str(item.message) for item in caught)
    assert warning.startswith(
        "the agents of PRESA on CarRun should have the same settings, but differ"
    )
    assert said in warning
    assert "Warning:" in html and "PRESA on CarRun should have the same settings" in html


def test_other_numbers_of_episodes_are_warned_of(tmp_path: Path) -> None:
    rows = comparison()
    for row in rows:
        if row["algorithm"] == "CPL" and row["task"] == "CarRun":
            row["n_episodes"] = 3
    said = r"agents on CarRun should be .*same number of episodes, got 3, 20"
    with pytest.warns(UserWarning, match=said):
        read_agents([write(tmp_path / "mixed.csv", rows)])


def test_training_warnings_are_told_once(tmp_path: Path) -> None:
    """Those that differ in their numbers are one."""
    rows = comparison()
    for n, row in enumerate(rows):
        row["warnings"] = f"delta = 0.{n} is a lot." if row["algorithm"] in ("PRESA", "CPL") else ""
    with pytest.warns(UserWarning) as caught:
        read_agents([write(tmp_path / "warned.csv", rows)])
    (said,) = (str(item.message) for item in caught)
    assert said == "training warned for 54 agents of 'PRESA', 'CPL': delta = 0.0 is a lot"


def test_a_reference_that_there_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "toy.csv", comparison())
    refused = CliRunner().invoke(app, ["benchmark", "report", str(path), "--reference", "Foo"])
    assert refused.exit_code == 1
    assert (
        "--reference must be one of 'PRESA', 'BC, safe', 'CPL', 'TraC', got 'Foo'" in refused.output
    )


@pytest.mark.usefixtures("unpainted")
@pytest.mark.filterwarnings("error")
def test_what_may_differ_is_not_warned_of(tmp_path: Path) -> None:
    """Sweeps, tasks, numbers written otherwise, rows that do not say, labels that nobody reads."""
    rows = comparison() + sweep()
    mine = [row for row in rows if row["algorithm"] == "PRESA" and row["study"] == "main"]
    truth = [row for row in rows if row["reads_outcomes"]]
    for row in mine:
        if row["task"] == "BallRun":
            row |= {"segment_length": 100, "settings": '{"delta": 0.9}'}
    mine[-1] |= {"n_comparisons": "5e3", "flip_safety": "", "settings": ""}
    truth[0]["n_comparisons"] = 10
    agents = read_agents([write(tmp_path / "alike.csv", rows)])
    html = write_report(agents, tmp_path / "report", title="Alike").read_text()
    assert "Beware" not in html


def test_a_row_without_a_reward_reference_is_a_dash(tmp_path: Path) -> None:
    """As of a dataset whose episodes all have the same return; the whole file was refused."""
    rows = comparison(seeds=(0, 1))
    for found in rows:
        if found["task"] == "CarRun":
            found["normalized_reward"] = None
    agents = read_agents([write(tmp_path / "r.csv", rows)])
    assert {agent.task for agent in agents if math.isnan(agent.reward)} == {"CarRun"}
    (difference, *_) = analysis.differences(analysis.by_algorithm(agents), "PRESA")
    assert np.isnan([difference.earns_more[0], *difference.reward_interval]).all()
    scored = analysis.score([agent for agent in agents if agent.algorithm == "PRESA"])
    unknown = scored.reward, *scored.reward_interval, scored.iqm_reward, *scored.iqm_reward_interval
    assert np.isnan(unknown).all() and scored.n_safe == 18
    assert not math.isnan(difference.costs_less[0])
    text = tables.print_tables(agents, tmp_path, "PRESA").read_text()
    page = write_report(agents, tmp_path, title="r").read_text()
    assert "nan" not in text.lower() and "- / 0.40" in text
    assert not re.search(r">\s*[+-]?nan\b", page) and "\N{EN DASH} / 0.40" in page
    assert "\N{EN DASH} / .40" in (tmp_path / "tasks.md").read_text()


def test_a_sweep_over_completion_is_reported(tmp_path: Path) -> None:
    rows = comparison(seeds=(0, 1))
    for study, completed in (("main", False), ("labels.completed", True)):
        for found in [found for found in rows if found["algorithm"] == "PRESA"]:
            labels = Labels(completed=completed)
            task, dataset, env, limit = (found[n] for n in ("task", "dataset", "env", "cost_limit"))
            place = (task, dataset, limit, "PRESA", "PRESA", found["seed"], env)
            cell = Cell(*place, labels=labels, study=study)
            if study == "main":
                found.update(option_columns(cell, 200))
            else:
                rows.append(found | identity_columns(cell) | option_columns(cell, 200))
    agents = read_agents([write(tmp_path / "r.csv", rows)])
    swept = analysis.ablation(agents, "labels.completed")["PRESA"]
    assert {value: len(of_value) for value, of_value in swept.items()} == {0.0: 18, 1.0: 18}
    assert "PRESA, completed = 1" in tables.print_tables(agents, tmp_path, "PRESA").read_text()


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    first = write(tmp_path / "first.csv", comparison())
    second = write(tmp_path / "second.csv", sweep())
    title = "<b>Bold & brash</b>"
    agents = read_agents([first, second])
    page = write_report(agents, tmp_path / "report", title=title)
    html = page.read_text()
    assert "&lt;b&gt;Bold &amp; brash&lt;/b&gt;" in html and title not in html
    for source in re.findall(r'(?:src|href)="([^"]*)"', html):
        assert source.startswith(("data:image/png;base64,", "#")), source[:80]
    assert not re.search(r"https?://|@import|url\(|<script", html)
    pictures = {path.name for path in page.parent.glob("*.png")}
    assert pictures == {
        "overview.png",
        "safe_ratio.png",
        "aggregates.png",
        "planes.png",
        "ablation_labels_flip_safety.png",
    }
    assert html.count("data:image/png") == len(pictures)
    published = re.sub(r"\s+", " ", html)
    assert '<td class="group unsafe">0.60 / 5.08</td>' in published  # BallRun, BC on all data
    assert "27 / 27" in published and "0 / 27" in published


def test_rewards_of_few_safe_agents_have_no_interval(tmp_path: Path) -> None:
    """One safe agent among many would be all of every resample."""
    for n_safe in (1, 2, 3):
        rows = [row for row in comparison() if row["algorithm"] == "PRESA"]
        for row in rows[n_safe:]:
            row |= {"safe": False, "normalized_cost": 2.0}
        agents = read_agents([write(tmp_path / f"{n_safe}.csv", rows)])
        found = analysis.score(agents)
        assert found.n_safe == n_safe and not math.isnan(found.reward)
        assert math.isnan(found.reward_interval[0]) is (n_safe < 3)
        assert not math.isnan(found.safe_interval[0])


@pytest.mark.parametrize("more", [(), ("SafeRLHF, with a long name of one's own", "SafetyOnly")])
def test_the_page_fits_a_window_of_1200_pixels(
    more: tuple[str, ...],
    tmp_path: Path,
    browser: Browser,
) -> None:
    """It does not scroll sideways; tables that are wider scroll within their frames."""
    effects = EFFECTS | dict.fromkeys(more, (0.1, 0.4, False))
    path = write(tmp_path / "known.csv", comparison(effects) + sweep())
    page = write_report(read_agents([path]), tmp_path / "report", title="Known effects")
    window = browser.new_page(viewport={"width": 1200, "height": 900})
    window.goto(page.as_uri())
    assert window.evaluate("document.scrollingElement.scrollWidth") == 1200
    beyond = """[...document.body.querySelectorAll("*")].filter(
        (found) => found.getBoundingClientRect().right > 1200 && !found.closest(".scroll")
    ).length"""
    assert window.evaluate(beyond) == 0
    frames = window.locator(".scroll")
    assert frames.count() >= 4
    assert all((box := frame.bounding_box()) and box["width"] <= 1200 for frame in frames.all())
    window.close()


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    rows = comparison()
    rows[4]["normalized_cost"] = "none"
    with pytest.raises(
        ConfigError, match=r"bad\.csv, row 5: normalized_cost must be a finite number, got 'none'"
    ):
        read_agents([write(tmp_path / "bad.csv", rows)])
    (tmp_path / "cut.csv").write_text((tmp_path / "bad.csv").read_text()[:-200])
    with pytest.raises(ConfigError, match=r"cut\.csv, row \d+: .*fields"):
        read_agents([tmp_path / "cut.csv"])
    (tmp_path / "none.csv").write_text((tmp_path / "bad.csv").read_text().splitlines()[0])
    with pytest.raises(ConfigError, match=r"at least one finished cell .*none\.csv"):
        read_agents([tmp_path / "none.csv"])


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Figure]]:
    """The figures, by the names of their files."""
    figures: dict[str, Figure] = {}
    real = all_figures.written_figure

    @contextmanager
    def written_figure(path: Path, width: float, height: float) -> Iterator[Figure]:
        with real(path, width, height) as figure:
            figures[path.stem] = figure
            yield figure

    monkeypatch.setattr("sb3_presa.benchmark.report.figures.written_figure", written_figure)
    yield figures


def test_the_picture_of_safe_agents_says_what_its_line_is(
    tmp_path: Path, agents: list[Agent], drawn: dict[str, Figure]
) -> None:
    """And the line does not cross what stands over it."""
    write_report(agents, tmp_path / "report", title="Known")
    left = drawn["safe_ratio"].axes[0]
    (line,) = (item for item in left.lines if item.get_linestyle() == ":")
    (name,) = (item for item in left.texts if item.get_text() == "0.9")
    assert list(np.asarray(line.get_xdata())) == [0.9, 0.9]
    box, axes = name.get_window_extent(), left.get_window_extent()
    assert box.x0 < left.transData.transform((0.9, 0))[0] < box.x1
    assert box.y0 == pytest.approx(axes.y1, abs=5)
    notes = [item for item in left.texts if item is not name]
    assert [item.get_text() for item in notes] == ["0/27", "27/27", "27/27"]
    for note in notes:
        patch = note.get_bbox_patch()
        assert patch is not None and to_hex(patch.get_facecolor()) == "#ffffff"
        assert note.get_zorder() > line.get_zorder()


def test_every_algorithm_has_a_colour_and_a_shape_in_the_planes(
    tmp_path: Path, drawn: dict[str, Figure]
) -> None:
    """The one that the others are compared with comes first; means are larger than agents."""
    names = [f"Method {index}" for index in range(len(PALETTE) - 1)]
    effects = dict.fromkeys([*names, "PRESA"], (0.0, 0.5, False))
    agents = read_agents([write(tmp_path / "many.csv", comparison(effects))])
    write_report(agents, tmp_path / "report", title="Many")
    (axes, *_), (legend,) = drawn["planes"].axes, drawn["planes"].legends
    dots = [item for item in axes.collections if isinstance(item, PathCollection)]
    means = {str(item.get_label()): item for item in dots if item.get_label() in effects}
    assert [text.get_text() for text in legend.get_texts()] == ["PRESA", *names] == list(means)
    colors = [to_hex(np.array(item.get_facecolor())[0]).upper() for item in means.values()]
    assert colors == list(PALETTE)
    assert len({corners(item).tobytes() for item in means.values()}) == len(PALETTE)
    small = [area(item) for item in dots if item not in means.values()]
    first, *others = (area(item) for item in means.values())
    assert others == pytest.approx([others[0]] * len(names), rel=0.02)
    assert first > others[0] > 4 * max(small)


def corners(dots: PathCollection) -> npt.NDArray[np.float64]:
    """The outline of a scatter's marker, as large as it is drawn."""
    (path,), (size,) = dots.get_paths(), dots.get_sizes()
    (found,) = path.to_polygons()
    outline: npt.NDArray[np.float64] = np.array(found) * float(size) ** 0.5
    return outline


def area(dots: PathCollection) -> float:
    """What a marker covers."""
    x, y = corners(dots).T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2

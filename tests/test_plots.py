"""Figures: what stands in them, read back from matplotlib, and how they are written."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Annotation
from stable_baselines3.common.logger import configure

from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.plots import (
    Panel,
    plot_learning_curves,
    plot_reward_cost_plane,
    read_progress_csv,
)
from sb3_presa.evaluation.safety import SafetyEvaluation

REWARDS, COSTS = [1.0, 2.0, 5.0], [0.0, 10.0, 40.0]
STEPS = np.arange(0, 3000, 100)
CURVES = {
    "train/cloning_loss": (STEPS[:20], np.linspace(2, 1, 20)),
    "train/preference_loss": (STEPS[20:], np.linspace(0.69, 0.3, 10)),
    "train/p_right_safe": (STEPS[20:], np.linspace(0.5, 0.9, 10)),
    "train/p_right_unsafe": (STEPS[20:], np.linspace(0.5, 0.8, 10)),
    "train/delta": (STEPS[20:], np.full(10, 0.85)),
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """The figures, in the order in which they were written."""
    figures: list[Figure] = []
    real = Figure.savefig

    def savefig(self: Figure, *args: Any, **kwargs: Any) -> None:
        figures.append(self)
        real(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", savefig)
    yield figures


def dots(axes: Axes) -> list[list[list[float]]]:
    """(cost, reward) of the points of each scatter, in the order in which they were drawn."""
    drawn = [item for item in axes.collections if type(item).__name__ == "PathCollection"]
    return [np.asarray(item.get_offsets()).tolist() for item in drawn]


def texts(axes: Axes) -> dict[str, Annotation]:
    return {item.get_text(): item for item in axes.texts if isinstance(item, Annotation)}


def legend(axes: Axes) -> list[str]:
    box = axes.get_legend()
    return [] if box is None else [item.get_text() for item in box.get_texts()]


def test_the_plane_has_cost_to_the_right_and_reward_upwards(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    evaluation = SafetyEvaluation.from_episodes(
        [3.0, 5.0], [10.0, 20.0], [1, 1], cost_limit=20, reward_reference=None
    )
    path = plot_reward_cost_plane(
        tmp_path / "plane.png", REWARDS, COSTS, {"ours": evaluation, "BC": (2, 30)}, cost_limit=20
    )
    (axes,) = drawn[0].axes
    assert dots(axes) == [[[0, 1], [10, 2], [40, 5]], [[15, 4]], [[30, 2]]]
    assert set(texts(axes)) == {"ours", "BC", "cost limit 20"}
    assert texts(axes)["ours"].xy == (15, 4)
    # One dashed line at the limit; the shade ends there, and covers the safe side of the axes.
    (line,) = [item for item in axes.lines if item.get_linestyle() == "--"]
    assert list(np.asarray(line.get_xdata())) == [20, 20]
    (shade,) = axes.patches
    extent = shade.get_path().get_extents(shade.get_patch_transform())
    assert extent.x0 <= axes.get_xlim()[0]
    assert extent.x1 == 20
    assert axes.get_xlabel() == "Cost of an episode"
    assert axes.get_ylabel() == "Reward of an episode"
    pixels = imread(path)
    assert pixels.shape[:2] == (690, 960)
    assert pixels.std() > 0.05


@pytest.mark.parametrize("cost_limit", [0.0, 500.0])
def test_a_limit_outside_the_data_is_still_in_the_picture(
    tmp_path: Path, drawn: list[Figure], cost_limit: float
) -> None:
    plot_reward_cost_plane(tmp_path / "p.png", REWARDS, COSTS, {}, cost_limit=cost_limit)
    left, right = drawn[0].axes[0].get_xlim()
    assert left < cost_limit < right
    assert left < 0 < 40 < right


def test_names_of_agents_close_together_do_not_cover_one_another(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    agents: dict[str, Any] = {f"agent number {i}": (2.5 + 0.1 * i, 20.0 + i) for i in range(4)}
    plot_reward_cost_plane(tmp_path / "p.png", REWARDS, COSTS, agents, cost_limit=20)
    (axes,) = drawn[0].axes
    boxes = [texts(axes)[name].get_window_extent() for name in agents]
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    inside = axes.get_window_extent()
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)


def test_only_panels_with_data_are_drawn_each_with_its_curves(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    plot_learning_curves(tmp_path / "c.png", CURVES)
    by_title = {axes.get_title("left"): axes for axes in drawn[0].axes}
    assert list(by_title) == [
        "Behaviour cloning",
        "Preference loss",
        "Accuracy of safety classification",
    ]
    probabilities = by_title["Accuracy of safety classification"]
    assert legend(probabilities) == ["safe segments", "unsafe segments", "target δ"]
    for line, name in zip(
        probabilities.lines,
        ("train/p_right_safe", "train/p_right_unsafe", "train/delta"),
        strict=True,
    ):
        assert (np.asarray(line.get_xdata()) == CURVES[name][0]).all()
        assert (np.asarray(line.get_ydata()) == CURVES[name][1]).all()
    assert [line.get_linestyle() for line in probabilities.lines] == ["-", "-", "--"]
    chance = by_title["Preference loss"].lines[-1]
    assert np.asarray(chance.get_ydata()).tolist() == [math.log(2)] * 2


def test_each_panel_marks_the_phases_that_it_shows(tmp_path: Path, drawn: list[Figure]) -> None:
    phases = {"alignment": 2300, "cloning": 0, "attaining": 2000}
    plot_learning_curves(tmp_path / "c.png", CURVES, phases=phases)
    cloning, preference, _ = drawn[0].axes
    assert list(texts(cloning)) == ["cloning"]
    assert list(texts(preference)) == ["attaining", "alignment"]
    (shade,) = preference.patches  # alignment, every other phase
    extent = shade.get_path().get_extents(shade.get_patch_transform())
    assert extent.x0 == 2300
    assert extent.x1 == preference.get_xlim()[1]


def test_values_that_were_not_logged_are_skipped(tmp_path: Path, drawn: list[Figure]) -> None:
    panels = [Panel("one", {"a": "A", "b": "B"})]
    curves = {"a": ([1, 2, 3], [0.5, math.nan, 0.7]), "b": ([1], [math.nan])}
    plot_learning_curves(tmp_path / "c.png", curves, panels=panels)
    (axes,) = drawn[0].axes
    assert [np.asarray(line.get_xdata()).tolist() for line in axes.lines] == [[1, 3]]


def test_the_log_of_sb3_is_read_back(tmp_path: Path) -> None:
    logger = configure(str(tmp_path), ["csv"])
    for step in (10, 20, 30):
        logger.record("time/total_timesteps", step)
        if step > 10:
            logger.record("train/late", step / 10)
        logger.record("train/word", "hello")
        logger.dump(step)
    logger.close()
    curves = read_progress_csv(tmp_path / "progress.csv")
    assert [array.tolist() for array in curves["train/late"]] == [[20, 30], [2, 3]]
    assert [array.tolist() for array in curves["train/word"]] == [[], []]


def test_a_log_without_timesteps_is_refused(tmp_path: Path) -> None:
    (tmp_path / "progress.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        ConfigError, match=r"must contain 'time/total_timesteps', got \['a', 'b'\] .*progress.csv"
    ):
        read_progress_csv(tmp_path / "progress.csv")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_suffix_names_the_format(tmp_path: Path, suffix: str) -> None:
    path = plot_learning_curves(tmp_path / "new folder" / f"c.{suffix}", CURVES)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_a_write_that_fails_leaves_the_picture_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plot_learning_curves(tmp_path / "c.png", CURVES)
    before = path.read_bytes()

    def savefig(self: Figure, file: Path, **kwargs: Any) -> None:
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", savefig)
    with pytest.raises(OSError, match="disk full"):
        plot_learning_curves(path, CURVES)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_input_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    with pytest.raises(ConfigError, match=r"must be one of .*'png'.*got .*p\.txt"):
        plot_learning_curves(tmp_path / "p.txt", CURVES)
    with pytest.raises(ConfigError, match=r"\(3,\) and \(2,\)"):
        plot_reward_cost_plane(path, REWARDS, COSTS[:2], {}, cost_limit=1)
    with pytest.raises(ConfigError, match=r"`episode_costs` must be finite, got nan .row 1"):
        plot_reward_cost_plane(path, [1, 2], [1, math.nan], {}, cost_limit=1)
    with pytest.raises(ConfigError, match=r"agent 'x' .*\(1, nan\)"):
        plot_reward_cost_plane(path, REWARDS, COSTS, {"x": (1, math.nan)}, cost_limit=1)
    with pytest.raises(ConfigError, match="`cost_limit` must be finite, got inf"):
        plot_reward_cost_plane(path, REWARDS, COSTS, {}, cost_limit=math.inf)
    with pytest.raises(ConfigError, match=r"'a' must have the same length.*\(2,\) and \(3,\)"):
        plot_learning_curves(path, {"a": ([1, 2], [1, 2, 3])})
    with pytest.raises(ConfigError, match=r"`curves` must have values .*got \['a'\]"):
        plot_learning_curves(path, {"a": ([1], [1])})
    assert list(tmp_path.iterdir()) == []


def test_pyplot_stays_out_and_matplotlib_waits_for_the_first_figure(tmp_path: Path) -> None:
    code = f"""
import sys
import sb3_presa.evaluation.plots as plots
assert "matplotlib" not in sys.modules, "imported early"
plots.plot_learning_curves({str(tmp_path / "c.png")!r}, {{"train/multiplier": ([1, 2], [1, 2])}})
assert "matplotlib.pyplot" not in sys.modules, "pyplot"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

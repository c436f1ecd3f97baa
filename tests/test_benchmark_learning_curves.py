"""Learning curves: what stands in the figure, read back from matplotlib, and how it is written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning_curves import Panel, plot_learning_curves, read_progress_csv
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from stable_baselines3.common.logger import configure

from sb3_presa.errors import ConfigError

STEPS = np.arange(0, 3000, 100)
CURVES = {
    "train/cloning_loss": (STEPS[:20], np.linspace(2, 1, 20)),
    "train/preference_loss": (STEPS[20:], np.linspace(0.69, 0.3, 10)),
    "train/p_right_safe": (STEPS[20:], np.linspace(0.5, 0.9, 10)),
    "train/p_right_unsafe": (STEPS[20:], np.linspace(0.5, 0.8, 10)),
    "train/delta": (STEPS[20:], np.full(10, 0.85)),
}


def texts(axes: Axes) -> dict[str, Annotation]:
    return {item.get_text(): item for item in axes.texts if isinstance(item, Annotation)}


def legend(axes: Axes) -> list[str]:
    box = axes.get_legend()
    return [] if box is None else [item.get_text() for item in box.get_texts()]


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

    def savefig(self: Figure, file: Any, **kwargs: Any) -> None:
        file.write(b"half")
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
    with pytest.raises(ConfigError, match=r"'a' must have the same length.*\(2,\) and \(3,\)"):
        plot_learning_curves(path, {"a": ([1, 2], [1, 2, 3])})
    with pytest.raises(ConfigError, match=r"`curves` must have values .*got \['a'\]"):
        plot_learning_curves(path, {"a": ([1], [1])})
    assert list(tmp_path.iterdir()) == []

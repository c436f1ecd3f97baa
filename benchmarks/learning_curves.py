"""Learning curves out of the log that SB3's CSV logger writes."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.figures import (
    FAINT,
    INK,
    PALETTE,
    add_legend,
    style_axes,
    write_above,
    written_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]
Curves = Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]


@dataclass(frozen=True)
class Panel:
    """
    One set of axes in a figure of learning curves.

    :param title: Heading of the axes.
    :param curves: Metric -> its name in the legend; drawn as solid lines if it has data.
    :param targets: Metric -> its name in the legend; target values, drawn as dashed lines.
    :param levels: Name in the legend -> height of a dotted horizontal line.
    """

    title: str
    curves: Mapping[str, str]
    targets: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)


TRAINING_PANELS = (
    Panel("Behaviour cloning", {"train/cloning_loss": "negative log-likelihood"}),
    Panel(
        "Preference loss",
        {"train/preference_loss": "loss"},
        levels={"chance (log 2)": math.log(2.0)},
    ),
    Panel(
        "Accuracy of safety classification",
        {
            "train/p_right_safe": "safe segments",
            "train/p_right_unsafe": "unsafe segments",
            "train/p_right": "weighted mean",
        },
        targets={"train/delta": "target δ"},
    ),
    Panel("Multiplier of the safety constraint", {"train/multiplier": "multiplier"}),
    Panel(
        "Log-ratio to the reference",
        {"train/log_ratio_preferred": "preferred", "train/log_ratio_rejected": "rejected"},
    ),
    Panel(
        "Held-out labels",
        {
            "validation/preference_accuracy": "preference accuracy",
            "validation/safety_auc": "safety AUC",
        },
        levels={"chance": 0.5},
    ),
)


def plot_learning_curves(
    path: str | os.PathLike[str],
    curves: Curves,
    *,
    panels: Sequence[Panel] = TRAINING_PANELS,
    phases: Mapping[str, int] | None = None,
    title: str = "",
) -> Path:
    """
    Plot the metrics that were logged during training, in one or more panels. Panels without data
    are left out.

    :param path: File to write; its suffix is the format (``.png``, ``.svg``, ``.pdf``).
    :param curves: Metric -> (steps, values), both (K,); rows where the value is NaN are skipped.
    :param panels: The panels.
    :param phases: Name -> first step, e.g. ``{"cloning": 0, "alignment": 2000}``; a panel marks the
        phases that fill at least a tenth of it.
    :param title: Heading.
    :return: The written path.
    :raises ConfigError: If steps and values differ in length, no panel has data, or the suffix is
        not a picture format.
    """
    series = {name: _series(name, *curve) for name, curve in curves.items()}
    series = {name: (steps, values) for name, (steps, values) in series.items() if len(steps)}
    shown = [panel for panel in panels if any(name in series for name in panel.curves)]
    if not shown:
        wanted = sorted(name for panel in panels for name in panel.curves)
        raise ConfigError(
            f"`curves` must have values of at least one of {wanted}, got {sorted(series)}"
        )
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    with written_figure(path, width=3.8 * columns, height=2.8 * rows + 0.3 * bool(title)) as figure:
        if title:
            figure.suptitle(title, color=INK, fontsize=12)
        for index, panel in enumerate(shown):
            axes = figure.add_subplot(rows, columns, index + 1)
            _draw_panel(axes, panel, series, phases or {})
            if index // columns == rows - 1 or index + columns >= len(shown):
                axes.set_xlabel("gradient step", color=INK)
    return Path(path)


def read_progress_csv(path: str | os.PathLike[str]) -> dict[str, tuple[FloatArray, FloatArray]]:
    """
    The curves in the ``progress.csv`` of SB3's logger (``configure(folder, ["csv"])``).

    :param path: The file.
    :return: Metric -> (steps, values), both (K,), without rows in which the metric is empty or not
        a number.
    :raises ConfigError: If the column ``time/total_timesteps`` is missing.
    """
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or [])
        rows = list(reader)
    if "time/total_timesteps" not in names:
        raise ConfigError(
            f"the columns must contain 'time/total_timesteps', got {names} ({os.fspath(path)})"
        )
    steps = np.array([_number(row["time/total_timesteps"]) for row in rows])
    curves = {}
    for name in names:
        values = np.array([_number(row[name]) for row in rows])
        kept = np.isfinite(values) & np.isfinite(steps)
        curves[name] = steps[kept], values[kept]
    return curves


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _series(
    name: str, steps: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    steps, values = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if steps.ndim != 1 or steps.shape != values.shape:
        raise ConfigError(
            f"steps and values of {name!r} must have the same length, "
            f"got shapes {steps.shape} and {values.shape}"
        )
    kept = np.isfinite(values)
    return steps[kept], values[kept]


def _draw_panel(
    axes: Axes,
    panel: Panel,
    series: Mapping[str, tuple[FloatArray, FloatArray]],
    phases: Mapping[str, int],
) -> None:
    style_axes(axes, panel.title)
    axes.margins(x=0.01)
    lines = 0
    for style, names in (("-", panel.curves), ((0, (4, 2)), panel.targets)):
        for name, label in names.items():
            if name not in series:
                continue
            steps, values = series[name]
            axes.plot(
                steps,
                values,
                color=PALETTE[lines % len(PALETTE)] if style == "-" else INK,
                linestyle=style,
                linewidth=1.6,
                marker="o" if len(steps) <= 12 else None,
                markersize=3,
                label=label,
            )
            lines += 1
    for label, level in panel.levels.items():
        axes.axhline(level, color=FAINT, linewidth=1, linestyle=":", label=label)
        lines += 1
    if lines > 1:
        # Four lines of text would cover the curves
        add_legend(axes, framealpha=0.7, edgecolor="none", ncols=2 if lines > 3 else 1)
    else:
        axes.set_ylabel(str(axes.lines[0].get_label()), color=INK)
    _mark_phases(axes, phases)


def _mark_phases(axes: Axes, phases: Mapping[str, int]) -> None:
    """Shade every other phase within the axes and write its name above."""
    left, right = axes.get_xlim()
    starts = sorted(phases.items(), key=lambda item: item[1])
    for index, (name, start) in enumerate(starts):
        end = starts[index + 1][1] if index + 1 < len(starts) else right
        first, last = max(start, left), min(end, right)
        if last - first < 0.1 * (right - left):
            continue  # too narrow for its name
        if index % 2 == 0:
            axes.axvspan(first, last, color="#F1F1F1", linewidth=0, zorder=0)
        write_above(axes, (first + last) / 2, name, FAINT)
    axes.set_xlim(left, right)

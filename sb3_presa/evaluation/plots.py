"""Plots of training metrics, and of reward and cost of agents."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.figures import (
    FAINT,
    INK,
    MARKERS,
    PALETTE,
    SAFE,
    add_legend,
    label_points,
    marker_size,
    style_axes,
    write_above,
    written_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sb3_presa.evaluation.safety import SafetyEvaluation

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


def plot_reward_cost_plane(
    path: str | os.PathLike[str],
    episode_rewards: npt.ArrayLike,
    episode_costs: npt.ArrayLike,
    agents: Mapping[str, SafetyEvaluation | tuple[float, float]],
    *,
    cost_limit: float,
    title: str = "",
    reward_label: str = "Reward of an episode",
    cost_label: str = "Cost of an episode",
    episodes_label: str = "episodes of the dataset",
) -> Path:
    """
    Plot reward (vertical) against cost (horizontal): a dot for each episode of a dataset, a large
    labelled marker for each agent's mean, and the cost limit with its safe side shaded.

    :param path: File to write; its suffix is the format (``.png``, ``.svg``, ``.pdf``).
    :param episode_rewards: (E,) reward of each episode of the dataset; E may be 0.
    :param episode_costs: (E,) cost of each episode.
    :param agents: Name -> evaluation, drawn with error bars of one standard deviation, or (reward,
        cost).
    :param cost_limit: Largest cost of a safe episode, in the unit of the costs.
    :param title: Heading.
    :param reward_label: Name of the vertical axis.
    :param cost_label: Name of the horizontal axis.
    :param episodes_label: Name of the dots.
    :return: The written path.
    :raises ConfigError: If lengths differ, a number is not finite, or the suffix is not a picture
        format.
    """
    rewards, costs = _episodes(episode_rewards, episode_costs)
    points = {name: _agent_point(name, agent) for name, agent in agents.items()}
    if not math.isfinite(cost_limit):
        raise ConfigError(f"`cost_limit` must be finite, got {cost_limit}")
    with written_figure(path, width=6.4, height=4.6) as figure:
        axes = figure.add_subplot()
        style_axes(axes, title)
        axes.set_xlabel(cost_label, color=INK)
        axes.set_ylabel(reward_label, color=INK)
        axes.scatter(
            costs,
            rewards,
            s=9,
            color=FAINT,
            alpha=0.45,
            linewidths=0,
            zorder=2,
            label=episodes_label,
        )
        lines = _draw_agents(axes, points.values())
        _draw_limit(axes, cost_limit)
        lines.append(((cost_limit, axes.get_ylim()[0]), (cost_limit, axes.get_ylim()[1])))
        if len(costs):
            add_legend(axes, loc="lower right", framealpha=0.8, edgecolor="none", markerscale=2)
        label_points(
            axes, {name: (cost, reward) for name, (reward, cost, _, _) in points.items()}, lines
        )
    return Path(path)


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


# ------------------------------------------------------------------------------------- input


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _episodes(rewards: npt.ArrayLike, costs: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    rewards = np.asarray(rewards, dtype=np.float64)
    costs = np.asarray(costs, dtype=np.float64)
    if rewards.ndim != 1 or rewards.shape != costs.shape:
        raise ConfigError(
            "`episode_rewards` and `episode_costs` must have the same length, "
            f"got shapes {rewards.shape} and {costs.shape}"
        )
    for name, values in (("episode_rewards", rewards), ("episode_costs", costs)):
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ConfigError(f"`{name}` must be finite, got {values[row]} (row {row})")
    return rewards, costs


def _agent_point(
    name: str, agent: SafetyEvaluation | tuple[float, float]
) -> tuple[float, float, float, float]:
    """:return: Reward, cost, and the standard deviation of each."""
    if isinstance(agent, tuple):
        point: tuple[float, ...] = (*agent, 0.0, 0.0)
    else:
        point = (agent.reward_mean, agent.cost_mean, agent.reward_std, agent.cost_std)
    if len(point) != 4 or not all(math.isfinite(value) for value in point):
        raise ConfigError(
            f"agent {name!r} must be an evaluation or a finite (reward, cost), got {agent!r}"
        )
    reward, cost, reward_std, cost_std = point
    return reward, cost, reward_std, cost_std


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


# ----------------------------------------------------------------------------------- drawing


def _draw_agents(
    axes: Axes, points: Iterable[tuple[float, float, float, float]]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """:return: The lines of the error bars, each by its two ends."""
    lines = []
    for index, (reward, cost, reward_std, cost_std) in enumerate(points):
        color, marker = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
        axes.errorbar(
            cost, reward, xerr=cost_std, yerr=reward_std, color=color, linewidth=1.2, zorder=3
        )
        axes.scatter(
            cost,
            reward,
            s=marker_size(marker, 120),
            marker=marker,
            color=color,
            edgecolors="white",
            linewidths=1.2,
            zorder=4,
        )
        lines.append(((cost - cost_std, reward), (cost + cost_std, reward)))
        lines.append(((cost, reward - reward_std), (cost, reward + reward_std)))
    return lines


def _draw_limit(axes: Axes, cost_limit: float) -> None:
    """Draw the limit as a line and shade its safe side, with the line within the axes."""
    left, right = axes.get_xlim()
    margin = 0.04 * (max(right, cost_limit) - min(left, cost_limit))
    left, right = min(left, cost_limit - margin), max(right, cost_limit + margin)
    axes.axvspan(left, cost_limit, color=SAFE, alpha=0.09, linewidth=0, zorder=0)
    axes.axvline(cost_limit, color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    write_above(axes, cost_limit, f"cost limit {cost_limit:g}", INK)
    axes.set_xlim(left, right)


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

"""The report's figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sb3_presa.benchmark.report import statistics
from sb3_presa.benchmark.report.agents import Agent, Agents
from sb3_presa.benchmark.report.analysis import Comparison, Difference, Score
from sb3_presa.benchmark.report.by_task import Approach
from sb3_presa.evaluation.figures import (
    FAINT,
    INK,
    MARKERS,
    PALETTE,
    add_legend,
    marker_size,
    style_axes,
    write_above,
    written_figure,
)
from sb3_presa.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, OTHERS, TRUTH = "#0072B2", "#9DB4C5", "#D9D2C5"
_COLUMNS = 4
#: Ticks of the cost axis, which is linear up to the limit and logarithmic above.
_TICKS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def draw_safe_ratio(path: Path, comparisons: Sequence[Comparison], reference: str) -> None:
    """
    The ratio of safe agents and the reward of the safe ones, by algorithm.

    :param path: the PNG to write
    :param comparisons: one row of panels each
    :param reference: the algorithm to highlight
    """
    heights = [1.15 + 0.36 * len(comparison.scores) for comparison in comparisons]
    with written_figure(path, 10.5, sum(heights)) as figure:
        grid = figure.subplots(len(comparisons), 2, squeeze=False, height_ratios=heights)
        for (left, right), comparison in zip(grid, comparisons, strict=True):
            scores = comparison.scores[::-1]
            names = [score.algorithm for score in scores]
            colors = [_color(score, reference) for score in scores]
            rows = range(len(scores))
            draw_bars(
                left,
                rows,
                [score.safe_ratio for score in scores],
                [score.safe_interval for score in scores],
                [f"{score.n_safe}/{score.n}" for score in scores],
                colors,
            )
            left.set_xlim(0, 1.16)
            left.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
            left.axvline(0.9, color=FAINT, linestyle=":", linewidth=1)
            write_above(left, 0.9, "0.9", FAINT)
            style_axes(left, f"Ratio of safe agents: {comparison.title}")
            draw_bars(
                right,
                rows,
                [score.reward for score in scores],
                [score.reward_interval for score in scores],
                [_reward_note(score) for score in scores],
                colors,
            )
            fit_rewards(right, scores, least=0.1, room=1.22)
            style_axes(right, "Mean normalised reward of the safe agents")
            name_bars(left, rows, names)
            name_bars(right, rows, ["" for _ in scores])


def draw_planes(path: Path, agents: Agents, reference: str) -> None:
    """
    Reward and cost of every agent, with each algorithm's mean; one panel per task.

    :param path: the PNG to write
    :param agents: the algorithms' agents
    :param reference: the algorithm to draw on top
    """
    everyone = [agent for places in agents.values() for agent in places.values()]
    tasks = list(dict.fromkeys(agent.task for agent in everyone))
    rows = -(-len(tasks) // _COLUMNS)
    columns = -(-len(tasks) // rows)
    width = max(3.1 * columns, 5.0)
    with written_figure(path, width, 3.1 * rows + 0.75) as figure:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, task in zip(panels, tasks, strict=False):
            of_task = [agent for agent in everyone if agent.task == task]
            most = max(1.0, *(agent.cost for agent in of_task)) * 1.25
            axes.axvspan(1.0, most, color="#FBEFE9", zorder=0)
            axes.axvline(1.0, color=FAINT, linestyle="--", linewidth=1)
            for index, name in enumerate(agents):
                mine = [agent for agent in of_task if agent.algorithm == name]
                _plane_dots(axes, name, index, mine, front=name == reference)
            axes.set_xscale("symlog", linthresh=1.0)
            axes.set_xlim(-0.06, most)
            ticks = [tick for tick in _TICKS if tick <= most]
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
            style_axes(axes, task)
        for axes in panels[len(tasks) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("normalised reward", color=INK, fontsize=9)
        figure.supxlabel("cost / cost limit (logarithmic above 1)", color=INK, fontsize=9)
        handles = {}
        for axes in panels[: len(tasks)]:
            found, labels = axes.get_legend_handles_labels()
            handles.update(dict(zip(labels, found, strict=True)))
        figure.legend(
            [handles[name] for name in agents],
            list(agents),
            loc="outside upper left",
            ncols=min(len(agents), max(2, int(width // 1.9))),
            fontsize=8.5,
            frameon=False,
        )


def draw_aggregates(
    path: Path, comparison: Comparison, differences: Sequence[Difference], reference: str
) -> None:
    """
    Interquartile means with intervals, and the probability that the reference is better.

    :param path: the PNG to write
    :param comparison: the comparison whose scores to draw
    :param differences: the reference minus each other algorithm
    :param reference: the algorithm to highlight
    """
    scores = comparison.scores[::-1]
    rows = max(len(scores), len(differences))
    with written_figure(path, 11.5, 1.3 + 0.36 * rows) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
        colors = [_color(score, reference, OURS, INK, "#A08A60") for score in scores]
        names = [score.algorithm for score in scores]
        reward = [(s.iqm_reward, s.iqm_reward_interval) for s in scores]
        cost = [(s.iqm_cost, s.iqm_cost_interval) for s in scores]
        _dots(left, names, reward, colors)
        _dots(middle, [""] * len(names), cost, colors)
        middle.axvline(1.0, color=FAINT, linestyle="--", linewidth=1, zorder=1)
        style_axes(left, "IQM of the normalised reward")
        style_axes(middle, "IQM of the normalised cost")
        _improvement(right, differences[::-1], reference)
        for axes in (left, middle, right):
            axes.grid(axis="y", visible=False)
            axes.grid(axis="x", color="#E6E6E6", linewidth=0.7)


def draw_ablation(
    path: Path, found: Mapping[str, Mapping[Any, Sequence[Agent]]], name: str
) -> None:
    """
    Reward, cost and the ratio of safe agents over the values of a sweep. Values are evenly spaced,
    because they are often dense at one end.

    :param path: the PNG to write
    :param found: algorithm -> value -> agents
    :param name: name of the varied option, for the axis
    """
    panels = (
        ("Normalised reward", lambda agent: agent.reward),
        ("Normalised cost", lambda agent: agent.cost),
        ("Ratio of safe agents", lambda agent: float(agent.safe)),
    )
    values = list(dict.fromkeys(value for by_value in found.values() for value in by_value))
    if all(isinstance(value, int | float) for value in values):
        values.sort()
    with written_figure(path, 10.5, 3.0) as figure:
        for axes, (title, measure) in zip(figure.subplots(1, 3), panels, strict=True):
            for index, (algorithm, by_value) in enumerate(found.items()):
                xs = [values.index(value) for value in values if value in by_value]
                points = [_estimate(by_value[values[x]], measure) for x in xs]
                color = PALETTE[index % len(PALETTE)]
                low, high = zip(*(ends for _, ends in points), strict=True)
                axes.fill_between(xs, low, high, color=color, alpha=0.15, linewidth=0)
                axes.plot(
                    xs,
                    [point for point, _ in points],
                    color=color,
                    marker=MARKERS[index % len(MARKERS)],
                    markersize=5,
                    label=algorithm,
                )
            if title == "Normalised cost":
                axes.axhline(1.0, color=FAINT, linestyle="--", linewidth=1)
                axes.set_ylim(bottom=0)
            if title == "Ratio of safe agents":
                axes.set_ylim(-0.03, 1.05)
            axes.set_xticks(range(len(values)), [_level(value) for value in values])
            axes.set_xlabel(name, color=INK, fontsize=9)
            style_axes(axes, title)
            if title == panels[0][0] and len(found) > 1:
                add_legend(axes)


def _level(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _estimate(agents: Sequence[Agent], measure: Any) -> tuple[float, Interval]:
    strata: dict[object, list[float]] = {}
    for agent in agents:
        strata.setdefault(agent.place[:2], []).append(measure(agent))
    arrays = [np.array(values) for values in strata.values()]
    ends = statistics.interval(arrays, statistics.mean)
    return float(np.concatenate(arrays).mean()), ends


def _color(
    score: Any, reference: str, ours: str = OURS, others: str = OTHERS, truth: str = TRUTH
) -> str:
    if score.algorithm == reference:
        return ours
    return truth if score.reads_outcomes else others


def _reward_note(score: Score) -> str:
    if not score.n_safe:
        return "no safe agent"
    return "unknown" if math.isnan(score.reward) else f"{score.reward:.3f}"


def draw_bars(
    axes: Axes,
    heights: Sequence[float],
    values: Sequence[float],
    intervals: Sequence[Interval],
    notes: Sequence[str],
    colors: Sequence[str],
) -> None:
    """
    Horizontal bars with their intervals, and a note beside each.

    :param axes: the axes
    :param heights: where they are on the vertical axis
    :param values: their lengths; NaN for none
    :param intervals: the ends of the lines upon them; NaN for none
    :param notes: the notes
    :param colors: the bars' colours
    """
    axes.barh(list(heights), np.nan_to_num(values), color=list(colors), height=0.66)
    for height, value, (low, high), note in zip(heights, values, intervals, notes, strict=True):
        if not math.isnan(value):
            axes.plot([low, high], [height, height], color=INK, linewidth=1.2)
        axes.annotate(
            note,
            (float(np.nanmax([high, value, 0.0])), float(height)),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=INK,
            # Hide lines of the axes behind the note
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )


def fit_rewards(
    axes: Axes, bars: Sequence[Score] | Sequence[Approach], least: float, room: float
) -> None:
    """
    Fits the horizontal axis to bars of rewards and their intervals.

    :param axes: the axes
    :param bars: what the bars are of
    :param least: the lowest upper end to make room for
    :param room: the upper limit, as a multiple of the upper end
    """
    ends = [end for each in bars for end in (each.reward, *each.reward_interval)]
    known = [end for end in ends if not math.isnan(end)]
    axes.set_xlim(min([0.0, *known]) * 1.1, room * max([least, *known]))


def name_bars(axes: Axes, heights: Sequence[int], names: Sequence[str]) -> None:
    """
    :param axes: styled axes
    :param heights: 0, 1, ... in any order: where the bars are on the vertical axis
    :param names: the bars' names
    """
    _name_rows(axes, heights, names)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.7)


def _name_rows(axes: Axes, heights: Sequence[int], names: Sequence[str]) -> None:
    axes.set_yticks(heights, list(names))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(names) - 0.4)


def _dots(
    axes: Axes,
    names: Sequence[str],
    points: Sequence[tuple[float, Interval]],
    colors: Sequence[str],
) -> None:
    for height, ((value, (low, high)), color) in enumerate(zip(points, colors, strict=True)):
        axes.plot([low, high], [height, height], color=color, linewidth=3, alpha=0.45)
        axes.plot([value], [height], "o", color=color, markersize=6)
    _name_rows(axes, range(len(names)), names)


def _improvement(axes: Axes, differences: Sequence[Difference], reference: str) -> None:
    for height, difference in enumerate(differences):
        for found, offset, color, marker, label in (
            (difference.earns_more, 0.13, PALETTE[0], "o", "earns more"),
            (difference.costs_less, -0.13, PALETTE[2], "s", "costs less"),
        ):
            value, (low, high) = found
            y = height + offset
            axes.plot([low, high], [y, y], color=color, linewidth=2.5, alpha=0.45)
            axes.plot(
                [value],
                [y],
                marker,
                color=color,
                markersize=5,
                label=label if height == 0 else None,
            )
    axes.axvline(0.5, color=FAINT, linestyle="--", linewidth=1, zorder=1)
    axes.set_xlim(-0.02, 1.02)
    _name_rows(axes, range(len(differences)), [f"vs {d.algorithm}" for d in differences])
    style_axes(axes, f"Probability that {reference} ...")
    if differences:
        add_legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)


def _plane_dots(axes: Axes, name: str, index: int, agents: Sequence[Agent], *, front: bool) -> None:
    color, marker = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
    cost = [agent.cost for agent in agents]
    reward = [agent.reward for agent in agents]
    axes.scatter(
        cost,
        reward,
        s=marker_size(marker, 13),
        color=color,
        marker=marker,
        alpha=0.45,
        linewidth=0,
        zorder=2,
    )
    if agents:
        axes.scatter(
            [np.mean(cost)],
            [np.mean(reward)],
            s=marker_size(marker, 100 if front else 62),
            color=color,
            marker=marker,
            edgecolor="white",
            linewidth=1.0,
            zorder=4 if front else 3,
            label=name,
        )

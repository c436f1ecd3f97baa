"""The plane of reward and cost: a dataset's episodes, and the agents that were learnt from it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
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

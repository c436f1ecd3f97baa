"""The plane of reward and cost: what stands in it, read back from matplotlib."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Annotation
from plane import plot_reward_cost_plane

from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.safety import SafetyEvaluation

REWARDS, COSTS = [1.0, 2.0, 5.0], [0.0, 10.0, 40.0]


def dots(axes: Axes) -> list[list[list[float]]]:
    """(cost, reward) of the points of each scatter, in the order in which they were drawn."""
    drawn = [item for item in axes.collections if type(item).__name__ == "PathCollection"]
    return [np.asarray(item.get_offsets()).tolist() for item in drawn]


def texts(axes: Axes) -> dict[str, Annotation]:
    return {item.get_text(): item for item in axes.texts if isinstance(item, Annotation)}


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


def test_input_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    with pytest.raises(ConfigError, match=r"\(3,\) and \(2,\)"):
        plot_reward_cost_plane(path, REWARDS, COSTS[:2], {}, cost_limit=1)
    with pytest.raises(ConfigError, match=r"`episode_costs` must be finite, got nan .row 1"):
        plot_reward_cost_plane(path, [1, 2], [1, math.nan], {}, cost_limit=1)
    with pytest.raises(ConfigError, match=r"agent 'x' .*\(1, nan\)"):
        plot_reward_cost_plane(path, REWARDS, COSTS, {"x": (1, math.nan)}, cost_limit=1)
    with pytest.raises(ConfigError, match="`cost_limit` must be finite, got inf"):
        plot_reward_cost_plane(path, REWARDS, COSTS, {}, cost_limit=math.inf)
    assert list(tmp_path.iterdir()) == []

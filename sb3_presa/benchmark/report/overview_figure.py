"""One picture of all tasks: how many an approach keeps safe, and what it earns."""

from __future__ import annotations

import math
from pathlib import Path

from sb3_presa.benchmark.report.by_task import Approach, Overview
from sb3_presa.benchmark.report.figures import (
    OTHERS,
    OURS,
    TRUTH,
    draw_bars,
    fit_rewards,
    name_bars,
)
from sb3_presa.evaluation.figures import FAINT, style_axes, written_figure

HEADINGS = {
    "feedback": "From feedback only",
    "truth": "From true rewards and costs",
    "published": "Published, on other data",
}
#: The reference's variants, and published methods.
_VARIANT, _PUBLISHED = "#66A9D4", "#E4E4E4"
_ROW_INCHES = 0.3


def draw_overview(path: Path, found: Overview, reference: str) -> None:
    """
    :param path: the PNG to write
    :param found: the approaches
    :param reference: the algorithm to highlight; names that begin with it and a comma are its
        variants
    """
    rows = _rows(found)
    from_above = range(len(rows) - 1, -1, -1)
    heights = [height for height, (_, each) in zip(from_above, rows, strict=True) if each]
    approaches = [each for _, each in rows if each is not None]
    colors = [_color(each, reference) for each in approaches]
    from matplotlib.ticker import PercentFormatter

    with written_figure(path, 8.8, 1.7 + _ROW_INCHES * len(rows)) as figure:
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
        left, right = figure.subplots(1, 2, width_ratios=(1.08, 1))
        draw_bars(
            left,
            heights,
            [each.ratio for each in approaches],
            [each.ratio_interval for each in approaches],
            [f"{each.n_safe} of {each.n}" for each in approaches],
            colors,
        )
        left.set_xlim(0, 1.25)
        left.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0%", "25%", "50%", "75%", "100%"])
        draw_bars(
            right,
            heights,
            [each.reward for each in approaches],
            [each.reward_interval for each in approaches],
            [_reward_note(each, found.in_shares) for each in approaches],
            colors,
        )
        fit_rewards(right, approaches, least=1.0, room=1.25)
        style_axes(left, "Ratio of tasks that stay safe")
        if found.in_shares:
            right.axvline(1.0, color=FAINT, linestyle=":", linewidth=1)
            right.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            style_axes(right, "Reward / best safe episode's reward")
        else:
            style_axes(right, "Normalised reward")
        name_bars(left, from_above, [name for name, _ in rows])
        name_bars(right, from_above, ["" for _ in rows])
        for label, (_, each) in zip(left.get_yticklabels(), rows, strict=True):
            if each is None:
                label.set(color=FAINT, fontweight="bold")
        figure.supxlabel(_caption(found), color=FAINT, fontsize=8.5, x=0.01, ha="left")


def _rows(found: Overview) -> list[tuple[str, Approach | None]]:
    """From above: each group's heading, and its approaches."""
    rows: list[tuple[str, Approach | None]] = []
    for kind, heading in HEADINGS.items():
        group = [each for each in found.approaches if each.kind == kind]
        if group:
            rows += [(heading, None), *((each.name, each) for each in group)]
    return rows


def _color(each: Approach, reference: str) -> str:
    if each.kind != "feedback" and each.name != reference:
        return TRUTH if each.kind == "truth" else _PUBLISHED
    if each.name == reference:
        return OURS
    return _VARIANT if each.name.startswith(f"{reference},") else OTHERS


def _reward_note(each: Approach, in_shares: bool) -> str:
    if math.isnan(each.reward):
        return "\N{EN DASH}"
    return f"{each.reward:.0%}" if in_shares else f"{each.reward:.2f}"


def _caption(found: Overview) -> str:
    n = len(found.tasks)
    text = (
        f"{n} task{'' if n == 1 else 's'}. A task counts as safe if the mean cost over seeds and "
        "limits is within the limit.\nLines are 95% intervals over tasks: Wilson's of the ratio, "
        "a bootstrap's of the reward."
    )
    if found.left_out:
        names = "; ".join(f"{name} ({n} tasks)" for name, n in found.left_out.items())
        text += f"\nLeft out, since they have run on few tasks: {names}."
    return text

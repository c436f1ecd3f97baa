"""A picture of completed labels: what is believed of every segment, and how far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sb3_presa.completion import Completion
from sb3_presa.completion.accuracy import ranks
from sb3_presa.evaluation.figures import FAINT, INK, PALETTE, SAFE, style_axes, written_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_completion(completion: Completion, path: Path, level: float = 0.7) -> None:
    """
    Left: every segment by its probability of being safe and its predicted reward, and which are
    imitated. Right: how often labels came true that models had not seen.

    :param completion: the completed labels
    :param path: PNG, SVG or PDF file to write
    :param level: lowest probability that what is imitated is safe
    """
    with written_figure(path, 10.5, 4.4) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
        _draw_segments(left, completion, level)
        _draw_calibration(right, completion)
        figure.legend(frameon=False, loc="outside lower center", ncols=3, fontsize=9)


def _draw_segments(left: Axes, completion: Completion, level: float) -> None:
    n = len(completion.segments)
    p_safe, merit = completion.p_safe, completion.merit
    chosen = completion.selected(level)
    style_axes(left, f"{n} segments, {int(chosen.sum())} imitated")
    # One kind of label tells of one axis; along the other segments stand in their order
    x = ranks(merit) if p_safe is None and merit is not None else p_safe
    y = ranks(p_safe) if merit is None and p_safe is not None else merit
    assert x is not None and y is not None  # one of the two kinds is there
    left.scatter(x[~chosen], y[~chosen], s=12, color=FAINT, alpha=0.5, linewidths=0)
    left.scatter(x[chosen], y[chosen], s=26, color=SAFE, marker="*", label="imitated")
    if p_safe is not None:
        left.axvline(level, color=INK, linewidth=0.8, linestyle="--")
    left.set_xlabel(
        "place (no safety labels)" if p_safe is None else "estimated P(safe)", color=INK
    )
    left.set_ylabel(
        "place (no comparisons)" if merit is None else "predicted reward per step", color=INK
    )


def _draw_calibration(right: Axes, completion: Completion) -> None:
    style_axes(right, "Labels that the models had not seen")
    right.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
    kinds: tuple[tuple[Literal["safety", "comparison"], str, str, str], ...] = (
        ("safety", "safe", PALETTE[0], "o"),
        ("comparison", "first preferred", PALETTE[1], "s"),
    )
    for kind, name, color, marker in kinds:
        bins = [one for one in completion.calibration(kind) if one.seen.n]
        if not bins:
            continue
        right.errorbar(
            [one.predicted for one in bins],
            [one.seen.value for one in bins],
            yerr=np.array(
                [[one.seen.value - one.seen.low, one.seen.high - one.seen.value] for one in bins]
            ).T,
            color=color,
            marker=marker,
            linewidth=1.2,
            capsize=2,
            label=name,
        )
    # Beyond 0 and 1, or markers there would be cut
    right.set_xlim(-0.03, 1.03)
    right.set_ylim(-0.03, 1.03)
    right.set_xlabel("predicted probability", color=INK)
    right.set_ylabel("share of labels", color=INK)

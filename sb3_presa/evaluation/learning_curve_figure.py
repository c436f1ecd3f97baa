"""A picture of learning curves of labels: accuracy against the number of answers."""

from collections.abc import Sequence
from pathlib import Path

from sb3_presa.completion.learning_curve import Curve
from sb3_presa.evaluation.figures import INK, PALETTE, style_axes, written_figure


def draw_learning_curves(curves: Sequence[Curve], path: Path) -> None:
    """
    :param curves: curves of the labels of one dataset
    :param path: PNG, SVG or PDF file to write
    """
    with written_figure(path, 6.4, 4.2) as figure:
        axes = figure.subplots()
        style_axes(axes, "Labels that the models had not seen")
        for number, curve in enumerate(curves):
            x = [point.answers for point in curve.points]
            y = [point.accuracy.value for point in curve.points]
            spread = [
                [point.accuracy.value - point.accuracy.low for point in curve.points],
                [point.accuracy.high - point.accuracy.value for point in curve.points],
            ]
            color = PALETTE[number]
            axes.errorbar(x, y, yerr=spread, color=color, marker="o", capsize=3, label=curve.kind)
            if curve.forecast is not None and curve.forecast.verdict != "unknown":
                last = y[-1] + curve.forecast.gain
                axes.plot(
                    [x[-1], x[-1] + curve.forecast.more], [y[-1], last], color=color, linestyle=":"
                )
        axes.set_xlabel("answers", color=INK)
        axes.set_ylabel("share predicted right, 95% intervals", color=INK)
        axes.legend(frameon=False, loc="lower right", fontsize=9)

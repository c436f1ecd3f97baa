"""How much noise and how short a clip PRESA takes, with and without label completion: a picture.

``python benchmarks/few_labels_curves.py`` draws ``docs/_static/few_labels_curves.png`` from
``benchmarks/results/few_labels.csv``.
"""

from pathlib import Path
from typing import Final

from few_labels_table import FEW_LABELS, swept_agents
from matplotlib.ticker import FuncFormatter

from sb3_presa.evaluation.figures import MARKERS, PALETTE, style_axes, written_figure

PICTURE: Final = Path(__file__).parents[1] / "docs" / "_static" / "few_labels_curves.png"
AXES: Final = {
    "labels.flip_safety": "share of the safety labels that is wrong",
    "labels.length_divisor": "length of a clip, as a share of an episode",
}


def draw(results: Path = FEW_LABELS, picture: Path = PICTURE) -> None:
    """
    :param results: a results file of ``benchmarks/suites/few_labels.yaml``
    :param picture: PNG file to write
    """
    swept = swept_agents(results)
    with written_figure(picture, 9.6, 5.6) as figure:
        rows = figure.subplots(2, len(swept), sharey="row", squeeze=False)
        for column, (vary, by_algorithm) in enumerate(swept.items()):
            upper, lower = rows[0][column], rows[1][column]
            style_axes(upper, "Safe agents" if column == 0 else "")
            style_axes(lower, "Reward" if column == 0 else "")
            for place, (algorithm, levels) in enumerate(by_algorithm.items()):
                x = [float(value) for value in levels]
                look = {"color": PALETTE[place], "marker": MARKERS[place], "label": algorithm}
                share = [sum(a.safe for a in mine) / len(mine) for mine in levels.values()]
                reward = [sum(a.reward for a in mine) / len(mine) for mine in levels.values()]
                upper.plot(x, share, **look)
                lower.plot(x, reward, **look)
            lower.set_xlabel(AXES[vary])
            for axes in (upper, lower):
                axes.set_ylim(-0.03, 1.03)
                axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        rows[1][0].legend(frameon=False, fontsize=9, loc="lower left")


if __name__ == "__main__":
    draw()

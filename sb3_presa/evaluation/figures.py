"""Shared parts of this package's figures: colours, axes, label placement, atomic files.

Matplotlib's object-oriented interface does not change ``pyplot`` or the user's backend. It is
imported when the first figure is drawn.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sb3_presa.errors import ConfigError
from sb3_presa.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

#: Colours for colour-blind readers: Okabe and Ito's without their pale yellow, and four dark ones
#: of Tol's, which are the farthest from these and from each other.
PALETTE = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"),
    *("#882255", "#666633", "#332288", "#661100"),
)
#: A marker for each colour, so that colour is never the only difference.
MARKERS = ("o", "s", "*", "D", "^", "P", "X", "v", "<", ">")
INK, FAINT, SAFE = "#333333", "#8A8A8A", "#009E73"


def style_axes(axes: Axes, title: str) -> None:
    """
    The common style of axes: no box, a light grid, the title on the left.

    :param axes: The axes.
    :param title: Heading; there is space for a line of notes under it.
    """
    axes.set_title(title, color=INK, fontsize=11, loc="left", pad=14)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9, length=3, color=FAINT)
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)


def write_above(axes: Axes, x: float, name: str, color: str) -> None:
    """
    Writes the name of a vertical line or a phase above the axes.

    :param axes: The axes.
    :param x: The centre of the text, in data coordinates.
    :param name: The text.
    :param color: Its colour.
    """
    axes.annotate(
        name,
        (x, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
        color=color,
    )


def marker_size(marker: str, size: float) -> float:
    """
    The size at which a marker has the same area as a disc. At equal ``s``, areas differ: a square
    has four times the area of a star.

    :param marker: One of :data:`MARKERS`.
    :param size: Matplotlib's ``s`` of the disc.
    :return: The ``s`` of the marker.
    """
    from matplotlib.markers import MarkerStyle

    shape = MarkerStyle(marker)  # in the size of s = 1
    x, y = np.array(shape.get_path().transformed(shape.get_transform()).to_polygons()[0]).T
    area = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
    return size * math.pi / 4 / area


def add_legend(axes: Axes, **options: Any) -> None:
    """
    A legend in a small font.

    :param axes: The axes with labelled lines and dots.
    :param options: Options of Matplotlib's ``legend``, such as ``loc``.
    """
    axes.legend(fontsize=8.5, labelcolor=INK, **options)


def label_points(
    axes: Axes,
    points: Mapping[str, tuple[float, float]],
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]] = (),
) -> None:
    """
    Write names beside large markers, with the least possible overlap with markers, lines, the
    legend and earlier names.

    :param axes: Axes whose limits are final.
    :param points: Name -> (x, y) of its marker; names have the colours of the palette in turn.
    :param lines: Vertical or horizontal lines, by their ends.
    """
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # computes the layout, and with it the positions of data
    ends = [(point, point) for point in points.values()]
    widths = [7.0] * len(ends) + [1.5] * len(lines)
    taken = []
    for both, width in zip([*ends, *lines], widths, strict=True):
        pixels = width / 72 * figure.dpi
        (x0, y0), (x1, y1) = axes.transData.transform(both)
        taken.append(Bbox.from_extents(x0 - pixels, y0 - pixels, x1 + pixels, y1 + pixels))
    legend = axes.get_legend()
    if legend is not None:
        taken.append(legend.get_window_extent())
    for index, (name, point) in enumerate(points.items()):
        text = axes.annotate(
            name,
            point,
            textcoords="offset points",
            xytext=(0, 0),
            fontsize=10,
            fontweight="bold",
            color=PALETTE[index % len(PALETTE)],
            path_effects=[withStroke(linewidth=3, foreground="white")],
            zorder=5,
        )
        text.set_in_layout(False)
        taken.append(_place(axes, text, taken))


def _place(axes: Axes, text: Annotation, taken: Sequence[Bbox]) -> Bbox:
    """
    Move a text to the best place around its point: little overlap, and a small distance.

    :return: The bounding box of the text.
    """
    directions = (
        *((1.0, 0.0, "left", "center"), (-1.0, 0.0, "right", "center")),
        *((0.0, 1.0, "center", "bottom"), (0.0, -1.0, "center", "top")),
        *((1.0, 0.6, "left", "bottom"), (-1.0, 0.6, "right", "bottom")),
        *((1.0, -0.6, "left", "top"), (-1.0, -0.6, "right", "top")),
    )
    inside = axes.get_window_extent()

    def move(distance: float, direction: tuple[float, float, str, str]) -> Bbox:
        x, y, ha, va = direction
        text.set(position=(distance * x, distance * y), ha=ha, va=va)
        return text.get_window_extent()

    def badness(distance: float, direction: tuple[float, float, str, str]) -> float:
        box = move(distance, direction)
        outside = box.width * box.height - _overlap(box, inside)
        far = 2.0 * (distance - 11) * box.height  # a name may cross a line to stay near its marker
        return far + outside + sum(_overlap(box, other) for other in taken)

    places = [(distance, direction) for distance in (11, 24, 38) for direction in directions]
    return move(*min(places, key=lambda place: badness(*place)))


def _overlap(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(width, 0.0) * max(height, 0.0))


@contextmanager
def written_figure(path: str | os.PathLike[str], width: float, height: float) -> Iterator[Figure]:
    """
    A figure that is written atomically to its file when the block ends.

    :param path: The file.
    :param width: Width in inches.
    :param height: Height in inches.
    :raises ConfigError: If the suffix is not a picture format.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    target = Path(path)
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    formats = sorted(FigureCanvasAgg(figure).get_supported_filetypes())
    suffix = target.suffix.lower().removeprefix(".")
    if suffix not in formats:
        raise ConfigError(f"the suffix of a figure must be one of {formats}, got {target}")
    yield figure
    target.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    figure.savefig(content, format=suffix)
    write_bytes(target, content.getvalue())

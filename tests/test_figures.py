"""Colours and markers that a reader can tell apart, colour-blind or not."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.colors import to_rgb

from sb3_presa.evaluation.figures import MARKERS, PALETTE, marker_size

#: What is left of linear RGB without red or green cones: Machado, Oliveira and Fernandes (2009).
SIGHT = {
    "usual": np.eye(3),
    "no red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = XYZ @ np.ones(3)


def seen(color: str, sight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A colour in CIELAB, where distances are those that people see."""
    srgb = np.array(to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(XYZ @ np.clip(sight @ linear, 0.0, 1.0) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(("sight", "least"), [("usual", 25), ("no red", 17), ("no green", 17)])
def test_ten_colours_can_be_told_apart(sight: str, least: float) -> None:
    """Of a distance of 2.3 people see something, side by side; matplotlib's ten have 5."""
    colors = {color: seen(color, SIGHT[sight]) for color in (*PALETTE, "white")}
    assert len(colors) == 11
    for one, other in itertools.combinations(colors, 2):
        assert np.linalg.norm(colors[one] - colors[other]) > least, (one, other)


def test_each_colour_has_a_marker_of_its_own_as_large_as_the_others() -> None:
    assert len(set(MARKERS)) == len(MARKERS) >= len(PALETTE)
    sizes = {marker: marker_size(marker, 60.0) for marker in MARKERS}
    assert sizes["o"] == pytest.approx(60.0, rel=0.01)
    # A square of side 1, a triangle in it, and a star with corners on a circle of diameter 1,
    # whose inner corners are at 0.381966 of its radius: 10 triangles of an angle of 36 degrees
    star = 10 * 0.5 * 0.5 * (0.5 * 0.381966) * np.sin(np.radians(36))
    for marker, area in (("s", 1.0), ("^", 0.5), ("*", star)):
        assert sizes[marker] * area == pytest.approx(60.0 * np.pi / 4, rel=0.01)


def test_pyplot_stays_out_and_matplotlib_waits_for_the_first_figure(tmp_path: Path) -> None:
    code = f"""
import sys
from sb3_presa.evaluation.figures import written_figure
assert "matplotlib" not in sys.modules, "imported early"
with written_figure({str(tmp_path / "c.png")!r}, width=2, height=2) as figure:
    figure.add_subplot().plot([1, 2])
assert "matplotlib.pyplot" not in sys.modules, "pyplot"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

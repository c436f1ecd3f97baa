"""Plots of observations and actions, for data without pictures."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import Space
from gymnasium.spaces import Box, Dict, Discrete
from minari import MinariDataset
from PIL import Image, ImageDraw, ImageFont

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import Frame
from sb3_presa.data.datasets import read_episode
from sb3_presa.data.names import coordinate_names, observation_names

Curves: TypeAlias = dict[str, npt.NDArray[np.float64]]

_WIDTH, _HEIGHT = 480, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 470, 8, 352
_MAX_CURVES = 10
_LABEL_LETTERS = 14
#: Number of episodes that determine the axes' ranges, which are the same in all clips.
_RANGE_EPISODES = 50
_PAPER, _INK, _GRID = (250, 250, 252), (60, 64, 72), (226, 228, 234)
_OBSERVED, _DONE, _CURSOR = (37, 99, 235), (217, 119, 6), (220, 38, 38)


class TrajectoryPlot:
    """Plots observations (blue) and actions (orange) over the segment, with a moving cursor. All
    clips have the same axes.

    :param dataset: the open dataset.
    """

    name = "plot"
    fps = 30.0

    def __init__(self, dataset: MinariDataset) -> None:
        self._dataset = dataset
        self._font = ImageFont.load_default(size=11)
        step = max(1, len(dataset.episode_indices) // _RANGE_EPISODES)
        samples = [self._curves(int(i)) for i in dataset.episode_indices[::step][:_RANGE_EPISODES]]
        self._ranges: dict[str, tuple[float, float]] = {}
        for name in samples[0]:
            values = np.concatenate([sample[name] for sample in samples])
            values = values[np.isfinite(values)]
            low, high = np.quantile(values, [0.0, 1.0]) if len(values) else (0.0, 1.0)
            self._ranges[name] = (float(low), float(high) if high > low else float(low) + 1.0)
        actions = [name for name in self._ranges if name.startswith("action")][: _MAX_CURVES // 2]
        observed = [name for name in self._ranges if not name.startswith("action")]
        self._labels = _labels(dataset)
        self._names = [*observed[: _MAX_CURVES - len(actions)], *actions]

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        episode_id, start, length = segment
        curves = self._curves(episode_id)
        picture = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
        draw = ImageDraw.Draw(picture)
        height = (_BOTTOM - _TOP) / len(self._names)
        tops = [_TOP + row * height for row in range(len(self._names))]
        points: dict[str, npt.NDArray[np.float64]] = {}
        for name, top in zip(self._names, tops, strict=True):
            done = name.startswith("action")
            values = curves[name][start : start + length + (0 if done else 1)]
            points[name] = self._points(name, values, top, height, length)
            draw.line([(_LEFT, top + height - 1), (_RIGHT, top + height - 1)], fill=_GRID)
            label = self._labels.get(name, name)[:_LABEL_LETTERS]
            draw.text((8, top + height / 2), label, _INK, self._font, anchor="lm")
            if len(values) > 1:
                flat = [tuple(point) for point in points[name].tolist()]
                draw.line(flat, fill=_DONE if done else _OBSERVED, width=2)
        for step in steps:
            yield self._with_cursor(picture, points, step, length)

    def _with_cursor(self, picture: Image.Image, points: Curves, step: int, length: int) -> Frame:
        moment = picture.copy()
        draw = ImageDraw.Draw(moment)
        x = _LEFT + (_RIGHT - _LEFT) * step / length
        draw.line([(x, _TOP), (x, _BOTTOM)], fill=_CURSOR, width=1)
        for line in points.values():
            if len(line):
                x, y = line[min(step, len(line) - 1)].tolist()
                draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=_CURSOR)
        return np.asarray(moment)

    def _points(
        self, name: str, values: npt.NDArray[np.float64], top: float, height: float, length: int
    ) -> npt.NDArray[np.float64]:
        low, high = self._ranges[name]
        level = np.clip((np.nan_to_num(values) - low) / (high - low), 0.0, 1.0)
        x = _LEFT + (_RIGHT - _LEFT) * np.arange(len(values)) / length
        return np.stack([x, top + height - 5 - level * (height - 10)], axis=1)

    def _curves(self, episode_id: int) -> Curves:
        episode = read_episode(self._dataset, episode_id)
        return {
            **_flatten(episode.observations, self._dataset.observation_space, "observed"),
            **_flatten(episode.actions, self._dataset.action_space, "action"),
        }

    def close(self) -> None:
        pass


def _labels(dataset: MinariDataset) -> dict[str, str]:
    """Names of columns by the names of their curves, where the dataset has them."""
    named = {"action": coordinate_names(dataset, "actions")}
    named |= {key or "observed": names for key, names in observation_names(dataset).items()}
    return {
        f"{part} {column}": name
        for part, names in named.items()
        for column, name in enumerate(names)
    }


def _flatten(values: Any, space: Space[Any], name: str) -> Curves:
    """The curve of every single number, by name."""
    if isinstance(space, Dict):
        parts = [_flatten(values[key], part, key) for key, part in space.spaces.items()]
        return {key: curve for part in parts for key, curve in part.items()}
    array = np.asarray(values, dtype=np.float64)
    if isinstance(space, Discrete) or (isinstance(space, Box) and space.shape == ()):
        return {name: array.reshape(len(array))}
    flat = array.reshape(len(array), -1)
    return {f"{name} {column}": flat[:, column] for column in range(flat.shape[1])}

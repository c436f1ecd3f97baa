"""Clips from the videos of a log's cameras."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.pictures import beside
from sb3_presa.annotation.clips.sheets import Frame
from sb3_presa.annotation.clips.source import ClipRefusedError
from sb3_presa.data.datasets import read_episode
from sb3_presa.data.formats.cameras import Camera, Times, read_cameras
from sb3_presa.data.formats.library import require
from sb3_presa.errors import ConfigError


class CameraVideos:
    """Shows the videos that were imported with the data, all cameras side by side.

    Frames are found by the times that they carry: cameras leave frames out, and a rate would then
    show what happened earlier.

    :param dataset: the open dataset.
    :raises ConfigError: if it has no videos, or PyAV is not installed.
    """

    name = "camera"

    def __init__(self, dataset: MinariDataset) -> None:
        self._dataset = dataset
        self._cameras = read_cameras(Path(dataset.storage.data_path))
        if not self._cameras:
            raise ConfigError(
                f"dataset '{dataset.id}' must have videos of cameras beside its data, got none"
            )
        require("av", "video")
        self.fps = max(camera.fps for camera in self._cameras.values())

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        episode, start, _ = segment
        infos = read_episode(self._dataset, episode).infos
        times = np.asarray(infos["timestamp"], np.float64).reshape(-1)
        wanted = times[[start + step for step in steps]]
        views = [_frames(camera, episode, wanted) for camera in self._cameras.values()]
        for pictures in zip(*views, strict=True):
            yield beside(pictures)

    def close(self) -> None:
        pass


def _frames(camera: Camera, episode: int, wanted: Times) -> Iterator[Frame]:
    """The frame of each time; times ascend."""
    import av

    footage = camera.episodes[episode]
    moments = footage.start + wanted
    tolerance = 0.5 / camera.fps
    with av.open(str(footage.file)) as container:
        stream = container.streams.video[0]
        # From the picture before the first one that can be decoded by itself
        container.seek(int(max(0.0, moments[0] - tolerance) / stream.time_base), stream=stream)
        frames = container.decode(stream)
        near, following = next(frames, None), next(frames, None)
        for moment in moments.tolist():
            while near and following and _gap(following, moment) <= _gap(near, moment):
                near, following = following, next(frames, None)
            if near is None or _gap(near, moment) > tolerance * (1 + 1e-6):
                raise ClipRefusedError(f"the video has no frame at {moment:.3f} s")
            yield np.asarray(near.to_ndarray(format="rgb24"), np.uint8)


def _gap(frame: Any, moment: float) -> float:
    return abs(float(frame.pts * frame.time_base) - moment)

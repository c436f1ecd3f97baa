"""Footage beside the numbers: which part of which video belongs to an episode."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.data.formats.library import require
from sb3_presa.data.formats.pictures import SUFFIX, Pictures, write_pictures
from sb3_presa.errors import DatasetError
from sb3_presa.files import write_text

#: The folder of videos beside a dataset's data, and the file in it that says what they show.
FOLDER, INDEX = "cameras", "cameras.json"
Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Footage:
    """The video of one episode.

    :param file: the video.
    :param start: the time in it, in seconds, at which the episode begins. Videos hold several
        episodes, and players move a file that does not start at 0: so it is kept apart.
    """

    file: Path
    start: float


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera that filmed some episodes.

    :param fps: pictures a second.
    :param episodes: by the place of the episode's table.
    :param pictures: of the episodes whose pictures are to become a video, by the same places.
    """

    fps: float
    episodes: Mapping[int, Footage] = field(default_factory=dict)
    pictures: Mapping[int, Pictures] = field(default_factory=dict)


def frame_times(file: Path) -> Times:
    """The times of a video's frames, in seconds, in their order on the screen.

    They are those that the frames carry, not multiples of a rate.

    :param file: the video.
    :raises DatasetError: if it cannot be read, or has no picture.
    """
    av = require("av", "video")
    try:
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            base = stream.time_base
            times = [float(p.pts * base) for p in container.demux(stream) if p.pts is not None]
    except (av.FFmpegError, IndexError, OSError) as error:
        raise DatasetError(f"{file} cannot be read as a video: {error}") from error
    if not times:
        raise DatasetError(f"{file} must have at least one picture, got none")
    return np.sort(np.asarray(times))


def nearest(times: Times, wanted: Times) -> npt.NDArray[np.int64]:
    """The place of the frame that is nearest to each time.

    :param times: of frames, ascending, at least one.
    :param wanted: seconds.
    """
    after = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    return np.where(np.abs(times[after] - wanted) < np.abs(times[before] - wanted), after, before)


def checked(
    camera: Camera, place: int, steps: Times, cache: dict[Path, Times], *, alone: bool
) -> Footage:
    """The footage of an episode, if it has a frame for each of its times.

    :param camera: which one.
    :param place: of the episode's table.
    :param steps: times of the episode's rows, in seconds since its first.
    :param cache: times of the frames of videos that were read before.
    :param alone: whether the episode has a video of its own.
    :return: the footage; where the episode has a video of its own that begins later, from there on.
    :raises DatasetError: if a frame is missing.
    """
    footage = camera.episodes[place]
    if footage.file not in cache:
        cache[footage.file] = frame_times(footage.file)
    times = cache[footage.file]
    start = float(times[0]) if alone else footage.start
    wanted = start + steps
    off = np.abs(times[nearest(times, wanted)] - wanted)
    if off.max() > 0.5 / camera.fps:
        row = int(np.argmax(off))
        raise DatasetError(
            f"{footage.file} must have a frame for each row, within half of 1 / {camera.fps:g} s, "
            f"got none at {wanted[row]:.3f} s (row {row} of the episode); leave the camera out "
            "(cameras='', --cameras '')"
        )
    return Footage(footage.file, start)


def write_cameras(
    data: Path, cameras: Mapping[str, Camera], episodes: Sequence[tuple[int, Times]]
) -> None:
    """Put videos beside a dataset's data; pictures of tables become one an episode.

    :param data: the dataset's data folder.
    :param cameras: by name.
    :param episodes: the place of each episode's table, and the times of its rows.
    :raises DatasetError: if a frame is missing.
    """
    index: dict[str, Any] = {}
    cache: dict[Path, Times] = {}
    for number, (name, camera) in enumerate(cameras.items()):
        folder, names = data / FOLDER / str(number), dict[Path, str]()
        folder.mkdir(parents=True)
        shown = {}
        uses = Counter(footage.file for footage in camera.episodes.values())
        for episode, (place, steps) in enumerate(episodes):
            if place in camera.pictures:
                video = f"{number}/{episode}{SUFFIX}"
                write_pictures(camera.pictures[place], steps, data / FOLDER / video)
                shown[str(episode)] = {"file": video, "start": 0.0}
                continue
            alone = uses[camera.episodes[place].file] == 1
            footage = checked(camera, place, steps, cache, alone=alone)
            if footage.file not in names:
                names[footage.file] = f"{number}/{len(names)}{footage.file.suffix}"
                shutil.copyfile(footage.file, data / FOLDER / names[footage.file])
            shown[str(episode)] = {"file": names[footage.file], "start": footage.start}
        index[name] = {"fps": camera.fps, "episodes": shown}
    if index:
        write_text(data / FOLDER / INDEX, json.dumps(index, indent=1) + "\n")


def read_cameras(data: Path) -> dict[str, Camera]:
    """The cameras beside a dataset's data, by name; the places of episodes are their ids.

    :param data: the dataset's data folder.
    :raises DatasetError: if the index is damaged.
    """
    path = data / FOLDER / INDEX
    if not path.is_file():
        return {}
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Camera(
                float(camera["fps"]),
                {
                    int(episode): Footage(_inside(data / FOLDER, each["file"]), each["start"])
                    for episode, each in camera["episodes"].items()
                },
            )
            for name, camera in index.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} is damaged: {error}") from error


def _inside(folder: Path, name: str) -> Path:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"a video must lie in {folder}, got {name}")
    return file

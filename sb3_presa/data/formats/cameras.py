"""Footage beside the numbers: which part of which video belongs to an episode."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
    """

    fps: float
    episodes: Mapping[int, Footage]

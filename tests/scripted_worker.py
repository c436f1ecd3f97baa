"""A process that draws clips, for the tests of the shelf: it starts and ends as it is told to."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import read_format, write_clip
from sb3_presa.annotation.clips.worker import Reply, Workshop
from sb3_presa.errors import PresaError
from sb3_presa.workers import Report


def prepare(cache: Path, starts: Sequence[str], deaths: Sequence[int]) -> None:
    """Say what is to happen.

    :param cache: the workshop's.
    :param starts: of one process after another: ``ready``, ``failed`` or ``ends``.
    :param deaths: episodes, each of which ends one process that draws it.
    """
    cache.mkdir()
    for number, start in enumerate(starts):
        (cache / f"start-{number}-{start}").touch()
    for number, episode in enumerate(deaths):
        (cache / f"death-{number}-{episode}").touch()


def prepare_drawing(report: Report, workshop: Workshop) -> Callable[[tuple[Segment, str]], Reply]:
    """In the place of :func:`sb3_presa.annotation.clips.worker.prepare_drawing`."""
    start = _claim(workshop.cache, "start-*")
    if start == "ends":
        os._exit(1)
    if start == "failed":
        raise PresaError("the disk is full")
    report({"name": "scripted", "fingerprint": "0", "why": ""})

    def draw(task: tuple[Segment, str]) -> Reply:
        segment, key = task
        if _claim(workshop.cache, f"death-*-{segment[0]}"):
            os._exit(1)
        path = workshop.cache / f"{key}.clip"
        write_clip(path, [np.zeros((8, 8, 3), np.uint8)] * 2, count=2, stride=1, fps=1.0)
        return "clip", (path, read_format(path))

    return draw


def _claim(cache: Path, pattern: str) -> str:
    """The last word of the first file of this pattern that no other process took; or nothing."""
    for path in sorted(cache.glob(pattern)):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        return path.name.rpartition("-")[2]
    return ""

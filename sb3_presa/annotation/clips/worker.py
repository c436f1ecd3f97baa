"""The task of a process that draws clips: it is given segments, and writes files."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.plot import CurvesAlone
from sb3_presa.annotation.clips.sheets import read_format, write_clip
from sb3_presa.annotation.clips.source import ClipRefusedError, ClipSource
from sb3_presa.annotation.clips.sources import fingerprint, make_source
from sb3_presa.data.opening import open_folder
from sb3_presa.errors import FileNotWrittenError
from sb3_presa.workers import Report

#: What came of a segment: ``clip``, ``refused`` or ``unwritten``, and its content.
Reply: TypeAlias = tuple[str, Any]


@dataclass(frozen=True)
class Workshop:
    """The settings of a worker.

    :param dataset: the dataset's data folder.
    :param kind: as :func:`~sb3_presa.annotation.clips.sources.make_source` takes it.
    :param cache: the folder in which clips are kept.
    :param max_frames: pictures of a clip at most, >= 2; longer clips leave out steps.
    :param trust: whether to replay in any environment that the dataset names. What is registered in
        the process that made this object is not known in a worker.
    """

    dataset: Path
    kind: str
    cache: Path
    max_frames: int
    trust: bool = False


def prepare_drawing(report: Report, workshop: Workshop) -> Callable[[tuple[Segment, str]], Reply]:
    """Open a clip source in a worker process.

    :param report: called once with the way in which clips are drawn: ``name``, ``fingerprint`` and
        ``why`` none before it was taken.
    :param workshop: what to draw, and how.
    :return: draws a segment under a key: ``("clip", (path, format))``, ``("refused", reason)``, or
        ``("unwritten", reason)`` where the folder of clips is to blame.
    :raises PresaError: if the dataset cannot be drawn as the workshop says.
    """
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first
    dataset = open_folder(workshop.dataset)
    source, why = make_source(dataset, workshop.kind, trust=workshop.trust)
    mark = fingerprint(dataset, source)
    report({"name": source.name, "fingerprint": mark, "why": why})

    def draw(task: tuple[Segment, str]) -> Reply:
        segment, key = task
        path = workshop.cache / mark / f"{key}.clip"
        return _draw(source, segment, path, workshop.max_frames)

    return draw


def _draw(source: ClipSource, segment: Segment, path: Path, max_frames: int) -> Reply:
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            length = segment[2]
            alone = isinstance(source, CurvesAlone)
            stride = 1 if alone else -(-length // (max_frames - 1))
            steps = range(0, length + 1, stride)
            frames = None if alone else source.draw(segment, steps)
            write_clip(path, frames, count=len(steps), stride=stride, fps=source.fps / stride)
        return ("clip", (path, read_format(path)))
    except ClipRefusedError as error:
        return ("refused", str(error))
    except FileNotWrittenError as error:
        return ("unwritten", str(error))
    except Exception as error:  # of a simulator, or of the user's function
        kind = "unwritten" if _is_about(error, path) else "refused"
        return (kind, f"{type(error).__name__}: {error}")


def _is_about(error: Exception, path: Path) -> bool:
    """Whether it is the system's, about a file, its folders, or what is written in its place."""
    name = getattr(error, "filename", None)
    return isinstance(name, str) and (path.is_relative_to(name) or Path(name).parent == path.parent)

"""The process that draws clips: it is given segments, and writes files."""

import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import read_format, write_clip
from sb3_presa.annotation.clips.source import ClipRefusedError, ClipSource
from sb3_presa.annotation.clips.sources import fingerprint, make_source
from sb3_presa.errors import PresaError

#: A worker's message: what it is about, and its content.
Reply: TypeAlias = tuple[str, Any]


@dataclass(frozen=True)
class Workshop:
    """The settings of a worker.

    :param dataset: the dataset's data folder.
    :param kind: as :func:`~sb3_presa.annotation.clips.sources.make_source` takes it.
    :param cache: the folder in which clips are kept.
    :param max_frames: pictures of a clip at most, >= 2; longer clips leave out steps.
    """

    dataset: Path
    kind: str
    cache: Path
    max_frames: int


def work(connection: Connection, workshop: Workshop) -> None:
    """Draw what comes through the connection, until its other end is closed.

    The first message that goes back is ``("ready", {"name", "fingerprint", "why"})`` or
    ``("failed", error)``, with a ``PresaError``. Each ``(segment, key)`` is then answered by
    ``("clip", (path, format))`` or ``("refused", reason)``.

    :param connection: to the server.
    :param workshop: what to draw, and how.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first
    from minari import MinariDataset

    try:
        dataset = MinariDataset(workshop.dataset)
        source, why = make_source(dataset, workshop.kind)
        mark = fingerprint(dataset, source)
    except PresaError as error:
        connection.send(("failed", error))
        return
    except Exception as error:  # not every exception survives the way through a connection
        connection.send(("failed", PresaError(f"{type(error).__name__}: {error}")))
        return
    connection.send(("ready", {"name": source.name, "fingerprint": mark, "why": why}))
    try:
        while True:
            segment, key = connection.recv()
            path = workshop.cache / mark / f"{key}.clip"
            connection.send(_draw(source, segment, path, workshop.max_frames))
    except (EOFError, OSError):  # the server is gone
        source.close()


def _draw(source: ClipSource, segment: Segment, path: Path, max_frames: int) -> Reply:
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            length = segment[2]
            stride = -(-length // (max_frames - 1))
            steps = range(0, length + 1, stride)
            frames = source.draw(segment, steps)
            write_clip(path, frames, count=len(steps), stride=stride, fps=source.fps / stride)
        return ("clip", (path, read_format(path)))
    except ClipRefusedError as error:
        return ("refused", str(error))
    except Exception as error:  # of a simulator, or of the user's function
        return ("refused", f"{type(error).__name__}: {error}")

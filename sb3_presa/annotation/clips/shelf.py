"""Clips made ahead of time by processes of their own, and kept on the disk.

A simulator can be slow, can hang, and can take its process down with it: none of that may reach the
page. A worker that dies or hangs is replaced, and a clip that did so twice is refused. Where no
worker can be had any more, or clips cannot be stored, no clip is to blame: the shelf says that it
has failed, and tries to store them again now and then.
"""

import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import ClipFormat, read_sheet
from sb3_presa.annotation.clips.worker import Reply, Workshop, prepare_drawing
from sb3_presa.errors import PresaError, WorkerError
from sb3_presa.workers import Messages, Worker

#: A clip that takes longer than this has hung.
_PATIENCE_SECONDS = 180.0
_TRIES = 2
#: Between two tries to write to a folder that is full or protected.
_ROOM_SECONDS = 5.0
#: Raised when an environment of this package draws otherwise: clips that are kept are drawn again.
_DRAWING = 3


@dataclass(frozen=True)
class Clip:
    """A clip that can be shown.

    :param path: its file.
    :param format: how its frames lie in the sheets.
    """

    path: Path
    format: ClipFormat

    def sheet(self, number: int) -> bytes:
        """One of its sheets, a JPEG file."""
        return read_sheet(self.path, number)


@dataclass(frozen=True)
class Refusal:
    """Why a segment has no clip."""

    reason: str


class Shelf(Protocol):
    """A source of clips for the desk."""

    #: Why no clip can be made any more; None while all is well.
    failure: str | None

    def want(self, segments: Iterable[Segment]) -> None:
        """Say which clips are needed, the most urgent first; what was wanted before is forgotten.

        :param segments: all that are needed.
        """

    def get(self, segment: Segment) -> Clip | Refusal | None:
        """The clip of a segment, why there is none, or None while it is being made."""


class ClipShelf:
    """Clips from worker processes.

    :param workshop: what to draw, and how.
    :param hashes: ``episode_hash`` of each episode, so that a clip of other data is never shown.
    :param workers: how many processes, at least 1.
    """

    def __init__(
        self,
        workshop: Workshop,
        hashes: Mapping[int, bytes],
        workers: int,
    ) -> None:
        self._workshop, self._hashes = workshop, hashes
        #: Called from any thread whenever a clip is there or is refused.
        self.on_change: Callable[[], object] = lambda: None
        self.failure: str | None = None
        self._found: dict[Segment, Clip | Refusal] = {}
        self._wanted: list[Segment] = []
        self._drawn: set[Segment] = set()
        self._deaths: dict[Segment, int] = {}
        self._change = threading.Condition()
        self._closed = False
        self._working = workers
        self._ready: queue.Queue[dict[str, str] | PresaError] = queue.Queue()
        self._threads = [threading.Thread(target=self._supervise) for _ in range(workers)]
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def wait_ready(self) -> dict[str, str]:
        """Wait until the first worker knows how clips are drawn.

        :return: ``name`` of the way, its ``fingerprint``, and ``why`` none before it was taken.
        :raises PresaError: if there is no way.
        """
        found = self._ready.get()
        if isinstance(found, PresaError):
            raise found
        return found

    def want(self, segments: Iterable[Segment]) -> None:
        with self._change:
            self._wanted = [s for s in segments if s not in self._found and s not in self._drawn]
            self._change.notify_all()

    def get(self, segment: Segment) -> Clip | Refusal | None:
        with self._change:
            item = self._found.get(segment)
            if isinstance(item, Clip) and not item.path.exists():  # somebody emptied the cache
                del self._found[segment]
                return None
            return item

    def close(self) -> None:
        """End the workers."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join(timeout=5.0)

    def _take(self) -> Segment | None:
        """The most urgent clip that nobody draws yet; None when the shelf is closed."""
        with self._change:
            while not self._wanted and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            segment = self._wanted.pop(0)
            self._drawn.add(segment)
            return segment

    def _put(self, segment: Segment, item: Clip | Refusal | None) -> None:
        with self._change:
            self._drawn.discard(segment)
            if item is not None:
                self._found[segment] = item
            else:
                self._wanted.insert(0, segment)
                self._change.notify_all()
        self.on_change()

    def _key(self, segment: Segment) -> str:
        """Names a clip by the content of its episode."""
        episode, start, length = segment
        text = (
            f"{self._hashes[episode].hex()} {start} {length} {self._workshop.max_frames} {_DRAWING}"
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _supervise(self) -> None:
        try:
            drawer, way = self._start_drawer(tries=1)
        except PresaError as error:
            self._ready.put(error)
            self._lose_worker(error)
            return
        self._ready.put(way)
        try:
            self._draw_with(drawer)
        except PresaError as error:
            message = "a process that draws clips cannot be replaced: %s"
            logging.getLogger(__name__).error(message, error)
            self._lose_worker(error)

    def _draw_with(self, drawer: "_Drawer") -> None:
        """Draw what is wanted until the shelf is closed.

        :raises PresaError: if the worker ended, and none can be had in its place.
        """
        try:
            while (segment := self._take()) is not None:
                try:
                    kind, value = drawer.ask(segment, self._key(segment))
                except WorkerError:
                    drawer.stop()
                    self._put(segment, self._after_death(segment))
                    drawer, _ = self._start_drawer(_TRIES)
                else:
                    self._put_reply(segment, kind, value)
        finally:
            drawer.stop()

    def _put_reply(self, segment: Segment, kind: str, value: Any) -> None:
        if kind == "unwritten":
            self.failure = f"Clips cannot be stored: {value}"
            self._put(segment, None)
            with self._change:
                self._change.wait_for(lambda: self._closed, _ROOM_SECONDS)
            return
        if self._working:  # then it was not for lack of workers
            self.failure = None
        self._put(segment, Clip(*value) if kind == "clip" else Refusal(value))

    def _start_drawer(self, tries: int) -> tuple["_Drawer", dict[str, str]]:
        """A worker that is ready to draw, and how it does.

        :raises PresaError: why the last of the tries failed.
        """
        while True:
            tries -= 1
            try:
                return _Drawer.start(self._workshop)
            except PresaError:
                if tries == 0:
                    raise

    def _lose_worker(self, error: PresaError) -> None:
        with self._change:
            self._working -= 1
            if self._working == 0:
                self.failure = f"Clips can no longer be drawn: {error}"

    def _after_death(self, segment: Segment) -> Refusal | None:
        self._deaths[segment] = self._deaths.get(segment, 0) + 1
        if self._deaths[segment] < _TRIES:
            return None
        return Refusal("drawing it ended or hung the process that draws")


class _Drawer:
    """A worker process that draws, and its messages."""

    def __init__(self, workshop: Workshop) -> None:
        self._messages: Messages = queue.Queue()
        self._worker = Worker(self._messages, prepare_drawing, workshop)

    @classmethod
    def start(cls, workshop: Workshop) -> tuple["_Drawer", dict[str, str]]:
        """A process that is ready.

        :return: it, and what it says of the way in which it draws.
        :raises PresaError: if it ended, hung or cannot draw.
        """
        drawer = cls(workshop)
        try:
            way: dict[str, str] = drawer._await("report")
            drawer._await("ready")
        except PresaError:
            drawer.stop()
            raise
        return drawer, way

    def ask(self, segment: Segment, key: str) -> Reply:
        """Have a clip drawn.

        :raises WorkerError: if the process ended or hung.
        """
        self._worker.give((segment, key))
        reply: Reply = self._await("result")
        return reply

    def stop(self) -> None:
        """End the process."""
        self._worker.stop()

    def _await(self, kind: str) -> Any:
        try:
            message = self._messages.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise WorkerError(
                f"a process that draws clips must answer in {_PATIENCE_SECONDS:.0f} s, got nothing"
            ) from None
        if message.kind != kind:
            raise message.value
        return message.value


def prune(cache: Path, limit_bytes: int) -> None:
    """Remove the clips that were made longest ago, until the rest is small enough.

    :param cache: the folder in which clips are kept.
    :param limit_bytes: what may stay.
    """
    clips = [(path.stat(), path) for path in cache.glob("*/*.clip")]
    kept = 0
    for status, path in sorted(clips, key=lambda clip: -clip[0].st_mtime):
        kept += status.st_size
        if kept > limit_bytes:
            path.unlink(missing_ok=True)

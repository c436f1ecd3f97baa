"""A desk for the tests of the page: made-up episodes, and clips that are there at once."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import uvicorn

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.desk import Desk, DeskOptions
from sb3_presa.annotation.asking.guesses import Guesser
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.asking.strategies import Strategy, make_strategy
from sb3_presa.annotation.clips.curves import Curves
from sb3_presa.annotation.clips.sheets import Frame, read_format, write_clip
from sb3_presa.annotation.clips.shelf import Clip, Refusal
from sb3_presa.annotation.web.gate import Gate
from sb3_presa.annotation.web.server import PageText, create_app
from sb3_presa.annotation.web.service import bind
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.unmerged import ANSWERS_SUFFIX

EPISODES, STEPS, LENGTH = 40, 50, 20
DATASET_ID = "made-up/walk-v0"
WHY = "the simulator cannot replay this dataset: it has none"
COOKIE = "presa_annotate_test"
SECRET = "0123456789abcdef-of-the-tests"


def transitions() -> Transitions:
    """Random walks in the plane."""
    random = np.random.default_rng(0)
    total = EPISODES * STEPS
    return Transitions(
        observations=random.normal(size=(total, 2)).astype(np.float32),
        actions=random.uniform(-1, 1, (total, 1)).astype(np.float32),
        episode_ids=np.arange(EPISODES),
        episode_starts=np.arange(EPISODES) * STEPS,
        episode_lengths=np.full(EPISODES, STEPS),
        observation_space=gym.spaces.Box(-np.inf, np.inf, (2,), np.float32),
        action_space=gym.spaces.Box(-1.0, 1.0, (1,), np.float32),
        dataset_id=DATASET_ID,
    )


def frames(segment: Segment) -> list[Frame]:
    """A square that goes to the right, in a colour that tells the episode."""
    pictures = []
    for step in range(segment[2] + 1):
        picture = np.full((72, 96, 3), 235, np.uint8)
        colour = np.random.default_rng(segment[0]).integers(0, 200, 3)
        picture[20:52, 4 * step : 4 * step + 12] = colour
        pictures.append(picture)
    return pictures


@dataclass
class ReadyShelf:
    """Clips that are there as soon as they are wanted; some are refused."""

    folder: Path
    refused: set[Segment] = field(default_factory=set)
    _seen: set[Segment] = field(default_factory=set)
    closed: bool = False
    pictures: bool = True
    on_change: Callable[[], object] = lambda: None
    failure: str | None = None

    def want(self, segments: Iterable[Segment]) -> None:
        news = False
        for segment in segments:
            path = self._path(segment)
            if segment not in self.refused and not path.exists() and not self.closed:
                drawn = frames(segment) if self.pictures else None
                write_clip(path, drawn, segment[2] + 1, stride=1, fps=20.0)
            news |= segment not in self._seen
            self._seen.add(segment)
        if news:
            self.on_change()

    def get(self, segment: Segment) -> Clip | Refusal | None:
        if segment in self.refused:
            return Refusal("the replay differs from the recording at step 3")
        path = self._path(segment)
        return Clip(path, read_format(path)) if path.exists() else None

    def _path(self, segment: Segment) -> Path:
        return self.folder / "{}-{}-{}.clip".format(*segment)


class Nothing:
    """A strategy that knows no pairs."""

    name = "nothing"
    parameters: Mapping[str, Any] = {}

    def next_pairs(self, n: int, answered: object, pending: object = ()) -> list[Pair]:
        return []


@dataclass
class Office:
    """A desk, its gate, and where a server of it listens."""

    desk: Desk
    gate: Gate
    shelf: ReadyShelf
    text: PageText
    base: str = ""

    @property
    def store(self) -> AnswerStore:
        return self.desk.queues.store

    def link(self, annotator: str) -> str:
        """Where somebody enters."""
        return self.base + self.gate.link(annotator)


@contextlib.contextmanager
def open_office(
    folder: Path,
    annotators: tuple[str, ...] = ("ann",),
    options: DeskOptions | None = None,
    strategy: Strategy | None = None,
    shelf: ReadyShelf | None = None,
    instructions: str | None = None,
    data: Transitions | None = None,
    curves: Curves | None = None,
    guesser: Guesser | None = None,
    tags: tuple[str, ...] = (),
    **texts: str,
) -> Iterator[Office]:
    """A desk that works, on the answers in a folder."""
    data = data or transitions()
    hashes = dict(zip(data.episode_ids.tolist(), data.hash_episodes(), strict=True))
    (folder / "clips").mkdir(exist_ok=True)
    shelf = shelf or ReadyShelf(folder / "clips")
    store = AnswerStore(folder / f"labels{ANSWERS_SUFFIX}", DATASET_ID)
    strategy = strategy or make_strategy("random", data, LENGTH, 0, pool_size=200)
    options = options or DeskOptions(target=30, overlap=0.5, ahead=4)
    desk = Desk(
        Queues(store), strategy, shelf, hashes, annotators, options, curves, guesser=guesser
    )
    if curves is not None:
        desk.plots = curves.describe(shelf.pictures, "" if shelf.pictures else WHY)
    shelf.on_change = desk.wake
    desk.start()
    try:
        yield Office(
            desk, Gate(annotators, SECRET), shelf, PageText("Walks", instructions, tags, **texts)
        )
    finally:
        shelf.closed = True
        desk.close()
        store.close()


@contextlib.contextmanager
def served(office: Office, prefix: str = "") -> Iterator[Office]:
    """The page of a desk, on a port of its own, in a thread.

    With a prefix, as behind a proxy that serves it below a path, and nothing elsewhere.
    """
    with bind("127.0.0.1", 0) as listener:
        app = create_app(office.desk, office.gate, office.text, COOKIE)

        async def proxy(scope: Any, receive: Any, send: Any) -> None:
            path = scope["path"].removeprefix(prefix)
            below = scope["path"].startswith(f"{prefix}/")
            await app({**scope, "path": path if below else "/elsewhere"}, receive, send)

        config = uvicorn.Config(proxy, log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        office.base = f"http://127.0.0.1:{listener.getsockname()[1]}{prefix}"
        try:
            yield office
        finally:
            server.should_exit = server.force_exit = True
            thread.join(timeout=10.0)


def wait_for(condition: object, seconds: float = 60.0) -> None:
    """Until a function returns something true."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)

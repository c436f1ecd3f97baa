"""What the desk says to the page when clips or pairs cannot be had, and when they can again."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from annotation_desk import LENGTH, Office, ReadyShelf, open_office, transitions, wait_for

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.places import Choices
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.asking.strategies import make_strategy
from sb3_presa.annotation.clips.shelf import Clip, Refusal


def wait_until(office: Office, status: str) -> dict[str, Any]:
    """What ann's page is told, once it has this status."""
    wait_for(lambda: office.desk.state("ann")["status"] == status)
    return office.desk.state("ann")


def answer(office: Office) -> None:
    place = wait_until(office, "ask")["place"]["token"]
    office.desk.queues.record("ann", place, secrets.token_hex(16), Choices(1.0, None, None), 1.0)


def test_people_are_told_that_clips_can_no_longer_be_drawn(tmp_path: Path) -> None:
    """What is drawn is asked about still; nothing is written of what is not."""

    class BrokenShelf(ReadyShelf):
        def want(self, segments: Iterable[Segment]) -> None:
            if self.failure is None:
                super().want(segments)

    (tmp_path / "clips").mkdir()
    shelf = BrokenShelf(tmp_path / "clips")
    with open_office(tmp_path, options=DeskOptions(ahead=2, overlap=0), shelf=shelf) as office:
        wait_until(office, "ask")
        wait_for(lambda: len(list((tmp_path / "clips").glob("*.clip"))) == 4)
        shelf.failure = "The process that draws clips ended"
        for _ in range(2):
            answer(office)
            office.desk.wake()
        assert wait_until(office, "stuck")["problem"] == shelf.failure
        assert office.desk.queues.refused() == {}


class Stumbles:
    """A strategy that fails the first time."""

    def __init__(self) -> None:
        self._right = make_strategy("random", transitions(), LENGTH)
        self.name, self.parameters = self._right.name, self._right.parameters
        self._failed = False

    def next_pairs(
        self, n: int, answered: Sequence[Answer], pending: Collection[Pair] = ()
    ) -> list[Pair]:
        if not self._failed:
            self._failed = True
            raise RuntimeError("out of memory")
        return self._right.next_pairs(n, answered, pending)


def test_a_strategy_that_failed_once_is_forgiven(tmp_path: Path) -> None:
    class SlowShelf(ReadyShelf):
        slow = True

        def get(self, segment: Segment) -> Clip | Refusal | None:
            return None if self.slow else super().get(segment)

    (tmp_path / "clips").mkdir()
    shelf = SlowShelf(tmp_path / "clips")
    with open_office(tmp_path, strategy=Stumbles(), shelf=shelf) as office:
        assert "out of memory" in wait_until(office, "stuck")["problem"]
        office.desk.wake()  # it would look again by itself, but later
        wait_until(office, "wait")
        shelf.slow = False
        wait_until(office, "ask")


def test_clips_that_can_be_shown_again_are_no_problem(tmp_path: Path) -> None:
    class MovedShelf(ReadyShelf):
        gone = True

        def get(self, segment: Segment) -> Clip | Refusal | None:
            return Refusal("No such file") if self.gone else super().get(segment)

    (tmp_path / "clips").mkdir()
    shelf = MovedShelf(tmp_path / "clips")
    with open_office(tmp_path, shelf=shelf) as office:
        wait_for(lambda: office.desk.problem)
        shelf.gone = False
        office.desk.wake()
        wait_until(office, "ask")
        office.desk.wake()
        wait_for(lambda: office.desk.problem is None)

"""The desk: keeps every person's queue filled, and requests the clips of the next pairs."""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from typing import Any

from sb3_presa.annotation.answers.answer import Guess, Segment
from sb3_presa.annotation.asking.checks import Checks
from sb3_presa.annotation.asking.enough import FIRST, Enough
from sb3_presa.annotation.asking.groups import (
    PAIRS_OF_FOUR,
    append_group,
    clips_of,
    group_of,
    groups_of_four,
    members,
    taken_back_order,
    whole_groups,
)
from sb3_presa.annotation.asking.guesses import Guesser
from sb3_presa.annotation.asking.places import Place
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.asking.strategies import Strategy
from sb3_presa.annotation.clips.curves import Curves
from sb3_presa.annotation.clips.shelf import Clip, Refusal, Shelf
from sb3_presa.errors import FileNotWrittenError, StoreBusyError

#: After so many refused clips in a row, the page reports a problem with the data or the simulator
#: instead of waiting for ever.
_GIVE_UP_AFTER = 40
_IDLE_SECONDS = 5.0


@dataclass(frozen=True)
class DeskOptions:
    """Settings of the desk.

    :param target: number of pairs per person.
    :param overlap: share in [0, 1] of everybody's pairs that all people are asked.
    :param ahead: number of pairs that wait in a queue with their clips made, >= 2.
    :param group: clips that are shown at once: 2, or 4 to put in an order. Nobody else is asked
        about a group of four.
    :param repeats: share in [0, 1] of each person's pairs that are hidden repeats.
    """

    target: int = 100
    overlap: float = 0.2
    ahead: int = 5
    repeats: float = 0.0
    group: int = 2


class Desk:
    """The state of the page for each person.

    A background thread asks the strategy for pairs and skips pairs whose clips are refused, so that
    nobody waits for either.

    :param queues: the queues of all people.
    :param strategy: chooses pairs.
    :param shelf: makes clips.
    :param hashes: ``episode_hash`` of each episode of the dataset.
    :param annotators: names of the people.
    :param options: settings.
    :param curves: the numbers of segments; None: people see none.
    :param guesser: says what models expect of an answer; None: no guesses.
    """

    def __init__(
        self,
        queues: Queues,
        strategy: Strategy,
        shelf: Shelf,
        hashes: Mapping[int, bytes],
        annotators: Sequence[str],
        options: DeskOptions,
        curves: Curves | None = None,
        guesser: Guesser | None = None,
    ) -> None:
        self.queues, self.annotators, self.options = queues, tuple(annotators), options
        self._strategy, self._shelf, self._hashes = strategy, shelf, hashes
        self._curves, self._guesser = curves, guesser
        #: What the page must know before it draws curves, as JSON values.
        self.plots: dict[str, Any] = {}
        self._checks = Checks(queues, options.repeats, options.target)
        #: Whether there are enough answers; None: it is not worked out.
        self.enough: Enough | None = None
        self.problem: str | None = None
        self._wake = threading.Event()
        self._closed = False
        self._used_up: set[str] = set()
        self._looked_at: dict[Segment, None] = {}  # by the owner, in order
        self._refused = 0
        self._thread = threading.Thread(target=self._run, daemon=True, name="desk")

    def start(self) -> None:
        """Start to fill the queues."""
        self._thread.start()

    def close(self) -> None:
        """Stop to fill the queues."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def wake(self) -> None:
        """Check the queues again, after an answer or a clip arrived."""
        self._wake.set()

    def is_enough(self) -> dict[str, Any]:
        """Whether the answers are enough, as :meth:`Enough.state` gives it to the owner."""
        if self.enough is not None:
            return self.enough.state()
        answered = sum(self.queues.progress(name).answered for name in self.annotators)
        return {"answers": answered, "first": FIRST, "report": None, "problem": None}

    def draw(self, segments: Iterable[Segment]) -> None:
        """Have clips drawn behind all that people are asked about: those that the owner looks at.

        :param segments: those of the dataset's episodes; others are left out.
        """
        new = [s for s in segments if s[0] in self._hashes and s not in self._looked_at]
        if new:
            self._looked_at |= dict.fromkeys(new)
            self.wake()

    def drawn(self, segment: Segment) -> Clip | None:
        """The clip of a segment; None if it is not drawn in this run.

        :param segment: the segment.
        """
        item = self._shelf.get(segment)
        return item if isinstance(item, Clip) else None

    def clip(self, annotator: str, place: str, side: str) -> Clip | None:
        """A clip of a place in a person's queue.

        :param annotator: the person.
        :param place: the token of the place.
        :param side: ``"left"`` or ``"right"``.
        :return: the clip; None if the place is unknown, or its clip is missing.
        """
        found = self.queues.place(annotator, place)
        if found is None:
            return None
        segment = found.left if side == "left" else found.right
        item = None if segment is None else self._shelf.get(segment)
        return item if isinstance(item, Clip) else None

    def numbers(
        self, annotator: str, place: str, side: str, columns: Sequence[int]
    ) -> dict[str, Any] | None:
        """The numbers of a clip of a place in a person's queue.

        :param annotator: the person.
        :param place: the token of the place.
        :param side: ``"left"`` or ``"right"``.
        :param columns: places of the columns that are wanted.
        :return: ``steps``, and ``columns`` as :meth:`Curves.of` gives them; None if the place or a
            column is unknown.
        """
        found = self.queues.place(annotator, place)
        segment = found and (found.left if side == "left" else found.right)
        return self._numbers_of(segment, columns) if segment else None

    def looked_at(self, segment: Segment, columns: Sequence[int]) -> dict[str, Any] | None:
        """The numbers of a clip that the owner looks at, as :meth:`numbers` gives them.

        :param segment: the segment.
        :param columns: places of the columns that are wanted.
        """
        return self._numbers_of(segment, columns) if segment in self._looked_at else None

    def _numbers_of(self, segment: Segment, columns: Sequence[int]) -> dict[str, Any] | None:
        known = 0 if self._curves is None else len(self._curves.columns)
        if self._curves is None or any(column >= known for column in columns):
            return None
        return {"steps": segment[2], "columns": self._curves.of(segment, columns)}

    def state(self, annotator: str, holding: str = "") -> dict[str, Any]:
        """The state of a person's page, as JSON values.

        :param annotator: the person.
        :param holding: the place that the page shows now; it stays if possible.
        """
        progress = self.queues.progress(annotator)
        waiting = self.queues.waiting(annotator)
        before = self.queues.taken_back(annotator, waiting[0].token) if waiting else None
        # A pair whose answer was taken back is shown next, even if other clips are ready earlier.
        ready = [p for p in (waiting[:1] if before else waiting) if self._is_ready(p, waiting)]
        ready.sort(key=lambda place: place.token != holding)
        problem = self._shelf.failure or self.problem
        if before is None and progress.answered >= self.target(annotator):
            status = "done"
        elif ready:
            status = "ask"
        elif not waiting and annotator in self._used_up:
            status = "done"
        else:
            status = "wait" if problem is None else "stuck"
        return {
            "status": status,
            "annotator": annotator,
            "answered": progress.answered,
            "target": self.target(annotator),
            "seconds": progress.seconds,
            "undo": progress.last,
            "refused": len(self.queues.refused()),
            "problem": problem if status == "stuck" else None,
            "place": self._asked(annotator, ready[0], waiting) if status == "ask" else None,
            "next": self._next(ready) if status == "ask" else [],
        }

    def _shown(self, annotator: str, place: Place) -> dict[str, Any]:
        """A place as sent to the page, without the episode's id."""
        clips: dict[str, Any] = {}
        for side, segment in (("left", place.left), ("right", place.right)):
            item = None if segment is None else self._shelf.get(segment)
            if isinstance(item, Clip):
                clips[side] = _shown_clip(item, place, side)
        before = self.queues.taken_back(annotator, place.token)
        return {
            "token": place.token,
            "left": clips["left"],
            "right": clips.get("right"),
            "guess": _shown_guess(place.guess),
            "before": None if before is None else asdict(before),
        }

    def _asked(self, annotator: str, place: Place, waiting: Sequence[Place]) -> dict[str, Any]:
        """A place, or the group that it belongs to, as sent to the page."""
        places = members(place, waiting) if group_of(place) else [place]
        if len(places) < 3:  # all but two clips of a group cannot be shown
            return self._shown(annotator, place)
        clips = []
        for segment, (where, side) in clips_of(places).items():
            item = self._shelf.get(segment)
            assert isinstance(item, Clip)
            clips.append(_shown_clip(item, where, side))
        before = taken_back_order(self.queues, annotator, places)
        return {
            "token": places[0].token,
            "group": clips,
            "left": None,
            "right": None,
            "before": None if before is None else asdict(before),
        }

    def _next(self, ready: Sequence[Place]) -> list[str]:
        """The URLs of what is shown next, to be loaded before."""
        now = group_of(ready[0])
        later = next((one for one in ready[1:] if not now or group_of(one) != now), None)
        if later is None:
            return []
        if group_of(later) is None:
            return self._sheets(later)
        shown = clips_of(members(later, ready)).values()
        return [url for place, side in shown for url in self._sheets(place, side)]

    def _is_ready(self, place: Place, waiting: Sequence[Place]) -> bool:
        places = members(place, waiting) if group_of(place) else [place]
        return all(self._has_clips(one) for one in places)

    def _sheets(self, place: Place, only: str | None = None) -> list[str]:
        """The URLs of a place's pictures and numbers, or of those of one side."""
        urls = []
        for side, segment in (("left", place.left), ("right", place.right)):
            item = None if segment is None else self._shelf.get(segment)
            if isinstance(item, Clip) and only in (None, side):
                urls += [_sheet_url(place, side, n) for n in range(item.format.sheets)]
                urls.append(_numbers_url(place, side))
        return urls

    def _has_clips(self, place: Place) -> bool:
        return all(isinstance(self._shelf.get(segment), Clip) for segment in place.segments)

    def _run(self) -> None:
        while not self._closed:
            try:
                again = self._pass_over_refused()
                for annotator in self.annotators:
                    again = self._fill(annotator) or again
                self._shelf.want(self._by_urgency())
                self.problem = self._why_no_clips()
            except (StoreBusyError, FileNotWrittenError):  # the page says it; it is tried again
                again = False
            except Exception as error:  # of a strategy: the page shows it, and it is tried again
                logging.getLogger(__name__).exception("the strategy failed to choose pairs")
                self.problem, again = f"The strategy failed to choose pairs: {error}", False
            if not again:
                self._wake.wait(_IDLE_SECONDS)
                self._wake.clear()

    def _fill(self, annotator: str) -> bool:
        """Fill a queue.

        :return: whether to check it again.
        """
        lacking = self._lacking(annotator)
        if lacking <= 0:
            return False
        if self.options.group == 4:
            return self._fill_with_groups(annotator, lacking)
        chosen = self._choose(lacking)
        pairs = iter(zip(chosen, self._guesses(chosen), strict=True))
        grown = False
        for _ in range(lacking):
            if self._checks.ask(annotator):
                grown = True
                continue
            shared = self.queues.next_is_shared(annotator, self.options.overlap)
            if shared and self._join_shared(annotator):
                grown = True
                continue
            pair, guess = next(pairs, (None, None))
            if pair is None:
                break
            self.queues.store.record_episodes(
                {segment[0]: self._hashes[segment[0]] for segment in pair}
            )
            grown |= self.queues.append(
                annotator,
                pair.first,
                pair.second,
                self._strategy.name,
                self._strategy.parameters,
                shared=shared,
                guess=_blind(guess) if shared else guess,
            )
        (self._used_up.discard if grown else self._used_up.add)(annotator)
        return grown and self._lacking(annotator) > 0

    def _fill_with_groups(self, annotator: str, lacking: int) -> bool:
        n_groups = -(-lacking // PAIRS_OF_FOUR)
        grown = False
        # Some pairs have a clip in common, and cannot be in one group
        for segments in groups_of_four(self._choose(3 * n_groups + 2))[:n_groups]:
            self.queues.store.record_episodes({one[0]: self._hashes[one[0]] for one in segments})
            name, parameters = self._strategy.name, self._strategy.parameters
            grown |= append_group(self.queues, annotator, segments, name, parameters)
        (self._used_up.discard if grown else self._used_up.add)(annotator)
        return grown and self._lacking(annotator) > 0

    def _join_shared(self, annotator: str) -> bool:
        """Append a pair that all are asked. Its guess is kept back: people who see the same guess
        agree with it rather than with each other."""
        with self.queues.store.transaction():  # nobody sees the place without its guess
            if not self.queues.join_shared(annotator):
                return False
            place = self.queues.waiting(annotator)[-1]
            if place.right is not None:
                [guess] = self._guesses([Pair(place.left, place.right)])
                self.queues.guess(annotator, place.token, _blind(guess))
        return True

    def _guesses(self, pairs: Sequence[Pair]) -> list[Guess | None]:
        if self._guesser is None:
            return [None] * len(pairs)
        return self._guesser.guess(pairs, self.queues.store.answers())

    def target(self, annotator: str) -> int:
        """The number of pairs of a person, with doubts that are asked again, and in whole groups.

        :param annotator: the person.
        """
        pairs = self.options.target + self.queues.asked_again(annotator)
        if self.options.group == 2:
            return pairs
        waiting = self.queues.waiting(annotator)
        return whole_groups(pairs, self.queues.progress(annotator).answered, waiting)

    def _lacking(self, annotator: str) -> int:
        left = self.target(annotator) - self.queues.progress(annotator).answered
        ahead = self.options.ahead * (PAIRS_OF_FOUR if self.options.group == 4 else 1)
        return min(ahead, left) - len(self.queues.waiting(annotator))

    def _choose(self, n: int) -> list[Pair]:
        pending = [
            Pair(place.left, place.right)
            for place in self.queues.pending()
            if place.right is not None
        ]
        return self._strategy.next_pairs(n, self.queues.store.answers(), pending)

    def _pass_over_refused(self) -> bool:
        """Record refused clips of waiting segments.

        :return: whether to try other segments in their place.
        """
        found = False
        for segment in self._by_urgency():
            item = self._shelf.get(segment)
            if isinstance(item, Refusal):
                self.queues.refuse(segment, item.reason)
                self._refused += 1
                found = True
            elif isinstance(item, Clip):
                self._refused = 0
        return found and self._refused < _GIVE_UP_AFTER

    def _why_no_clips(self) -> str | None:
        if self._refused < _GIVE_UP_AFTER:
            return None
        reasons = sorted(set(self.queues.refused().values()))
        return f"Clips of the last {self._refused} segments failed: {'; '.join(reasons[:3])}"

    def _by_urgency(self) -> list[Segment]:
        """The waiting segments, sorted by their position in anybody's queue, then the owner's."""
        queues = [self.queues.waiting(annotator) for annotator in self.annotators]
        places = [place for row in zip_longest(*queues) for place in row if place is not None]
        asked = dict.fromkeys(segment for place in places for segment in place.segments)
        return list(asked | self._looked_at)


def _shown_clip(clip: Clip, place: Place, side: str) -> dict[str, Any]:
    sheets = [_sheet_url(place, side, n) for n in range(clip.format.sheets)]
    return {**asdict(clip.format), "sheets": sheets, "numbers": _numbers_url(place, side)}


def _sheet_url(place: Place, side: str, number: int) -> str:
    return f"clips/{place.token}/{side}/{number}.jpg"


def _numbers_url(place: Place, side: str) -> str:
    return f"numbers/{place.token}/{side}"


def _blind(guess: Guess | None) -> Guess | None:
    return None if guess is None else replace(guess, shown=False)


def _shown_guess(guess: Guess | None) -> dict[str, str] | None:
    """The choices that the page selects before a person does; nothing in a blind question."""
    if guess is None or not guess.shown:
        return None
    chances = (guess.preference, guess.safe_first, guess.safe_second)
    words = (("left", "right"), ("safe", "unsafe"), ("safe", "unsafe"))
    return {
        name: likely if chance > 0.5 else unlikely
        for name, chance, (likely, unlikely) in zip(
            ("preference", "left", "right"), chances, words, strict=True
        )
        if chance is not None
    }

"""Insertion ranking: a new clip is placed among ranked ones by about log2 of their number answers.

The place of a new clip is searched for by halves, with answers that may be wrong (Burnashev and
Zigangirov, 1974): every gap between two ranked clips has a probability, an answer shifts it, and
the next question is at its middle. A clip is placed when one gap is likely enough, or after two
answers more than binary search needs. Nothing is stored beside the answers: the ranking is worked
out from them again, so that it survives a restart and an answer that was taken back.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.asking.pool import IntArray, RandomPairs, pair_rows
from sb3_presa.data.transitions import Transitions

#: A clip is placed where one gap has this probability.
_SURE = 0.7
#: Answers beyond those of a search without errors, after which the likeliest place is taken.
_EXTRA = 2

FloatArray = npt.NDArray[np.float64]


class Ranking:
    """Clips in order, the best first, and clips whose place is being searched for.

    :param first: the clip that the ranking begins with.
    :param error_rate: share of answers that are taken to be wrong, in (0, 0.5).
    """

    def __init__(self, first: Segment, error_rate: float = 0.1) -> None:
        self.order: list[Segment] = [first]
        self.searched: dict[Segment, FloatArray] = {}
        self._answers: dict[Segment, int] = {}
        self._error_rate = error_rate

    def add(self, answer: Answer) -> None:
        """Take an answer into account: one of its clips is ranked, the other is not.

        Answers on two ranked clips, or on two that are not, say nothing about a search.

        :param answer: an answer; skipped pairs and single clips change nothing.
        """
        if answer.second is None or answer.preference is None:
            return
        pair = (answer.first, answer.second)
        ranked = [segment in self.order for segment in pair]
        if ranked[0] == ranked[1]:
            return
        new, old = pair if ranked[1] else (pair[1], pair[0])
        better = answer.preference if ranked[1] else 1.0 - answer.preference
        gaps = self.searched.setdefault(new, _even(len(self.order) + 1))
        place, index = self.order.index(old), np.arange(len(gaps))
        right = (index <= place) == (better > 0.5)
        if better == 0.5:  # a tie: behind it, since the order of equals does not matter
            right = index == place + 1
        gaps = gaps * np.where(right, 1.0 - self._error_rate, self._error_rate)
        self.searched[new] = gaps / gaps.sum()
        self._answers[new] = self._answers.get(new, 0) + 1
        enough = math.ceil(math.log2(len(gaps))) + _EXTRA
        if self.searched[new].max() >= _SURE or self._answers[new] >= enough:
            self._place(new)

    def _place(self, segment: Segment) -> None:
        place = int(np.argmax(self.searched.pop(segment)))
        self.order.insert(place, segment)
        for other, gaps in self.searched.items():  # the gap that it lies in becomes two
            halves = np.insert(gaps, place, gaps[place] / 2.0)
            halves[place + 1] /= 2.0
            self.searched[other] = halves

    def opponents(self, segment: Segment) -> list[Segment]:
        """The ranked clips, in the order in which they narrow down a clip's place, the best first.

        :param segment: a clip that is not ranked.
        """
        gaps = self.searched.get(segment, _even(len(self.order) + 1))
        above = np.cumsum(gaps)[:-1]  # P(the clip is better than each of them)
        return [self.order[i] for i in np.argsort(np.abs(above - 0.5), kind="stable")]


def _even(n: int) -> FloatArray:
    return np.full(n, 1.0 / n)


class InsertionRanking(RandomPairs):
    """Places one segment of the pool after the other in a ranking of all that were placed."""

    name = "ranking"
    DEFAULTS: Mapping[str, Any] = {**RandomPairs.DEFAULTS, "error_rate": 0.1}

    def __init__(
        self, transitions: Transitions, segment_length: int, seed: int, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(transitions, segment_length, seed, settings)
        self._rows = {segment: row for row, segment in enumerate(self._pool)}

    def ranking(self, answered: Sequence[Answer]) -> Ranking:
        """
        :param answered: the answers, in the order in which they were given.
        :return: the ranking that they lead to.
        """
        found = Ranking(self._pool[0], float(self.parameters["error_rate"]))
        for answer in answered:
            found.add(answer)
        return found

    def _choose(
        self,
        n: int,
        answered: Sequence[Answer],
        asked: set[tuple[Segment, Segment]],
        random: np.random.Generator,
    ) -> IntArray:
        ranking = self.ranking(answered)
        done = {(a.first, a.second) for a in answered if a.second is not None}
        done |= {(second, first) for first, second in done}
        waiting = {segment for pair in asked - done for segment in pair}
        seen = {segment for pair in asked for segment in pair} | {a.first for a in answered}
        # A clip that is searched for is asked about once at a time: the next question depends on
        # the answer.
        searched = [one for one in ranking.searched if one in self._rows and one not in waiting]
        new = [one for one in self._pool[1:] if one not in seen and one not in ranking.searched]
        rows: list[list[int]] = []
        for segment in [*searched, *new]:
            if len(rows) == n:
                break
            for other in ranking.opponents(segment):
                row = [self._rows[segment], self._rows.get(other, -1)]
                if row[1] >= 0 and not self._is_asked(row, asked):
                    rows.append(row)
                    break
        if len(rows) < n:  # all of the pool is placed or waits for an answer
            keys = {tuple(sorted((self._pool[a], self._pool[b]))) for a, b in rows}
            taken = asked | {(first, second) for first, second in keys}
            rows += self._candidates(n - len(rows), taken, random).tolist()
        return pair_rows(rows)

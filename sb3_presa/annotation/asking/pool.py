"""The pool of segments that strategies choose from, and pairs drawn from it at random."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError

IntArray: TypeAlias = npt.NDArray[np.int64]


class Pair(NamedTuple):
    """Two different segments to compare."""

    first: Segment
    second: Segment

    def key(self) -> tuple[Segment, Segment]:
        """The same for both orders of the two segments."""
        return (self.first, self.second) if self.first < self.second else (self.second, self.first)


class RandomPairs:
    """Pairs from the pool, drawn uniformly; what other strategies start from.

    :param transitions: the dataset's steps.
    :param segment_length: steps of a segment; shorter episodes are used as a whole.
    :param seed: seed of the pool and of every choice.
    :param settings: all parameters, checked.
    """

    name = "random"
    DEFAULTS: Mapping[str, Any] = {"pool_size": 2000}

    def __init__(
        self, transitions: Transitions, segment_length: int, seed: int, settings: Mapping[str, Any]
    ) -> None:
        self.parameters: Mapping[str, Any] = {
            "segment_length": segment_length,
            "seed": seed,
            **settings,
        }
        self._seed = seed
        self._transitions = transitions
        self._pool = draw_pool(transitions, segment_length, int(settings["pool_size"]), seed)

    def next_pairs(
        self, n: int, answered: Sequence[Answer], pending: Collection[Pair] = ()
    ) -> list[Pair]:
        asked = {pair.key() for pair in pending}
        asked |= {Pair(a.first, a.second).key() for a in answered if a.second is not None}
        # One random stream per state of the work: the choice does not depend on the sizes of
        # earlier batches.
        random = np.random.default_rng([self._seed, 3, len(answered), len(asked)])
        rows = self._choose(n, answered, asked, random)
        turned = random.random(len(rows)) < 0.5
        return [
            Pair(self._pool[b], self._pool[a]) if swap else Pair(self._pool[a], self._pool[b])
            for (a, b), swap in zip(rows.tolist(), turned, strict=True)
        ]

    def _choose(
        self,
        n: int,
        answered: Sequence[Answer],
        asked: set[tuple[Segment, Segment]],
        random: np.random.Generator,
    ) -> IntArray:
        """``(<= n, 2)`` rows of the pool."""
        return self._candidates(n, asked, random)

    def _candidates(
        self, n: int, asked: set[tuple[Segment, Segment]], random: np.random.Generator
    ) -> IntArray:
        """Up to ``n`` different pairs that were not asked yet, drawn uniformly."""
        size = len(self._pool)
        if size * (size - 1) // 2 <= 4 * (n + len(asked)):  # few are left: list them
            every = np.stack(np.triu_indices(size, 1), axis=1)
            left = [row for row in every.tolist() if not self._is_asked(row, asked)]
            return pair_rows([left[i] for i in random.permutation(len(left))[:n]])
        found: dict[tuple[int, int], None] = {}
        while len(found) < n:
            for a, b in random.integers(size, size=(n, 2)).tolist():
                if a != b and len(found) < n and not self._is_asked((a, b), asked):
                    found[min(a, b), max(a, b)] = None
        return pair_rows(list(found))

    def _is_asked(self, row: Sequence[int], asked: set[tuple[Segment, Segment]]) -> bool:
        return bool(asked) and Pair(self._pool[row[0]], self._pool[row[1]]).key() in asked


def draw_pool(transitions: Transitions, segment_length: int, size: int, seed: int) -> list[Segment]:
    """Different segments, drawn uniformly over episodes, then over starts.

    :param transitions: the dataset's steps.
    :param segment_length: steps of each; shorter episodes are used as a whole.
    :param size: number of segments; fewer are returned if the dataset has fewer.
    :param seed: an integer >= 0.
    :return: the segments.
    :raises ConfigError: if the dataset has fewer than two segments.
    """
    random = np.random.default_rng([seed, 0])
    steps = np.minimum(transitions.episode_lengths, segment_length)
    starts = transitions.episode_lengths - steps + 1
    pool: dict[Segment, None] = {}
    if int(starts.sum()) <= size:  # all there are
        for episode, count, length in zip(transitions.episode_ids, starts, steps, strict=True):
            pool |= {(int(episode), start, int(length)): None for start in range(int(count))}
    while len(pool) < min(size, int(starts.sum())):
        for index in random.integers(len(starts), size=size).tolist():
            start = int(random.integers(starts[index]))
            segment = (int(transitions.episode_ids[index]), start, int(steps[index]))
            if len(pool) < size:
                pool[segment] = None
    if len(pool) < 2:
        length = int(steps.max(initial=0))
        remedy = "use a shorter segment length" if length > 1 else "add episodes"
        raise ConfigError(
            f"dataset '{transitions.dataset_id}' must have at least two segments to compare, got "
            f"{len(pool)}: its only episode has {length} steps, and a clip up to {segment_length}; "
            f"{remedy}"
        )
    return list(pool)


def pair_rows(pairs: Sequence[Sequence[int]]) -> IntArray:
    """``(N, 2)`` rows of the pool.

    :param pairs: N pairs of rows; may be empty.
    """
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)

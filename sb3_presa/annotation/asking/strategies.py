"""Strategies for the next question: what models doubt, what nobody saw, a ranking, or at random.

::

    strategy = make_strategy("disagreement", transitions, segment_length=50, seed=0)
    pairs = strategy.next_pairs(10, store.answers())

A strategy draws a pool of segments once, and chooses pairs from it. Its choice depends only on its
parameters, the answers and the pending pairs. Torch is only needed for saved models.
"""

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.asking.insertion import InsertionRanking
from sb3_presa.annotation.asking.pool import IntArray, Pair, RandomPairs, pair_rows
from sb3_presa.annotation.asking.quick_models import (
    LogisticEnsemble,
    SegmentFeatures,
    fit_preferences,
    fit_safety,
    with_offset,
)
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError

FloatArray: TypeAlias = npt.NDArray[np.float64]


class Strategy(Protocol):
    """Chooses the pairs that people are asked about."""

    @property
    def name(self) -> str:
        """One of :data:`STRATEGIES`."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """All settings as JSON values; they are recorded with each answer."""

    def next_pairs(
        self, n: int, answered: Sequence[Answer], pending: Collection[Pair] = ()
    ) -> list[Pair]:
        """Choose pairs to ask about.

        :param n: number of pairs, at least 0. Fewer are returned when the pool is used up.
        :param answered: the answers of all people on this dataset; skipped pairs count as asked.
        :param pending: pairs that were handed out and have no answer yet.
        :return: different pairs, the most informative first, none of them in ``answered`` or
            ``pending`` in either order. The order of the two segments is drawn at random.
        """


def make_strategy(
    name: str,
    data: Transitions | DatasetLike,
    segment_length: int,
    seed: int = 0,
    **parameters: Any,
) -> Strategy:
    """Make a strategy by its name.

    :param name: one of :data:`STRATEGIES`.
    :param data: the dataset, or its transitions.
    :param segment_length: steps of a segment, at least 1; shorter episodes are used as a whole.
    :param seed: an integer >= 0.
    :param parameters: for all strategies ``pool_size`` (2,000 segments to choose from, at least 2);
        for ``disagreement``, ``uncertainty`` and ``mixed`` also ``candidates`` (1,000 pairs to
        choose from), ``n_members`` (16 models), ``n_fourier`` (64 features) and ``prior_scale``
        (3.0); for ``disagreement`` also ``models``, paths of at least two saved PRESA models that
        replace the fitted ones; for ``ranking`` also ``error_rate`` (0.1), the share of answers
        that are taken to be wrong.
    :return: the strategy.
    :raises ConfigError: if a name or parameter is unknown, or a value is out of its range.
    :raises DatasetError: if the dataset cannot be read.
    """
    allowed = strategy_defaults(name)
    for argument, value, least in (("segment_length", segment_length, 1), ("seed", seed, 0)):
        _check_count(argument, value, least)
    for parameter in parameters:
        if parameter not in allowed:
            raise ConfigError(
                f"parameters of strategy {name!r} must be among {', '.join(allowed)}, got "
                f"{parameter!r}"
            )
    settings = {**allowed, **parameters}
    _check_settings(settings)
    transitions = data if isinstance(data, Transitions) else load_transitions(data)
    strategy: Strategy = _MAKERS[name](transitions, segment_length, seed, settings)
    return strategy


def strategy_defaults(name: str) -> Mapping[str, Any]:
    """The parameters of a strategy and their defaults.

    :param name: one of :data:`STRATEGIES`.
    :raises ConfigError: if the name is unknown.
    """
    if name not in _MAKERS:
        raise ConfigError(f"the strategy must be one of {', '.join(_MAKERS)}, got {name!r}")
    defaults: Mapping[str, Any] = _MAKERS[name].DEFAULTS
    return defaults


class _Coverage(RandomPairs):
    """Farthest first: the segments that differ most from all segments asked about."""

    name = "coverage"

    def __init__(
        self, transitions: Transitions, segment_length: int, seed: int, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(transitions, segment_length, seed, settings)
        self._describe = SegmentFeatures(transitions, self._pool, n_fourier=0)
        self._features = self._describe.linear(self._pool)

    def _choose(
        self,
        n: int,
        answered: Sequence[Answer],
        asked: set[tuple[Segment, Segment]],
        random: np.random.Generator,
    ) -> IntArray:
        seen = {segment for pair in asked for segment in pair} | {a.first for a in answered}
        distance = np.full(len(self._pool), np.inf)
        for centre in self._describe.linear(sorted(seen)):
            distance = np.minimum(distance, self._distances(centre))
        rows: list[list[int]] = []
        taken = set(asked)
        while len(rows) < n:
            pair: list[int] = []
            for _ in range(2):
                if np.isinf(distance).all():  # no segment was asked about yet
                    farthest = int(random.integers(len(self._pool)))
                else:
                    farthest = int(np.argmax(distance))
                pair.append(farthest)
                distance = np.minimum(distance, self._distances(self._features[farthest]))
            if pair[0] == pair[1] or self._is_asked(pair, taken):  # all segments were shown
                return pair_rows([*rows, *self._candidates(n - len(rows), taken, random).tolist()])
            taken.add(Pair(self._pool[pair[0]], self._pool[pair[1]]).key())
            rows.append(pair)
        return pair_rows(rows)

    def _distances(self, centre: FloatArray) -> FloatArray:
        return np.asarray(np.sum((self._features - centre) ** 2, axis=1))


class _Modelled(RandomPairs):
    """The candidates with the highest score under a model of the answers."""

    DEFAULTS: Mapping[str, Any] = {
        "pool_size": 2000,
        "candidates": 1000,
        "n_members": 16,
        "n_fourier": 64,
        "prior_scale": 3.0,
    }

    def __init__(
        self, transitions: Transitions, segment_length: int, seed: int, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(transitions, segment_length, seed, settings)
        self._describe = SegmentFeatures(
            transitions, self._pool, int(settings["n_fourier"]), seed=seed
        )
        self._features = self._describe(self._pool)

    def _choose(
        self,
        n: int,
        answered: Sequence[Answer],
        asked: set[tuple[Segment, Segment]],
        random: np.random.Generator,
    ) -> IntArray:
        wanted = max(n, int(self.parameters["candidates"]))
        rows = self._candidates(wanted, asked, random)
        return rows[self._pick(n, rows, answered)[:n]] if len(rows) else rows

    def _pick(self, n: int, rows: IntArray, answered: Sequence[Answer]) -> IntArray:
        """The row numbers of the best ``n`` candidates, best first."""
        raise NotImplementedError

    def _ensemble(self) -> LogisticEnsemble:
        return LogisticEnsemble(
            int(self.parameters["n_members"]), float(self.parameters["prior_scale"]), self._seed
        )


class _Disagreement(_Modelled):
    """Pairs with the largest disagreement of an ensemble about the preference."""

    name = "disagreement"
    DEFAULTS: Mapping[str, Any] = {**_Modelled.DEFAULTS, "models": ()}

    def __init__(
        self, transitions: Transitions, segment_length: int, seed: int, settings: Mapping[str, Any]
    ) -> None:
        paths = [str(path) for path in settings["models"]]
        super().__init__(transitions, segment_length, seed, {**settings, "models": paths})
        self._utilities: FloatArray | None = None
        if paths:
            from sb3_presa.annotation.asking.model_utilities import segment_utilities

            self._utilities = segment_utilities(paths, transitions, self._pool)

    def _pick(self, n: int, rows: IntArray, answered: Sequence[Answer]) -> IntArray:
        if self._utilities is not None:
            logits = self._utilities[rows[:, 0]] - self._utilities[rows[:, 1]]
            opinions = 0.5 * (1.0 + np.tanh(0.5 * logits))
        else:
            ensemble = fit_preferences(self._describe, answered, self._ensemble())
            differences = self._features[rows[:, 0]] - self._features[rows[:, 1]]
            opinions = ensemble.probabilities(differences)
        return _most_disagreed(opinions, n)


class _Uncertainty(_Modelled):
    """Pairs whose two segments are predicted to be safe with a probability near 0.5."""

    name = "uncertainty"

    def _pick(self, n: int, rows: IntArray, answered: Sequence[Answer]) -> IntArray:
        ensemble = fit_safety(self._describe, answered, self._ensemble())
        p_safe = ensemble.probabilities(with_offset(self._features)).mean(axis=1)
        unclear = p_safe * (1.0 - p_safe)
        left, used = unclear[rows].sum(axis=1), np.zeros(len(self._pool), dtype=bool)
        picked: list[int] = []
        for row in np.argsort(-left, kind="stable").tolist():
            # Each segment is used once per batch, as far as possible.
            if len(picked) < n and not used[rows[row]].any():
                picked.append(row)
                used[rows[row]] = True
        rest = [row for row in np.argsort(-left, kind="stable").tolist() if row not in set(picked)]
        return np.asarray([*picked, *rest][:n], dtype=np.int64)


class _Mixed(_Modelled):
    """Pairs of ``disagreement`` and pairs of ``uncertainty`` in turn: both kinds of label."""

    name = "mixed"

    def __init__(
        self, transitions: Transitions, segment_length: int, seed: int, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(transitions, segment_length, seed, settings)
        of_models = {**settings, "models": ()}
        self._kinds = (
            _Disagreement(transitions, segment_length, seed, of_models),
            _Uncertainty(transitions, segment_length, seed, settings),
        )

    def _pick(self, n: int, rows: IntArray, answered: Sequence[Answer]) -> IntArray:
        doubted, unclear = (kind._pick(n, rows, answered) for kind in self._kinds)
        # Where one pair is asked at a time, every other answer is of the other kind
        both = (doubted, unclear) if len(answered) % 2 == 0 else (unclear, doubted)
        turns = np.stack(both, axis=1).ravel().tolist()
        return np.asarray(list(dict.fromkeys(turns)), dtype=np.int64)


def _most_disagreed(opinions: FloatArray, n: int) -> IntArray:
    """Rows in which the columns differ most, without redundant rows.

    After a row is chosen, its direction is removed from the others (Gram-Schmidt across the
    members, with some noise in every answer). Otherwise a batch would repeat one question in many
    forms.

    :param opinions: ``(N, members)``, probabilities.
    :param n: number of rows.
    :return: ``(min(n, N),)`` rows, the largest disagreement first.
    """
    left = opinions - opinions.mean(axis=1, keepdims=True)
    noise = 1e-2 * opinions.shape[1]
    free = np.ones(len(left), dtype=bool)
    picked: list[int] = []
    for _ in range(min(n, len(left))):
        spread = np.where(free, np.sum(left**2, axis=1), -1.0)
        best = int(np.argmax(spread))
        picked.append(best)
        free[best] = False
        direction = left[best].copy()
        left -= np.outer(left @ direction / (spread[best] + noise), direction)
    return np.asarray(picked, dtype=np.int64)


def _check_settings(settings: Mapping[str, Any]) -> None:
    least = {"pool_size": 2, "candidates": 1, "n_members": 2, "n_fourier": 0}
    for name in least.keys() & settings.keys():
        _check_count(name, settings[name], least[name])
    scale = settings.get("prior_scale", 1.0)
    if not isinstance(scale, int | float) or not 0 < scale < np.inf:
        raise ConfigError(f"`prior_scale` must be a number greater than 0, got {scale!r}")
    error_rate = settings.get("error_rate", 0.1)
    if not isinstance(error_rate, int | float) or not 0 < error_rate < 0.5:
        raise ConfigError(f"`error_rate` must be a number in (0, 0.5), got {error_rate!r}")
    models = settings.get("models", ())
    if (
        isinstance(models, str)
        or not isinstance(models, Sequence)
        or len(models) == 1
        or not all(isinstance(path, str | PathLike) for path in models)
    ):
        raise ConfigError(
            f"`models` must be empty or the paths of at least two saved models, got {models!r}"
        )


def _check_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ConfigError(f"`{name}` must be an integer >= {least}, got {value!r}")


_MAKERS: Mapping[str, Any] = {
    kind.name: kind
    for kind in (RandomPairs, _Disagreement, _Uncertainty, _Mixed, _Coverage, InsertionRanking)
}

#: The names of the strategies.
STRATEGIES = tuple(_MAKERS)

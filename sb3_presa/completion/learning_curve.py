"""Accuracy on labels that models have not seen against the number of labels: are there enough?

The models are fitted on shares of the labels, and asked about all labels of episodes that they have
not seen: the points of a curve differ in the models only. A curve a - b / n^p is fitted to each
resampling of the episodes, with p drawn from a few exponents. What more labels would bring is said
with the interval that this gives, at most as far as twice the labels there are.
"""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.accuracy import Accuracy, balanced_share_right, share_right
from sb3_presa.completion.cross_fit import fit_ensemble
from sb3_presa.completion.features import Floats
from sb3_presa.completion.fitting import arrays_of
from sb3_presa.completion.label_arrays import Labels, Parts
from sb3_presa.completion.label_models import SafetyModel
from sb3_presa.completion.parts import parts_of
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback

#: Shares of the labels that models are fitted on, and how often each is drawn.
_SHARES: Final = ((0.25, 2), (0.5, 2), (0.75, 1), (1.0, 1))
#: Fewer labels of a kind say nothing of more of them.
FEWEST: Final = 40
#: Labels of fewer episodes are resampled one by one.
_FEWEST_EPISODES: Final = 10
_EXPONENTS: Final = (0.3, 0.5, 1.0)
_RESAMPLINGS: Final = 600
#: A gain below one label in a hundred is not worth the work.
_WORTH: Final = 0.01

Kind = Literal["preference", "safety"]
KINDS: Final[tuple[Kind, ...]] = ("preference", "safety")


@dataclass(frozen=True)
class Point:
    """
    A point of the curve.

    :param share: share of the labels that the models were fitted on
    :param answers: as many answers
    :param accuracy: on labels of episodes that the models have not seen
    """

    share: float
    answers: int
    accuracy: Accuracy


@dataclass(frozen=True)
class Forecast:
    """
    The gain in accuracy that more answers would bring.

    :param more: further answers
    :param gain: expected gain in accuracy
    :param low: lower end of its 90% interval
    :param high: upper end
    """

    more: int
    gain: float
    low: float
    high: float

    @property
    def verdict(self) -> Literal["more", "enough", "unknown"]:
        """:return: whether more answers help, are not worth the work, or neither is known"""
        if self.high < _WORTH:
            return "enough"
        return "more" if self.low > 0.0 and self.gain >= _WORTH else "unknown"


@dataclass(frozen=True)
class Curve:
    """
    The curve of one kind of label.

    :param kind: preferences, or safety with both labels weighed alike
    :param points: from few labels to all of them
    :param forecast: of as many answers again; ``None`` where there are too few labels to know
    """

    kind: Kind
    points: tuple[Point, ...]
    forecast: Forecast | None

    def as_dict(self) -> dict[str, Any]:
        """:return: the curve as JSON values"""
        verdict = "unknown" if self.forecast is None else self.forecast.verdict
        return {**asdict(self), "verdict": verdict, "sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """:return: the curve in words"""
        forecast = self.forecast
        if forecast is None:
            return "Too few labels to say what more answers would bring."
        low, high = 100 * max(0.0, forecast.low), 100 * forecast.high
        if forecast.verdict == "enough":
            return f"About {forecast.more} more answers would bring less than {high:.1f} points."
        if forecast.verdict == "unknown":
            return "It is not known yet what more answers would bring."
        return (
            f"About {forecast.more} more answers would bring {100 * forecast.gain:.1f} points "
            f"(90% interval {low:.1f} to {high:.1f})."
        )


def learning_curve(
    transitions: Transitions,
    feedback: Feedback,
    answers: int,
    *,
    seed: int = 0,
    core_share: float = 1.0,
) -> tuple[Curve, ...]:
    """
    :param transitions: the data
    :param feedback: labels on them
    :param answers: how many answers the labels are from
    :param seed: seed of the draws
    :param core_share: largest share of a processor, in (0, 1]; the function sleeps for the rest
    :return: a curve of each kind of label that there is
    """
    labels = arrays_of(feedback.align(transitions), transitions)
    generator = np.random.default_rng([0x1C, seed])
    parts = parts_of(labels, len(transitions.episode_ids), generator)
    known = {
        "preference": labels.preferences != 0.5,
        "safety": ~np.isnan(labels.p_safe) & (labels.p_safe != 0.5),
    }
    chances: dict[Kind, list[Floats]] = {kind: [] for kind in KINDS if known[kind].any()}
    rest = _Rest(core_share)
    for share, repeats in _SHARES:
        drawn = []
        for _ in range(repeats):
            drawn.append(_unseen(transitions, labels, parts, share, generator))
            rest()
        for kind, of_shares in chances.items():
            of_shares.append(np.stack([one[kind] for one in drawn]))
    found = []
    for kind, by_share in chances.items():
        here = known[kind]
        given = (labels.p_safe if kind == "safety" else labels.preferences)[here] > 0.5
        chance = [one[:, here] for one in by_share]
        found.append(_curve(kind, chance, given, _alike(labels, kind, here), answers, generator))
    return tuple(found)


def _alike(labels: Labels, kind: Kind, here: NDArray[np.bool_]) -> NDArray[np.int64]:
    """
    The episode by which each label is of a part, see ``parts_of``: labels of one are alike. Where
    they are of a few, each label stands for itself, or resampling would call any gain certain.
    """
    if kind == "safety":
        candidates = [labels.episodes]
    else:
        pairs = labels.comparisons
        candidates = [labels.episodes[pairs.min(axis=1)], labels.episodes[pairs.max(axis=1)]]
    for episodes in candidates:
        if len(np.unique(episodes[here])) >= _FEWEST_EPISODES:
            return episodes[here]
    return np.arange(int(here.sum()))


class _Rest:
    """Sleeps after work, so that a process takes its share of a processor."""

    def __init__(self, share: float) -> None:
        self._share, self._used, self._since = share, time.process_time(), time.monotonic()

    def __call__(self) -> None:
        worked = time.process_time() - self._used
        time.sleep(max(0.0, worked / self._share - (time.monotonic() - self._since)))
        self._used, self._since = time.process_time(), time.monotonic()


def _unseen(
    transitions: Transitions,
    labels: Labels,
    parts: Parts,
    share: float,
    generator: np.random.Generator,
) -> dict[Kind, Floats]:
    """Models of a share of the labels on all labels that they have not seen."""
    compared = generator.random(len(labels.comparisons)) < share
    judged = generator.random(len(labels.p_safe)) < share
    seen = replace(
        labels,
        p_safe=np.where(judged, labels.p_safe, np.nan),
        comparisons=labels.comparisons[compared],
        preferences=labels.preferences[compared],
    )
    has_safety = bool((~np.isnan(seen.p_safe)).any())
    meanings = (SafetyModel.RATE,) if has_safety else ()
    of_seen = Parts(parts.segments, parts.comparisons[compared])
    ensemble = fit_ensemble(transitions, seen, of_seen, meanings, generator)
    found: dict[Kind, Floats] = {
        "preference": np.full(len(labels.comparisons), 0.5),
        "safety": np.full(len(labels.p_safe), 0.5),
    }
    if ensemble.rewards is not None:
        found["preference"] = ensemble.unseen_preferences(labels, parts)
    if has_safety:
        found["safety"] = ensemble.unseen_p_safe(labels, parts, SafetyModel.RATE)
    return found


def _curve(
    kind: Kind,
    chances: list[Floats],
    given: NDArray[np.bool_],
    episodes: NDArray[np.int64],
    answers: int,
    generator: np.random.Generator,
) -> Curve:
    right = np.stack([((chance > 0.5) == given).mean(axis=0) for chance in chances])
    points = []
    for (share, _), of_share, chance in zip(_SHARES, right, chances, strict=True):
        accuracy = share_right(of_share)
        if kind == "safety":
            accuracy = balanced_share_right(chance.mean(axis=0), given.astype(np.float64))
        points.append(Point(share, round(share * answers), accuracy))
    forecast = None
    if len(given) >= FEWEST and (kind == "preference" or min(given.sum(), (~given).sum()) >= 10):
        weights = None if kind == "preference" else given
        gains = _gains(right, weights, episodes, generator)
        low, high = np.quantile(gains, (0.05, 0.95)).tolist()
        forecast = Forecast(answers, float(np.median(gains)), low, high)
    return Curve(kind, tuple(points), forecast)


def _gains(
    right: Floats,
    given: NDArray[np.bool_] | None,
    episodes: NDArray[np.int64],
    generator: np.random.Generator,
) -> Floats:
    """
    Gains of twice the labels over all of them, by resampling whole episodes.

    :param right: how often models of each share were right about each label, (shares, n)
    :param given: the labels, to weigh both kinds alike; ``None``: every label counts as much
    :param episodes: episode of each, (n,)
    """
    places = np.unique(episodes, return_inverse=True)[1]
    n_episodes = int(places.max()) + 1
    shares = np.array([share for share, _ in _SHARES])
    # Two draws of a share are worth more than one
    draws = np.sqrt([repeats for _, repeats in _SHARES])
    gains = np.empty(_RESAMPLINGS)
    for row in range(_RESAMPLINGS):
        counts = generator.multinomial(n_episodes, np.full(n_episodes, 1.0 / n_episodes))[places]
        weights = counts.astype(np.float64)
        if given is not None:
            for kind in (given, ~given):
                weights[kind] /= max(weights[kind].sum(), 1.0)
        accuracy = right @ weights / weights.sum()
        exponent = generator.choice(_EXPONENTS)
        design = np.stack([np.ones(len(shares)), -(shares**-exponent)], axis=1)
        _, slope = np.linalg.lstsq(design * draws[:, None], accuracy * draws, rcond=None)[0]
        gains[row] = slope * (1.0 - 2.0**-exponent)
    return gains

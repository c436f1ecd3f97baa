"""Synthetic labels from recorded rewards and costs."""

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.data.datasets import dataset_horizon
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.data.transitions import Outcomes
from sb3_presa.errors import ConfigError, FeedbackError

#: Returns closer than this, relative to ``max(1, |return|)``, are a tie (rounding errors).
TIE_TOLERANCE = 1e-6
#: Tolerance above the cost limit for rounding errors, relative to ``max(1, limit)``.
COST_TOLERANCE = 1e-9


@dataclass(frozen=True)
class LabelOptions:
    """The options of :meth:`sb3_presa.feedback.table.Feedback.synthetic`, described there.

    :raises ConfigError: if an option is out of its range.
    """

    n_comparisons: int
    segment_length: int | None
    cost_limit: float
    seed: int
    flip_preferences: float
    flip_safety: float
    unlabelled_preferences: float
    unlabelled_safety: float

    def __post_init__(self) -> None:
        for name, least in (("n_comparisons", 1), ("segment_length", 1), ("seed", 0)):
            number = getattr(self, name)
            if name == "segment_length" and number is None:
                continue
            whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
            if not whole or number < least:
                raise ConfigError(f"`{name}` must be an integer >= {least}, got {number!r}")
            object.__setattr__(self, name, int(number))
        if not (np.isfinite(self.cost_limit) and self.cost_limit >= 0):
            raise ConfigError(f"`cost_limit` must be a finite number >= 0, got {self.cost_limit}")
        object.__setattr__(self, "cost_limit", float(self.cost_limit))
        shares = ("flip_preferences", "flip_safety", "unlabelled_preferences", "unlabelled_safety")
        for name in shares:
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ConfigError(f"`{name}` must be in [0, 1], got {share}")
            object.__setattr__(self, name, float(share))


def label_dataset(dataset: MinariDataset, options: LabelOptions) -> dict[str, Any]:
    """Draw segments and pairs of them, and label both.

    :param dataset: an open dataset with costs.
    :param options: the options of drawing and labelling.
    :return: keyword arguments for ``Feedback``.
    :raises DatasetError: if the dataset has no costs.
    :raises FeedbackError: if it has fewer than two different segments.
    """
    transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
    horizon = dataset_horizon(dataset)
    length = horizon if options.segment_length is None else options.segment_length
    _warn_too_long(options.segment_length, int(outcomes.episode_lengths.max()))
    # One random stream per decision, so that none shifts the draws of another.
    seeds = np.random.SeedSequence(options.seed).spawn(5)
    pairing, flip_first, flip_safe, drop_first, drop_safe = map(np.random.default_rng, seeds)

    segments, comparisons = _draw_pairs(outcomes, length, options.n_comparisons, pairing)
    returns = _segment_sums(outcomes, outcomes.rewards, segments)
    preferences = _prefer(returns[comparisons[:, 0]], returns[comparisons[:, 1]])
    flipped = flip_first.random(len(comparisons)) < options.flip_preferences
    preferences[flipped] = 1 - preferences[flipped]
    labelled = drop_first.random(len(comparisons)) >= options.unlabelled_preferences

    costs = _segment_sums(outcomes, outcomes.costs, segments)
    p_safe = judge_safety(costs, segments[:, 2], options.cost_limit, horizon)
    _warn_one_sided(p_safe, costs, options.cost_limit)
    flipped = flip_safe.random(len(segments)) < options.flip_safety
    p_safe[flipped] = 1 - p_safe[flipped]
    p_safe[drop_safe.random(len(segments)) < options.unlabelled_safety] = np.nan

    segments[:, 0] = outcomes.episode_ids[segments[:, 0]]
    by_id = transitions.hashes_by_id()
    return {
        "segments": segments,
        "p_safe": p_safe,
        "comparisons": comparisons[labelled],
        "preferences": preferences[labelled],
        "episode_hashes": {
            episode: by_id[episode] for episode in np.unique(segments[:, 0]).tolist()
        },
        "dataset_id": dataset.id,
        "provenance": _provenance(options, length, horizon),
    }


def _warn_too_long(segment_length: int | None, longest: int) -> None:
    if segment_length is not None and segment_length > longest:
        warnings.warn(
            f"`segment_length` is {segment_length}, but the longest episode has {longest} steps: "
            "all segments are whole episodes",
            stacklevel=4,
        )


def judge_safety(
    costs: npt.NDArray[np.float64],
    lengths: npt.NDArray[np.int64],
    cost_limit: float,
    horizon: int,
) -> npt.NDArray[np.float64]:
    """1 where a segment's cost is at most its share ``L / T`` of the cost limit, else 0.

    :param costs: ``(S,)`` undiscounted cost of each segment.
    :param lengths: ``(S,)`` steps L of each segment.
    :param cost_limit: cost limit of a full episode.
    :param horizon: steps T of a full episode.
    """
    share = cost_limit * lengths / horizon
    return (costs <= share + COST_TOLERANCE * max(1.0, cost_limit)).astype(np.float64)


def _draw_pairs(
    outcomes: Outcomes, length: int, n_pairs: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """``(S, 3)`` different segments, by episode INDEX, and ``(n_pairs, 2)`` rows of them."""
    lengths = np.minimum(outcomes.episode_lengths, length)
    n_starts = outcomes.episode_lengths - lengths + 1
    if n_starts.sum() < 2:
        raise FeedbackError(
            "the dataset must have at least two different segments of length "
            f"{length} to compare, got {n_starts.sum()}; use a shorter `segment_length` or a "
            "dataset with more episodes"
        )

    def draw(count: int) -> npt.NDArray[np.int64]:
        episodes = random.integers(len(n_starts), size=count)
        return np.stack([episodes, random.integers(n_starts[episodes])], axis=1)

    first, second = draw(n_pairs), draw(n_pairs)
    while (same := (first == second).all(axis=1)).any():
        second[same] = draw(int(same.sum()))
    drawn = np.concatenate([first, second])
    # One number per segment sorts many times faster than rows.
    keys, index = np.unique(drawn[:, 0] * n_starts.max() + drawn[:, 1], return_inverse=True)
    episodes, starts = np.divmod(keys, n_starts.max())
    segments = np.column_stack([episodes, starts, lengths[episodes]])
    return segments, index.reshape(2, n_pairs).T


def _segment_sums(
    outcomes: Outcomes, values: npt.NDArray[np.float64], segments: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Sum of ``values`` over each segment, by running sums that restart in each episode."""
    starts = outcomes.episode_starts
    running = np.zeros(len(values) + len(starts))
    offsets = starts + np.arange(len(starts))  # a zero in front of each episode
    for start, length, offset in zip(starts, outcomes.episode_lengths, offsets, strict=True):
        np.cumsum(values[start : start + length], out=running[offset + 1 : offset + 1 + length])
    first = offsets[segments[:, 0]] + segments[:, 1]
    return np.asarray(running[first + segments[:, 2]] - running[first])


def _prefer(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    size = np.maximum(1.0, np.maximum(np.abs(first), np.abs(second)))
    tie = np.abs(first - second) <= TIE_TOLERANCE * size
    return np.where(tie, 0.5, first > second)


def _warn_one_sided(
    p_safe: npt.NDArray[np.float64], costs: npt.NDArray[np.float64], cost_limit: float
) -> None:
    for label, word in ((1.0, "safe"), (0.0, "unsafe")):
        if (p_safe == label).all():
            warnings.warn(
                f"all {len(p_safe)} segments are {word} at cost limit {cost_limit} (their costs "
                f"are {costs.min():g} to {costs.max():g}): a safety constraint cannot be learnt "
                "from these labels; choose another cost limit",
                UserWarning,
                stacklevel=4,
            )


def _provenance(options: LabelOptions, length: int, horizon: int) -> dict[str, Any]:
    return {
        "source": "synthetic",
        "rule": "prefer the higher undiscounted return; safe iff cost <= cost_limit * L / T",
        **asdict(options),
        "segment_length": length,
        "horizon": horizon,
        "tie_tolerance": TIE_TOLERANCE,
        "numpy": np.__version__,
    }

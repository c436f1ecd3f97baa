"""The weight of each transition in cloning, by the labels of the segments that hold it."""

import warnings

import torch as th

from sb3_presa.learning.source import SegmentLabels

#: Segments at a time: a copy of a million labels would cost as much as they do.
_CHUNK = 65_536


def cloning_weights(
    labels: SegmentLabels, held_out: SegmentLabels, n: int, least: float, clone_winners: bool
) -> th.Tensor | None:
    """
    The weight of each transition in cloning: at least ``least``, and more as far as labels call it
    safe and, if wanted, as it won its comparisons.

    :param labels: labels to train on
    :param held_out: more labels on the same transitions, which are not to be known
    :param n: transitions in all
    :param least: least weight in [0, 1]
    :param clone_winners: whether winning counts
    :return: weights, float64, (n,); ``None`` for all alike
    """
    if least == 1.0:
        return None
    acceptable = share_acceptable(labels, n, held_out)
    shares = [2.0 * acceptable * share_won(labels, n)] if clone_winners else []
    for share in [*shares, acceptable]:  # all that is safe, where nothing safe ever won
        if bool((share > 0.0).any()):
            return least + (1.0 - least) * share
    warnings.warn(
        "every transition is in segments that are labelled unsafe: behaviour cloning falls back to "
        "cloning all transitions",
        stacklevel=4,
    )
    return None


def in_better_half(labels: SegmentLabels, n: int) -> th.Tensor:
    """
    Of completed labels, the segments that are imitated, or whose beginnings are: these begin where
    another segment does.

    :param labels: completed labels
    :param n: transitions in all
    :return: whether each transition is in one of them, (n,) bool
    """
    assert labels.weights is not None
    imitated = (labels.weights.reshape(len(labels.starts), -1) > 0.0).any(1)
    _, which, n_segments = labels.starts.unique(return_inverse=True, return_counts=True)
    better = imitated | (n_segments[which] > 1)
    _, n_better = _covering(labels.starts, labels.lengths, better.double(), n)
    return n_better > 0.0


def share_acceptable(labels: SegmentLabels, n: int, held_out: SegmentLabels) -> th.Tensor:
    """
    The mean P(safe) of the labelled segments that a transition is in. Where there is none, nobody
    has called it unsafe: it counts as acceptable, unless somebody was asked, and the answer is
    held out.

    :param labels: labels to train on
    :param n: transitions in all
    :param held_out: more labels on the same transitions, which are not to be known
    :return: shares in [0, 1], (n,) float64
    """
    n_held_out, _ = _covering(held_out.starts, held_out.lengths, held_out.p_safe, n)
    unasked = (n_held_out == 0).double()
    return _mean_covering(labels.starts, labels.lengths, labels.p_safe, n, unasked)


def share_won(labels: SegmentLabels, n: int) -> th.Tensor:
    """
    The share that they won of the comparisons of the segments that a transition is in; a tie is
    half won. Where there is none, it counts as half.

    :param labels: labels to train on
    :param n: transitions in all
    :return: shares in [0, 1], (n,) float64
    """
    compared = labels.pairs.flatten()
    half = th.full((n,), 0.5, dtype=th.double, device=compared.device)
    starts, lengths = labels.starts[compared], labels.lengths[compared]
    return _mean_covering(starts, lengths, labels.won.flatten(), n, half)


def _mean_covering(
    starts: th.Tensor, lengths: th.Tensor, values: th.Tensor, n: int, otherwise: th.Tensor
) -> th.Tensor:
    """Mean value of the segments that hold each transition, or what it is otherwise, (n,)."""
    n_values, total = _covering(starts, lengths, values, n)
    # Running sums of values that are no whole numbers come back to 0 but for rounding
    mean = (total / n_values.clamp_min(1.0)).clamp(0.0, 1.0).round(decimals=9)
    return th.where(n_values > 0, mean, otherwise)


def _covering(
    starts: th.Tensor, lengths: th.Tensor, values: th.Tensor, n: int
) -> tuple[th.Tensor, th.Tensor]:
    """Number of the values (NaN is none) that hold each transition, and their sum, (n,) each."""
    # What changes from one transition to the next, then summed up
    changes = th.zeros((2, n + 1), dtype=th.double, device=starts.device)
    for begins, steps, value in zip(
        starts.split(_CHUNK), lengths.split(_CHUNK), values.split(_CHUNK), strict=True
    ):
        known = ~value.isnan()
        begin, end, some = begins[known], (begins + steps)[known], value[known].double()
        some = th.stack([th.ones_like(some), some])
        changes.index_add_(1, begin, some).index_add_(1, end, some, alpha=-1)
    n_values, total = changes.cumsum(1)[:, :-1]
    return n_values, total

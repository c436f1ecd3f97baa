"""How far each transition is acceptable, by the safety labels of the segments that hold it."""

import torch as th

from sb3_presa.common.segment_buffer import SegmentLabels

#: Segments at a time: a copy of a million labels would cost as much as they do.
_CHUNK = 65_536


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
    n_labels, total = _covering(labels, n)
    n_held_out, _ = _covering(held_out, n)
    unasked = (n_held_out == 0).double()
    # Running sums of labels that are no whole numbers come back to 0 but for rounding
    mean = (total / n_labels.clamp_min(1.0)).clamp(0.0, 1.0).round(decimals=9)
    return th.where(n_labels > 0, mean, unasked)


def _covering(labels: SegmentLabels, n: int) -> tuple[th.Tensor, th.Tensor]:
    """Number of the safety labels that hold each transition, and their sum, (n,) each."""
    # What changes from one transition to the next, then summed up
    changes = th.zeros((2, n + 1), dtype=th.double, device=labels.starts.device)
    for starts, lengths, p_safe in zip(
        labels.starts.split(_CHUNK),
        labels.lengths.split(_CHUNK),
        labels.p_safe.split(_CHUNK),
        strict=True,
    ):
        labelled = ~p_safe.isnan()
        begins, ends = starts[labelled], (starts + lengths)[labelled]
        values = p_safe[labelled].double()
        values = th.stack([th.ones_like(values), values])
        changes.index_add_(1, begins, values).index_add_(1, ends, values, alpha=-1)
    n_labels, total = changes.cumsum(1)[:, :-1]
    return n_labels, total

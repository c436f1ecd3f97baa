"""How far each transition is acceptable, by the safety labels of the segments that hold it."""

import torch as th

from sb3_presa.common.segment_buffer import SegmentLabels


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
    labelled = ~labels.p_safe.isnan()
    starts, p_safe = labels.starts[labelled], labels.p_safe[labelled].double()
    ends = starts + labels.lengths[labelled]
    return _running(th.ones_like(p_safe), starts, ends, n), _running(p_safe, starts, ends, n)


def _running(values: th.Tensor, starts: th.Tensor, ends: th.Tensor, n: int) -> th.Tensor:
    change = values.new_zeros(n + 1).index_add_(0, starts, values).index_add_(0, ends, -values)
    return change.cumsum(0)[:-1]

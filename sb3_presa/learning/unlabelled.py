"""Stretches of the data that no label covers, as segments without labels."""

from dataclasses import replace

import numpy as np
import torch as th
from numpy.typing import NDArray

from sb3_presa.learning.source import SegmentLabels, two_by_two


def add_unlabelled(
    labels: SegmentLabels,
    episode_starts: NDArray[np.int64],
    n: int,
    held_out: SegmentLabels | None = None,
) -> SegmentLabels:
    """
    Adds segments without labels, two by two, that cover what no label does: each transition once,
    in stretches no longer than the longest segment, none across the end of an episode.

    :param labels: the labels
    :param episode_starts: row of the first transition of each episode, (E,)
    :param n: transitions in all
    :param held_out: more labels, on the same transitions, that cover them but are not trained on
    :return: the labels, and after them the pairs without any; the same labels if they cover all
    """
    covered = _labelled(labels)
    if covered.size == 0:
        return labels
    if held_out is not None:
        covered = np.concatenate([covered, _labelled(held_out)], axis=1)
    starts, ends = covered
    stretches = _uncovered(starts, ends, episode_starts, n, labels.max_length)
    if len(stretches) == 0:
        return labels
    device, first = labels.starts.device, len(labels.starts)
    pairs = two_by_two(np.arange(first, first + len(stretches)))
    nothing = th.full((len(stretches),), th.nan, device=device)
    lengths = stretches[:, 1] - stretches[:, 0]
    return replace(
        labels,
        starts=th.cat([labels.starts, th.as_tensor(stretches[:, 0], device=device)]),
        lengths=th.cat([labels.lengths, th.tensor(lengths, dtype=th.int32, device=device)]),
        p_safe=th.cat([labels.p_safe, nothing]),
        pairs=th.cat([labels.pairs, th.as_tensor(pairs, device=device)]),
        preferences=th.cat([labels.preferences, nothing[: len(pairs)]]),
        usable=_with(labels.usable, len(pairs), False),
        unlabelled=_with(labels.unlabelled, len(pairs), True),
        unlabelled_share=float(lengths.sum()) / n,
    )


def _with(flags: th.Tensor, n: int, value: bool) -> th.Tensor:
    return th.cat([flags, th.full((n,), value, device=flags.device)])


def _labelled(labels: SegmentLabels) -> NDArray[np.int64]:
    """First and last row, the last excluded, of each segment that has a label, (2, S)."""
    rows = labels.pairs[labels.has_label].unique()
    starts = labels.starts[rows]
    return th.stack([starts, starts + labels.lengths[rows]]).cpu().numpy()


def _uncovered(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    episode_starts: NDArray[np.int64],
    n: int,
    max_length: int,
) -> NDArray[np.int64]:
    """Rows [start, end) of the stretches that no segment covers, (U, 2)."""
    change = np.zeros(n + 1, dtype=np.int64)
    np.add.at(change, starts, 1)
    np.add.at(change, ends, -1)
    free = np.append(change.cumsum()[:-1] == 0, False)
    is_first = np.zeros(n + 1, dtype=bool)
    is_first[episode_starts] = True
    was_free = np.roll(free, 1)  # of the row before; the last one never is
    begins = np.flatnonzero(free & (is_first | ~was_free))
    stops = np.flatnonzero(was_free & (is_first | ~free))
    found = [np.zeros((0, 2), dtype=np.int64)]
    for begin, stop in zip(begins, stops, strict=True):
        cuts = np.arange(begin, stop, max_length)
        found.append(np.stack([cuts, np.append(cuts[1:], stop)], axis=1))
    return np.concatenate(found)

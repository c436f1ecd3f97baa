"""The parts of the labels: each model of an ensemble has not seen one of them."""

from typing import Final

import numpy as np

from sb3_presa.completion.label_arrays import Integers, Labels, Parts

N_FOLDS: Final = 4
#: A part with a larger share of the comparisons leaves too few to learn from.
_LOPSIDED: Final = 0.75


def parts_of(labels: Labels, n_episodes: int, generator: np.random.Generator) -> Parts:
    """
    Parts by episode: no model is asked about an episode whose safety labels it has seen. A
    comparison is of the part of the episode of its lower row, so that one which was made twice is
    of one part. Where nearly all of them would be of one part, as when one clip is compared with
    all others, it is of that of its higher row, if these differ more.

    Where all labels are on one episode, the parts are stretches of it.

    :param labels: the labels
    :param n_episodes: episodes of the data
    :param generator: source of randomness
    :return: the parts
    """
    of_episode = generator.permutation(n_episodes) % N_FOLDS
    judged = np.flatnonzero(~np.isnan(labels.p_safe))
    segments = _spread(of_episode, labels, judged, generator)
    compared = _spread(of_episode, labels, np.unique(labels.comparisons), generator)
    none = len(labels.starts)
    by_lower = compared[labels.comparisons.min(axis=1, initial=none)]
    if _largest_share(by_lower) > _LOPSIDED:
        by_higher = compared[labels.comparisons.max(axis=1, initial=0)]
        by_lower = min(by_lower, by_higher, key=_largest_share)
    return Parts(segments, by_lower)


def _spread(
    of_episode: Integers, labels: Labels, rows: Integers, generator: np.random.Generator
) -> Integers:
    """The part of each segment; those of the rows that count are never all of one part."""
    parts = of_episode[labels.episodes]
    if len(rows) == 0 or are_apart(parts[rows]):
        return parts
    episodes = np.unique(labels.episodes[rows])
    if len(episodes) > 1:
        of_episode = of_episode.copy()
        of_episode[episodes] = generator.permutation(len(episodes)) % N_FOLDS
        return of_episode[labels.episodes]
    in_time = rows[np.argsort(labels.starts[rows], kind="stable")]
    parts[in_time] = np.arange(len(rows)) * N_FOLDS // len(rows)
    return parts


def _largest_share(part_of: Integers) -> float:
    return float(np.bincount(part_of).max() / len(part_of)) if len(part_of) else 0.0


def are_apart(part_of: Integers) -> bool:
    """
    :param part_of: part of each label, (n,)
    :return: whether there are models that have not seen a label, but others: labels of one part
        are seen by all models that have seen any
    """
    return len(np.unique(part_of)) > 1

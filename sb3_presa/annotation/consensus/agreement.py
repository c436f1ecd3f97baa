"""How far people agree with each other, and with themselves.

Votes are counted, not answers: of a person who was asked the same twice, the last word is a vote.
A pair's votes are turned into one order of its two segments, so that it does not matter on which
side a clip was shown.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from sb3_presa.annotation.answers.answer import Answer, Segment

#: item -> annotator -> label. An item is a pair of segments, or one segment.
Votes: TypeAlias = Mapping[Any, Mapping[str, float]]


def preference_votes(answers: Iterable[Answer]) -> dict[tuple[Segment, Segment], dict[str, float]]:
    """Who preferred what: of each person, the last answer on each pair.

    :param answers: in the order in which they were given; skipped pairs do not count.
    :return: for each pair, smaller segment first: annotator to P(first is preferred).
    """
    votes: dict[tuple[Segment, Segment], dict[str, float]] = defaultdict(dict)
    for answer in answers:
        ordered = answer.canonical()
        if ordered.second is not None and ordered.preference is not None:
            votes[ordered.first, ordered.second][ordered.annotator] = ordered.preference
    return dict(votes)


def safety_votes(answers: Iterable[Answer]) -> dict[Segment, dict[str, float]]:
    """Who called what safe: of each person, the last answer on each segment.

    :param answers: in the order in which they were given; where a person could not tell does not
        count.
    :return: for each segment: annotator to 1 (safe) or 0.
    """
    votes: dict[Segment, dict[str, float]] = defaultdict(dict)
    for answer in answers:
        if answer.safe_first is not None:
            votes[answer.first][answer.annotator] = answer.safe_first
        if answer.second is not None and answer.safe_second is not None:
            votes[answer.second][answer.annotator] = answer.safe_second
    return dict(votes)


def percent_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """The share of items on which two raters say the same.

    :param first: the labels of one.
    :param second: the labels of the other, on the same items.
    :return: in [0, 1]; None without items.
    """
    if not first:
        return None
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    r"""Cohen's (1960) agreement of two raters beyond chance, :math:`(p_o - p_e) / (1 - p_e)`.

    :param first: the labels of one.
    :param second: the labels of the other, on the same items.
    :return: at most 1, 0 at the level of chance; None without items, or where both gave every item
        the same label, so that there is no chance to go beyond.
    """
    observed = percent_agreement(first, second)
    if observed is None:
        return None
    left, right = Counter(first), Counter(second)
    expected = sum(left[label] * right[label] for label in left) / len(first) ** 2
    return None if expected == 1.0 else (observed - expected) / (1.0 - expected)


def krippendorffs_alpha(votes: Votes) -> float | None:
    r"""Krippendorff's alpha for nominal labels: any number of raters, gaps allowed.

    With :math:`o_{ck}` the coincidences of labels c and k (each pair of labels that an item got
    from two raters, divided by its number of raters less one), :math:`n_c` their sums and n the
    number of labels that can be paired,
    :math:`\alpha = 1 - (n - 1) \sum_{c \ne k} o_{ck} / \sum_{c \ne k} n_c n_k`.

    :param votes: the labels; items with one rater do not count.
    :return: at most 1, 0 at the level of chance; None where no item has two raters, or all labels
        are the same.
    """
    disagreed, totals = 0.0, Counter[float]()
    for labels in votes.values():
        raters = len(labels)
        if raters < 2:
            continue
        counts = Counter(labels.values())
        disagreed += sum(n * (raters - n) for n in counts.values()) / (raters - 1)
        totals.update(counts)
    n = sum(totals.values())
    expected = sum(count * (n - count) for count in totals.values())
    return None if expected == 0 else 1.0 - (n - 1) * disagreed / expected


def intransitive_triples(preferences: Mapping[tuple[Segment, Segment], float]) -> tuple[int, int]:
    """Circular triads (Kendall and Babington Smith): A before B, B before C, and C before A.

    :param preferences: for each pair, P(its first segment is preferred); a pair at 0.5 is a tie
        and takes part in no triad.
    :return: triads that are circular, and all triads of which each pair has a winner.
    """
    beats: dict[Segment, set[Segment]] = defaultdict(set)
    for (first, second), preference in preferences.items():
        if preference != 0.5:
            winner, loser = (first, second) if preference > 0.5 else (second, first)
            beats[winner].add(loser)
    losers_to: dict[Segment, set[Segment]] = defaultdict(set)
    for winner, losers in beats.items():
        for loser in losers:
            losers_to[loser].add(winner)
    # Each circle is met once from each of its three edges; each transitive triad once only, from
    # the edge between its best and its worst.
    circles = transitive = 0
    for winner, losers in list(beats.items()):
        for loser in losers:
            circles += len(beats.get(loser, set()) & losers_to.get(winner, set()))
            transitive += len(losers & losers_to[loser])
    return circles // 3, circles // 3 + transitive


@dataclass(frozen=True)
class PairAgreement:
    """How far two people agree, on the items that both judged.

    :param first: one person.
    :param second: the other.
    :param items: how many both judged.
    :param agreement: share on which they say the same; None without items.
    :param kappa: Cohen's; None where it is not defined.
    """

    first: str
    second: str
    items: int
    agreement: float | None
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """How far all agree on one kind of label.

    :param items: what anybody judged.
    :param shared: what at least two judged.
    :param agreement: share of all pairs of votes on the same item that say the same.
    :param alpha: Krippendorff's, nominal; None where it is not defined.
    :param pairs: of each two people who judged anything in common.
    """

    items: int
    shared: int
    agreement: float | None
    alpha: float | None
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True)
class AnnotatorSummary:
    """What one person did.

    :param annotator: who.
    :param answers: how many answers stand.
    :param skipped: pairs on which nothing was preferred.
    :param ties: pairs judged equal.
    :param share_first: of the pairs with a winner, the share won by the one shown first (on the
        left); far from a half, somebody likes a side. None without any.
    :param safe: segments judged safe.
    :param unsafe: segments judged unsafe.
    :param median_seconds: from showing a pair to its answer, the median of those that are known;
        None if none is.
    :param per_hour: answers an hour of answering, breaks left out, by the times that are known;
        None if no time was spent.
    :param repeats: preferences given again on the same pair, and safety labels on the same
        segment.
    :param repeats_same: of these, the ones that say the same as the time before.
    :param circular: circular triads of this person's preferences.
    :param triads: triads of which each pair has a winner.
    """

    annotator: str
    answers: int
    skipped: int
    ties: int
    share_first: float | None
    safe: int
    unsafe: int
    median_seconds: float | None
    per_hour: float | None
    repeats: int
    repeats_same: int
    circular: int
    triads: int


def summarize_agreement(votes: Votes) -> Agreement:
    """Percent agreement, kappa and alpha of votes of one kind.

    :param votes: of :func:`preference_votes` or :func:`safety_votes`.
    """
    same = all_pairs = 0
    by_person: dict[str, dict[Any, float]] = defaultdict(dict)
    for item, labels in votes.items():
        all_pairs += len(labels) * (len(labels) - 1) // 2
        same += sum(n * (n - 1) // 2 for n in Counter(labels.values()).values())
        for person, label in labels.items():
            by_person[person][item] = label
    found = []
    for first, second in combinations(sorted(by_person), 2):
        common = [item for item in by_person[first] if item in by_person[second]]
        if common:
            left = [by_person[first][item] for item in common]
            right = [by_person[second][item] for item in common]
            agreed, kappa = percent_agreement(left, right), cohens_kappa(left, right)
            found.append(PairAgreement(first, second, len(common), agreed, kappa))
    return Agreement(
        items=len(votes),
        shared=sum(len(labels) > 1 for labels in votes.values()),
        agreement=same / all_pairs if all_pairs else None,
        alpha=krippendorffs_alpha(votes),
        pairs=tuple(found),
    )


def summarize_annotator(annotator: str, answers: Sequence[Answer]) -> AnnotatorSummary:
    """Pace, balance and consistency of one person.

    :param annotator: who.
    :param answers: this person's answers, at least one, in the order in which they were given.
    """
    compared = [a for a in answers if a.second is not None]
    decided = [a.preference for a in compared if a.preference not in (None, 0.5)]
    votes = preference_votes(answers)
    circular, triads = intransitive_triples(
        {pair: labels[annotator] for pair, labels in votes.items()}
    )
    safe = [labels[annotator] for labels in safety_votes(answers).values()]
    seconds = [answer.seconds for answer in answers if answer.seconds is not None]
    repeats, repeats_same = _repeats(answers)
    return AnnotatorSummary(
        annotator=annotator,
        answers=len(answers),
        skipped=sum(a.preference is None for a in compared),
        ties=sum(a.preference == 0.5 for a in compared),
        share_first=float(np.mean([p == 1.0 for p in decided])) if decided else None,
        safe=sum(label == 1.0 for label in safe),
        unsafe=sum(label == 0.0 for label in safe),
        median_seconds=float(np.median(seconds)) if seconds else None,
        per_hour=len(seconds) / sum(seconds) * 3600.0 if sum(seconds) > 0 else None,
        repeats=repeats,
        repeats_same=repeats_same,
        circular=circular,
        triads=triads,
    )


def _repeats(answers: Iterable[Answer]) -> tuple[int, int]:
    """Judgements of one person on what this person judged before, and how many are as before."""
    before: dict[Any, float] = {}
    repeats = same = 0
    for answer in answers:
        ordered = answer.canonical()
        judged = (
            ((ordered.first, ordered.second), ordered.preference),
            (ordered.first, ordered.safe_first),
            (ordered.second, ordered.safe_second),
        )
        for item, label in judged:
            if label is not None:
                repeats += item in before
                same += before.get(item) == label
                before[item] = label
    return repeats, same

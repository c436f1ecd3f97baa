"""Agreement of people with each other, and consistency of each person.

Votes are counted, not answers: if a person was asked the same twice, the last answer is the vote.
Votes on a pair are converted to one order of its two segments, so that the side of a clip does not
matter. That order follows the numbers of episodes, which mean nothing. So kappa and alpha count
each comparison in both directions: then "the first" is exactly as frequent as "the second".
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from sb3_presa.annotation.answers.answer import Answer, Segment

#: item -> annotator -> label. An item is a pair of segments, or one segment.
Votes: TypeAlias = Mapping[Any, Mapping[str, float]]


def in_time(answers: Iterable[Answer]) -> list[Answer]:
    """Answers in the order in which they were given, although a file had them in another one.

    :param answers: answers; those whose time is not known keep their places.
    :return: the same answers; those whose time is known are sorted by it.
    """
    rows = list(answers)
    places = [place for place, answer in enumerate(rows) if answer.answered_at is not None]
    timed = sorted((rows[place] for place in places), key=lambda answer: answer.answered_at or 0.0)
    for place, answer in zip(places, timed, strict=True):
        rows[place] = answer
    return rows


def preference_votes(answers: Iterable[Answer]) -> dict[tuple[Segment, Segment], dict[str, float]]:
    """The votes on pairs: the last answer of each person on each pair.

    :param answers: in the order in which they were given; skipped pairs, hidden repeats and
        questions with a known answer are ignored.
    :return: for each pair, smaller segment first: annotator to P(first is preferred).
    """
    votes: dict[tuple[Segment, Segment], dict[str, float]] = defaultdict(dict)
    for answer in voting(answers):
        ordered = answer.canonical()
        if ordered.second is not None and ordered.preference is not None:
            votes[ordered.first, ordered.second][ordered.annotator] = ordered.preference
    return dict(votes)


def safety_votes(answers: Iterable[Answer]) -> dict[Segment, dict[str, float]]:
    """The votes on safety: the last answer of each person on each segment.

    :param answers: in the order in which they were given; "can't tell", hidden repeats and
        questions with a known answer are ignored.
    :return: for each segment: annotator to 1 (safe) or 0.
    """
    votes: dict[Segment, dict[str, float]] = defaultdict(dict)
    for answer in voting(answers):
        if answer.safe_first is not None:
            votes[answer.first][answer.annotator] = answer.safe_first
        if answer.second is not None and answer.safe_second is not None:
            votes[answer.second][answer.annotator] = answer.safe_second
    return dict(votes)


def voting(answers: Iterable[Answer]) -> Iterator[Answer]:
    """The answers that count as votes, in time: no hidden repeats, no known questions.

    :param answers: in the order in which they were given.
    """
    return (answer for answer in in_time(answers) if answer.role == "asked")


def percent_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """The share of items with the same label by two raters.

    :param first: labels of one rater.
    :param second: labels of the other rater, on the same items.
    :return: in [0, 1]; None without items.
    """
    if not first:
        return None
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    r"""Cohen's (1960) agreement of two raters beyond chance, :math:`(p_o - p_e) / (1 - p_e)`.

    :param first: labels of one rater.
    :param second: labels of the other rater, on the same items.
    :return: at most 1, 0 at the level of chance; None without items, or if all labels of both are
        the same.
    """
    observed = percent_agreement(first, second)
    if observed is None:
        return None
    left, right = Counter(first), Counter(second)
    expected = sum(left[label] * right[label] for label in left) / len(first) ** 2
    return None if expected == 1.0 else (observed - expected) / (1.0 - expected)


def krippendorffs_alpha(votes: Votes) -> float | None:
    r"""Krippendorff's alpha for nominal labels, for any number of raters and with missing labels.

    :math:`o_{ck}` are the coincidences of labels c and k (each pair of labels of an item by two
    raters, divided by its number of raters minus one), :math:`n_c` their sums, and n the number of
    labels that can be paired. Then
    :math:`\alpha = 1 - (n - 1) \sum_{c \ne k} o_{ck} / \sum_{c \ne k} n_c n_k`.

    :param votes: the labels; items with one rater are ignored.
    :return: at most 1, 0 at the level of chance; None if every item has at most one rater, or all
        labels are the same.
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

    :param preferences: for each pair, P(its first segment is preferred); pairs at 0.5 are ties and
        are ignored.
    :return: number of circular triads, and number of all triads in which each pair has a winner.
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
    # Each circle is counted at each of its three edges; each transitive triad once, at the edge
    # between its best and its worst.
    circles = transitive = 0
    for winner, losers in list(beats.items()):
        for loser in losers:
            circles += len(beats.get(loser, set()) & losers_to.get(winner, set()))
            transitive += len(losers & losers_to[loser])
    return circles // 3, circles // 3 + transitive


@dataclass(frozen=True)
class PairAgreement:
    """Agreement of two people on the items that both judged.

    :param first: one person.
    :param second: the other person.
    :param items: number of common items.
    :param agreement: share of items with the same label; None without items.
    :param kappa: Cohen's kappa; None if it is not defined.
    """

    first: str
    second: str
    items: int
    agreement: float | None
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """Agreement of all people on one kind of label.

    :param items: number of judged items.
    :param shared: number of items judged by at least two people.
    :param agreement: share of equal votes among all pairs of votes on the same item.
    :param alpha: Krippendorff's alpha, nominal; None if it is not defined.
    :param pairs: agreement of each two people with common items.
    """

    items: int
    shared: int
    agreement: float | None
    alpha: float | None
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True)
class AnnotatorSummary:
    """Statistics of one person's answers.

    :param annotator: the person.
    :param answers: number of valid answers.
    :param skipped: number of skipped pairs.
    :param ties: number of pairs judged equal.
    :param share_first: share of wins of the left clip among pairs with a winner; a value far from
        0.5 is a bias for one side. None without such pairs.
    :param safe: number of segments judged safe.
    :param unsafe: number of segments judged unsafe.
    :param median_seconds: median of the known times from showing a pair to its answer; None if all
        are unknown.
    :param per_hour: answers per hour of answering, without breaks, from the known times; None
        without times.
    :param repeats: number of repeated judgements on the same pair or segment.
    :param repeats_same: number of repeated judgements that equal the previous one.
    :param circular: number of circular triads of this person's preferences.
    :param triads: number of triads in which each pair has a winner.
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


def summarize_agreement(votes: Votes, *, mirror: bool) -> Agreement:
    """Percent agreement, kappa and alpha of votes of one kind.

    :param votes: from :func:`preference_votes` or :func:`safety_votes`.
    :param mirror: whether the votes are preferences, of which kappa and alpha count each in both
        directions.
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
            if mirror:
                left += [1.0 - label for label in left]
                right += [1.0 - label for label in right]
            agreed, kappa = percent_agreement(left, right), cohens_kappa(left, right)
            found.append(PairAgreement(first, second, len(common), agreed, kappa))
    return Agreement(
        items=len(votes),
        shared=sum(len(labels) > 1 for labels in votes.values()),
        agreement=same / all_pairs if all_pairs else None,
        alpha=krippendorffs_alpha({**votes, **_turned(votes)} if mirror else votes),
        pairs=tuple(found),
    )


def _turned(votes: Votes) -> Votes:
    """The same preferences, each of its pair in the other order."""
    return {
        (second, first): {person: 1.0 - label for person, label in labels.items()}
        for (first, second), labels in votes.items()
    }


def summarize_annotator(annotator: str, answers: Sequence[Answer]) -> AnnotatorSummary:
    """Pace, balance and consistency of one person.

    :param annotator: the person.
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
    """Number of repeated judgements of one person, and how many equal the previous one."""
    before: dict[Any, float] = {}
    repeats = same = 0
    for answer in in_time(answers):
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

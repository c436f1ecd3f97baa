"""Details of verdicts: strengths of preferences, and moments from which segments are unsafe."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.consensus.agreement import voting

#: P(the preferred segment is preferred) by what the person said; an answer without a strength, and
#: "far better", are taken at their word.
CONVICTIONS: Mapping[int | None, float] = {None: 1.0, 1: 0.75, 2: 0.9, 3: 1.0}


class Scale(NamedTuple):
    """P(first is preferred) if the second segment won, in a tie, and if the first won."""

    second: float = 0.0
    tie: float = 0.5
    first: float = 1.0


_Pair: TypeAlias = tuple[Segment, Segment]


def strength_scales(answers: Iterable[Answer]) -> dict[_Pair, Scale]:
    """The preferences that the two verdicts on each pair stand for.

    :param answers: in the order in which they were given.
    :return: for each pair, smaller segment first: the mean of :data:`CONVICTIONS` over those who
        prefer the first, and over those who prefer the second.
    """
    last: dict[_Pair, dict[str, Answer]] = defaultdict(dict)
    for answer in voting(answers):
        ordered = answer.canonical()
        if ordered.second is not None and ordered.preference is not None:
            last[ordered.first, ordered.second][ordered.annotator] = ordered
    return {pair: _scale(said.values()) for pair, said in last.items()}


def _scale(said: Iterable[Answer]) -> Scale:
    convictions: dict[float, list[float]] = {0.0: [], 1.0: []}
    for answer in said:
        if answer.preference in convictions:
            convictions[answer.preference].append(CONVICTIONS[answer.strength])
    means = {side: statistics.fmean(sorted(of)) if of else 1.0 for side, of in convictions.items()}
    return Scale(second=1.0 - means[0.0], first=means[1.0])


def moment_votes(answers: Iterable[Answer]) -> dict[Segment, dict[str, int]]:
    """The steps from which people call segments unsafe.

    :param answers: in the order in which they were given.
    :return: for each segment: annotator to the index of the step. Only the last judgement of a
        person on a segment counts.
    """
    votes: dict[Segment, dict[str, int]] = defaultdict(dict)
    for answer in voting(answers):
        sides: tuple[tuple[Segment | None, Any, int | None], ...] = (
            (answer.first, answer.safe_first, answer.unsafe_from_first),
            (answer.second, answer.safe_second, answer.unsafe_from_second),
        )
        for segment, safe, moment in sides:
            if segment is None or safe is None:
                continue
            votes[segment].pop(answer.annotator, None)
            if moment is not None:
                votes[segment][answer.annotator] = moment
    return {segment: said for segment, said in votes.items() if said}


def split_at_moments(
    moments: Mapping[Segment, Mapping[str, int]],
    judged: Mapping[Segment, Mapping[str, float]],
    p_safe: Mapping[Segment, float],
    vote: Callable[[Mapping[str, float]], float],
) -> dict[Segment, float]:
    """Labels of parts of the segments that were merged to unsafe: a safe start and an unsafe step.

    The step is the lower median of the moments. It has the label of the whole segment. The start is
    called safe by all whose moment is not earlier, and by those who call the whole segment safe.

    :param moments: from :func:`moment_votes`.
    :param judged: the votes on whole segments.
    :param p_safe: their merged labels.
    :param vote: merges the votes on a start.
    :return: labels of parts that nobody judged as a whole.
    """
    parts: dict[Segment, float] = {}
    for segment in sorted(moments):
        if p_safe[segment] >= 0.5:
            continue
        episode, start, _ = segment
        at = statistics.median_low(moments[segment].values())
        parts.setdefault((episode, start + at, 1), p_safe[segment])
        if at:
            said = {who: float(moment >= at) for who, moment in moments[segment].items()}
            said |= {who: 1.0 for who, safe in judged[segment].items() if safe == 1.0}
            parts.setdefault((episode, start, at), vote(dict(sorted(said.items()))))
    return {part: label for part, label in parts.items() if part not in p_safe}

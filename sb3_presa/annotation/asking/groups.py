"""Groups of clips that are put in an order: their pairs are places of a queue, answered at once.

The pairs of a group have the same ``group`` among the settings of their strategy. Each becomes an
ordinary answer, and the safety of a clip is recorded once.
"""

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.asking.places import Place
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.asking.queues import Outcome, Queues
from sb3_presa.errors import FeedbackError

#: The comparisons of a group of four clips.
PAIRS_OF_FOUR = 6


@dataclass(frozen=True)
class Order:
    """A person's order of a group.

    :param ranks: rank of each clip, 0 for the best; equal ranks are a tie.
    :param safe: 1 safe, 0 unsafe, None for "can't tell", of each clip.
    """

    ranks: tuple[int, ...]
    safe: tuple[float | None, ...]


def group_of(place: Place) -> str | None:
    """The group of a place; None if its pair is asked alone.

    :param place: the place.
    """
    found = place.strategy_parameters.get("group")
    return found if isinstance(found, str) and place.role == "asked" else None


def members(place: Place, waiting: Iterable[Place]) -> list[Place]:
    """The places of the group of a place, itself among them.

    :param place: a place of a group.
    :param waiting: all places without an answer; clips that cannot be shown are left out.
    """
    return [one for one in waiting if group_of(one) == group_of(place)]


def clips_of(places: Sequence[Place]) -> dict[Segment, tuple[Place, str]]:
    """The clips of a group in their order on the page, and where each is shown.

    :param places: the places of the group.
    :return: segment to a place and the side on which it has the segment.
    """
    found: dict[Segment, tuple[Place, str]] = {}
    for place in places:
        for side, segment in zip(("left", "right"), place.segments, strict=False):
            found.setdefault(segment, (place, side))
    return found


def groups_of_four(pairs: Sequence[Pair]) -> list[list[Segment]]:
    """Groups of two pairs each.

    :param pairs: pairs, the best first.
    :return: four different segments each.
    """
    waiting: list[Pair] = []
    found = []
    for pair in pairs:
        other = next((one for one in waiting if not set(one) & set(pair)), None)
        if other is None:
            waiting.append(pair)
        else:
            waiting.remove(other)
            found.append([*other, *pair])
    return found


def whole_groups(pairs: int, answered: int, waiting: Iterable[Place]) -> int:
    """The pairs that a person will have answered when the last group is done: groups are not cut.

    :param pairs: pairs that the person is to answer.
    :param answered: those that are answered.
    :param waiting: the places without an answer, in the order of the queue.
    :return: at least ``pairs``. Groups that are not in the queue yet are taken to be of four clips.
    """
    # A pair that is asked alone is a group of its own
    sizes = Counter(group_of(place) or place.token for place in waiting)
    found = answered
    for size in sizes.values():
        if found >= pairs:
            return found
        found += size
    return found + -(-max(0, pairs - found) // PAIRS_OF_FOUR) * PAIRS_OF_FOUR


def append_group(
    queues: Queues,
    annotator: str,
    segments: Sequence[Segment],
    strategy: str,
    parameters: Mapping[str, Any],
) -> bool:
    """Append all pairs of a group to a queue.

    :param queues: the queues.
    :param annotator: the person.
    :param segments: different segments.
    :param strategy: name of the strategy that chose them.
    :param parameters: its settings.
    :return: whether a pair was appended; those that the queue has already are not.
    """
    named = {**parameters, "group": secrets.token_hex(8)}
    with queues.store.transaction():
        appended = [
            queues.append(annotator, one, other, strategy, named)
            for one, other in combinations(segments, 2)
        ]
    return any(appended)


def taken_back_order(queues: Queues, annotator: str, places: Sequence[Place]) -> Order | None:
    """The order of a group that was taken back.

    :param queues: the queues.
    :param annotator: the person.
    :param places: the places of the group, without an answer.
    :return: as it was given; None if none was.
    """
    better = dict.fromkeys(clips_of(places), 0)  # the clips that are better than each
    safe: dict[Segment, float | None] = dict.fromkeys(better)
    for place in places:
        said = queues.taken_back(annotator, place.token)
        if said is None or place.right is None:
            return None
        better[place.left] += said.preference == 0.0
        better[place.right] += said.preference == 1.0
        for segment, label in ((place.left, said.safe_left), (place.right, said.safe_right)):
            safe[segment] = label if safe[segment] is None else safe[segment]  # said once
    return Order(tuple(better.values()), tuple(safe.values()))


def record_order(
    queues: Queues, annotator: str, place: str, token: str, order: Order, seconds: float
) -> Outcome:
    """Write an answer to each pair of a group; all are on the disk when this returns, or none.

    :param queues: the queues.
    :param annotator: the person.
    :param place: the token of a place of the group.
    :param token: drawn by the page, see :meth:`Queues.record`.
    :param order: the order of the clips, as the page shows them.
    :param seconds: time since the clips were shown.
    :return: as :meth:`Queues.record`.
    :raises FeedbackError: if the order is not of as many clips as the group has.
    """
    with queues.store.transaction():
        found = queues.place(annotator, place)
        if found is None or group_of(found) is None:
            return "unknown"
        if earlier := queues.sent(token):
            of, counts = earlier
            return "repeated" if counts and group_of(of) == group_of(found) else "answered"
        places = members(found, queues.waiting(annotator))
        if found not in places:
            return "answered"
        clips = list(clips_of(places))
        if not len(order.ranks) == len(order.safe) == len(clips):
            raise FeedbackError(
                f"an order must have {len(clips)} ranks and safety labels, got "
                f"{len(order.ranks)} and {len(order.safe)}"
            )
        ranks = dict(zip(clips, order.ranks, strict=True))
        safe = dict(zip(clips, order.safe, strict=True))
        for number, one in enumerate(places):
            answer = _answer(annotator, one, ranks, safe, seconds / len(places))
            # The last has the page's token, by which all are taken back
            name = token if number == len(places) - 1 else f"{token}.{number}"
            queues.write(answer, name, one.token)
        return "recorded"


def _answer(
    annotator: str,
    place: Place,
    ranks: Mapping[Segment, int],
    safe: dict[Segment, float | None],
    seconds: float,
) -> Answer:
    assert place.right is not None
    left, right = ranks[place.left], ranks[place.right]
    return Answer(
        annotator=annotator,
        first=place.left,
        second=place.right,
        preference=0.5 if left == right else float(left < right),
        safe_first=safe.pop(place.left, None),  # once for each clip
        safe_second=safe.pop(place.right, None),
        seconds=seconds,
        answered_at=time.time(),
        strategy=place.strategy,
        strategy_parameters=place.strategy_parameters,
        role=place.role,
    )

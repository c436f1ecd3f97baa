"""The owner's view: progress, consistency, disagreements, and who may be left out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sb3_presa.annotation.answers.answer import STRENGTHS, Answer, Segment
from sb3_presa.annotation.asking.desk import Desk
from sb3_presa.annotation.consensus.agreement import preference_votes, safety_votes, voting
from sb3_presa.annotation.consensus.compared import effect_without
from sb3_presa.annotation.consensus.consistency import Share, consistency

#: Disagreements that are shown, those of most people first.
_MOST = 50


def owners_view(desk: Desk, left_out: Collection[str]) -> dict[str, Any]:
    """The values of the owner's page.

    :param desk: the desk.
    :param left_out: the people whose leaving out is looked at; unknown names are ignored.
    """
    store = desk.queues.store
    with store.reading():  # all of one moment
        answers, known = store.answers(), store.known()
        people = sorted({*desk.annotators, *(answer.annotator for answer in answers)})
        progress = {who: desk.queues.progress(who) for who in people}
    left_out = [who for who in people if who in left_out]
    checks = {one.annotator: one for one in consistency(answers, known)}
    nothing, differing = Share.of([]), disagreements(answers)
    shown = differing[:_MOST]
    desk.draw(segment for one in shown for segment in one["segments"])
    return {
        "people": [
            {
                "name": who,
                "answers": sum(answer.annotator == who for answer in answers),
                "answered": progress[who].answered,
                "target": desk.target(who) if who in desk.annotators else None,
                "seconds": progress[who].seconds,
                "repeats": checks[who].repeats if who in checks else nothing,
                "known": checks[who].known if who in checks else nothing,
                "agreement": _agreement(who, answers),
                "effect": effect_without(answers, [who]),
                "left_out": who in left_out,
                "toggled": [w for w in people if (w in left_out) != (w == who)],
            }
            for who in people
        ],
        "left_out": left_out,
        "effect": effect_without(answers, left_out) if left_out else None,
        "disagreements": [
            {**one, "sheets": [_sheets(desk, segment) for segment in one["segments"]]}
            for one in shown
        ],
        "n_disagreements": len(differing),
        "curves": desk.plots.get("pictures") is False,
    }


def _sheets(desk: Desk, segment: Segment) -> int:
    """The number of sheets of pictures; 0 before they are drawn, and where there are none."""
    clip = desk.drawn(segment)
    return 0 if clip is None else clip.format.sheets


def _agreement(who: str, answers: Sequence[Answer]) -> Share:
    """The share of the person's votes that equal another person's, of all such pairs of votes."""
    same = [
        label == votes[who]
        for table in (preference_votes(answers), safety_votes(answers))
        for votes in table.values()
        if who in votes
        for other, label in votes.items()
        if other != who
    ]
    return Share.of(same)


def disagreements(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Questions that people answer differently, those of most people first.

    :param answers: in the order in which they were given.
    :return: for each: its kind, its segments, and what each person said, with tags and notes.
    """
    last = {
        (answer.annotator, segments): answer
        for answer in voting(answers)
        for segments in (answer.question, (answer.first,), (answer.second,))
    }
    tables: tuple[tuple[str, Iterable[tuple[Any, Mapping[str, float]]]], ...] = (
        ("Which is better?", preference_votes(answers).items()),
        ("Is it safe?", (((s,), votes) for s, votes in safety_votes(answers).items())),
    )
    found = [
        {
            "kind": kind,
            "segments": segments,
            "said": [
                {"name": who, "verdict": _words(kind, label, last[who, segments], segments)}
                | _beside(last[who, segments])
                for who, label in sorted(votes.items())
            ],
        }
        for kind, table in tables
        for segments, votes in table
        if len(set(votes.values())) > 1
    ]
    return sorted(found, key=lambda one: -len(one["said"]))


def _words(kind: str, label: float, answer: Answer, segments: tuple[Segment, ...]) -> str:
    if kind == "Is it safe?":
        is_first = answer.first == segments[0]
        moment = answer.unsafe_from_first if is_first else answer.unsafe_from_second
        if label == 1.0:
            return "safe"
        # Counted as on the page, where the first picture is 1: the step led to the next one
        return "unsafe" if moment is None else f"unsafe from moment {moment + 1}"
    if label == 0.5:
        return "equal"
    strength = "" if answer.strength is None else f", {STRENGTHS[answer.strength]}"
    return f"{'A' if label == 1.0 else 'B'} is better{strength}"


def _beside(answer: Answer) -> dict[str, Any]:
    return {"tags": answer.tags, "note": answer.note}

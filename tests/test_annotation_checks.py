"""Hidden repeats, known answers and doubts: who is asked what, and what is made of it."""

import secrets
from collections import Counter
from pathlib import Path

import pytest
from annotation_desk import DATASET_ID
from made_up import episode, write

from sb3_presa.annotation.answers.answer import Answer, Role, Segment, known_answer
from sb3_presa.annotation.answers.exchange import export_questions, import_questions
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.checks import REPEAT_AFTER, Checks, ask_doubts
from sb3_presa.annotation.asking.places import Choices, Place
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.consensus.agreement import preference_votes
from sb3_presa.annotation.consensus.consistency import Share, consistency
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import FeedbackError

A, B, C = (1, 0, 5), (2, 3, 5), (3, 0, 5)
KNOWN = [known_answer((9, n, 5), (8, n, 5), (1.0, None, 0.0)) for n in range(5)]


@pytest.fixture
def queues(tmp_path: Path) -> Queues:
    store = AnswerStore(tmp_path / "labels.annotations.sqlite", DATASET_ID)
    store.record_episodes({episode: bytes([episode]) * 32 for episode in range(40)})
    return Queues(store)


def answer_next(queues: Queues, who: str, choices: Choices) -> Place:
    place = queues.waiting(who)[0]
    assert queues.record(who, place.token, secrets.token_hex(16), choices, 1.0) == "recorded"
    return place


def pair_of(place: Place) -> frozenset[Segment]:
    return frozenset(place.segments)


def test_checks_are_a_share_of_the_pairs_and_look_like_others(queues: Queues) -> None:
    queues.store.set_known(KNOWN)
    checks = Checks(queues, repeats=0.2, target=50)
    seen: list[Place] = []
    for number in range(50):
        if not checks.ask("ann"):
            assert queues.append("ann", (5, number, 5), (6, number, 5), "random", {})
        seen.append(answer_next(queues, "ann", Choices(1.0, 1.0, None)))
    assert Counter(place.role for place in seen) == {"asked": 36, "repeat": 9, "known": 5}
    asked = {pair_of(place): n for n, place in enumerate(seen) if place.role == "asked"}
    for number, place in enumerate(seen):
        if place.role != "repeat":
            continue
        before = asked[pair_of(place)]
        assert number - before > REPEAT_AFTER
        assert place.left == seen[before].right  # the other way round
    repeated = [pair_of(place) for place in seen if place.role == "repeat"]
    assert len(set(repeated)) == 9
    assert {pair_of(p) for p in seen if p.role == "known"} == {
        frozenset([one.first, one.second]) for one in KNOWN
    }
    votes = preference_votes(queues.store.answers())
    assert len(votes) == 36


def test_few_pairs_have_their_share_of_repeats_though_the_queue_is_filled_ahead(
    queues: Queues,
) -> None:
    checks, ahead, pairs = Checks(queues, repeats=0.2, target=12), 5, 12
    seen: list[Place] = []
    for number in range(pairs):
        while len(seen) + len(queues.waiting("ann")) < min(pairs, number + ahead):
            if not checks.ask("ann"):
                start = len(seen) + len(queues.waiting("ann"))
                queues.append("ann", (5, start, 5), (6, start, 5), "random", {})
        seen.append(answer_next(queues, "ann", Choices(1.0, None, None)))
    again = [number for number, place in enumerate(seen) if place.role == "repeat"]
    assert len(again) == 2
    for number in again:
        [before] = [n for n in range(number) if pair_of(seen[n]) == pair_of(seen[number])]
        assert number - before > 6


def test_skipped_undone_and_recent_pairs_are_not_repeated(queues: Queues) -> None:
    checks = Checks(queues, repeats=1.0, target=50)
    for number in range(REPEAT_AFTER + 1):
        assert not checks.ask("ann")
        queues.append("ann", (5, number, 5), (6, number, 5), "random", {})
        answer_next(queues, "ann", Choices(None if number == 0 else 1.0, 1.0, None))
    assert not checks.ask("ann")  # the oldest was skipped, and the next is too recent
    queues.append("ann", A, B, "random", {})
    answer_next(queues, "ann", Choices(1.0, None, None))
    assert checks.ask("ann")
    assert {s[1] for s in queues.waiting("ann")[0].segments} == {1}
    assert not checks.ask("ben")


def test_each_person_has_an_order_of_known_questions(queues: Queues) -> None:
    queues.store.set_known(KNOWN)
    checks = Checks(queues, repeats=0.0, target=5)
    orders = set()
    for who in ("ann", "ben", "cleo"):
        while checks.ask(who):
            pass
        waiting = queues.waiting(who)
        assert {place.role for place in waiting} == {"known"}
        assert len(waiting) == len(KNOWN)
        orders.add(tuple(pair_of(place) for place in waiting))
    assert len(orders) > 1


def test_known_answers_are_kept_and_replaced(queues: Queues) -> None:
    queues.store.set_known(KNOWN)
    again = AnswerStore(queues.store.path)
    assert again.known() == [one.canonical() for one in KNOWN]
    again.set_known(KNOWN[:1])
    assert queues.store.known() == [KNOWN[0].canonical()]
    with pytest.raises(FeedbackError, match="episode 77"):
        again.set_known([known_answer((77, 0, 5), None, (None, 1.0, None))])
    assert len(queues.store.known()) == 1


def test_doubts_are_asked_once_a_list_and_their_answers_count(queues: Queues) -> None:
    queues.append("ann", A, B, "random", {}, shared=True)
    answer_next(queues, "ann", Choices(1.0, None, None))
    doubts = [known_answer(A, B, (None, None, None)), known_answer(C, None, (None, None, None))]
    for _ in range(2):  # as when the server is started again
        ask_doubts(queues, ("ann", "ben"), doubts)
    assert queues.asked_again("ann") == queues.asked_again("ben") == 2
    assert [place.strategy for place in queues.waiting("ann")] == ["doubts"] * 2
    answer_next(queues, "ann", Choices(0.0, None, None))
    assert preference_votes(queues.store.answers()) == {(A, B): {"ann": 0.0}}
    ask_doubts(queues, ("ann",), doubts[:1])  # another list
    assert queues.asked_again("ann") == 3


def said(
    who: str,
    role: Role,
    preference: float | None,
    safe_first: float | None = None,
    safe_second: float | None = None,
) -> Answer:
    return Answer(who, A, B, preference, safe_first, safe_second, None, None, role=role)


def test_consistency_by_hand() -> None:
    turned = Answer("ann", B, A, 0.0, 0.0, None, None, None, role="repeat")
    answers = [
        said("ann", "asked", 1.0, 1.0, 0.0),
        turned,  # the same preference, and the same of B; nothing of A
        said("ann", "known", 1.0, 0.0, None),
        said("ben", "repeat", 1.0, 1.0, 1.0),  # it was never asked before
        said("ben", "known", None, 1.0, 0.0),
    ]
    known = [known_answer(B, A, (0.0, None, 1.0))]
    ann, ben = consistency(answers, known)
    assert (ann.annotator, ben.annotator) == ("ann", "ben")
    assert (ann.repeats.n, ann.repeats.right) == (2, 2)
    assert (ann.known.n, ann.known.right) == (2, 1)
    assert (ben.repeats.n, ben.known.n, ben.known.right) == (0, 1, 1)
    assert str(ben.repeats) == "-"
    assert str(ann.known) == "50% [9%, 91%] of 2"  # Wilson's interval
    assert Share.of([True] * 8 + [False] * 2).value == 0.8


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_questions_come_back_as_they_were(minari_root: object, tmp_path: Path, ending: str) -> None:
    transitions = load_transitions(write("toy/asked-v0", [episode(30, s) for s in range(3)]))
    path = tmp_path / f"doubts{ending}"
    asked = [((0, 0, 10), (1, 5, 10)), ((2, 0, 30),)]
    export_questions(path, asked)
    found = import_questions(path, transitions)
    assert [(one.first, one.second) for one in found] == [asked[0], ((2, 0, 30), None)]
    assert {one.preference for one in found} == {None}
    path = tmp_path / "known.csv"
    header = "first_episode,first_start,first_length,second_episode,second_start,second_length"
    path.write_text(f"{header},preference_for_first,p_safe_first\n0,0,5,1,0,5,0.5,1\n")
    [one] = import_questions(path, transitions)
    assert (one.preference, one.safe_first, one.safe_second) == (0.5, 1.0, None)
    path.write_text(f"{header}\n0,0,5,1,0,5\n1,0,5,0,0,5\n")
    with pytest.raises(FeedbackError, match=r"line 3.*not in the file before"):
        import_questions(path, transitions)
    path.write_text(f"{header},preference_for_first\n0,0,5,1,0,5,0.7\n")
    with pytest.raises(FeedbackError, match=r"known\.csv, line 2: `preference`"):
        import_questions(path, transitions)

"""Groups that are put in an order: which clips, what is stored, and what cannot be shown."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from annotation_desk import LENGTH, ReadyShelf, open_office, wait_for

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.groups import (
    Order,
    clips_of,
    groups_of_four,
    record_order,
    whole_groups,
)
from sb3_presa.annotation.asking.places import Place
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.web.service import LabellingOptions
from sb3_presa.errors import ConfigError, FeedbackError

OPTIONS = DeskOptions(target=12, overlap=0, ahead=2, group=4)


def clip(number: int) -> Segment:
    return (number, 0, LENGTH)


def test_two_pairs_are_a_group_if_they_share_no_clip() -> None:
    a, b, c, d, e, f = (clip(number) for number in range(6))
    pairs = [Pair(a, b), Pair(b, c), Pair(c, d), Pair(e, f)]
    assert groups_of_four(pairs) == [[a, b, c, d], [b, c, e, f]]
    assert groups_of_four(pairs[:2]) == []


def test_the_rest_of_a_group_is_asked_where_a_clip_cannot_be_shown(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    shelf = ReadyShelf(tmp_path / "clips")
    with open_office(tmp_path, options=OPTIONS, shelf=shelf) as office:
        desk = office.desk

        def asked() -> dict[str, Any]:
            wait_for(lambda: desk.state("ann")["status"] == "ask")
            return dict(desk.state("ann")["place"])

        assert len(asked()["group"]) == 4
        places = desk.queues.waiting("ann")[:6]
        first, *others = clips_of(places)
        desk.queues.refuse(first, "no picture")
        place = asked()
        assert len(place["group"]) == 3
        token = secrets.token_hex(16)
        said = Order((1, 0, 1), (1.0, None, 0.0))
        with pytest.raises(FeedbackError, match="3 ranks"):
            record_order(desk.queues, "ann", place["token"], token, Order((0, 1), (1.0, 1.0)), 6.0)
        assert record_order(desk.queues, "ben", place["token"], token, said, 6.0) == "unknown"
        assert record_order(desk.queues, "ann", place["token"], token, said, 6.0) == "recorded"
        assert record_order(desk.queues, "ann", place["token"], token, said, 6.0) == "repeated"
        other, four = asked()["token"], Order((0, 1, 2, 3), (1.0,) * 4)
        assert record_order(desk.queues, "ann", other, token, four, 6.0) == "answered"
        again = secrets.token_hex(16)
        assert record_order(desk.queues, "ann", place["token"], again, said, 6.0) == "answered"
        stored = office.store.answers()
        assert [one.seconds for one in stored] == [2.0] * 3
        ranks = dict(zip(others, (1, 0, 1), strict=True))
        for one in stored:
            assert one.second is not None
            assert one.preference == {-1: 1.0, 0: 0.5, 1: 0.0}[ranks[one.first] - ranks[one.second]]
        judged = [one.safe_first for one in stored] + [one.safe_second for one in stored]
        assert sorted(str(label) for label in judged) == ["0.0", "1.0", *["None"] * 4]
        assert desk.queues.undo("ann", f"{token}.0") is False  # not a part of it
        assert desk.queues.undo("ann", token) is True
        assert office.store.answers() == []
        assert asked()["token"] == place["token"]


@pytest.mark.parametrize(
    ("pairs", "answered", "groups", "expected"),
    [
        (8, 0, ["a", "b"], 12),
        (8, 0, ["a", "b", "c"], 12),  # the third is not asked
        (20, 6, ["a"], 24),  # two more groups are not in the queue yet
        (8, 0, ["", "a"], 13),  # a pair is asked alone, then two groups
        (8, 12, [], 12),
        (12, 12, [], 12),
    ],
)
def test_groups_are_counted_whole(
    pairs: int, answered: int, groups: list[str], expected: int
) -> None:
    waiting = [
        Place(f"{name}{number}", clip(0), clip(1), "by hand", {"group": name} if name else {})
        for name in groups
        for number in range(6 if name else 1)
    ]
    assert whole_groups(pairs, answered, waiting) == expected


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"ranks": [0, 1, 2]}, 400),
        ({"ranks": [0, 1, 2, 9]}, 400),
        ({"ranks": "0123"}, 400),
        ({"safe": ["safe", "safe", "safe", "perhaps"]}, 400),
        ({"safe": [1, 1, 1, 1]}, 400),
        ({"seconds": -1}, 400),
        ({"place": "f" * 32}, 404),
    ],
)
def test_what_is_no_order_is_refused(tmp_path: Path, changes: dict[str, Any], status: int) -> None:
    from starlette.testclient import TestClient

    from sb3_presa.annotation.web.server import create_app

    with open_office(tmp_path, options=OPTIONS) as office:
        wait_for(lambda: office.desk.state("ann")["status"] == "ask")
        client = TestClient(
            create_app(office.desk, office.gate, office.text, "cookie"), "http://127.0.0.1"
        )
        client.get(office.gate.link("ann"))
        client.base_url = f"http://127.0.0.1{office.gate.home('ann')}"
        body = {
            "place": office.desk.state("ann")["place"]["token"],
            "token": secrets.token_hex(16),
            "ranks": [0, 1, 2, 3],
            "safe": ["safe", "unsafe", "unknown", "safe"],
            "seconds": 5,
        }
        headers = {"x-page-token": office.gate.page_token("ann")}
        answer = client.post("/api/order", json={**body, **changes}, headers=headers)
        assert answer.status_code == status, answer.text
        assert len(office.store.answers()) == (6 if status == 200 else 0)


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "ranking"},
        {"guess": True},
        {"desk": DeskOptions(group=4, repeats=0.1)},
        {"desk": DeskOptions(group=3)},
    ],
)
def test_what_needs_pairs_is_refused_with_groups(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="`group` must be 2"):
        LabellingOptions(annotators=["ann"], **{"desk": DeskOptions(group=4), **options})

"""The owner's view, consent and completion codes: what is shown, and to whom."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_desk import COOKIE, Office, open_office, transitions, wait_for
from starlette.testclient import TestClient
from test_annotation_server import BASE, body, browser, entered, next_place

from sb3_presa.annotation.answers.answer import Answer, Segment, known_answer
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.consensus.compared import Change, effect_without
from sb3_presa.annotation.web.gate import OWNER
from sb3_presa.annotation.web.owner import disagreements, owners_view
from sb3_presa.annotation.web.server import create_app

PEOPLE = ("ann", "ben")
A, B, C = (1, 0, 20), (2, 3, 20), (3, 0, 20)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(
        tmp_path,
        PEOPLE,
        consent="I am **18 or older**.",
        completion_code="DONE-{person}",
        merge_command="sb3-presa labels x/y-v0 --merge majority",
        options=DeskOptions(target=2, overlap=1.0, ahead=2),
    ) as office:
        yield office


def said(
    who: str,
    preference: float | None,
    safe: tuple[float | None, float | None] = (None, None),
    pair: tuple[Segment, Segment] = (A, B),
) -> Answer:
    return Answer(who, *pair, preference, *safe, None, None)


def owner(office: Office) -> TestClient:
    client = browser(office)
    reply = client.get(office.gate.link(OWNER))
    assert reply.status_code == 200
    assert 'url=owner"' in reply.text
    return client


def test_nobody_else_sees_the_owners_view(office: Office) -> None:
    ann = entered(office)
    for path in ("/owner", "/owner?without=ann", "/owner/clips/1-0-20/0.jpg"):
        assert browser(office).get(path).status_code == 401
        assert ann.get(BASE + path).status_code == 401
    assert browser(office).get("/enter?who=&key=").status_code == 403
    stranger = browser(office)
    assert stranger.get(office.gate.link(OWNER)[:-1] + "x").status_code == 403
    assert stranger.get("/owner").status_code == 401
    client = owner(office)
    assert client.get("/owner").status_code == 200
    assert client.get("/api/state").status_code == 401  # the owner is no annotator
    [cookie] = client.cookies.jar
    assert cookie.name == f"{COOKIE}_owner"
    other = create_app(office.desk, replace(office.gate, secret="x" * 16), office.text, COOKIE)
    assert TestClient(other, BASE, cookies=client.cookies).get("/owner").status_code in (401, 421)


def test_no_answer_before_consent(office: Office) -> None:
    ann, ben = entered(office), entered(office, "ben")
    assert "<strong>18 or older</strong>" in ann.get("/").text
    assert 'data-must-agree="1"' in ann.get("/").text
    place = next_place(ann)
    refused = ann.post("/api/answer", json=body(place))
    assert (refused.status_code, office.store.answers()) == (400, [])
    assert "consent" in refused.json()["error"]
    for _ in range(2):
        assert ann.post("/api/consent", json={}).status_code == 200
    assert "data-must-agree" not in ann.get("/").text
    assert 'data-must-agree="1"' in ben.get("/").text
    assert ann.post("/api/answer", json=body(place)).json()["outcome"] == "recorded"
    assert office.store.has_consented("ann", office.text.consent)
    assert not office.store.has_consented("ann", "another text")
    assert browser(office).post("/api/consent", json={}).status_code == 401


def test_a_completion_code_for_those_who_have_finished(office: Office) -> None:
    codes = set()
    for who in PEOPLE:
        client = entered(office, who)
        client.post("/api/consent", json={})
        for _ in range(2):
            assert "code" not in client.get("/api/state").json()
            reply = client.post("/api/answer", json=body(next_place(client))).json()
        assert reply["state"]["status"] == "done"
        code = reply["state"]["code"]
        assert code.startswith("DONE-")
        assert client.get("/api/state").json()["code"] == code
        assert code in owner(office).get("/owner").text
        codes.add(code)
    assert len(codes) == 2


def test_what_the_owner_sees(office: Office) -> None:
    store = office.store
    store.record_episodes({e: h for e, h in office.desk._hashes.items() if e < 4})
    store.set_known([known_answer(B, C, (1.0, None, None))])
    first = said("ann", 1.0, (1.0, 0.0))
    answers = [
        replace(first, strength=3, unsafe_from_second=7, tags=("jerky",), note="<b>!"),
        said("ben", 1.0, (0.0, 1.0), (B, A)),
        replace(said("cleo", 1.0, (1.0, 1.0)), role="asked"),
        replace(said("ben", 0.0, (None, None), (B, C)), role="known"),
    ]
    store.add_all(answers)
    view = owners_view(office.desk, ["ben", "nobody"])
    people = {one["name"]: one for one in view["people"]}
    assert list(people) == ["ann", "ben", "cleo"]
    assert (people["ben"]["known"].n, people["ben"]["known"].right) == (1, 0)
    assert people["cleo"]["target"] is None
    assert people["ann"]["agreement"].n == 6  # three labels, two others
    assert people["ann"]["agreement"].right == 4
    assert view["left_out"] == ["ben"]
    assert people["ben"]["toggled"] == []
    assert people["ann"]["toggled"] == ["ann", "ben"]
    assert view["n_disagreements"] == 2  # who is better, and whether B is safe

    page = owner(office).get("/owner?without=ben").text
    assert "sb3-presa labels x/y-v0 --merge majority --without ben" in page
    assert "A is better, far" in page
    assert "unsafe from moment 8" in page
    assert "&lt;b&gt;!" in page
    assert 'href="owner?without=ann&amp;without=ben"' in page


def test_pictures_of_disagreements_are_those_that_are_drawn(office: Office) -> None:
    client = owner(office)
    place = next_place(entered(office))
    left = office.desk.queues.place("ann", place["token"])
    assert left is not None
    folder = "/owner/clips/{}-{}-{}".format(*left.left)
    for sheet in range(len(place["left"]["sheets"])):
        picture = client.get(f"{folder}/{sheet}.jpg")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert client.get(f"{folder}/9.jpg").status_code == 404
    for path in ("39-1-1", "x", "1-2", "1-2-3-4", "99999999999-0-1"):
        assert client.get(f"/owner/clips/{path}/0.jpg").status_code == 404


def test_pictures_of_disagreements_are_drawn_again_after_a_restart(office: Office) -> None:
    """Nobody is asked about these clips in this run; those of other data stay without."""
    here, elsewhere, data = (3, 1, 30), (99, 1, 8), transitions()
    hashes = dict(zip(data.episode_ids.tolist(), data.hash_episodes(), strict=True))
    office.store.record_episodes({2: hashes[2], 3: hashes[3], 99: bytes(len(hashes[2]))})
    for one in (here, elsewhere):
        for who, p_safe in (("ann", 1.0), ("ben", 0.0)):
            office.store.add(said(who, None, (p_safe, None), (one, B)))
    assert office.desk.drawn(here) is None
    client = owner(office)
    assert "clips/3-1-30" not in client.get("/owner").text
    wait_for(lambda: office.desk.drawn(here))
    page = client.get("/owner").text
    assert all(f'src="owner/clips/3-1-30/{sheet}.jpg"' in page for sheet in (0, 1))  # all of it
    assert "clips/99-1-8" not in page


def test_disagreements_say_who_said_what_whichever_way_round() -> None:
    answers = [
        replace(said("ann", 0.0, (0.0, 1.0), (B, A)), unsafe_from_first=4, strength=1),
        said("ben", 0.0, (None, 0.0)),
        said("cleo", 0.5, (1.0, None)),
        replace(said("ann", 0.0), role="repeat"),
    ]
    [better] = disagreements(answers)
    assert (better["kind"], better["segments"]) == ("Which is better?", (A, B))
    assert [one["verdict"] for one in better["said"]] == [
        "A is better, slightly",
        "B is better",
        "equal",
    ]
    safety = disagreements([*answers, said("ben", None, (0.0, 1.0))])
    of_b = next(one for one in safety if one["segments"] == (B,))
    assert [one["verdict"] for one in of_b["said"]] == ["unsafe from moment 5", "safe"]


def test_the_effect_of_leaving_people_out_by_hand() -> None:
    answers = [
        said("ann", 1.0, (1.0, None)),
        said("ben", 0.0, (1.0, None)),
        said("cleo", 0.0, (0.0, 1.0)),
        said("cleo", 1.0, pair=(A, C)),
    ]
    effect = effect_without(answers, ["cleo"])
    assert effect.people == ("cleo",)
    assert effect.comparisons == Change(labels=2, lost=1, turned=1)  # A or B: now a draw
    assert effect.safety == Change(labels=2, lost=1, turned=0)
    assert effect_without(answers, ["ann"]).comparisons == Change(2, 0, 0)
    everybody = effect_without(answers, ["ann", "ben", "cleo"])
    assert everybody.comparisons == Change(2, 2, 0)

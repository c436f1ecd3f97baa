"""The page's server: who may do what, and that nothing else can be done."""

import os
import secrets
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from annotation_desk import COOKIE, LENGTH, SECRET, Office, ReadyShelf, open_office, wait_for
from minari import MinariDataset
from starlette.testclient import TestClient

from sb3_presa.annotation.answers import database
from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.clips.curves import Curves
from sb3_presa.annotation.clips.shelf import Clip, Refusal
from sb3_presa.annotation.web import service
from sb3_presa.annotation.web.gate import Gate, cookie_of
from sb3_presa.annotation.web.page import render_markdown
from sb3_presa.annotation.web.server import create_app
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import ConfigError

BASE = "http://127.0.0.1:8765"
PEOPLE = ("ann", "ben")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A desk of the test's own."""
    with open_office(tmp_path, PEOPLE) as office:
        yield office


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A desk at which nobody may change anything: the tests that try share it."""
    with open_office(tmp_path_factory.mktemp("shut"), PEOPLE) as office:
        yield office
        assert office.store.answers() == []


def browser(office: Office, base: str = BASE) -> TestClient:
    app = create_app(office.desk, office.gate, office.text, COOKIE)
    return TestClient(app, base, follow_redirects=False)


def entered(office: Office, annotator: str = "ann") -> TestClient:
    """A browser in which somebody opened their link and then the page."""
    client = browser(office)
    assert client.get(office.gate.link(annotator)).status_code == 200
    client.base_url = f"{BASE}{office.gate.home(annotator)}"
    page = client.get("/")
    assert page.status_code == 200
    token = page.text.partition('data-page-token="')[2].partition('"')[0]
    client.headers["X-Page-Token"] = token
    return client


def next_place(client: TestClient) -> dict[str, Any]:
    """What the page shows next, once there is something."""
    wait_for(lambda: client.get("/api/state").json()["status"] == "ask")
    place: dict[str, Any] = client.get("/api/state").json()["place"]
    return place


def body(place: dict[str, Any], **changes: Any) -> dict[str, Any]:
    values = {
        "place": place["token"],
        "token": secrets.token_hex(16),
        "preference": "left",
        "left": "safe",
        "right": "unknown",
        "seconds": 2.5,
    }
    return values | changes


def test_while_another_program_writes_only_answers_are_asked_for_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = entered(office), entered(office, "ben")
    place, sent_place = next_place(client), next_place(other)
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.01)
    office.desk.close()
    with closing(sqlite3.connect(office.store.path, isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        office.store._database._writer.execute("PRAGMA busy_timeout = 10")
        sent = body(place)
        for refused in (
            client.post("/api/answer", json=sent),
            client.post("/api/undo", json={"token": sent["token"]}),
        ):
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "2"
            assert refused.json() == {"error": "Another program is writing the answers."}
        shown = other.get("/api/state").json()
        assert shown["place"]["token"] == sent_place["token"]
        program.execute("ROLLBACK")
    assert client.post("/api/answer", json=sent).json()["outcome"] == "recorded"


def test_an_answer_is_stored_as_it_was_given(office: Office) -> None:
    client = entered(office)
    place = next_place(client)
    sent = body(place, preference="right", left="unsafe")
    reply = client.post("/api/answer", json=sent)
    assert (reply.status_code, reply.json()["outcome"]) == (200, "recorded")
    [said] = office.store.answers()
    assert (said.annotator, said.preference) == ("ann", 0.0)
    assert (said.safe_first, said.safe_second, said.seconds) == (0.0, None, 2.5)
    assert said.strategy == "random"
    assert said.strategy_parameters["segment_length"] == LENGTH
    assert reply.json()["state"]["answered"] == 1

    assert client.post("/api/answer", json=sent).json()["outcome"] == "repeated"
    other_tab = client.post("/api/answer", json=body(place))
    assert (other_tab.status_code, other_tab.json()["outcome"]) == (409, "answered")
    assert office.store.answers() == [said]

    undone = client.post("/api/undo", json={"token": sent["token"]}).json()
    assert undone["outcome"] == "undone"
    assert undone["state"]["place"]["token"] == place["token"]
    assert undone["state"]["place"]["before"] == {
        "preference": 0.0,
        "safe_left": 0.0,
        "safe_right": None,
        "strength": None,
        "unsafe_from_left": None,
        "unsafe_from_right": None,
        "tags": [],
        "note": "",
    }
    assert office.store.answers() == []


def test_details_are_stored_and_come_back_after_undo(tmp_path: Path) -> None:
    details = {"strength": 3, "unsafe_left": 19, "unsafe_right": None, "tags": ["too close"]}
    with open_office(tmp_path, PEOPLE, tags=("jerky", "too close")) as office:
        client = entered(office)
        place = next_place(client)
        sent = body(place, left="unsafe", note="Ü\n\U0001f600", **details)
        assert client.post("/api/answer", json=sent).json()["outcome"] == "recorded"
        [said] = office.store.answers()
        assert (said.strength, said.tags, said.note) == (3, ("too close",), sent["note"])
        assert (said.unsafe_from_first, said.unsafe_from_second) == (19, None)
        assert (said.role, said.guess) == ("asked", None)
        undone = client.post("/api/undo", json={"token": sent["token"]}).json()
        before = undone["state"]["place"]["before"]
        assert before["tags"] == ["too close"]
        assert (before["strength"], before["unsafe_from_left"], before["note"]) == (
            3,
            19,
            sent["note"],
        )


def test_the_page_does_not_say_which_episode_it_shows(shut: Office) -> None:
    client = entered(shut)
    next_place(client)
    for place in shut.desk.queues.waiting("ann"):
        for episode, start, length in place.segments:
            assert f"{episode}, {start}, {length}" not in client.get("/api/state").text
            assert f"{episode}:{start}:{length}" not in client.get("/api/state").text
    assert set(next_place(client)) == {"token", "left", "right", "before", "guess"}


def test_nobody_gets_anything_without_a_cookie(shut: Office) -> None:
    place = next_place(entered(shut))
    stranger = browser(shut)
    home = shut.gate.home("ann")
    paths = ["/", home, f"{home}api/state", home + place["left"]["sheets"][0]]
    for path in paths:
        assert stranger.get(path).status_code == 401, path
    assert stranger.post(f"{home}api/answer", json=body(place)).status_code == 401
    assert "labels" not in stranger.get(home).text


@pytest.mark.parametrize(
    "link",
    [
        "/enter",
        "/enter?who=ann",
        "/enter?who=ann&key=",
        "/enter?who=ann&key=" + "0" * 40,
        "/enter?who=eve&key=" + Gate(("eve",), SECRET).link("eve").partition("key=")[2],
        Gate(PEOPLE, SECRET).link("ann").replace("who=ann", "who=ben"),
        Gate(PEOPLE, "of-another-run-of-the-server").link("ann"),
    ],
)
def test_only_a_right_link_opens_the_page(shut: Office, link: str) -> None:
    client = browser(shut)
    assert client.get(link).status_code == 403
    assert not client.cookies
    assert client.get(shut.gate.home("ann")).status_code == 401


def test_people_in_one_browser_have_a_page_each(office: Office) -> None:
    client = browser(office)
    homes = {who: office.gate.home(who) for who in PEOPLE}
    for who in PEOPLE:
        assert f'url={homes[who][1:]}"' in client.get(office.gate.link(who)).text
    for who in PEOPLE:
        assert f'data-annotator="{who}"' in client.get(homes[who]).text
        assert client.get(f"{homes[who]}api/state").json()["annotator"] == who
    cookies = client.cookies
    of_ann, of_ben = (cookie_of(COOKIE, homes[who]) for who in PEOPLE)
    for value in (cookies[of_ann], ""):  # that of another person, or none
        headers = {"Cookie": f"{of_ben}={value}"}
        assert browser(office).get(homes["ben"], headers=headers).status_code == 401


def test_people_who_come_to_a_wrong_address_read_a_page(shut: Office) -> None:
    """Scripts of the page get JSON."""
    ann, stranger, people = entered(shut), browser(shut), {"Accept": "text/html,*/*;q=0.8"}
    wrong_link = "/enter?who=ann&key=0"
    for client, path, status, heading in (
        (ann, "/nothing", 404, "This page does not exist"),
        (ann, "/static/v/nothing", 404, "This page does not exist"),
        (stranger, "/static/v/nothing", 404, "This page does not exist"),
        (stranger, "/", 401, "This link is not valid"),
        (stranger, wrong_link, 403, "This link is not valid"),
    ):
        reply = client.get(path, headers=people)
        assert (reply.status_code, f"<h1>{heading}</h1>" in reply.text) == (status, True), path
        assert "each time" not in reply.text  # a fixed token keeps links
        style = reply.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert client.get(str(reply.url.join(style))).status_code == 200
        assert client.get(path).json()["error"]


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "ann",
        "616e6e.",
        "616e6e." + "0" * 40,
        "zz." + "0" * 40,
        Gate(("ann",), "of-another-run-of-the-server").cookie("ann"),
        Gate(("eve",), SECRET).cookie("eve"),
        Gate(PEOPLE, SECRET).cookie("ann").replace("616e6e", "62656e"),
        "616e6e." + Gate(PEOPLE, SECRET).page_token("ann"),
    ],
)
def test_a_forged_cookie_is_no_cookie(shut: Office, cookie: str) -> None:
    home = shut.gate.home("ann")
    headers = {"Cookie": f"{cookie_of(COOKIE, home)}={cookie}"}
    response = browser(shut).get(f"{home}api/state", headers=headers)
    assert response.status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(shut: Office) -> None:
    set_cookie = browser(shut).get(shut.gate.link("ann")).headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=strict" in set_cookie
    assert "domain" not in set_cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Page-Token": ""},
        {"X-Page-Token": "0" * 40},
        {"X-Page-Token": Gate(PEOPLE, SECRET).page_token("ben")},
        {"X-Page-Token": Gate(PEOPLE, SECRET).cookie("ann")},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_can_neither_answer_nor_undo(
    shut: Office, headers: dict[str, str]
) -> None:
    client = entered(shut)
    sent = body(next_place(client))
    assert client.post("/api/answer", json=sent, headers=headers).status_code == 403
    undo = client.post("/api/undo", json={"token": sent["token"]}, headers=headers)
    assert undo.status_code == 403
    assert shut.store.answers() == []


def test_a_form_cannot_answer(shut: Office) -> None:
    """What a page of another site can send without asking the browser: plain text, forms."""
    client = entered(shut)
    place = next_place(client)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        response = client.post("/api/answer", content=b"{}", headers={"Content-Type": kind})
        assert response.status_code == 415
    for path in ("/api/answer", "/api/undo"):
        assert client.get(path, params=body(place)).status_code == 405
    assert shut.store.answers() == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.", "a@127.0.0.1",
     "192.168.0.7:8765", "", "[::2]", "[", "127.0.0.1 evil"],
)  # fmt: skip
def test_a_foreign_name_for_this_machine_gets_nothing(shut: Office, host: str) -> None:
    client = entered(shut)
    for path in ("/", "/api/state", shut.gate.link("ann"), "/static/x/app.js"):
        assert client.get(path, headers={"Host": host}).status_code == 421, path


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "localhost:1", "[::1]:8765"])
def test_loopback_by_any_of_its_names(shut: Office, host: str) -> None:
    assert entered(shut).get("/api/state", headers={"Host": host}).status_code == 200


def test_beyond_loopback_addresses_and_given_names_only() -> None:
    gate = service.make_gate(PEOPLE, "0.0.0.0", SECRET, ["Labels.example"])
    known = ["192.168.0.7:8765", "labels.example", "localhost", "[fe80::1]:8765"]
    assert all(gate.knows_host(host) for host in [*known, socket.gethostname()])
    assert not gate.knows_host("evil.example")
    assert not service.make_gate(PEOPLE, "127.0.0.1", SECRET, []).knows_host("192.168.0.7")
    with pytest.raises(ConfigError, match="at least 16"):
        service.make_gate(PEOPLE, "0.0.0.0", "short", [])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"preference": "both"}, 400),
        ({"preference": None}, 400),
        ({"preference": 1.0}, 400),
        ({"preference": ["left"]}, 400),
        ({"left": "maybe"}, 400),
        ({"right": {}}, 400),
        ({"seconds": -1}, 400),
        ({"seconds": 1e9}, 400),
        ({"seconds": "2"}, 400),
        ({"seconds": True}, 400),
        ({"token": "x"}, 400),
        ({"token": "0" * 31}, 400),
        ({"token": "0" * 32 + "\n"}, 400),
        ({"token": 7}, 400),
        ({"place": "../../etc/passwd"}, 400),
        ({"place": "0" * 32}, 404),
        ({"extra": 1}, 400),
        ({"strength": 4}, 400),
        ({"strength": "far"}, 400),
        ({"strength": 1, "preference": "equal"}, 400),
        ({"unsafe_left": 3}, 400),  # it is called safe
        ({"unsafe_left": LENGTH, "left": "unsafe"}, 400),
        ({"unsafe_left": True, "left": "unsafe"}, 400),
        ({"tags": ["not on the list"]}, 400),
        ({"tags": [[]]}, 400),
        ({"tags": "x"}, 400),
        ({"note": 3}, 400),
        ({"note": "x" * 1001}, 400),
        ({"note": "\a"}, 400),
    ],
)
def test_what_is_no_answer_is_refused(shut: Office, changes: dict[str, Any], status: int) -> None:
    client = entered(shut)
    response = client.post("/api/answer", json=body(next_place(client)) | changes)
    assert response.status_code == status
    assert response.json()["error"]
    assert shut.store.answers() == []


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b"\xff\xfe", 400), (b"[" * 4000, 400),
     (b'{"seconds": NaN}', 400), (b" " * 20_000, 413), (b"{}" + b" " * 10_000_000, 413)],
)  # fmt: skip
def test_bodies_that_are_no_object(shut: Office, content: bytes, status: int) -> None:
    json_type = {"Content-Type": "application/json"}
    response = entered(shut).post("/api/answer", content=content, headers=json_type)
    assert response.status_code == status


def test_numbers_that_are_not_finite(shut: Office) -> None:
    client = entered(shut)
    place = next_place(client)
    for number in ("NaN", "Infinity", "1e999", "9" * 400):
        text = f'{{"place": "{place["token"]}", "token": "{"0" * 32}", "preference": "left", '
        text += f'"left": null, "right": null, "seconds": {number}}}'
        headers = {"Content-Type": "application/json"}
        assert client.post("/api/answer", content=text, headers=headers).status_code == 400
    assert shut.store.answers() == []


def test_one_person_cannot_touch_what_is_anothers(office: Office) -> None:
    ann, ben = entered(office), entered(office, "ben")
    of_ann = next_place(ann)
    next_place(ben)
    assert ben.post("/api/answer", json=body(of_ann)).status_code == 404
    assert ben.get("/" + of_ann["left"]["sheets"][0]).status_code == 404
    assert ann.get("/" + of_ann["left"]["sheets"][0]).status_code == 200
    sent = body(of_ann)
    ann.post("/api/answer", json=sent)
    assert ben.post("/api/undo", json={"token": sent["token"]}).status_code == 409
    assert len(office.store.answers()) == 1


PATHS = [
    "/static/v/../../answers.py",
    "/static/v/..%2f..%2fanswers.py",
    "/static/v/%2e%2e/%2e%2e/answers.py",
    "/static/v//etc/passwd",
    "/static/v/%2fetc%2fpasswd",
    "/static/v/..%5canswers.py",
    "/static/../store.py",
    "/static/",
    "/static/v/",
    "/etc/passwd",
    "/labels.annotations.sqlite",
    "/clips/{place}/left/../../../etc/passwd",
    "/clips/{place}/left/..%2f..%2fx.jpg",
    "/clips/{place}/both/0.jpg",
    "/clips/{place}/left/99.jpg",
    "/clips/{place}/left/-1.jpg",
    "/clips/{place}/left/0.png",
    "/clips/..%2f..%2fetc/left/0.jpg",
    "/clips/" + "0" * 32 + "/left/0.jpg",
    "/clips/{place}%00/left/0.jpg",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file_of_the_machine(shut: Office, path: str) -> None:
    client = entered(shut)
    for base in ("", BASE):  # below the person's own path, and beside it
        response = client.get(base + path.format(place=next_place(client)["token"]))
        assert response.status_code in (401, 404, 405), response.text
        assert "root:" not in response.text
        assert "def " not in response.text


def test_every_reply_carries_the_headers_that_close_the_page(shut: Office) -> None:
    client = entered(shut)
    sheet = "/" + next_place(client)["left"]["sheets"][0]
    replies: list[Any] = [
        client.get("/"),
        client.get("/api/state"),
        client.get("/nothing"),
        client.get("/", headers={"Host": "evil.example"}),
        client.get(sheet),
        client.get(f"{BASE}/static/v/app.js"),
        client.post("/api/answer", json={}),
        browser(shut).get("/"),
    ]
    for reply in replies:
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in reply.headers
    assert client.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in client.get(sheet).headers["cache-control"]


def test_nothing_is_loaded_from_elsewhere(shut: Office) -> None:
    page = entered(shut).get("/").text
    assert "://" not in page
    folder = Path(service.__file__).parent / "static"
    for path in folder.iterdir():
        assert "://" not in path.read_text().replace("http://www.w3.org/2000/svg", "")


def test_a_failure_tells_nothing_of_the_machine(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(office.desk, office.gate, office.text, COOKIE)
    client = TestClient(app, BASE, raise_server_exceptions=False)
    client.get(office.gate.link("ann"))
    client.base_url = f"{BASE}{office.gate.home('ann')}"

    def fail(*_: object) -> None:
        raise RuntimeError(os.getcwd())

    monkeypatch.setattr(office.desk, "state", fail)
    response = client.get("/api/state")
    assert response.status_code == 500
    assert os.getcwd() not in response.text


def test_the_owners_text_is_rendered_and_cannot_act() -> None:
    html = render_markdown(
        "# Look\n\n<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n"
        "[good](https://example.org) [bad](javascript:alert(1)) ![far](http://evil/x.png)\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    assert "<h1>Look</h1>" in html
    assert "<table>" in html
    assert '<a href="https://example.org" rel="noopener noreferrer" target="_blank">' in html
    assert "<script" not in html
    assert "<img" not in html
    assert "evil" not in html and "far" not in html and "!" not in html
    assert 'href="javascript' not in html


def test_names_are_escaped(tmp_path: Path) -> None:
    name = '"><script>alert(1)</script>'
    with open_office(tmp_path, (name,)) as office:
        page = entered(office, name).get("/").text
    assert "<script>alert" not in page


def test_clips_that_cannot_be_shown_are_passed_over(tmp_path: Path) -> None:
    """A pair is shown once both its clips are there; what is refused is counted."""
    bad = (3, 0, LENGTH)

    class Scripted:
        name = "scripted"
        parameters: dict[str, Any] = {}  # noqa: RUF012

        def next_pairs(self, n: int, answered: Any, pending: Any = ()) -> list[Pair]:
            asked = {pair.key() for pair in pending}
            asked |= {Pair(said.first, said.second).key() for said in answered}
            first = [Pair(bad, (1, start, LENGTH)) for start in range(3)]
            rest = [Pair((5, start, LENGTH), (6, start, LENGTH)) for start in range(3)]
            return [pair for pair in [*first, *rest] if pair.key() not in asked][:n]

    (tmp_path / "clips").mkdir()
    shelf = ReadyShelf(tmp_path / "clips", refused={bad})
    options = DeskOptions(target=3, overlap=0, ahead=2)
    with open_office(tmp_path, ("ann",), options, Scripted(), shelf) as office:
        client = entered(office)
        for _ in range(3):
            client.post("/api/answer", json=body(next_place(client)))
        state = client.get("/api/state").json()
        assert (state["status"], state["answered"], state["refused"]) == ("done", 3, 1)
        assert {said.first[0] for said in office.store.answers()} <= {5, 6}


def test_people_are_told_when_no_clip_can_be_shown(tmp_path: Path) -> None:
    class NoShelf(ReadyShelf):
        def get(self, segment: Segment) -> Clip | Refusal | None:
            return Refusal("the replay differs from the recording at step 1")

    with open_office(tmp_path, shelf=NoShelf(tmp_path)) as office:
        client = entered(office)
        wait_for(lambda: client.get("/api/state").json()["status"] == "stuck")
        assert "differs from the recording" in client.get("/api/state").json()["problem"]


def test_numbers_of_clips_are_given_to_whom_they_are_asked(
    tmp_path: Path, box_dataset: MinariDataset
) -> None:
    data = load_transitions(box_dataset)
    curves = Curves(box_dataset, data)
    with open_office(tmp_path, PEOPLE, data=data, curves=curves) as office:
        ann, ben = entered(office, "ann"), entered(office, "ben")
        plots = ann.get("/api/plots").json()
        assert [column["name"] for column in plots["columns"]][3:] == ["action 0", "action 1"]
        place = next_place(ann)
        address = f"/{place['left']['numbers']}"
        found = ann.get(f"{address}?columns=4,0").json()
        waiting = office.desk.queues.place("ann", place["token"])
        assert waiting
        steps = waiting.left[2]
        assert found["steps"] == steps and set(found["columns"]) == {"0", "4"}
        assert (len(found["columns"]["0"]), len(found["columns"]["4"])) == (steps + 1, steps)
        for wrong, status in (
            ("?columns=5", 404), ("?columns=-1", 400), ("?columns=", 400), ("", 400),
            ("?columns=1;2", 400), ("?columns=" + "1," * 1000 + "1", 400),
        ):  # fmt: skip
            assert ann.get(address + wrong).status_code == status
        assert ann.get(f"/numbers/{place['token']}/middle?columns=0").status_code == 404
        assert ben.get(f"{address}?columns=0").status_code == 404
        assert browser(office).get(f"{address}?columns=0").status_code == 401


def test_without_curves_there_are_no_numbers(office: Office) -> None:
    client = entered(office)
    assert client.get("/api/plots").json() == {}
    address = next_place(client)["left"]["numbers"]
    assert client.get(f"/{address}?columns=0").status_code == 404

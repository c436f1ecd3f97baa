"""Answers of people on disk: what is written stays, is written once, and belongs to its data."""

import functools
import http.client
import json
import multiprocessing
import os
import secrets
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from annotation_desk import COOKIE, DATASET_ID, SECRET, open_office
from hypothesis import given, settings
from hypothesis import strategies as st

from sb3_presa.annotation.answers import database
from sb3_presa.annotation.answers.answer import ROLES, Answer, Guess
from sb3_presa.annotation.answers.schema import FORMAT_VERSION
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.places import Choices
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.annotation.web.gate import Gate, cookie_of
from sb3_presa.annotation.web.server import create_app
from sb3_presa.annotation.web.service import bind
from sb3_presa.errors import FeedbackError, StoreBusyError

HASHES = {episode: bytes([episode]) * 32 for episode in range(40)}
ONE, OTHER = (1, 0, 5), (2, 3, 5)
LEFT_IS_BETTER = Choices(1.0, 1.0, 0.0)

segments = st.tuples(st.integers(0, 39), st.integers(0, 50), st.integers(1, 50))
safety = st.sampled_from([1.0, 0.0, None])


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    store = AnswerStore(tmp_path / "labels.annotations.sqlite", DATASET_ID)
    store.record_episodes(HASHES)
    return store


def answer(**changes: Any) -> Answer:
    values: dict[str, Any] = {
        "annotator": "ann",
        "first": ONE,
        "second": OTHER,
        "preference": 1.0,
        "safe_first": 1.0,
        "safe_second": None,
        "seconds": 3.5,
        "answered_at": 1.7e9,
        "strategy": "coverage",
        "strategy_parameters": {"seed": 3},
    }
    return Answer(**values | changes)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    first, second = draw(st.lists(segments, min_size=2, max_size=2, unique=True))
    single = draw(st.booleans())
    preference = None if single else draw(st.sampled_from([1.0, 0.5, 0.0, None]))
    safe_first, safe_second = draw(safety), None if single else draw(safety)
    chance = st.none() | st.floats(0, 1)
    return answer(
        annotator=draw(st.sampled_from(["ann", "Ben Ö.", "c"])),
        first=first,
        second=None if single else second,
        preference=preference,
        safe_first=safe_first,
        safe_second=safe_second,
        strength=draw(st.sampled_from([None, 1, 2, 3])) if preference in (1.0, 0.0) else None,
        unsafe_from_first=draw(st.none() | st.integers(0, first[2] - 1))
        if safe_first == 0.0
        else None,
        unsafe_from_second=draw(st.none() | st.integers(0, second[2] - 1))
        if safe_second == 0.0
        else None,
        tags=tuple(draw(st.lists(st.sampled_from(["too close", "jerky", "ü"]), unique=True))),
        note=draw(st.sampled_from(["", "a\nb", '"quoted", = Ü'])),
        role=draw(st.sampled_from(ROLES)),
        guess=draw(st.none() | st.builds(Guess, chance, chance, chance, st.booleans())),
        seconds=draw(st.none() | st.floats(0, 1e4)),
        answered_at=draw(st.floats(0, 2e9)),
    )


@settings(max_examples=40)
@given(given_answers=st.lists(answers(), max_size=8, unique_by=lambda a: a.answered_at))
def test_what_was_added_is_read_back_as_it_was_said(
    given_answers: list[Answer], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "x.annotations.sqlite"
    store = AnswerStore(path, DATASET_ID)
    store.record_episodes(HASHES)
    numbers = [store.add(item) for item in given_answers]
    assert [store.add(item) for item in given_answers] == numbers  # nothing is written twice
    taken_back = numbers[::2]
    assert all(store.undo(number) for number in taken_back)
    assert not any(store.undo(number) for number in taken_back)
    store.close()

    again = AnswerStore(path)
    assert again.dataset_id == DATASET_ID
    assert again.answers() == given_answers[1::2]
    assert again.answers(undone=True) == given_answers[::2]
    again.close()


def test_a_time_that_nobody_wrote_down_is_not_1970(store: AnswerStore) -> None:
    said = answer(seconds=None, answered_at=None)
    assert store.add(said) == store.add(said)
    assert store.answers() == [said]


imported = st.lists(
    st.builds(
        lambda who, preference, time, turned: answer(
            annotator=who,
            **({"first": OTHER, "second": ONE} if turned else {}),
            preference=preference,
            answered_at=time,
        ),
        st.sampled_from(["ann", "ben"]),
        st.sampled_from([1.0, 0.0]),
        st.sampled_from([None, None, 1.0]),
        st.booleans(),
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(st.lists(imported, max_size=4))
def test_answers_without_times_end_as_the_last_file_does(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Answer]]
) -> None:
    store = AnswerStore(tmp_path_factory.mktemp("store") / "x.annotations.sqlite", DATASET_ID)
    store.record_episodes(HASHES)
    for file in files:
        numbers = store.add_all(file)
        before = store.answers()
        assert store.add_all(file) == numbers  # the same file again adds nothing
        assert store.answers() == before
        for who in ("ann", "ben"):
            given_ = [one for one in file if (one.annotator, one.answered_at) == (who, None)]
            kept = [one for one in store.answers(annotator=who) if one.answered_at is None]
            assert kept[len(kept) - len(given_) :] == given_
        timed = [one for one in store.answers() if one.answered_at is not None]
        assert all(timed.count(one) == 1 for one in timed)
    store.close()


def test_an_import_takes_no_longer_where_there_are_many_answers(store: AnswerStore) -> None:
    """Also into a file that was made before the index. SQLite counts its own steps."""
    with store.transaction() as connection:
        connection.execute("DROP INDEX answers_of_pair")
    steps = [0]

    def count() -> None:
        steps[-1] += 1

    with closing(AnswerStore(store.path)) as again:
        with again.transaction() as connection:
            connection.set_progress_handler(count, 10)
        for begin in range(0, 800, 100):
            steps.append(0)
            again.add_all(
                answer(first=(0, 0, 1 + n), second=(1, 0, 1 + n), answered_at=1.0 + n)
                for n in range(begin, begin + 100)
            )
    assert 0 < steps[-1] < 1.2 * steps[1]


def test_a_word_that_was_taken_back_can_be_said_again(store: AnswerStore) -> None:
    said = answer(answered_at=None)
    store.undo(store.add(said))
    store.add(said)
    assert store.answers() == store.answers(undone=True) == [said]


FORMER = Path(__file__).parent / "written" / "store_v{}.sql"


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_a_former_version_is_read_and_written_on(tmp_path: Path, version: int) -> None:
    """Version 1 had no room for a time that is not known, and wrote 0."""
    path = tmp_path / "labels.annotations.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(Path(str(FORMER).format(version)).read_text())
        database.commit()
    store = AnswerStore(path)
    assert store.dataset_id == DATASET_ID
    known, unknown = answer(), answer(first=(3, 0, 5), seconds=None, answered_at=None)
    on_page = answer(first=OTHER, second=ONE, seconds=2.5, answered_at=1.8e9)
    assert store.answers(undone=True) == [known]
    assert store.answers() == [unknown, on_page]
    assert store.add(unknown) == 2
    assert store.add(answer(note="new")) == 4

    queues = Queues(store)
    [waiting] = queues.waiting("ann")
    assert (waiting.left, waiting.right, waiting.strategy) == (ONE, (3, 0, 5), "coverage")
    assert queues.progress("ann").last == "b" * 32
    assert queues.record("ann", waiting.token, "c" * 32, LEFT_IS_BETTER, 1.0) == "recorded"
    with store.reading() as database:
        kept = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        assert database.execute("PRAGMA user_version").fetchone()[0] == FORMAT_VERSION
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert {"one_live_answer", "answers_of_annotator"} <= kept
    assert not [name for name in kept if "before" in name]
    store.close()


def test_an_upgraded_store_is_made_as_a_new_one(tmp_path: Path) -> None:
    def tables(store: AnswerStore) -> dict[str, Any]:
        names = ("about", "episodes", "pairs", "queue", "answers", "refused", "known")
        with closing(store), store.reading() as database:
            found = {n: database.execute(f"PRAGMA table_info({n})").fetchall() for n in names}
            return {name: [tuple(row) for row in rows] for name, rows in found.items()}

    path = tmp_path / "old.annotations.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(Path(str(FORMER).format(1)).read_text())
    new = AnswerStore(tmp_path / "new.annotations.sqlite", DATASET_ID)
    assert tables(AnswerStore(path)) == tables(new)


@given(one=answers())
def test_the_mirror_image_says_the_same(one: Answer) -> None:
    turned = one.canonical()
    assert turned.canonical() == turned
    if one.second is not None:
        assert {one.first: one.safe_first, one.second: one.safe_second} == {
            turned.first: turned.safe_first,
            turned.second: turned.safe_second,
        }
        preferred = {0.0: one.second, 1.0: one.first, 0.5: None, None: 0}[one.preference]
        assert (
            preferred
            == {0.0: turned.second, 1.0: turned.first, 0.5: None, None: 0}[turned.preference]
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotator": " ann"}, "printable"),
        ({"annotator": "a\nb"}, "printable"),
        ({"first": (1, 0, 0)}, "length >= 1"),
        ({"first": (1, -1, 5)}, "start >= 0"),
        ({"second": ONE}, "different segments, got"),
        ({"second": None}, "must be None"),
        ({"preference": 0.7}, r"`preference` must be .* got 0\.7"),
        ({"safe_first": 0.5}, "safe_first"),
        ({"seconds": float("nan")}, "`seconds` must be .* got nan"),
        ({"seconds": -1.0}, "seconds"),
        ({"strategy_parameters": {"x": object()}}, "JSON"),
        ({"strength": 4}, "`strength` must be"),
        ({"strength": 1, "preference": 0.5}, "`strength` must be"),
        ({"unsafe_from_first": 0}, "called unsafe"),  # it is called safe
        ({"unsafe_from_first": 5, "safe_first": 0.0}, "its length - 1, got 5"),
        ({"unsafe_from_second": 0, "second": None, "preference": None}, "must be a step index"),
        ({"tags": ("",)}, "a tag must have"),
        ({"tags": ("a", "a")}, "different ones"),
        ({"note": "x" * 1001}, "`note` must have at most 1000"),
        ({"note": "\ud800"}, "printable"),
        ({"role": "gold"}, "`role` must be"),
        ({"first": (77, 0, 5)}, "episode 77"),
    ],
)
def test_what_cannot_be_is_refused(
    store: AnswerStore, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(FeedbackError, match=message):
        store.add(answer(**changes))
    assert store.answers() == []


def test_answers_are_never_taken_for_other_data(store: AnswerStore) -> None:
    with pytest.raises(FeedbackError, match="must be on dataset 'other/data-v0'"):
        AnswerStore(store.path, "other/data-v0")
    with pytest.raises(FeedbackError, match="episode 3 must have the hash"):
        store.record_episodes({3: b"x" * 32})
    assert store.episode_hashes == HASHES


def test_files_that_are_no_store(store: AnswerStore, tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="does not exist; collect answers"):
        AnswerStore(tmp_path / "none.annotations.sqlite")
    text = tmp_path / "text.annotations.sqlite"
    text.write_text("this is no database, however long it may be, " * 50)
    with pytest.raises(FeedbackError, match="not a store of answers"):
        AnswerStore(text, DATASET_ID)
    foreign = tmp_path / "foreign.annotations.sqlite"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE answers (x)")
    with pytest.raises(FeedbackError, match="database of another program"):
        AnswerStore(foreign, DATASET_ID)
    with store.transaction() as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(FeedbackError, match=r"format version .* got 9"):
        AnswerStore(store.path)


def test_a_place_takes_one_answer_from_whatever_tab(store: AnswerStore) -> None:
    queues = Queues(store)
    queues.append("ann", ONE, OTHER, "random", {})
    [place] = queues.waiting("ann")
    first, second = secrets.token_hex(16), secrets.token_hex(16)

    assert queues.record("ben", place.token, second, LEFT_IS_BETTER, 1.0) == "unknown"
    assert queues.record("ann", place.token, first, LEFT_IS_BETTER, 1.0) == "recorded"
    assert queues.record("ann", place.token, first, LEFT_IS_BETTER, 1.0) == "repeated"
    assert queues.record("ann", place.token, second, Choices(0.0, 0.0, 0.0), 1.0) == "answered"
    elsewhere = Queues(AnswerStore(store.path))  # a second page of the same person
    assert elsewhere.record("ann", place.token, second, LEFT_IS_BETTER, 1.0) == "answered"
    [said] = store.answers()
    assert (said.preference, said.safe_first, said.safe_second) == (1.0, 1.0, 0.0)
    assert queues.waiting("ann") == []

    assert not queues.undo("ben", first)
    assert queues.undo("ann", first)
    assert queues.undo("ann", first)  # a click that was sent twice
    assert queues.waiting("ann") == [place]
    assert queues.taken_back("ann", place.token) == LEFT_IS_BETTER
    assert queues.record("ann", place.token, first, LEFT_IS_BETTER, 1.0) == "answered"
    assert queues.record("ann", place.token, second, Choices(0.0, 0.0, 0.0), 1.0) == "recorded"
    assert [said.preference for said in store.answers()] == [0.0]
    assert [said.preference for said in store.answers(undone=True)] == [1.0]


def test_undo_goes_back_any_number_of_steps_and_only_from_the_last(store: AnswerStore) -> None:
    queues = Queues(store)
    for start in range(4):
        queues.append("ann", (0, start, 5), (1, start, 5), "random", {})
    places = queues.waiting("ann")
    tokens = [secrets.token_hex(16) for _ in places]
    for place, token in zip(places, tokens, strict=True):
        queues.record("ann", place.token, token, LEFT_IS_BETTER, 1.0)
    assert not queues.undo("ann", tokens[1])  # a tab that knows nothing of the last two
    for token in reversed(tokens):
        assert queues.progress("ann").last == token
        assert queues.undo("ann", token)
    assert queues.progress("ann").last is None
    assert queues.waiting("ann") == places


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_a_set_share_of_every_queue_is_put_to_all(tmp_path: Path, share: float) -> None:
    people = ("ann", "ben", "cleo")
    options = DeskOptions(target=20, overlap=share, ahead=20)
    with open_office(tmp_path, people, options) as office:
        queues = office.desk.queues
        while any(len(queues.waiting(name)) < 20 for name in people):
            office.desk.wake()
        asked = {
            name: {frozenset(place.segments) for place in queues.waiting(name)} for name in people
        }
    shared = asked["ann"] & asked["ben"] & asked["cleo"]
    assert len(shared) == 20 * share
    assert len(asked["ann"] | asked["ben"] | asked["cleo"]) == len(shared) + 3 * 20 * (1 - share)
    with open_office(tmp_path, people, options) as again:  # a restart keeps everybody's queue
        for name in people:
            found = again.desk.queues.waiting(name)
            assert {frozenset(place.segments) for place in found} == asked[name]


def test_shared_pairs_are_turned_round_for_some(store: AnswerStore) -> None:
    queues = Queues(store)
    queues.append("p0", ONE, OTHER, "random", {}, shared=True)
    for number in range(1, 30):
        assert queues.join_shared(f"p{number}")
        assert not queues.join_shared(f"p{number}")
    lefts = {place.left for n in range(30) for place in queues.waiting(f"p{n}")}
    assert lefts == {ONE, OTHER}
    for number in range(30):  # whoever prefers ONE is recorded to do so, whichever side it was on
        [place] = queues.waiting(f"p{number}")
        choices = Choices(float(place.left == ONE), None, None)
        queues.record(f"p{number}", place.token, secrets.token_hex(16), choices, 1.0)
    assert {said.canonical().preference for said in store.answers()} == {1.0}


def test_clips_that_are_refused_are_passed_over_and_counted(store: AnswerStore) -> None:
    queues = Queues(store)
    queues.show_with("replay")
    queues.append("ann", ONE, OTHER, "random", {})
    queues.append("ann", (3, 0, 5), (4, 0, 5), "random", {})
    queues.refuse(OTHER, "the replay differs")
    assert [place.left for place in queues.waiting("ann")] == [(3, 0, 5)]
    assert queues.refused() == {OTHER: "the replay differs"}
    queues.show_with("replay")
    assert len(queues.waiting("ann")) == 1
    queues.show_with("plot")  # another way of drawing may manage
    assert len(queues.waiting("ann")) == 2


def test_who_reads_waits_for_no_writer(store: AnswerStore) -> None:
    """Neither one of this process nor another program; what is not committed is not seen."""
    store.add(answer())
    inside, leave = threading.Event(), threading.Event()

    def write() -> None:
        with store.transaction():
            store.add(answer(annotator="ben"))
            assert len(store.answers()) == 2, "a transaction sees what it wrote"
            inside.set()
            assert leave.wait(20)

    writer = threading.Thread(target=write)
    writer.start()
    assert inside.wait(20)
    assert len(store.answers()) == len(AnswerStore(store.path, read_only=True).answers()) == 1
    leave.set()
    writer.join()
    assert len(store.answers()) == 2


def test_a_busy_store_says_so_and_takes_the_answer_later(
    store: AnswerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.01)
    store = AnswerStore(store.path)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError, match=r"another program writes it; try again") as busy:
            store.add(answer())
        assert "locked" in str(busy.value.__cause__), "not that of a rollback"
        with pytest.raises(StoreBusyError):
            AnswerStore(store.path)
        assert store.answers() == []
        other.execute("ROLLBACK")
    store.add(answer())
    assert len(store.answers()) == 1


def test_threads_do_not_wait_for_a_thread_forever(
    store: AnswerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.01)
    refused: list[Exception] = []

    def write() -> None:
        try:
            store.add(answer())
        except StoreBusyError as error:
            refused.append(error)

    with store.transaction():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert "another answer is being written; try again" in str(refused[0])


@pytest.mark.parametrize("version", [1, FORMAT_VERSION])
@pytest.mark.parametrize("mode", ["?mode=ro", None])
def test_a_store_that_cannot_be_written_is_read(
    version: int, mode: str | None, store: AnswerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is mounted read-only; old files are upgraded in memory."""
    store.add(answer(seconds=None))
    store.close()
    if version < FORMAT_VERSION:
        store.path.unlink()
        with closing(sqlite3.connect(store.path)) as old:
            old.executescript(Path(str(FORMER).format(version)).read_text())
            old.execute("PRAGMA journal_mode = WAL")
    before = store.path.read_bytes()
    if mode is not None:  # such a disk has no place for what readers share
        connect = sqlite3.connect

        def refusing(name: Any, *arguments: Any, **keywords: Any) -> sqlite3.Connection:
            if str(name).endswith(mode):
                error = sqlite3.OperationalError("unable to open database file")
                error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
                raise error
            opened: sqlite3.Connection = connect(name, *arguments, **keywords)
            return opened

        monkeypatch.setattr(sqlite3, "connect", refusing)
    reader = AnswerStore(store.path, read_only=True)
    assert {one.annotator for one in reader.answers()} == {"ann"}
    assert reader.episode_hashes.items() <= HASHES.items()
    assert store.path.read_bytes() == before


def test_a_store_that_must_be_written_and_cannot_be_is_refused(
    store: AnswerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PRAGMAS", ("query_only = ON",))
    with pytest.raises(FeedbackError, match=r"must be a file that can be written, got: attempt"):
        AnswerStore(store.path, "other/data-v0")


def test_threads_and_processes_share_a_store(store: AnswerStore) -> None:
    other = AnswerStore(store.path)

    def write(number: int) -> None:
        for start in range(10):
            where = store if number % 2 else other
            where.add(answer(annotator=f"p{number}", first=(0, start, 3), answered_at=float(start)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.answers()) == len(other.answers()) == 40
    assert [a.first[1] for a in store.answers(annotator="p2")] == list(range(10))


def _serve(folder: Path, listener: socket.socket) -> None:
    with open_office(folder, options=DeskOptions(target=100_000, ahead=3)) as office:
        app = create_app(office.desk, office.gate, office.text, COOKIE)
        uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none")).run(
            sockets=[listener]
        )


class _Labeller:
    """Answers as fast as it can, and knows what was confirmed."""

    def __init__(self, port: int) -> None:
        gate = Gate(("ann",), SECRET)
        self._port, self._home = port, gate.home("ann")
        self._headers = {
            "Cookie": f"{cookie_of(COOKIE, gate.home('ann'))}={gate.cookie('ann')}",
            "X-Page-Token": gate.page_token("ann"),
            "Content-Type": "application/json",
        }
        self.confirmed: dict[str, float] = {}
        self._unsure: dict[str, Any] | None = None

    def work(self, on_reply: Callable[[], object]) -> None:
        """Until the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=1)
        random = np.random.default_rng(len(self.confirmed))
        try:
            while True:
                if self._unsure is None:
                    state = self._ask(connection, "GET", "api/state", None)
                    on_reply()
                    if state["status"] != "ask":
                        continue
                    self._unsure = {
                        "place": state["place"]["token"],
                        "token": secrets.token_hex(16),
                        "preference": str(random.choice(["left", "equal", "right"])),
                        "left": "safe",
                        "right": None,
                        "seconds": 1.5,
                    }
                sent = self._unsure
                reply = self._ask(connection, "POST", "api/answer", sent)
                assert reply["outcome"] in ("recorded", "repeated")
                said = {"left": 1.0, "equal": 0.5, "right": 0.0}[sent["preference"]]
                self.confirmed[sent["token"]] = said
                self._unsure = None
        except (OSError, http.client.HTTPException):
            connection.close()

    def once_confirmed(self, enough: int, do: Callable[[], object]) -> None:
        """Do something if so many answers were confirmed."""
        if len(self.confirmed) >= enough:
            do()

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any
    ) -> dict[str, Any]:
        connection.request(method, self._home + path, body and json.dumps(body), self._headers)
        content: dict[str, Any] = json.loads(connection.getresponse().read())
        return content


def test_nothing_confirmed_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    """Fifty times, at random moments; an answer on its way is sent again, and counts once."""
    fork = multiprocessing.get_context("fork")
    random = np.random.default_rng(0)
    path = tmp_path / "labels.annotations.sqlite"
    # The socket stays with this process: what arrives while no server lives waits for the next.
    with bind("127.0.0.1", 0) as listener:
        labeller = _Labeller(listener.getsockname()[1])
        for number in range(50):
            server = fork.Process(target=_serve, args=(tmp_path, listener), daemon=True)
            server.start()
            assert server.pid is not None
            kill = functools.partial(os.kill, server.pid, signal.SIGKILL)
            # Some while they start, the others while answers come in, two of them at least.
            starting = number % 10 == 0
            killer = threading.Timer(random.uniform(0.0, 0.2 if starting else 0.1), kill)
            begin = functools.cache(killer.start)
            enough = 0 if starting else len(labeller.confirmed) + 2
            if starting:
                begin()
            while server.exitcode is None:  # on a busy machine a reply may be late: ask again
                labeller.work(functools.partial(labeller.once_confirmed, enough, begin))
                server.join(0.1)
            assert server.exitcode == -signal.SIGKILL
            killer.join()
            if path.exists() and labeller.confirmed:
                with sqlite3.connect(path) as database:
                    rows = database.execute("SELECT token, preference FROM answers").fetchall()
                    [check] = database.execute("PRAGMA integrity_check").fetchone()
                assert check == "ok"
                stored = dict(rows)
                assert labeller.confirmed.items() <= stored.items()
                # One more at most: written, and the server was killed before it could say so.
                assert len(rows) == len(stored) <= len(labeller.confirmed) + 1
    assert len(labeller.confirmed) > 50


def test_answers_that_were_rolled_back_leave_nothing(tmp_path: Path) -> None:
    """Their numbers go to other answers."""
    with closing(AnswerStore(tmp_path / "s.sqlite", "toy/a-v0")) as store:
        store.record_episodes({0: bytes(32)})
        first, second = (
            Answer("ann", (0, 0, 5), (0, 5, 5), preference, None, None, 1.0, 2.0)
            for preference in (1.0, 0.0)
        )
        with suppress(ZeroDivisionError), store.transaction():
            number = store.add(first)
            assert store.answers() == [first]
            raise ZeroDivisionError
        assert store.add(second) == number
        assert store.answers() == [second]
        store.undo(number)
        assert (store.answers(), store.answers(undone=True)) == ([], [second])

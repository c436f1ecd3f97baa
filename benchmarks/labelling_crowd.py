"""The labelling page's real server as a process, and scripted people who answer at it."""

import contextlib
import http.client
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sb3_presa.annotation.answers.store import AnswerStore

PREFERENCES = {"left": 1.0, "equal": 0.5, "right": 0.0, "skip": None}
SAFETY = {"safe": 1.0, "unsafe": 0.0, "unknown": None}
#: The personal links stay valid when the server starts again.
SECRET = "of-the-scripted-people-0123456789"
_PATIENCE_SECONDS = 120.0


class Confirmed(NamedTuple):
    """An answer of which the server said that it is stored."""

    token: str
    preference: str
    left: str
    right: str


class LabellingServer:
    """
    ``sb3-presa annotate`` as a process that can be killed and started again at the same address.

    :param root: the folder of Minari datasets
    :param dataset: id of the dataset
    :param feedback: name of the answers
    :param people: names
    :param options: further arguments of the command
    """

    def __init__(
        self, root: Path, dataset: str, feedback: str, people: Sequence[str], options: Sequence[str]
    ) -> None:
        self._environment = {**os.environ, "MINARI_DATASETS_PATH": str(root)}
        self._arguments = ["annotate", dataset, "--feedback", feedback, "--token", SECRET]
        self._arguments += [word for name in people for word in ("--annotator", name)]
        self._arguments += options
        self._people, self._port = frozenset(people), 0
        self._process: subprocess.Popen[str] | None = None
        self.links: dict[str, str] = {}
        self.answers = Path()

    def start(self) -> None:
        """Starts it, and returns when people can enter."""
        command = [sys.executable, "-m", "sb3_presa", *self._arguments, "--port", str(self._port)]
        self._process = subprocess.Popen(
            [*command, "--no-browser"],
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
            start_new_session=True,  # a kill ends those who draw clips, too
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, _, value = line.strip().partition(": ")
            if name == "Answers":
                self.answers = Path(value)
            elif name in self._people and value.startswith("http"):
                self.links[name] = value
            elif line.startswith("Links are personal"):
                break
        else:
            raise RuntimeError(f"the server ended with {self._process.wait()}")
        self._port = urlsplit(next(iter(self.links.values()))).port or 0

    def kill(self) -> None:
        """Ends it and those who draw clips with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it as Ctrl+C does."""
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if number == signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        self._process.communicate(timeout=_PATIENCE_SECONDS)
        self._process = None


@contextlib.contextmanager
def running(server: LabellingServer) -> Iterator[LabellingServer]:
    """
    :param server: is started, and killed at the end whatever happens
    :return: the server
    """
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Person:
    """
    Somebody at the page: looks at both clips, thinks, answers, and sends an answer again until it
    is confirmed, as the page does.

    :param name: of the person
    :param link: the personal link
    :param think: mean of the seconds between clips and answer
    :param seed: of the choices
    """

    name: str
    link: str
    think: float
    seed: int
    confirmed: list[Confirmed] = field(default_factory=list)
    #: Seconds from sending an answer to its confirmation, of those that were sent once.
    round_trips: list[float] = field(default_factory=list)
    #: Answers that were sent again.
    again: int = 0
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.name} {self.seed}")
        self._headers: dict[str, str] = {}
        self._home = ""
        self._connection: http.client.HTTPConnection | None = None

    def work(self, stop: threading.Event) -> None:
        """
        Answers until all pairs are answered.

        :param stop: ends it earlier
        """
        try:
            self._enter(stop)
            state = None
            while not stop.is_set():
                state = state or json.loads(self._insist(stop, "GET", f"{self._home}api/state")[1])
                if state["status"] == "done":
                    return
                if state["status"] == "ask":
                    state = self._answer(stop, state)
                else:
                    state = None
                    stop.wait(0.2)
        except _StoppedError:
            pass
        except BaseException as error:  # told by who waits for the thread
            self.error = error
        finally:
            self._disconnect()

    def _enter(self, stop: threading.Event) -> None:
        target = urlsplit(self.link)
        response, forward = self._insist(stop, "GET", f"{target.path}?{target.query}")
        home = re.search(rb"url=(p/\w+/)", forward)
        assert home is not None, forward[:500]
        self._home = f"/{home[1].decode()}"
        cookie = response.getheader("set-cookie", "").partition(";")[0]
        self._headers = {"cookie": cookie}
        _, page = self._insist(stop, "GET", self._home)
        token = re.search(rb'data-page-token="([^"]+)"', page)
        assert token is not None, page[:500]
        self._headers |= {"x-page-token": token[1].decode(), "content-type": "application/json"}

    def _answer(self, stop: threading.Event, state: Mapping[str, Any]) -> Mapping[str, Any]:
        place = state["place"]
        for side in ("left", "right"):
            for sheet in place[side]["sheets"]:
                self._insist(stop, "GET", f"{self._home}{sheet}")
        stop.wait(self._random.uniform(0.5, 1.5) * self.think)
        draw = self._random.choice
        said = Confirmed(
            secrets.token_hex(16), draw([*PREFERENCES]), draw([*SAFETY]), draw([*SAFETY])
        )
        body = {**said._asdict(), "place": place["token"], "seconds": self.think}
        sent, began = self.again, time.perf_counter()
        response, reply = self._insist(stop, "POST", f"{self._home}api/answer", json.dumps(body))
        took = time.perf_counter() - began
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {reply[:300]!r}")
        self.confirmed.append(said)
        if self.again == sent:
            self.round_trips.append(took)
        found: Mapping[str, Any] = json.loads(reply)["state"]
        return found

    def _insist(
        self, stop: threading.Event, method: str, path: str, body: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Asks until there is an answer; a server that was killed comes back."""
        while True:
            if stop.is_set():
                raise _StoppedError
            try:
                response, content = self._ask(method, path, body)
            except (OSError, http.client.HTTPException):
                self._disconnect()
            else:
                if response.status != 503:
                    return response, content
            self.again += method == "POST"
            stop.wait(0.1)

    def _ask(
        self, method: str, path: str, body: str | None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            address = urlsplit(self.link)
            assert address.hostname is not None
            self._connection = http.client.HTTPConnection(
                address.hostname, address.port, timeout=30.0
            )
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        return response, response.read()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _StoppedError(Exception):
    """The people are sent home."""


class Crowd:
    """
    People who answer at the same time.

    :param links: their personal links by name
    :param think: mean of the seconds between clips and answer
    :param seed: of their choices
    """

    def __init__(self, links: Mapping[str, str], think: float, seed: int = 0) -> None:
        self.people = [Person(name, link, think, seed) for name, link in links.items()]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=one.work, args=(self._stop,), daemon=True)
            for one in self.people
        ]

    def start(self) -> None:
        """Lets them begin."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Returns when all of them are done."""
        for thread in self._threads:
            thread.join()
        self._raise_errors()

    def send_home(self) -> None:
        """Ends them; what they wait for stays unconfirmed."""
        self._stop.set()
        self.wait()

    @property
    def confirmed(self) -> int:
        """The number of confirmed answers."""
        return sum(len(one.confirmed) for one in self.people)

    def wait_for(self, answers: int) -> None:
        """
        :param answers: returns when so many more are confirmed
        """
        wanted, latest = self.confirmed + answers, time.monotonic() + _PATIENCE_SECONDS
        while self.confirmed < wanted:
            self._raise_errors()
            if time.monotonic() > latest:
                raise RuntimeError(f"{wanted} answers expected, got {self.confirmed}")
            time.sleep(0.01)

    def _raise_errors(self) -> None:
        for one in self.people:
            if one.error is not None:
                raise RuntimeError(f"{one.name} failed") from one.error


class Ledger(NamedTuple):
    """
    What people were told, against what is stored.

    :param confirmed: answers that were confirmed
    :param stored: answers in the store
    :param lost: confirmed answers that are not in the store as they were given
    :param doubled: answers in the store more than once
    :param unconfirmed: stored answers that nobody was told of: their confirmation was cut off
    """

    confirmed: int
    stored: int
    lost: int
    doubled: int
    unconfirmed: int


def compare(people: Sequence[Person], answers: Path) -> Ledger:
    """
    :param people: who answered
    :param answers: the store, whose server has ended
    :return: the counts
    """
    with (
        contextlib.closing(AnswerStore(answers, read_only=True)) as store,
        store.reading() as database,
    ):
        rows = [
            dict(row)
            for row in database.execute(
                "SELECT annotator, token, place, preference, safe_first, safe_second "
                "FROM answers WHERE undone_at IS NULL"
            )
        ]
    found = {
        (row["annotator"], row["token"]): (
            row["preference"],
            row["safe_first"],
            row["safe_second"],
        )
        for row in rows
    }
    told = {
        (one.name, said.token): (
            PREFERENCES[said.preference],
            SAFETY[said.left],
            SAFETY[said.right],
        )
        for one in people
        for said in one.confirmed
    }
    return Ledger(
        confirmed=sum(len(one.confirmed) for one in people),
        stored=len(rows),
        lost=sum(found.get(key) != values for key, values in told.items()),
        doubled=len(rows) - len({(row["annotator"], row["place"]) for row in rows}),
        unconfirmed=len(found.keys() - told.keys()),
    )

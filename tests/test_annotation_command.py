"""``sb3-presa annotate`` as a command: from a dataset to an answer, and what it refuses."""

import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h5py
import pytest
from annotation_desk import wait_for
from minari import MinariDataset
from typer.testing import CliRunner

from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.cli import app
from sb3_presa.feedback.file import answers_path

COMMAND = "from sb3_presa.cli import main; main()"
FIXED = ["--token", "a-token-of-the-tests", "--port", "0", "--no-browser"]


class Running:
    """The command in a process of its own, with everybody's link."""

    def __init__(self, *arguments: object) -> None:
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-c", COMMAND, "annotate", *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )
        self.said: list[str] = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.strip())
            if "Ctrl+C" in line:
                break
        found = [re.fullmatch(r"(\w+): (http://\S+)", line) for line in self.said]
        self.links = {match[1]: match[2] for match in found if match}

    def end(self) -> str:
        """Press Ctrl+C; the rest of what it says."""
        self._process.send_signal(signal.SIGINT)
        rest, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        return str(rest)


class Visitor:
    """Somebody who opened a link."""

    def __init__(self, link: str) -> None:
        parts = urlsplit(link)
        assert parts.hostname == "127.0.0.1"
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        self._headers = {"Content-Type": "application/json"}
        self._connection.request("GET", f"{parts.path}?{parts.query}")
        response = self._connection.getresponse()
        forward = re.search(r"url=(p/\w+)/", response.read().decode())
        assert forward
        self._home = f"/{forward[1]}"
        self._headers["Cookie"] = str(response.getheader("Set-Cookie")).partition(";")[0]
        page = self._ask("GET", "/").decode()
        found = re.search(r'data-page-token="(\w+)"', page)
        assert found
        self._headers["X-Page-Token"] = found[1]

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, self._home + path, content, self._headers)
        return self._connection.getresponse().read()

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._ask("GET", "/api/state"))
        return state

    def answer(self) -> None:
        wait_for(lambda: self.state()["status"] == "ask", 120)
        place = self.state()["place"]
        assert self._ask("GET", "/" + place["left"]["sheets"][0])[:2] == b"\xff\xd8"
        answer = {"place": place["token"], "token": secrets.token_hex(16), "preference": "left"}
        answer |= {"left": "safe", "right": "unsafe", "seconds": 4.0}
        assert json.loads(self._ask("POST", "/api/answer", answer))["outcome"] == "recorded"


def test_from_a_dataset_to_answers_and_on_after_a_restart(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    with h5py.File(Path(box_dataset.storage.data_path) / "main_data.hdf5", "r+") as file:
        for episode in range(0, 24, 3):  # a third of the episodes replay otherwise
            file[f"episode_{episode}/observations"][4] += 0.5
    (tmp_path / "task.md").write_text("# Go **right**")
    arguments = [
        box_dataset.id, "--feedback", "mine", "--annotator", "ann", "--annotator", "ben",
        "--segment-length", 10, "--overlap", 1, "--pairs", 3, "--strategy", "coverage",
        "--set", "pool_size=20", "--instructions", tmp_path / "task.md",
        "--cache", tmp_path / "clips", "--trust", *FIXED,
    ]  # fmt: skip
    running = Running(*arguments)
    assert "Clips: replay" in running.said
    assert set(running.links) == {"ann", "ben"}
    for name, link in running.links.items():
        visitor = Visitor(link)
        visitor.answer()
        assert visitor.state()["annotator"] == name
    said = running.end()
    assert "ann: 1 pairs answered" in said

    again = Running(*arguments)
    ann = Visitor(again.links["ann"])
    assert ann.state()["answered"] == 1
    for _ in range(2):
        ann.answer()
    assert ann.state()["status"] == "done"
    assert "differs from the recording at step 4" in again.end()

    store = AnswerStore(answers_path(box_dataset, "mine"), box_dataset.id)
    answers = store.answers()
    assert [(a.annotator, a.strategy) for a in answers].count(("ann", "coverage")) == 3
    assert all(a.strategy_parameters["pool_size"] == 20 for a in answers)
    shown = {segment for a in answers for segment in (a.first, a.second) if segment}
    assert not any(episode % 3 == 0 and start <= 4 for episode, start, _ in shown)
    [of_ben] = store.answers(annotator="ben")
    first_of_ann = store.answers(annotator="ann")[0].canonical()
    assert {of_ben.canonical().first, of_ben.canonical().second} == {
        first_of_ann.first,
        first_of_ann.second,
    }
    store.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "clairvoyance"], "strategy must be one of random"),
        (["--set", "colour=3"], "--set colour: unknown setting; choose one of pool_size"),
        (["--annotator", "ann", "--annotator", "ann"], "different names"),
        (["--annotator", " "], "printable"),
        (["--annotator", "model:x"], "must not begin with 'model:'"),
        (["--annotator", "Zo\u00eb", "--annotator", "Zoe\u0308"], "different names"),
        (["--token", "short"], "at least 16"),
        (["--group", "5"], "`group` must be 2 or 4, got 5"),
        (["--clips", "video"], "must be one of auto"),
        (["--curves", "*x"], "got '*x'. Columns: observation 0, observation 1, observation 2, act"),
        (["--track", "action 0"], "`track` must be two columns such as x,y, got 'action 0'"),
        (["--feedback", "../x"], "the name of feedback must have"),
        (["--instructions", "nowhere.md"], "No such file"),
        (["--host", "203.0.113.9"], "cannot be served"),
        (["--cache", "/proc/nowhere"], "/proc/nowhere/clip cannot be written: No such file"),
    ],
)
def test_what_it_refuses(
    box_dataset: MinariDataset, tmp_path: Path, arguments: list[str], message: str
) -> None:
    common = [box_dataset.id, "--port", "0", "--no-browser", "--cache", str(tmp_path)]
    result = CliRunner().invoke(app, ["annotate", *common, *arguments])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_the_extra_it_says_how_to_get_it() -> None:
    code = f"import sys; sys.modules['starlette'] = None; {COMMAND}"
    command = [sys.executable, "-c", code, "annotate", "any/data-v0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "starlette" in done.stderr and "extra 'annotate'" in done.stderr
    assert 'pip install ".[annotate]"' in done.stderr  # no index has the package


def test_a_port_that_is_taken(box_dataset: MinariDataset) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["annotate", box_dataset.id, "--port", port])
    assert result.exit_code == 1
    assert "use another --port" in result.stderr


def test_a_long_reading_is_told(
    box_dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["annotate", box_dataset.id, "--port", "0", "--clips", "video"]
    assert "Reading" not in CliRunner().invoke(app, command).stderr
    monkeypatch.setattr("sb3_presa.cli.annotate._MANY_EPISODES", 2)
    said = CliRunner().invoke(app, command).stderr.splitlines()
    assert said[0] == f"Reading {box_dataset.total_episodes} episodes of {box_dataset.id}"


def test_a_code_that_names_nobody_is_told(box_dataset: MinariDataset) -> None:
    refused = ["--port", "0", "--clips", "video"]
    command = ["annotate", box_dataset.id, *refused, "--completion-code"]
    with pytest.warns(UserWarning, match=r"'\{name\}' unchanged: only \{person\}"):
        CliRunner().invoke(app, [*command, "C-{person}-{name}"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = CliRunner().invoke(app, [*command, "C-{person}"])
    assert "must be one of auto" in result.stderr


def test_answers_of_other_data_are_refused(box_dataset: MinariDataset) -> None:
    path = answers_path(box_dataset, "people")
    with_answers = AnswerStore(path, box_dataset.id)
    for number, message in ((0, "episode 0 must have the hash"), (999, "episode 999 is missing")):
        with_answers.record_episodes({number: bytes(32)})
        result = CliRunner().invoke(app, ["annotate", box_dataset.id, "--port", "0"])
        assert result.exit_code == 1
        assert message in result.stderr
    with_answers.close()


def test_checks_doubts_consent_and_the_code_of_crowd_work(
    box_dataset: MinariDataset, tmp_path: Path
) -> None:
    header = "first_episode,first_start,first_length,second_episode,second_start,second_length"
    (tmp_path / "known.csv").write_text(f"{header},preference_for_first\n0,0,6,1,0,6,1\n")
    (tmp_path / "doubts.csv").write_text(f"{header}\n2,0,6,3,0,6\n")
    (tmp_path / "consent.md").write_text("I am **18**.")
    running = Running(
        box_dataset.id, "--feedback", "crowd", "--annotator", "ann", "--segment-length", 6,
        "--pairs", 2, "--known", tmp_path / "known.csv", "--doubts", tmp_path / "doubts.csv",
        "--consent", tmp_path / "consent.md", "--completion-code", "C-{person}",
        "--tags", "too close, jerky", "--cache", tmp_path / "clips", "--trust", *FIXED,
    )  # fmt: skip
    ann = Visitor(running.links["ann"])
    assert json.loads(ann._ask("POST", "/api/consent", {}))["outcome"] == "recorded"
    for _ in range(3):
        ann.answer()
    state = ann.state()
    assert (state["status"], state["answered"], state["target"]) == ("done", 3, 3)
    assert re.fullmatch(r"C-[0-9a-f]{8}", state["code"])
    page = ann._ask("GET", "/").decode()
    assert 'data-tag="too close"' in page
    assert 'data-tag="jerky"' in page
    assert any(line.startswith("Owner's view: http://127") for line in running.said)
    running.end()
    store = AnswerStore(answers_path(box_dataset, "crowd"), box_dataset.id)
    assert sorted((a.role, a.strategy) for a in store.answers()) == [
        ("asked", "doubts"),
        ("asked", "random"),
        ("known", "known"),
    ]
    assert store.has_consented("ann", "I am **18**.")
    [known] = store.known()
    assert known.first == (0, 0, 6)
    store.close()

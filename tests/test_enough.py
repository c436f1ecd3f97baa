"""Are there enough answers? Learning curves, their command, and the owner's panel."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_browser import open_pages
from annotation_desk import COOKIE, Office, open_office, served, transitions, wait_for
from made_up import episode, write
from playwright.sync_api import Browser, expect
from typer.testing import CliRunner

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.enough import FIRST, Enough, curve_command, due
from sb3_presa.annotation.web.gate import OWNER
from sb3_presa.cli import app
from sb3_presa.completion.learning_curve import Curve, Forecast, learning_curve
from sb3_presa.data import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback import Feedback
from sb3_presa.feedback.file import answers_path

DATA = transitions()


def labelled(n: int, seed: int, error_rate: float) -> Feedback:
    """Comparisons and safety labels of clips by one observed number."""
    random = np.random.default_rng(seed)
    rows = {(int(e), int(s), 20) for e, s in random.integers([40, 31], size=(4 * n, 2))}
    segments = sorted(rows)
    segments = [segments[i] for i in random.permutation(len(segments))[: 2 * n]]
    assert not isinstance(DATA.observations, dict)
    starts = [50 * e + s for e, s, _ in segments]
    means = np.array([DATA.observations[a : a + 20, 0].mean() for a in starts])
    wrong = random.random((2, 2 * n)) < error_rate
    safe = (means > 0) ^ wrong[0]
    better = (means[:n] > means[n:]) ^ wrong[1, :n]
    pairs = [(i, n + i) for i in range(n)]
    return Feedback.create(DATA, segments, safe, pairs, better.astype(float))


def test_more_labels_of_few_help() -> None:
    """On average over five draws: one draw of 100 labels has an error of four points."""
    draws = [
        {one.kind: one for one in learning_curve(DATA, labelled(50, seed, 0.0), 50)}
        for seed in range(5)
    ]
    for kind in ("preference", "safety"):
        points = [draw[kind].points for draw in draws]
        assert all([point.answers for point in of_one] == [12, 25, 38, 50] for of_one in points)
        accuracies = np.array([[point.accuracy.value for point in of_one] for of_one in points])
        assert accuracies[:, -1].mean() > accuracies[:, 0].mean()
    forecasts = [draw["safety"].forecast for draw in draws]
    assert all(one is not None and one.more == 50 for one in forecasts)
    more = [draw["safety"] for draw in draws if draw["safety"].as_dict()["verdict"] == "more"]
    assert len(more) >= 3
    assert "50 more answers would bring" in more[0].sentence


def test_nothing_is_said_where_it_cannot_be_known() -> None:
    hardly = learning_curve(DATA, labelled(19, 0, 0.1), 19)
    assert all(curve.forecast is None for curve in hardly)
    assert {one.kind: one.as_dict()["verdict"] for one in hardly} == {
        "preference": "unknown",
        "safety": "unknown",
    }
    guessed = learning_curve(DATA, labelled(60, 1, 0.5), 60)  # nothing can be learnt of these
    assert all(one.as_dict()["verdict"] != "more" for one in guessed)


@pytest.mark.parametrize(
    ("forecast", "verdict"),
    [
        (Forecast(100, 0.03, 0.01, 0.05), "more"),
        (Forecast(100, 0.03, -0.01, 0.07), "unknown"),
        (Forecast(100, 0.005, 0.001, 0.009), "enough"),
        (Forecast(100, 0.008, 0.001, 0.02), "unknown"),
    ],
)
def test_verdicts(forecast: Forecast, verdict: str) -> None:
    assert forecast.verdict == verdict


def test_comparisons_alone_have_one_curve_and_sleep_takes_the_rest_of_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    worked = iter(range(100))  # a second of work from one question to the next
    monkeypatch.setattr(time, "process_time", lambda: float(next(worked)))
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    found = labelled(45, 0, 0.0)
    alone = Feedback.create(
        DATA, found.segments, None, found.comparisons, found.preferences.tolist()
    )
    [curve] = learning_curve(DATA, alone, 45, core_share=0.25)
    assert curve.kind == "preference"
    assert slept == [4.0] * 6


def answer_on(data: Transitions, number: int) -> Answer:
    pair: list[Segment] = [(2 * number % 6, number, 10), (2 * number % 6 + 1, number, 10)]
    return Answer("ann", pair[0], pair[1], float(number % 2), 1.0, 0.0, None, float(number))


def test_the_command_prints_writes_and_draws(
    minari_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves: list[tuple[Curve, ...]] = []

    def once(*arguments: Any, **options: Any) -> tuple[Curve, ...]:
        """They are the same when the command is called again; that takes most of its time."""
        if not curves:
            curves.append(learning_curve(*arguments, **options))
        return curves[0]

    monkeypatch.setattr("sb3_presa.completion.learning_curve.learning_curve", once)
    dataset = write("toy/enough-v0", [episode(40, seed) for seed in range(6)])
    transitions_ = load_transitions(dataset)
    command = ["labels", "toy/enough-v0", "--curve"]
    assert CliRunner().invoke(app, command).exit_code == 1
    with contextlib.closing(AnswerStore(answers_path(dataset, "people"), dataset.id)) as store:
        store.record_episodes(transitions_.hashes_by_id())
        store.add_all([answer_on(transitions_, number) for number in range(24)])
    picture = tmp_path / "curve.png"
    found = CliRunner().invoke(app, [*command, "--json", "-", "--plot", str(picture)])
    assert found.exit_code == 0, found.output
    figures = json.loads(found.stdout)
    assert figures["answers"] == 24
    assert [one["kind"] for one in figures["curves"]] == ["preference", "safety"]
    assert figures["curves"][0]["points"][-1]["answers"] == 24
    assert set(figures["agreement"]) == {"preference", "safety"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = CliRunner().invoke(app, command).stdout
    assert "24 answers" in told
    assert "Preference: " in told
    alone = CliRunner().invoke(app, ["labels", "toy/enough-v0", "--plot", str(picture)])
    assert "--plot needs --curve" in alone.stderr
    # The process behind the page runs the same
    given = curve_command(Path(dataset.storage.data_path).parent, "people")
    assert given[5:] == [
        *("labels", str(Path(dataset.storage.data_path).parent), "--feedback", "people"),
        *("--curve", "--json", "-", "--core-share", "0.2"),
    ]  # fmt: skip


REPORT = {
    "answers": 200,
    "curves": [
        {
            "kind": kind,
            "sentence": f"About 200 more answers would bring {gain} points (90% interval 1 to 4).",
            "verdict": "more",
            "points": [
                {
                    "share": n / 200,
                    "answers": n,
                    "accuracy": {"value": value, "low": value - 0.06, "high": value + 0.06, "n": n},
                }
                for n, value in ((50, 0.68), (100, 0.74), (150, 0.77), (200, 0.79))
            ],
            "forecast": {"more": 200, "gain": 0.02, "low": 0.01, "high": 0.04},
        }
        for kind, gain in (("preference", 2.4), ("safety", 2.0))
    ],
    "agreement": {
        "preference": {"share": 0.81, "alpha": 0.6, "shared": 40},
        "safety": {"share": None, "alpha": None, "shared": 0},
    },
}  # fmt: skip


def test_a_process_works_it_out_again_after_some_answers() -> None:
    answers = [FIRST]
    program = "import json, os; print(json.dumps({'pid': os.getpid()}))"
    enough = Enough([sys.executable, "-c", program], lambda: answers[0], pause=0.01)
    enough.start()
    try:
        wait_for(lambda: enough.state()["report"])
        first = enough.state()["report"]
        assert enough.state()["answers"] == FIRST
        answers[0] += 10
        wait_for(lambda: enough.state()["report"] != first)
    finally:
        enough.close()


def test_it_is_worked_out_after_ten_answers_more_or_less() -> None:
    assert [now for now in range(60) if due(now, 0)] == list(range(20, 60))
    assert [now for now in range(60) if due(now, 35)] == [*range(20, 26), *range(45, 60)]


def test_what_a_process_complains_of_is_told_and_a_long_one_ends_with_the_page() -> None:
    enough = Enough([sys.executable, "-c", "import sys; sys.exit('no labels')"], lambda: 50, 0.01)
    enough.start()
    wait_for(lambda: enough.state()["problem"] == "no labels")
    enough.close()
    sleeper = Enough([sys.executable, "-c", "import time; time.sleep(600)"], lambda: 50, 0.01)
    sleeper.start()
    wait_for(lambda: sleeper._child)
    sleeper.close()
    assert sleeper._child is not None
    assert sleeper._child.returncode is not None


class _Known(Enough):
    def __init__(self) -> None:
        super().__init__([], lambda: 212)
        self._report = REPORT


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    options = DeskOptions(target=150, overlap=0.2, ahead=3)
    with open_office(tmp_path, ("ann", "ben"), options) as office, served(office):
        office.desk.enough = _Known()
        yield office


def test_the_owner_sees_that_the_first_figures_are_worked_out(
    office: Office, browser: Browser
) -> None:
    office.desk.enough = Enough([], lambda: 72)
    with open_pages(browser) as enter:
        page = enter(office)
        page.wait_for_load_state("networkidle")
        page.goto(office.link(OWNER))
        expect(page.locator("#enough-status")).to_have_text(
            "The figures of 72 answers are being worked out. This takes a minute."
        )
        expect(page.locator("#enough-busy")).to_be_visible()
        office.desk.enough = _Known()
        expect(page.locator("#enough-busy")).to_be_hidden()


def test_the_owner_sees_it_and_people_do_not(office: Office, browser: Browser) -> None:
    with open_pages(browser) as enter:
        rater = enter(office)
        for path in ("/owner", "/owner/enough"):
            assert rater.request.get(office.base + path).status == 401
            [cookie] = rater.context.cookies()  # one under the owner's name proves nothing
            forged = {"cookie": f"{COOKIE}_owner={cookie['value']}"}
            assert rater.request.get(office.base + path, headers=forged).status == 401
        context = rater.context  # the owner labels in the same browser
        page = context.new_page()
        page.goto(office.link(OWNER))
        expect(page.locator("#enough-status")).to_have_text("Worked out from 200 of 212 answers.")
        assert page.url == office.base + "/owner"
        cards = page.locator("section.enough")
        expect(cards).to_have_count(2)
        expect(cards.first.locator(".sentence")).to_have_text(REPORT["curves"][0]["sentence"])  # type: ignore[index]
        expect(cards.first).to_contain_text("People agree in 81% of their votes on the same 40")
        expect(cards.first.locator("svg")).to_have_attribute(
            "aria-label",
            "Which is better: 68% with 50 answers, 74% with 100 answers, "
            "77% with 150 answers, 79% with 200 answers",
        )  # fmt: skip
        expect(page.locator("#view tbody tr")).to_have_count(2)
        page.set_viewport_size({"width": 375, "height": 667})
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        assert rater.request.get(office.base + office.gate.home("ann")).status == 200
        assert page.request.get(office.base + "/enter?who=&key=wrong").status == 403
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/phone.png")
            page.set_viewport_size({"width": 1000, "height": 800})
            page.screenshot(path=f"{folder}/light.png")
            page.emulate_media(color_scheme="dark")
            page.screenshot(path=f"{folder}/dark.png")

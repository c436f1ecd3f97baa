"""People at the page, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_browser import Enter, begin, count, ready
from annotation_desk import LENGTH, Nothing, Office, open_office, served
from playwright.sync_api import Page, expect

from sb3_presa.annotation.answers.answer import Segment

PREFERENCES = {"ArrowLeft": 1.0, "ArrowDown": 0.5, "ArrowRight": 0.0, "ArrowUp": None}
SAFETY: dict[str, float | None] = {"safe": 1.0, "unsafe": 0.0, "unknown": None}
LEFT_KEYS = dict(zip("asd", SAFETY.values(), strict=True))
RIGHT_KEYS = dict(zip("jkl", SAFETY.values(), strict=True))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path, ("ann", "ben")) as office, served(office):
        yield office


def test_thirty_pairs_by_keyboard(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    random = np.random.default_rng(0)
    expected = []
    for number in range(30):
        ready(page)
        left, right = str(random.choice(list("asd"))), str(random.choice(list("jkl")))
        verdict = str(random.choice(list(PREFERENCES)))
        for key in (left, right, verdict):  # the last one sends, as all is said
            page.keyboard.press(key)
        expected.append((PREFERENCES[verdict], LEFT_KEYS[left], RIGHT_KEYS[right]))
        count(page, number + 1)
    expect(page.locator("#cover-title")).to_contain_text("Done")
    expect(page.locator("body")).to_have_attribute("data-status", "done")
    expect(page.locator("body")).to_have_attribute("data-shown", "")
    found = office.store.answers()
    assert [(said.preference, said.safe_first, said.safe_second) for said in found] == expected
    assert all(said.annotator == "ann" and 0 < (said.seconds or 0) < 60 for said in found)
    assert len({frozenset([said.first, said.second]) for said in found}) == 30


def test_before_its_scripts_the_page_says_that_it_loads(office: Office, enter: Enter) -> None:
    page = enter(office)
    page.wait_for_load_state("networkidle")
    page.route("**/app.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    page.goto(office.base + office.gate.home("ann"))
    expect(page.locator("#cover-title")).to_have_text("Loading")
    for button in page.locator("main .choice:visible, .mark, #send, #undo").all():
        expect(button).to_be_disabled()


def test_thirty_pairs_by_mouse(office: Office, enter: Enter) -> None:
    page = enter(office)
    page.click("#begin")
    page.locator("label.switch").click()  # do not go on by itself
    random = np.random.default_rng(1)
    expected = []
    values = {"left": 1.0, "equal": 0.5, "right": 0.0}
    for number in range(30):
        ready(page)
        expect(page.locator("#send")).to_be_disabled()
        verdict, left, right = (
            str(random.choice(list(choices))) for choices in (values, SAFETY, SAFETY)
        )
        if number % 10 == 0:  # and changes that mind
            page.click("[data-safety=left][data-value=safe]")
        page.click(f"[data-preference={verdict}]")
        page.click(f"[data-safety=right][data-value={right}]")
        page.click(f"[data-safety=left][data-value={left}]")
        page.click("#send")
        expected.append((values[verdict], SAFETY[left], SAFETY[right]))
        count(page, number + 1)
    found = office.store.answers()
    assert [(said.preference, said.safe_first, said.safe_second) for said in found] == expected


def answer(page: Page, keys: str = "aj", verdict: str = "ArrowLeft") -> None:
    ready(page)
    before = page.locator("#count").inner_text()
    for key in (*keys, verdict):
        page.keyboard.press(key)
    expect(page.locator("#count")).not_to_have_text(before)


def shown(page: Page) -> str:
    """What is on the screen at the first frame, as the left canvas has it."""
    ready(page)
    page.locator("#scrub").evaluate(
        "bar => { bar.value = 0; bar.dispatchEvent(new Event('input')); }"
    )
    return str(page.locator("#left canvas").evaluate("canvas => canvas.toDataURL()"))


def test_undo_goes_back_step_by_step_and_shows_what_was_said(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    expect(page.locator("#undo")).to_be_disabled()
    pictures = []
    for verdict in ("ArrowLeft", "ArrowRight", "ArrowDown"):
        pictures.append(shown(page))
        answer(page, "ak", verdict)
    page.keyboard.press("z")
    count(page, 2)
    page.keyboard.press("Backspace")
    count(page, 1)
    page.click("#undo")
    count(page, 0)
    expect(page.locator("#undo")).to_be_disabled()
    assert office.store.answers() == []

    assert shown(page) == pictures[0]
    expect(page.locator("[data-preference=left]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-safety=right][data-value=unsafe]")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("ArrowDown")  # changed, not sent: what was taken back is confirmed
    count(page, 0)
    page.keyboard.press("Enter")
    count(page, 1)
    assert shown(page) == pictures[1]
    page.keyboard.press("Enter")
    count(page, 2)
    assert [said.preference for said in office.store.answers()] == [0.5, 0.0]
    assert len(office.store.answers(undone=True)) == 3


def test_a_skip_that_is_undone_is_shown_as_a_skip(office: Office, enter: Enter) -> None:
    """Nothing that nobody said is selected, and so cannot be stored."""
    page = enter(office)
    begin(page)
    page.keyboard.press("s")
    page.keyboard.press("ArrowUp")
    count(page, 1)
    page.keyboard.press("z")
    count(page, 0)
    ready(page)
    chosen = page.locator("[aria-pressed=true]")
    expect(chosen).to_have_text(["UnsafeS", "Skip↑"])
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#missing")).to_have_text("Still missing: is the right one safe?")


def scrub(page: Page, step: int) -> None:
    page.locator("#scrub").evaluate(
        "(bar, step) => { bar.value = step; bar.dispatchEvent(new Event('input')); }", step
    )


def test_details_by_keyboard_and_all_of_them_undone(tmp_path: Path, enter: Enter) -> None:
    tags = ("too close", "jerky", "Jolts!")
    with open_office(tmp_path, tags=tags) as office, served(office):
        page = enter(office)
        begin(page)
        reasons = page.get_by_role("group", name="Reasons")
        assert reasons.locator("kbd").all_inner_texts() == ["T", "E", "O"]  # J judges
        page.keyboard.press("7")
        page.keyboard.press("6")  # instead
        for key in "teoo":
            page.keyboard.press(key)
        page.keyboard.press("n")
        page.keyboard.type("z: brakes at 3 s, j?")  # no key of the page
        page.keyboard.press("Enter")
        scrub(page, 13)
        page.keyboard.press("w")
        left = page.locator("[data-mark=left]")
        expect(left).to_have_accessible_name(re.compile("^Left clip: Unsafe from 13"))
        expect(page.locator("[data-safety=left][data-value=unsafe]")).to_have_attribute(
            "aria-pressed", "true"
        )
        page.keyboard.press("w")  # taken away, and set again
        expect(left).to_have_attribute("aria-pressed", "false")
        page.keyboard.press("w")
        page.keyboard.press("ArrowRight")
        scrub(page, 0)
        page.keyboard.press("i")  # all that was missing
        count(page, 1)
        [said] = office.store.answers()
        assert (said.preference, said.strength, said.tags) == (0.0, 2, ("too close", "jerky"))
        assert said.note == "z: brakes at 3 s, j?"
        # The picture of moment 13 is what step 12 led to
        assert (said.safe_first, said.unsafe_from_first) == (0.0, 12)
        assert (said.safe_second, said.unsafe_from_second) == (0.0, 0)

        page.keyboard.press("z")
        count(page, 0)
        ready(page)
        expect(left).to_have_accessible_name(re.compile("^Left clip: Unsafe from 13"))
        expect(page.locator("[data-strength='2']")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("[data-tag=jerky]")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#note")).to_have_value(said.note)
        page.keyboard.press("a")  # safe after all: no moment
        page.keyboard.press("ArrowDown")  # equal: no strength
        expect(page.locator("[data-strength='2']")).to_be_disabled()
        page.keyboard.press("Enter")
        count(page, 1)
        [changed] = office.store.answers()
        assert (changed.strength, changed.unsafe_from_first) == (None, None)
        assert (changed.tags, changed.note) == (said.tags, said.note)
        answer(page)  # nothing is carried over
        last = office.store.answers()[-1]
        assert (last.strength, last.tags, last.note) == (None, (), "")


def test_a_reload_goes_on_where_it_was(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    answer(page)
    picture = shown(page)
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.type("it bra")
    page.reload()
    expect(page.locator("#welcome")).to_be_hidden()  # it was read
    count(page, 1)
    assert shown(page) == picture
    expect(page.locator("[data-safety=left][data-value=safe]")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("#note")).to_have_value("it bra")
    answer(page)
    ready(page)
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)
    page.keyboard.press("z")
    count(page, 1)
    assert len(office.store.answers()) == 1


def test_a_restart_of_the_server_goes_on_where_it_was(tmp_path: Path, enter: Enter) -> None:
    with open_office(tmp_path) as office, served(office):
        page = enter(office)
        begin(page)
        answer(page)
        waiting = office.desk.queues.waiting("ann")
        expect(page.locator("body")).to_have_attribute("data-shown", waiting[0].token)
    with open_office(tmp_path) as office, served(office):
        page = enter(office)
        begin(page)
        count(page, 1)
        # The desk may have filled the queue up meanwhile
        assert office.desk.queues.waiting("ann")[: len(waiting)] == waiting
        page.keyboard.press("z")
        count(page, 0)


def test_an_answer_waits_for_a_server_that_is_away(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    ready(page)
    page.context.set_offline(True)
    for key in ("a", "j", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("#notice")).to_contain_text("no answer is lost")
    page.keyboard.press("ArrowRight")  # what is on its way cannot be changed
    page.context.set_offline(False)
    count(page, 1)
    assert [said.preference for said in office.store.answers()] == [1.0]


def test_two_tabs_do_no_harm(office: Office, enter: Enter) -> None:
    one = enter(office)
    begin(one)
    other = one.context.new_page()
    other.goto(office.base + office.gate.home("ann"))
    ready(other)
    assert shown(one) == shown(other)
    answer(one, verdict="ArrowLeft")
    answer(other, verdict="ArrowRight")  # the same pair: what was said first stays
    expect(other.locator("#notice")).to_contain_text("another tab")
    [said] = office.store.answers()
    assert said.preference == 1.0
    answer(other)
    one.keyboard.press("z")  # this tab knows of one answer only: nothing is taken back
    expect(one.locator("#notice")).to_contain_text("another tab")
    count(one, 2)
    assert len(office.store.answers()) == 2


def test_behind_a_proxy_below_a_path(tmp_path: Path, enter: Enter) -> None:
    with open_office(tmp_path) as desk, served(desk, "/team/labels") as office:
        page = enter(office)
        assert page.url.endswith("/team/labels" + office.gate.home("ann"))
        begin(page)
        ready(page)
        for key in ("a", "j", "ArrowLeft"):
            page.keyboard.press(key)
        count(page, 1)
        assert len(office.store.answers()) == 1
        page.wait_for_load_state("networkidle")  # the next clips


def test_two_people_at_once(office: Office, enter: Enter) -> None:
    ann, ben = enter(office, "ann"), enter(office, "ben")
    begin(ann)
    begin(ben)
    for number in range(6):
        answer(ann, verdict="ArrowLeft")
        answer(ben, "sk", verdict="ArrowRight")
        count(ann, number + 1)
        count(ben, number + 1)
    ann.keyboard.press("z")
    count(ann, 5)
    count(ben, 6)
    of_ann = office.store.answers(annotator="ann")
    of_ben = office.store.answers(annotator="ben")
    assert {said.preference for said in of_ann} == {1.0}
    assert {said.preference for said in of_ben} == {0.0}
    pairs = [{frozenset([said.first, said.second]) for said in of} for of in (of_ann, of_ben)]
    assert len(pairs[0] & pairs[1]) >= 2  # half of the pairs are put to both


def test_two_people_in_one_browser(office: Office, enter: Enter) -> None:
    """Each answers in their own name, also after a reload."""
    ann = enter(office, "ann")
    begin(ann)
    ben = ann.context.new_page()
    ben.goto(office.link("ben"))
    expect(ben.locator("#welcome")).to_be_visible()
    begin(ben)
    answer(ann, verdict="ArrowLeft")
    ann.reload()
    ready(ann)
    expect(ann.locator(".who span")).to_have_text("ann")
    answer(ann, verdict="ArrowLeft")
    answer(ben, verdict="ArrowRight")
    said = [(one.annotator, one.preference) for one in office.store.answers()]
    assert said == [("ann", 1.0), ("ann", 1.0), ("ben", 0.0)]


def test_a_page_whose_link_is_no_longer_valid_says_what_was_not_saved(
    office: Office, enter: Enter
) -> None:
    page = enter(office)
    begin(page)
    page.context.clear_cookies()
    for key in ("s", "j", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("#cover-title")).to_have_text("Open your link again")
    expect(page.locator("#cover-text")).to_contain_text("What you sent last was not saved.")


def test_the_clips_play_in_step(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    moment = page.locator("#moment")
    page.keyboard.press("r")
    expect(moment).not_to_have_text(f"0 / {LENGTH}")  # it plays
    page.keyboard.press(" ")
    stopped = moment.inner_text()
    page.wait_for_timeout(150)
    assert moment.inner_text() == stopped
    for step in (0, 7, LENGTH):
        page.locator("#scrub").evaluate(
            "(bar, step) => { bar.value = step; bar.dispatchEvent(new Event('input')); }", step
        )
        expect(moment).to_have_text(f"{step} / {LENGTH}")
        assert squares(page) == (4 * step, 4 * step)
    page.keyboard.press(",")
    page.keyboard.press(",")
    page.keyboard.press(".")
    expect(moment).to_have_text(f"{LENGTH - 1} / {LENGTH}")
    assert squares(page) == (4 * (LENGTH - 1),) * 2
    rates = [page.locator("#rate").inner_text()]
    for _ in range(4):
        page.keyboard.press("f")
        rates.append(page.locator("#rate").inner_text())
    assert rates == [f"{rate}\N{MULTIPLICATION SIGN}" for rate in "1½¼21"]
    page.locator("#left canvas").click()
    expect(page.locator("body")).to_have_class(re.compile("playing"))


def squares(page: Page) -> tuple[int, ...]:
    """How far the square of each clip has come, in pixels of the clip as it was drawn."""
    script = """canvas => {
        const { width, height } = canvas;
        const row = canvas.getContext("2d").getImageData(0, height / 2, width, 1).data;
        for (let x = 0; x < width; x++) if (row[4 * x] + row[4 * x + 1] + row[4 * x + 2] < 660)
            return Math.round(x * 96 / width);
        return -1;
    }"""
    canvases = [page.locator(f"#{side} canvas") for side in ("left", "right")]
    return tuple(int(canvas.evaluate(script)) for canvas in canvases)


def test_a_phone(office: Office, enter: Enter) -> None:
    page = enter(
        office,
        viewport={"width": 375, "height": 667},
        is_mobile=True,
        has_touch=True,
        device_scale_factor=2,
    )
    page.tap("#begin")
    ready(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == 375
    boxes = {side: page.locator(f"#{side} canvas").bounding_box() for side in ("left", "right")}
    assert boxes["left"]
    assert boxes["right"]
    assert boxes["left"]["y"] == boxes["right"]["y"]  # side by side
    assert boxes["left"]["width"] > 150
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box
        assert box["width"] >= 44
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 375
    switch, bar = (page.locator(part).bounding_box() for part in ("label.switch", "#scrub"))
    assert switch and switch["height"] >= 44
    assert bar and bar["width"] >= 250  # a moment can be aimed at, and read
    scrub(page, 13)
    expect(page.locator("#moment")).to_be_visible()
    expect(page.locator("#moment")).to_have_text(f"13 / {LENGTH}")
    page.tap("[data-safety=left][data-value=unsafe]")
    page.tap("[data-safety=right][data-value=safe]")
    page.tap("[data-preference=right]")
    count(page, 1)
    page.tap("#undo")
    count(page, 0)
    assert len(office.store.answers(undone=True)) == 1


def test_a_phone_held_sideways(office: Office, enter: Enter) -> None:
    """What does not fit is reached by scrolling; clips keep their size."""
    page = enter(office, viewport={"width": 844, "height": 390}, is_mobile=True, has_touch=True)
    page.tap("#begin")
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 844
    for side in ("left", "right"):
        box = page.locator(f"#{side} canvas").bounding_box()
        assert box and box["height"] >= 200 and box["width"] >= 200
    page.tap("[data-safety=left][data-value=unsafe]")
    page.tap("[data-safety=right][data-value=safe]")
    page.tap("[data-preference=right]")
    count(page, 1)


@pytest.mark.parametrize(("width", "height"), [(1024, 600), (700, 600), (1366, 640)])
def test_a_low_window_shows_clips_and_all_buttons(
    tmp_path: Path, enter: Enter, width: int, height: int
) -> None:
    """Nobody scrolls at every pair; no button lies upon another."""
    with open_office(tmp_path, tags=("too close", "jerky")) as office, served(office):
        page = enter(office, viewport={"width": width, "height": height})
        begin(page)
        for side in ("left", "right"):
            picture = page.locator(f"#{side} canvas").bounding_box()
            assert picture
            assert picture["height"] >= 170
        assert page.evaluate("document.documentElement.scrollHeight") == height
        buttons = page.locator("button:visible, .progress")
        boxes = [button.bounding_box() for button in buttons.all()]
        assert len(boxes) >= 20
        for number, one in enumerate(boxes):
            assert one
            assert one["y"] + one["height"] <= height
            for other in boxes[:number]:
                assert other
                assert (
                    one["x"] >= other["x"] + other["width"] - 1
                    or other["x"] >= one["x"] + one["width"] - 1
                    or one["y"] >= other["y"] + other["height"] - 1
                    or other["y"] >= one["y"] + one["height"] - 1
                )
        for verdict in page.locator(".verdict button").all():
            assert verdict.evaluate("button => button.scrollWidth <= button.clientWidth")


def test_a_page_that_the_server_no_longer_knows_says_so(office: Office, enter: Enter) -> None:
    """It does not try for ever: the same would be refused again."""
    page = enter(office)
    begin(page)
    said, sent = '{"error": "This is not in your queue."}', []

    def refuse(route: Any) -> None:
        sent.append(route.request.url)
        route.fulfill(status=404, content_type="application/json", body=said)

    page.route("**/api/answer", refuse)
    for key in ("s", "j", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("#cover-title")).to_have_text("Reload the page")
    expect(page.locator("#cover-text")).to_have_text(
        "This is not in your queue. What you sent last was not saved."
    )
    page.wait_for_timeout(1500)
    assert len(sent) == 1
    page.unroute("**/api/answer")
    page.reload()
    ready(page)


def test_the_text_of_what_is_chosen_can_be_read_under_the_mouse(
    office: Office, enter: Enter
) -> None:
    page = enter(office)
    begin(page)
    page.click("[data-preference=left]")
    chip = page.locator("#strengths .chip").first
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    style = "one => { const { color, backgroundColor } = getComputedStyle(one);"
    color, background = chip.evaluate(style + " return [color, backgroundColor]; }")
    chosen = chip.evaluate("one => getComputedStyle(one).getPropertyValue('--accent')")
    assert color != background and chosen
    page.mouse.move(0, 0)
    assert chip.evaluate(style + " return [color, backgroundColor]; }") == [color, background]


def test_light_and_dark(office: Office, enter: Enter) -> None:
    def paper(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light, dark = enter(office, color_scheme="light"), enter(office, "ben", color_scheme="dark")
    begin(light)
    begin(dark)
    assert paper(light) != paper(dark)
    wanted = paper(dark)
    light.click("#theme")
    assert paper(light) == wanted
    light.reload()
    assert paper(light) == wanted


def test_the_owners_instructions_come_first_and_can_be_read_again(
    tmp_path: Path, enter: Enter
) -> None:
    text = "# Drive well\n\n- *stay* on the road <b onclick=x>\n"
    with open_office(tmp_path, instructions=text) as office, served(office):
        page = enter(office)
        expect(page.locator(".instructions h1")).to_have_text("Drive well")
        expect(page.locator(".instructions em")).to_have_text("stay")
        assert page.locator(".instructions b").count() == 0
        page.keyboard.press("a")  # keys do nothing behind it
        begin(page)
        expect(page.locator("[aria-pressed=true]")).to_have_count(0)
        page.keyboard.press("?")
        expect(page.locator("#welcome")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#welcome")).to_be_hidden()


def test_what_is_missing_is_named(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#missing")).to_have_text(
        "Still missing: is the left one safe, is the right one safe?"
    )
    expect(page.locator("#notice")).to_be_visible()
    count(page, 0)


def test_a_segment_shown_alone_is_only_judged_safe_or_not(tmp_path: Path, enter: Enter) -> None:
    alone: Segment = (7, 3, LENGTH)
    with open_office(tmp_path, strategy=Nothing()) as office, served(office):
        office.store.record_episodes({7: bytes(32)})
        office.desk.queues.append("ann", alone, None, "by hand", {})
        page = enter(office)
        page.keyboard.press("Enter")
        expect(page.locator("#cover")).to_be_hidden()
        expect(page.locator("#right")).to_be_hidden()
        expect(page.locator(".verdict")).to_be_hidden()
        expect(page.locator("#left .clip-name")).to_have_text("Clip")  # not the left of two
        expect(page.get_by_role("group", name="The clip: is it safe?")).to_be_visible()
        assert page.get_by_role("button", name="Left clip").count() == 0
        page.keyboard.press("k")  # there is no right one
        page.keyboard.press("s")
        expect(page.locator("#cover-title")).to_contain_text("Done")
        [said] = office.store.answers()
    assert (said.first, said.second, said.preference, said.safe_first) == (alone, None, None, 0.0)

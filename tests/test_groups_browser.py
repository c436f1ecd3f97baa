"""Four clips put in an order at the page: by keys, by clicks, dragged; each pair is an answer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from annotation_browser import Enter
from annotation_desk import LENGTH, Nothing, Office, open_office, served
from playwright.sync_api import Locator, Page, expect

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.groups import append_group, clips_of


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    options = DeskOptions(target=24, overlap=0, ahead=2, group=4)
    with open_office(tmp_path, options=options) as office, served(office):
        yield office


def ready(page: Page) -> None:
    expect(page.locator("#group")).to_be_visible()
    expect(page.locator("#cover")).to_be_hidden()
    expect(page.locator(".tile .rank").first).to_be_enabled()


def begin(page: Page) -> None:
    page.keyboard.press("Enter")
    ready(page)


def clips(office: Office) -> list[Segment]:
    """The four on the screen."""
    return list(clips_of(office.desk.queues.waiting("ann")[:6]))


def press(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def ranking(page: Page) -> Locator:
    return page.locator("#ranking li")


def preferences(office: Office, ranks: dict[Segment, int]) -> None:
    """The answers to all pairs are those of an order."""
    for one in office.store.answers():
        assert one.second is not None
        left, right = ranks[one.first], ranks[one.second]
        assert one.preference == (0.5 if left == right else float(left < right))


def safety(office: Office) -> dict[Segment, float]:
    """The safety labels of clips, each said once."""
    safe: dict[Segment, float] = {}
    for one in office.store.answers():
        for segment, label in ((one.first, one.safe_first), (one.second, one.safe_second)):
            if label is not None and segment is not None:
                assert segment not in safe
                safe[segment] = label
    return safe


def test_an_order_and_safety_by_keys_and_one_undo(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    a, b, c, d = clips(office)
    press(page, "56678" + "8" + "3124")  # safety first, of clip 2 and 4 the second choice
    expect(page.locator("#missing")).to_have_text("Complete.")
    page.wait_for_timeout(300)
    assert office.store.answers() == []  # the last place may be a tie yet
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("6 of 24")
    said = office.store.answers()
    order = [c, a, b, d]
    for one in said:
        assert one.second is not None
        assert one.preference == float(order.index(one.first) < order.index(one.second))
    assert safety(office) == {a: 1.0, b: 0.0, c: 1.0, d: 0.0}
    assert len({frozenset((one.first, one.second)) for one in said}) == 6

    ready(page)
    page.keyboard.press("Backspace")
    expect(page.locator("#count")).to_have_text("0 of 24")
    assert office.store.answers() == []
    assert len(office.store.answers(undone=True)) == 6
    ready(page)
    assert clips(office) == [a, b, c, d]


def test_clicks_ties_and_dragging(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    expect(page.locator("label.switch")).to_be_hidden()  # an order waits for Enter
    a, b, c, d = clips(office)
    tiles = page.locator(".tile")
    for number in range(4):
        tiles.nth(number).locator(".rank").click()
    expect(ranking(page)).to_have_text(["Clip 1", "Clip 2", "Clip 3", "Clip 4"])
    page.click("#tie")
    expect(ranking(page).last).to_have_text("= Clip 4")
    ranking(page).last.click()  # where it is
    expect(ranking(page).last).to_have_text("= Clip 4")
    ranking(page).nth(2).drag_to(ranking(page).first)  # nobody said that 4 is as good as 2
    expect(ranking(page)).to_have_text(["Clip 3", "Clip 1", "Clip 2", "Clip 4"])
    page.click("#tie")
    for number in range(4):
        tiles.nth(number).locator("[data-tile-safety=unknown]").click()
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/four-light.png")
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=f"{folder}/four-dark.png")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("6 of 24")
    preferences(office, {c: 0, a: 1, b: 2, d: 2})
    said = office.store.answers()
    assert all(one.safe_first is one.safe_second is None for one in said)


def test_each_place_may_be_a_tie(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    a, b, c, d = clips(office)
    press(page, "5678" + "=1=2=")  # the first one has nothing before it
    expect(ranking(page)).to_have_text(["Clip 1", "= Clip 2", "3rd", "4th"])
    press(page, "3=4")
    expect(ranking(page)).to_have_text(["Clip 1", "= Clip 2", "= Clip 3", "Clip 4"])
    page.keyboard.press("2")  # taken out: 3 is as good as 1 still
    expect(ranking(page)).to_have_text(["Clip 1", "= Clip 3", "Clip 4", "4th"])
    press(page, "2=1")  # and without 1 it is the first
    expect(ranking(page)).to_have_text(["Clip 3", "Clip 4", "= Clip 2", "4th"])
    press(page, "1=")
    expect(page.locator("#tie")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("6 of 24")
    preferences(office, {c: 0, d: 1, b: 1, a: 1})


def test_an_order_that_was_taken_back_is_shown_as_it_was_given(
    office: Office, enter: Enter
) -> None:
    page = enter(office)
    begin(page)
    a, b, c, d = clips(office)
    press(page, "566" + "777" + "8" + "3124=")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("6 of 24")
    ready(page)
    page.keyboard.press("z")
    expect(page.locator("#count")).to_have_text("0 of 24")
    ready(page)
    expect(ranking(page)).to_have_text(["Clip 3", "Clip 1", "Clip 2", "= Clip 4"])
    for number, value in enumerate(("safe", "unsafe", "unknown", "safe")):
        chosen = page.locator(".tile").nth(number).locator("[data-tile-safety][aria-pressed=true]")
        expect(chosen).to_have_attribute("data-tile-safety", value)
    press(page, "42")  # 4 out, and 2: changed and confirmed
    press(page, "42=")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("6 of 24")
    preferences(office, {c: 0, a: 1, d: 2, b: 2})
    assert safety(office) == {a: 1.0, b: 0.0, d: 1.0}


def test_instructions_and_keys_are_those_of_the_screen(tmp_path: Path, enter: Enter) -> None:
    """Among groups come pairs that are asked again."""
    options = DeskOptions(target=7, overlap=0, ahead=2, group=4)
    with open_office(tmp_path, options=options, strategy=Nothing()) as office, served(office):
        office.store.record_episodes({episode: bytes(32) for episode in range(6)})
        one, other, *four = [(episode, 0, LENGTH) for episode in range(6)]
        office.desk.queues.append("ann", one, other, "by hand", {})
        append_group(office.desk.queues, "ann", four, "by hand", {})
        page = enter(office)
        pairs, groups = page.get_by_text("Two short recordings"), page.get_by_text("Place all of")
        skip, again = page.get_by_text("skip this pair"), page.get_by_text("again: take it out")
        for words in (pairs, skip):
            expect(words).to_be_visible()
        for words in (groups, again):
            expect(words).to_be_hidden()
        page.keyboard.press("Enter")
        expect(page.locator("[data-preference=left]")).to_be_enabled()
        expect(page.locator("#group")).to_be_hidden()
        for key in ("s", "j", "ArrowLeft"):
            page.keyboard.press(key)
        expect(page.locator("#welcome")).to_be_visible()  # not read yet
        for words in (groups, again):
            expect(words).to_be_visible()
        for words in (pairs, skip):
            expect(words).to_be_hidden()
        begin(page)
        press(page, "asdfhjklwn0")  # letters of pairs mean nothing here, above all not the opposite
        page.keyboard.press("ArrowUp")
        expect(page.locator("#group [aria-pressed=true]")).to_have_count(0)
        assert len(office.store.answers()) == 1
        press(page, "56781234")
        page.keyboard.press("Enter")
        expect(page.locator("#cover-text")).to_contain_text("7 comparisons answered")


def test_progress_ends_with_a_whole_group(tmp_path: Path, enter: Enter) -> None:
    options = DeskOptions(target=8, overlap=0, ahead=2, group=4)
    with open_office(tmp_path, options=options) as office, served(office):
        page = enter(office)
        begin(page)
        for answered in (0, 6):
            expect(page.locator("#count")).to_have_text(f"{answered} of 12")
            ready(page)
            press(page, "56781234")
            page.keyboard.press("Enter")
        expect(page.locator("#count")).to_have_text("12 of 12")
        expect(page.locator("#cover-text")).to_contain_text("12 comparisons answered")


def test_four_in_a_low_window_have_their_buttons_in_one_row(office: Office, enter: Enter) -> None:
    page = enter(office, viewport={"width": 1024, "height": 600})
    begin(page)
    for picture in page.locator(".tile canvas").all():
        box = picture.bounding_box()
        assert box and box["height"] >= 140
    assert page.evaluate("document.documentElement.scrollHeight") == 600


def test_four_on_a_phone(office: Office, enter: Enter) -> None:
    page = enter(office, viewport={"width": 375, "height": 667}, is_mobile=True, has_touch=True)
    page.tap("#begin")
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    for button in page.locator("#group button:visible").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 36
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 375
    for tile in page.locator(".tile").all():
        tile.locator("[data-tile-safety=safe]").tap()
    places = [button.bounding_box() for button in page.locator("[data-tile-safety]").all()]
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/four-phone.png")
    for number, tile in enumerate(page.locator(".tile").all()):
        expect(tile.get_by_text(f"Clip {number + 1}", exact=True)).to_be_visible()
        tile.locator(".rank").tap()
    # Where a finger is, the next button stays
    buttons = page.locator("[data-tile-safety]").all()
    assert [button.bounding_box() for button in buttons] == places
    page.tap("#send")
    expect(page.locator("#count")).to_have_text("6 of 24")

"""Four clips put in an order at the page: by keys, by clicks, dragged; each pair is an answer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from annotation_browser import Enter
from annotation_desk import Office, open_office, served
from playwright.sync_api import Page, expect

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.groups import clips_of


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


def test_four_keys_of_order_are_three_and_four_of_safety(office: Office, enter: Enter) -> None:
    page = enter(office)
    begin(page)
    a, b, c, d = clips(office)
    for key in "ajdl312":  # the last one sends, as all is said: 3, 1, 2, and 4 follows
        page.keyboard.press(key)
    expect(page.locator("#count")).to_have_text("6 of 24")
    said = office.store.answers()
    order = [c, a, b, d]
    for one in said:
        assert one.second is not None
        assert one.preference == float(order.index(one.first) < order.index(one.second))
    safe: dict[Segment, float] = {}
    for one in said:
        for segment, label in ((one.first, one.safe_first), (one.second, one.safe_second)):
            if label is not None and segment is not None:
                assert segment not in safe  # said once
                safe[segment] = label
    assert safe == {a: 1.0, b: 0.0, c: 1.0, d: 0.0}
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
    page.locator("label.switch").click()  # wait for Enter
    a, b, c, d = clips(office)
    tiles = page.locator(".tile")
    for number in (0, 1, 2):
        tiles.nth(number).locator(".rank").click()
    expect(page.locator("#ranking li")).to_have_text(["Clip 1", "Clip 2", "Clip 3", "Clip 4"])
    page.click("#tie")
    expect(page.locator("#ranking li").last).to_have_text("= Clip 4")
    page.locator("#ranking li").nth(2).drag_to(page.locator("#ranking li").first)
    expect(page.locator("#ranking li")).to_have_text(["Clip 3", "Clip 1", "Clip 2", "= Clip 4"])
    for number in range(4):
        tiles.nth(number).locator("[data-tile-safety=unknown]").click()
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/four-light.png")
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=f"{folder}/four-dark.png")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("6 of 24")
    ranks = {c: 0, a: 1, b: 2, d: 2}
    for one in office.store.answers():
        assert one.second is not None
        left, right = ranks[one.first], ranks[one.second]
        assert one.preference == (0.5 if left == right else float(left < right))
        assert one.safe_first is one.safe_second is None


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
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/four-phone.png")
    for number in (3, 2, 1):
        page.locator(".tile").nth(number).locator(".rank").tap()
    expect(page.locator("#count")).to_have_text("6 of 24")

"""Access for all: axe-core on every view of the page, and what needs a browser of the owner's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from annotation_browser import LOOKS, NAMES, Enter, findings, open_browser, open_pages
from annotation_desk import Office, open_office, served
from playwright.sync_api import Browser, Page, expect

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.places import Choices
from sb3_presa.annotation.web.gate import OWNER


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def enter(browser: Browser) -> Iterator[Enter]:
    with open_pages(browser) as enter:
        yield enter


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with (
        open_office(
            tmp_path,
            ("ann", "ben"),
            tags=("too close", "jerky"),
            consent="I am **18 or older**.",
            completion_code="DONE-{person}",
            options=DeskOptions(target=2, overlap=1.0, ahead=2),
        ) as office,
        served(office),
    ):
        yield office


def ready(page: Page) -> None:
    expect(page.locator("[data-preference=left]")).to_be_enabled()
    expect(page.locator("#cover")).to_be_hidden()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_on_any_view(office: Office, enter: Enter, look: str) -> None:
    page = enter(office, **LOOKS[look])
    assert findings(page, NAMES) == []  # instructions and consent
    page.locator("#begin").click()
    ready(page)
    page.keyboard.press("w")
    page.keyboard.press("6")
    page.keyboard.press("t")
    assert findings(page, NAMES) == []
    for _ in range(2):
        ready(page)
        for key in ("s", "j", "ArrowLeft"):
            page.keyboard.press(key)
        page.wait_for_timeout(50)
    expect(page.locator("#cover-title")).to_contain_text("Done")
    expect(page.locator("#cover-text code")).to_have_text(f"DONE-{office.gate.code('ann')}")
    assert findings(page, NAMES) == []
    page.wait_for_load_state("networkidle")
    of_ann = office.store.answers()
    for one in of_ann:
        office.store.add(
            Answer("ben", one.first, one.second, 0.0, 1.0, 0.0, None, None, note="slow")
        )
    page.goto(office.link(OWNER))
    expect(page.locator("h2").filter(has_text="Disagreements: 6")).to_be_visible()
    page.get_by_role("link", name="Leave out ben").click()
    expect(page.get_by_text("Merge without ben")).to_be_visible()
    expect(page.get_by_role("link", name="Put back ben")).to_be_visible()
    assert findings(page, NAMES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"]


def test_nobody_begins_without_agreeing(office: Office, enter: Enter) -> None:
    page = enter(office)
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#begin")).to_contain_text("I agree")
    assert not office.store.has_consented("ann", office.text.consent)
    page.keyboard.press("Enter")
    expect(page.locator("#welcome")).to_be_hidden()
    assert office.store.has_consented("ann", office.text.consent)
    page.reload()
    ready(page)  # it is not asked again


def test_the_owners_view_is_brought_up_to_date(office: Office, enter: Enter) -> None:
    page = enter(office)
    page.wait_for_load_state("networkidle")
    page.goto(office.link(OWNER))
    row = page.get_by_role("row").filter(has_text="ann")
    expect(row).to_contain_text("0 of 2")
    page.wait_for_load_state("networkidle")
    page.clock.install()
    page.reload()
    place = office.desk.queues.waiting("ann")[0]
    office.store.consent("ann", office.text.consent)
    office.desk.queues.record("ann", place.token, "a" * 32, Choices(1.0, 1.0, 1.0), 1.0)
    page.clock.run_for(11_000)
    expect(row).to_contain_text("1 of 2")


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_where_four_clips_are_put_in_an_order(
    tmp_path: Path, enter: Enter, look: str
) -> None:
    options = DeskOptions(target=12, overlap=0, ahead=2, group=4)
    with open_office(tmp_path, options=options) as office, served(office):
        page = enter(office, **LOOKS[look])
        page.locator("#begin").click()
        expect(page.locator(".tile .rank").first).to_be_enabled()
        expect(page.locator("#cover")).to_be_hidden()
        assert findings(page) == []
        for key in "21=5667":
            page.keyboard.press(key)
        assert findings(page) == []

"""A real browser for the tests of the page: Debian's chromium, or the one that CHROMIUM names."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

from annotation_desk import Office
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

# A busy machine is no failure.
expect.set_options(timeout=60_000)

Enter = Callable[..., Page]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 760}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1024, "height": 700}},
    "phone": {"viewport": {"width": 375, "height": 667}, "is_mobile": True, "has_touch": True},
}


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser itself."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert found, "these tests need Debian's chromium (apt-get install chromium), or CHROMIUM=PATH"
    with sync_playwright() as playwright:
        browser = launch(playwright, found)
        yield browser
        browser.close()


def launch(playwright: Playwright, path: str) -> Browser:
    # Containers let no process of root into a sandbox of its own.
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=path, args=arguments)


@contextlib.contextmanager
def open_pages(browser: Browser) -> Iterator[Enter]:
    """Open somebody's link in a browser of their own; nothing may go wrong in the page."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(office: Office, annotator: str = "ann", **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(office.link(annotator))
        expect(page.locator("#welcome")).to_be_visible()
        return page

    def failed(request: Request) -> None:
        # A page that goes on, or is closed, gives up what it still waits for
        if request.failure != "net::ERR_ABORTED":
            problems.append(f"{request.url} {request.failure}")

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", failed)
        page.on(
            "console",
            lambda message: (
                problems.append(f"{message.text} {message.location['url']}")
                if message.type == "error"
                else None
            ),
        )

    yield open_page
    found = list(problems)  # closing the browser cuts requests off
    for context in contexts:
        context.close()
    # Conflicts and refusals are answers, though browsers call them errors; one test takes the
    # network away.
    expected = ("409", "api/answer", "DISCONNECTED")
    said = [text for text in found if not any(part in text for part in expected)]
    assert not said, said


def begin(page: Page) -> None:
    page.keyboard.press("Enter")
    expect(page.locator("#welcome")).to_be_hidden()
    ready(page)


def ready(page: Page) -> None:
    """Until a pair can be answered."""
    expect(page.locator("[data-preference=left]")).to_be_enabled()
    expect(page.locator("#cover")).to_be_hidden()


def count(page: Page, answered: int, of: int = 30) -> None:
    expect(page.locator("#count")).to_have_text(f"{answered} of {of}")


#: Names that are read aloud hold what is seen. axe-core calls the rule an experiment.
NAMES = "label-content-name-mismatch"


def findings(page: Page, *further: str) -> list[str]:
    """What axe-core finds, of any impact; without a look at the network.

    :param further: rules that it leaves out by itself.
    """
    page.evaluate(AXE)
    options = {
        "rules": {rule: {"enabled": True} for rule in further},
        "resultTypes": ["violations"],
    }
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['impact']}: {rule['id']} at {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]

"""Scripted raters answer pairs at the real page: ``sb3-presa annotate``, and a browser each."""

import asyncio
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from minari import MinariDataset
from playwright.async_api import Page, async_playwright
from rater import Drives, Rater

from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.queues import Queues
from sb3_presa.feedback.file import answers_path

_PATIENCE_MS = 600_000  # for the next pair


def label(
    dataset: MinariDataset,
    feedback: str,
    folder: Path,
    raters: Sequence[Rater],
    *,
    pairs: int,
    segment_length: int,
    pace: float,
) -> None:
    """Open the page, and answer until every rater has answered all pairs.

    Answers that are there already count, so a call that was interrupted goes on.

    :param dataset: what is shown.
    :param feedback: the name of the labels.
    :param folder: for the clips, for ``waits.csv`` (the seconds from an answer to the next pair)
        and for ``page.png``, a picture of the page.
    :param raters: who answers.
    :param pairs: that each of them is asked.
    :param segment_length: steps of a clip.
    :param pace: seconds that a rater takes for a pair, give or take a quarter.
    """
    arguments = [
        *("annotate", dataset.id, "--feedback", feedback, "--pairs", str(pairs)),
        *("--segment-length", str(segment_length), "--overlap", "0.25"),
        *("--instructions", str(Path(__file__).parent / "instructions.md")),
        *("--title", "Which car gets further?", "--cache", str(folder / "clips")),
        *("--port", "0", "--no-browser"),
    ]
    for rater in raters:
        arguments += ["--annotator", rater.name]
    folder.mkdir(parents=True, exist_ok=True)
    drives = Drives(dataset)
    with closing(AnswerStore(answers_path(dataset, feedback), dataset.id)) as store:
        if all(len(store.answers(annotator=rater.name)) >= pairs for rater in raters):
            return
        with _served(arguments) as links:
            office = _Office(drives, Queues(store), folder, pace)
            asyncio.run(office.answer_all({rater: links[rater.name] for rater in raters}))


@contextmanager
def _served(arguments: Sequence[str]) -> Iterator[dict[str, str]]:
    """Run the command, and end it as Ctrl+C does; gives everybody's link."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "sb3_presa", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    links: dict[str, str] = {}
    try:
        for line in process.stdout:
            if found := re.fullmatch(r"(\S+): (http://\S+)\n", line):
                links[found[1]] = found[2]
            elif "Ctrl+C" in line:
                break
        else:
            raise SystemExit("The page could not be opened; its message is above.")
        yield links
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


class _Office:
    """The raters' browser.

    :param drives: what can be seen.
    :param queues: which segments a place of the page shows; the page itself does not tell.
    :param folder: for ``waits.csv`` and ``page.png``.
    :param pace: seconds for a pair.
    """

    def __init__(self, drives: Drives, queues: Queues, folder: Path, pace: float) -> None:
        self._drives, self._queues, self._folder, self._pace = drives, queues, folder, pace

    async def answer_all(self, links: dict[Rater, str]) -> None:
        found = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if found is None:
            raise SystemExit("The raters need a browser: apt-get install chromium, or CHROMIUM=...")
        # Containers let no process of root into a sandbox of its own.
        arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=found, args=arguments)
            pages = [await (await browser.new_context()).new_page() for _ in links]
            work = zip(pages, links.items(), strict=True)
            await asyncio.gather(*(self._answer(page, *person) for page, person in work))
            await browser.close()

    async def _answer(self, page: Page, rater: Rater, link: str) -> None:
        random = np.random.default_rng(rater.seed)
        await page.goto(link)
        await page.locator("#begin").wait_for()
        await page.keyboard.press("Enter")  # the instructions are read
        place, answered_at = await _next_place(page, ""), 0.0
        while place:
            if answered_at:
                self._note_wait(rater, time.monotonic() - answered_at)
            await asyncio.sleep(self._pace * random.uniform(0.75, 1.25))
            await self._take_picture(page)
            shown = self._queues.place(rater.name, place)
            assert shown is not None and shown.right is not None
            for key in rater.answer(self._drives, shown.left, shown.right):
                await page.keyboard.press(key)  # with the third, the page goes on by itself
            answered_at = time.monotonic()
            place = await _next_place(page, place)

    def _note_wait(self, rater: Rater, seconds: float) -> None:
        with (self._folder / "waits.csv").open("a", newline="") as file:
            csv.writer(file).writerow([rater.name, f"{seconds:.3f}"])

    async def _take_picture(self, page: Page) -> None:
        path = self._folder / "page.png"
        if not path.exists():
            await page.screenshot(path=path)


async def _next_place(page: Page, last: str) -> str:
    """Wait until the page shows something else than the last place; "" when all is answered."""
    change = """last => {
        const { status, shown } = document.body.dataset;
        if (["done", "stuck"].includes(status)) return { status };
        return shown && shown !== last && { shown };
    }"""
    handle = await page.wait_for_function(change, arg=last, timeout=_PATIENCE_MS)
    found = await handle.json_value()
    if found.get("status") == "stuck":
        raise SystemExit(await page.locator("#cover-text").inner_text())
    return str(found.get("shown", ""))

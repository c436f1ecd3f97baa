"""Guesses at the page: one key accepts, keys change, and a blind question shows nothing."""

from pathlib import Path

from annotation_browser import Enter, begin, ready
from annotation_desk import LENGTH, open_office, served
from playwright.sync_api import Page, expect

from sb3_presa.annotation.answers.answer import Guess
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.asking.pool import Pair


class _Knows:
    """Guesses the same of every pair; every third question is blind."""

    def __init__(self) -> None:
        self._made = 0

    def guess(self, pairs: list[Pair], answered: object) -> list[Guess]:
        self._made += len(pairs)
        return [
            Guess(0.8, 0.9, 0.3, shown=(self._made + place) % 3 > 0) for place in range(len(pairs))
        ]


def pressed(page: Page) -> int:
    ready(page)
    return page.locator("[aria-pressed=true]").count()


def test_a_guess_costs_one_key_to_accept_and_one_more_for_each_mistake(
    tmp_path: Path, enter: Enter
) -> None:
    options = DeskOptions(target=12, overlap=0, ahead=4)
    with (
        open_office(tmp_path, options=options, guesser=_Knows()) as office,  # type: ignore[arg-type]
        served(office),
    ):
        page = enter(office)
        begin(page)
        expected, keys = [], 0
        for number in range(12):
            guessed = pressed(page)
            assert guessed in (0, 3)
            if guessed:
                expect(page.locator("#missing")).to_contain_text("guess")
                expect(page.locator("[data-preference=left]")).to_have_attribute(
                    "aria-pressed", "true"
                )
                if number % 2:  # a mistake: no answer is sent before it is confirmed
                    page.keyboard.press("s")
                    page.wait_for_timeout(150)
                    expect(page.locator("#count")).to_have_text(f"{number} of 12")
                page.keyboard.press("Enter")
                expected.append((1.0, float(number % 2 == 0), 0.0, True))
            else:
                for key in ("a", "j", "ArrowRight"):
                    page.keyboard.press(key)
                expected.append((0.0, 1.0, 1.0, False))
            keys += bool(guessed)
            expect(page.locator("#count")).to_have_text(f"{number + 1} of 12")
        said = office.store.answers()
        assert 4 <= keys <= 10
        assert expected == [
            (one.preference, one.safe_first, one.safe_second, bool(one.guess and one.guess.shown))
            for one in said
        ]
        assert all(one.first[2] == LENGTH and one.guess for one in said)

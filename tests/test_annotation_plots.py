"""Curves and tracks at the page, in a real browser."""

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from operator import eq
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from annotation_browser import LOOKS, NAMES, Enter, begin, count, findings, ready
from annotation_desk import LENGTH, WHY, Nothing, Office, ReadyShelf, open_office, served
from minari import MinariDataset
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.asking.strategies import Strategy
from sb3_presa.annotation.clips.curves import Curves
from sb3_presa.annotation.web.gate import OWNER
from sb3_presa.data import import_logs, load_transitions

UNITS = {"x": "m", "y": "m", "speed": "m/s", "yaw": "rad", "lane": "", "gap": "m"}
OBSTACLES = [f"obstacle{number}_{axis}" for number in range(3) for axis in "xy"]
EPISODES, STEPS = 12, 40


@pytest.fixture
def drives(minari_root: Path) -> MinariDataset:
    """Twelve observed columns, most with units, and two actions."""
    random = np.random.default_rng(0)
    parts = []
    for episode in range(EPISODES):
        walks = random.normal(size=(STEPS, 12)).cumsum(axis=0)
        names = [f"{name} [{unit}]" if unit else name for name, unit in UNITS.items()]
        columns: dict[str, Any] = dict(zip([*names, *OBSTACLES], walks.T, strict=True))
        columns["lane"][STEPS // 2] += 1000.0 * (episode == 3)
        columns |= {name: random.uniform(-1, 1, STEPS) for name in ("steering", "throttle")}
        parts.append(pa.table(columns | {"episode": np.full(STEPS, episode)}))
    return import_logs(
        pa.concat_tables(parts),
        "me/drive-v0",
        observations=[*UNITS, *OBSTACLES],
        actions="steering,throttle",
    )


@contextlib.contextmanager
def opened(
    folder: Path,
    dataset: MinariDataset,
    pictures: bool = False,
    strategy: Strategy | None = None,
    **options: Any,
) -> Iterator[Office]:
    data = load_transitions(dataset)
    curves = Curves(dataset, data, **options)
    (folder / "clips").mkdir()
    shelf = ReadyShelf(folder / "clips", pictures=pictures)
    with (
        open_office(folder, strategy=strategy, shelf=shelf, data=data, curves=curves) as office,
        served(office),
    ):
        yield office


def names(page: Page, side: str = "left") -> list[str]:
    return page.locator(f"#{side} .curve b").all_inner_texts()


def seek(page: Page, step: int) -> None:
    page.locator("#scrub").evaluate(
        "(bar, step) => { bar.value = step; bar.dispatchEvent(new Event('input')); }", step
    )


def texts(page: Page, side: str, part: str) -> list[str]:
    return page.locator(f"#{side} .curve {part}").all_inner_texts()


def shown(office: Office, dataset: MinariDataset, side: str) -> tuple[Any, Any, int]:
    """Observations and actions of the clip on the screen, and its first step."""
    place = office.desk.queues.waiting("ann")[0]
    segment = place.left if side == "left" else place.right
    assert segment
    episode = next(iter(dataset.iterate_episodes([segment[0]])))
    return episode.observations, episode.actions, segment[1]


def test_every_column_can_be_shown_with_its_name_and_unit(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    with opened(tmp_path, drives) as office:
        page = enter(office)
        begin(page)
        expect(page.locator("#curves-count")).to_have_text("8 of 14 curves shown")
        expect(page.locator("#why")).to_have_text(f"No pictures: {WHY}.")
        expect(page.locator("#left canvas")).to_be_hidden()
        first = ["speed", "yaw", "lane", "gap", "obstacle0_x", "obstacle0_y"]
        assert names(page) == names(page, "right") == [*first, "steering", "throttle"]
        assert texts(page, "left", ".unit") == ["[m/s]", "[rad]", "[m]"]
        assert texts(page, "left", ".part") == ["action", "action"]
        assert texts(page, "left", ".tick") == texts(page, "right", ".tick")  # one scale

        for side in ("left", "right"):
            observed, acted, start = shown(office, drives, side)
            for step in (0, 7, LENGTH):
                seek(page, step)
                now = [float(text) for text in texts(page, side, ".now")]
                last = min(start + step, len(acted) - 1, start + LENGTH - 1)
                expected = [*observed[start + step, 2:8], *acted[last]]
                np.testing.assert_allclose(now, expected, atol=0.06)

        page.keyboard.press("c")
        dialog = page.get_by_role("dialog", name="Curves")
        expect(dialog).to_be_visible()
        assert dialog.get_by_role("checkbox").count() == 15  # and the track
        page.keyboard.type("ob2_as")  # a filter, and no answers
        page.locator("#columns-filter").fill("obstacle2")
        expect(dialog.locator("label:visible")).to_have_count(2)
        dialog.get_by_role("checkbox", name="obstacle2_y").press("Space")
        dialog.get_by_role("checkbox", name="obstacle2_x").press("Space")
        page.keyboard.press("s")
        expect(page.locator("#curves-count")).to_have_text("10 of 14 curves shown")
        expect(page.locator("[data-safety][aria-pressed=true]")).to_have_count(0)
        expect(page.locator("#left .curve")).to_have_count(10)
        page.locator("#left .curves").evaluate("list => { list.scrollTop = 40; }")
        expect(page.locator("#right .curves")).to_have_js_property("scrollTop", 40)
        assert names(page)[8:] == ["obstacle2_y", "obstacle2_x"]
        page.keyboard.press("Escape")
        for key in ("a", "j", "ArrowLeft"):
            page.keyboard.press(key)
        count(page, 1)
        ready(page)
        page.reload()  # what was chosen stays
        ready(page)
        assert len(names(page)) == 10
        page.locator("#curves").click()
        page.get_by_role("button", name="None").click()
        expect(page.locator("#curves-count")).to_have_text("0 of 14 curves shown")
        expect(page.locator("#left .plots")).to_be_hidden()
        page.get_by_role("button", name="As at first").click()
        expect(page.locator("#curves-count")).to_have_text("8 of 14 curves shown")


def test_numbers_of_an_earlier_choice_are_not_drawn_as_the_later_one(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    """Both are on their way at once, and the earlier numbers lack a column."""
    with opened(tmp_path, drives) as office:
        page = enter(office)
        begin(page)
        page.keyboard.press("c")
        dialog = page.get_by_role("dialog", name="Curves")
        page.evaluate("() => { onunhandledrejection = (event) => (failure = `${event.reason}`); }")
        asked: list[Route] = []

        def hold(route: Route) -> None:
            asked.append(route)

        page.route(re.compile(r"\?columns="), hold)
        for name in ("obstacle2_y", "obstacle2_x"):
            dialog.get_by_role("checkbox", name=name).press("Space")
        expect(page.locator("#curves-count")).to_have_text("10 of 14 curves shown")
        while len(asked) < 4:  # of two clips, by two choices; they come after the count
            page.wait_for_timeout(20)
        asked.sort(key=lambda route: len(route.request.url))  # the later has one column more
        for earlier in asked[:2]:
            with page.expect_request_finished(partial(eq, earlier.request)):
                earlier.continue_()
        expect(page.locator("#left .curve")).to_have_count(8)
        for later in asked[2:]:
            later.continue_()
        expect(page.locator("#left .curve")).to_have_count(10)
        assert page.evaluate("window.failure ?? null") is None


def test_clips_of_a_pair_share_axes_that_hold_both(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    """Whichever of the two goes beyond what is usual."""
    with opened(tmp_path, drives, curves="lane", strategy=Nothing()) as office:
        episodes = [int(each) for each in drives.episode_indices]
        office.store.record_episodes({episodes[place]: bytes(32) for place in (3, 5)})
        far, near = (episodes[3], 10, LENGTH), (episodes[5], 10, LENGTH)
        office.desk.queues.append("ann", near, far, "by hand", {})
        page = enter(office)
        begin(page)
        assert texts(page, "left", ".tick") == texts(page, "right", ".tick")
        assert float(texts(page, "left", ".tick.high")[0]) >= 990


def box(part: Locator) -> FloatRect:
    found = part.bounding_box()
    assert found
    return found


def test_a_track_seen_from_above_moves_with_the_clip(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    given = ["x,y", "obstacle*_x,obstacle*_y"]
    with opened(tmp_path, drives, curves="gap,*obstacle*", track=given) as office:
        page = enter(office)
        begin(page)
        assert names(page) == ["gap", *OBSTACLES]
        tracks = page.get_by_role("img", name="Seen from above: x [m], y [m], with obstacles")
        assert tracks.count() == 2
        expect(page.locator("#left .map i.obstacle")).to_have_count(3)
        area = page.locator("#left .map")
        assert box(area)["width"] == pytest.approx(box(area)["height"], abs=1)
        observed, _, start = shown(office, drives, "left")
        places = []
        for step in (0, 6, 13):
            seek(page, step)
            mark = box(page.locator("#left .machine"))
            # The triangle turns: its middle is the place
            middle = (mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
            places.append((*middle, *observed[start + step, :2]))
        (a, b, x, y), (c, d, right, up), (e, f, further, above) = places
        scale = (c - a) / (right - x)  # pixels a metre, the same to all sides
        assert scale > 0
        assert (b - d) == pytest.approx(scale * (up - y), abs=2)
        assert (e - a) == pytest.approx(scale * (further - x), abs=2)
        assert (b - f) == pytest.approx(scale * (above - y), abs=2)


def test_pictures_and_curves_together(tmp_path: Path, drives: MinariDataset, enter: Enter) -> None:
    with opened(tmp_path, drives, pictures=True, curves="speed,gap") as office:
        page = enter(office)
        begin(page)
        expect(page.locator("#why")).to_be_hidden()
        assert names(page) == ["speed", "gap"]
        screen, picture, plots = (
            box(page.locator(f"#left {part}")) for part in (".screen", "canvas", ".plots")
        )
        assert picture["x"] + picture["width"] <= plots["x"] + 1  # beside each other
        assert plots["x"] + plots["width"] <= screen["x"] + screen["width"] + 1
        area = page.locator("#left .area").first
        wide = box(area)["width"]
        seek(page, LENGTH)
        area.click(position={"x": wide / 4, "y": 5})  # where in the curve: there in the clip
        expect(page.locator("#moment")).to_have_text(f"{LENGTH // 4} / {LENGTH}")
        at = page.locator("#left .cursor").first.evaluate("line => line.offsetLeft")
        assert at == pytest.approx(wide / 4, abs=2)


def test_pictures_alone_unless_somebody_asks_for_curves(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    with opened(tmp_path, drives, pictures=True) as office:
        page = enter(office)
        begin(page)
        expect(page.locator("#curves-count")).to_have_text("0 of 14 curves shown")
        expect(page.locator("#left .plots")).to_be_hidden()


def test_an_owner_can_keep_curves_away(tmp_path: Path, drives: MinariDataset, enter: Enter) -> None:
    with opened(tmp_path, drives, pictures=True, curves="") as office:
        page = enter(office)
        begin(page)
        expect(page.locator("#curves")).to_be_hidden()
        page.keyboard.press("c")
        expect(page.locator("#columns")).to_be_hidden()


def test_curves_that_are_said_to_be_shown_are_in_view(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    curves = "speed,yaw,lane,gap,steering,throttle"
    with opened(tmp_path, drives, curves=curves, track=["x,y"]) as office:
        page = enter(office, viewport={"width": 1280, "height": 800})
        begin(page)
        inside, last = (box(page.locator(f"#left {part}").last) for part in (".curves", ".curve"))
        assert last["y"] + last["height"] <= inside["y"] + inside["height"] + 1
        page.set_viewport_size({"width": 640, "height": 400})  # as zoomed to 200%
        inside, first = (box(page.locator(f"#left {part}").first) for part in (".plots", ".curve"))
        assert first["y"] + first["height"] <= min(400, inside["y"] + inside["height"])


@pytest.mark.parametrize("pictures", [False, True])
def test_curves_in_a_low_window(
    tmp_path: Path, drives: MinariDataset, enter: Enter, pictures: bool
) -> None:
    """They take the width that pictures leave, or all of it."""
    with opened(tmp_path, drives, pictures, curves="*") as office:
        page = enter(office, viewport={"width": 1024, "height": 600})
        begin(page)
        screen, plots = (box(page.locator(f"#left {part}")) for part in (".screen", ".plots"))
        assert plots["width"] >= (0.3 if pictures else 1) * screen["width"]
        assert plots["x"] + plots["width"] <= screen["x"] + screen["width"] + 1
        if pictures:
            assert box(page.locator("#left canvas"))["width"] >= 0.3 * screen["width"]


def test_curves_on_the_narrowest_phone(tmp_path: Path, drives: MinariDataset, enter: Enter) -> None:
    phone = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
    with opened(tmp_path, drives, curves="*") as office:
        page = enter(office, **phone)
        page.tap("#begin")
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert box(page.locator("#scrub"))["width"] > 100


@pytest.mark.parametrize("pictures", [False, True])
def test_buttons_on_the_narrowest_phone(
    tmp_path: Path, drives: MinariDataset, enter: Enter, pictures: bool
) -> None:
    """Those below the clips were wider than these, and cut."""
    with opened(tmp_path, drives, pictures, curves="*") as office:
        page = enter(office, viewport={"width": 320, "height": 568})
        begin(page)
        for side in ("left", "right"):
            clip = box(page.locator(f"#{side}"))
            buttons = page.locator(f"#{side} button").all()
            assert len(buttons) >= 4
            for button in map(box, buttons):
                assert button["x"] + button["width"] <= clip["x"] + clip["width"]
            assert page.locator(f"#{side} .mark").evaluate("b => b.scrollWidth <= b.clientWidth")


@pytest.mark.parametrize("pictures", [False, True])
def test_curves_on_a_phone(
    tmp_path: Path, drives: MinariDataset, enter: Enter, pictures: bool
) -> None:
    phone = {"viewport": {"width": 375, "height": 667}, "is_mobile": True, "has_touch": True}
    with opened(tmp_path, drives, pictures, curves="*", track=["x,y"]) as office:
        page = enter(office, **phone, color_scheme="dark")
        page.tap("#begin")
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        parts = [".map", ".curves li:nth-child(1)", ".curves li:nth-child(2)"]
        parts = ["canvas", *parts] if pictures else parts
        boxes = [box(page.locator(f"#left {part}")) for part in parts]
        for above, below in pairwise(boxes):  # one below the other
            assert above["y"] + above["height"] <= below["y"] + 1
        assert box(page.locator("#left .area").first)["width"] > 80
        page.get_by_role("button", name="14 of 14 curves shown").tap()
        dialog = page.get_by_role("dialog", name="Curves")
        expect(dialog.get_by_role("status")).to_have_text("14 of 14 curves shown")
        page.tap("#columns-close")
        page.tap("[data-safety=left][data-value=safe]")
        page.tap("[data-safety=right][data-value=safe]")
        page.tap("[data-preference=right]")
        count(page, 1)
        ready(page)
        page.wait_for_load_state("networkidle")  # or closing the page breaks requests off


def test_what_a_screen_reader_says(tmp_path: Path, drives: MinariDataset, enter: Enter) -> None:
    with opened(tmp_path, drives, curves="speed,throttle") as office:
        page = enter(office)
        begin(page)
        for side in ("Left", "Right"):
            listed = page.get_by_role("list", name=f"{side} clip: curves")
            speed, throttle = listed.get_by_role("img").all()
            expect(speed).to_have_accessible_name(
                re.compile(r"^speed \[m/s\], observation: from \S+ to \S+; axis from")
            )
            expect(throttle).to_have_accessible_name(re.compile(r"^throttle, action: from"))
        expect(page.get_by_role("button", name="2 of 14 curves shown")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_at_curves(
    tmp_path: Path, drives: MinariDataset, enter: Enter, look: str
) -> None:
    given = ["x,y", "obstacle*_x,obstacle*_y"]
    with opened(tmp_path, drives, curves="*", track=given) as office:
        page = enter(office, **LOOKS[look])
        begin(page)
        assert findings(page, NAMES) == []
        page.keyboard.press("c")
        expect(page.get_by_role("dialog", name="Curves")).to_be_visible()
        assert findings(page, NAMES) == []


def test_the_owner_sees_the_curves_of_disagreements(
    tmp_path: Path, drives: MinariDataset, enter: Enter
) -> None:
    """Clips without pictures look there as they do at the page."""
    with opened(tmp_path, drives, curves="speed,throttle", track=["x,y"]) as office:
        page = enter(office)
        begin(page)
        page.wait_for_load_state("networkidle")
        place = office.desk.queues.waiting("ann")[0]
        assert place.right
        for who, verdict in (("ann", 1.0), ("ben", 0.0)):
            office.store.add(Answer(who, place.left, place.right, verdict, None, None, None, None))
        page.goto(office.link(OWNER))
        expect(page.locator(".two figure > .plots")).to_have_count(2)
        for clip in page.locator(".two figure > .plots").all():
            expect(clip.get_by_role("img", name=re.compile("^speed"))).to_be_visible()
            expect(clip.get_by_role("img", name=re.compile("^throttle"))).to_be_visible()
            expect(clip.get_by_role("img", name="Seen from above: x [m], y [m]")).to_be_visible()
        assert findings(page) == []
        numbers = "/owner/numbers/{}-{}-{}?columns=0".format
        assert page.request.get(office.base + numbers(*place.left)).status == 200
        assert page.request.get(office.base + numbers(0, 0, 9)).status == 404  # not looked at

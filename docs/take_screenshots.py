"""Take the pictures of annotate.md: the page on the dataset that ships, in Debian's chromium."""

import contextlib
import io
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from minari import MinariDataset
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sb3_presa import example_dataset
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.web import service
from sb3_presa.annotation.web.server import PageText
from sb3_presa.data import import_logs

PICTURES = Path(__file__).parent / "_static"
SIZES = {"desk": {"width": 1280, "height": 760}, "phone": {"width": 390, "height": 780}}
ANSWERS = ["ajArrowLeft", "skArrowRight", "dlArrowDown"]


def take(page: Page, name: str) -> None:
    """A screenshot, packed as tightly as PNG goes."""
    path = PICTURES / f"{name}.png"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def drives(folder: Path) -> MinariDataset:
    """Made-up drives on a bending road, past two obstacles."""
    random, parts = np.random.default_rng(2), []
    time = 0.1 * np.arange(160)
    for number in range(12):
        speed = 11 + 3 * np.sin(0.3 * time + number) + random.normal(0, 0.05, len(time))
        steering = 8 * np.sin(0.5 * time + number)
        yaw = np.cumsum(0.0025 * steering)
        x, y = np.cumsum(0.1 * speed * np.cos(yaw)), np.cumsum(0.1 * speed * np.sin(yaw))
        columns = {"time [s]": time, "x [m]": x, "y [m]": y, "speed [m/s]": speed, "yaw [rad]": yaw}
        gaps = []
        for each, (right, up) in enumerate(((60.0, 6.0), (120.0, -8.0))):
            columns[f"obstacle{each}_x [m]"] = right + 0.5 * time
            columns[f"obstacle{each}_y [m]"] = np.full(len(time), up)
            gaps.append(np.hypot(x - right - 0.5 * time, y - up))
        columns |= {"gap [m]": np.min(gaps, axis=0), "steering [deg]": steering}
        columns |= {"throttle": np.gradient(speed), "drive": np.full(len(time), number)}
        parts.append(columns)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return import_logs(
        pa.table(whole),
        "me/drive-v0",
        observations="x,y,speed,yaw,gap,obstacle*",
        actions="steering,throttle",
        episode="drive",
        root=folder,
    )


def label(browser: Browser, link: str, name: str, size: str, scheme: str, welcome: str) -> None:
    """Answer some pairs, and take the next one half answered."""
    phone = size == "phone"
    context = browser.new_context(
        viewport=SIZES[size],
        color_scheme=scheme,
        is_mobile=phone,
        has_touch=phone,
        device_scale_factor=2 if phone else 1,
    )
    context.set_default_timeout(600_000)
    page = context.new_page()
    page.goto(link)
    expect(page.locator("#cover")).to_be_hidden()
    if welcome:
        take(page, welcome)
    page.click("#begin")
    for number, keys in enumerate(ANSWERS):
        expect(page.locator("#send")).to_be_visible()
        expect(page.locator("[data-preference=left]")).to_be_enabled()
        page.wait_for_timeout(4000)  # somebody looks
        for key in (keys[0], keys[1], keys[2:]):
            page.keyboard.press(key)
        expect(page.locator("#count")).to_have_text(f"{number + 1} of 40")
    expect(page.locator("[data-preference=left]")).to_be_enabled()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("s")
    page.locator("#scrub").evaluate("b => { b.value = 64; b.dispatchEvent(new Event('input')); }")
    page.wait_for_timeout(300)
    take(page, name)
    context.close()


@contextlib.contextmanager
def served(
    dataset: MinariDataset, title: str, people: list[str], **options: Any
) -> Iterator[Mapping[str, str]]:
    """The page on a dataset: the links of some people."""
    labelling = service.LabellingOptions(
        annotators=people, desk=DeskOptions(target=40, overlap=1.0, ahead=4), **options
    )
    gate = service.make_gate(people, "127.0.0.1", "only-for-the-screenshots", [])
    with (
        service.bind("127.0.0.1", 0) as listener,
        service.open_desk(dataset, "screenshots", labelling) as (desk, _),
    ):
        text = PageText(title)
        threading.Thread(
            target=service.serve, args=(desk, gate, text, listener), daemon=True
        ).start()
        yield service.links(gate, "127.0.0.1", listener.getsockname()[1])


def main() -> None:
    """Serve the page on two datasets, and look at it."""
    expect.set_options(timeout=900_000)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        tracks = ["x,y", "obstacle*_x,obstacle*_y"]
        curves = {"curves": "speed,gap,steering,throttle", "track": tracks}
        with served(drives(folder), "Drive on, and keep clear", ["ann"], **curves) as links:
            label(browser, links["ann"], "annotate-curves", "desk", "light", "")
        example = shutil.copytree(example_dataset().storage.data_path, folder / "data")
        title = "Point circle: fast, and between the walls"
        with served(MinariDataset(example), title, ["ann", "ben", "cleo"]) as links:
            label(browser, links["ann"], "annotate", "desk", "light", "annotate-welcome")
            label(browser, links["ben"], "annotate-dark", "desk", "dark", "")
            label(browser, links["cleo"], "annotate-phone", "phone", "light", "")


if __name__ == "__main__":
    main()

"""Take the pictures of annotate.md: the page on the dataset that ships, in Debian's chromium."""

import io
import shutil
import tempfile
import threading
from pathlib import Path

from minari import MinariDataset
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sb3_presa import example_dataset
from sb3_presa.annotation.asking.desk import DeskOptions
from sb3_presa.annotation.web import service
from sb3_presa.annotation.web.page import DEFAULT_INSTRUCTIONS
from sb3_presa.annotation.web.server import PageText

PICTURES = Path(__file__).parent / "_static"
SIZES = {"desk": {"width": 1280, "height": 760}, "phone": {"width": 390, "height": 780}}
ANSWERS = ["ajArrowLeft", "skArrowRight", "dlArrowDown"]


def take(page: Page, name: str) -> None:
    """A screenshot, packed as tightly as PNG goes."""
    path = PICTURES / f"{name}.png"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


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


def main() -> None:
    """Serve the page, and look at it."""
    expect.set_options(timeout=900_000)
    PICTURES.mkdir(exist_ok=True)
    people = ["ann", "ben", "cleo"]
    with tempfile.TemporaryDirectory() as folder, service.bind("127.0.0.1", 0) as listener:
        dataset = MinariDataset(
            shutil.copytree(example_dataset().storage.data_path, Path(folder) / "data")
        )
        options = service.LabellingOptions(
            annotators=people, desk=DeskOptions(target=40, overlap=1.0, ahead=4)
        )
        gate = service.make_gate(people, "127.0.0.1", "only-for-the-screenshots", [])
        with service.open_desk(dataset, "screenshots", options) as (desk, _):
            text = PageText("Point circle: fast, and between the walls", DEFAULT_INSTRUCTIONS)
            serve = threading.Thread(
                target=service.serve, args=(desk, gate, text, listener), daemon=True
            )
            serve.start()
            links = service.links(gate, "127.0.0.1", listener.getsockname()[1])
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
                )
                label(browser, links["ann"], "annotate", "desk", "light", "annotate-welcome")
                label(browser, links["ben"], "annotate-dark", "desk", "dark", "")
                label(browser, links["cleo"], "annotate-phone", "phone", "light", "")


if __name__ == "__main__":
    main()

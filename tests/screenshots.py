"""Takes the guide's pictures of the page, from the demo: `make screenshots` puts them into docs/images."""

from __future__ import annotations

import asyncio
import re
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image
from playwright.async_api import expect

from support.browser import CHROMIUM, DESKTOP, PHONE, browser, tab
from support.process import started

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from support.process import Process

FOLDER: Final = Path(__file__).parent.parent / "docs" / "images"
COLOURS: Final = 96
"""Of a palette: enough for the page, and a fifth of the size."""
HARBOR: Final = "/accounts/futures/3f6c0a52-9d1e-4a6b-8f27-5b0f1c7a9e01"
STORY: Final = "DORMAN:77310R/Ridge"
"""Whose trouble is the last of those that the pictures are to show."""


async def main() -> int:
    """Play the demo and take them all; 1 without a browser."""
    if CHROMIUM is None:
        sys.stderr.write("Chromium is needed and is not installed here\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    async with started("demo", "--port", "0", environ={"PYTHONUNBUFFERED": "1"}) as demo, browser() as running:
        base, token = await _address(demo)
        await _desktop(running, base, token)
        await _phone(running, base, token)
    return 0


async def _address(demo: Process) -> tuple[str, str]:
    """Where the page is, and its token, as the demo prints them."""
    while True:
        for line in demo.output:
            found = re.search(r"the page: (http://\S+)/login#(\S+)", line)
            if found:
                return found[1], found[2]
        await asyncio.sleep(0.1)


async def _desktop(running: Browser, base: str, token: str) -> None:
    async with tab(running, base, size=DESKTOP) as opened:
        page = opened.page
        await page.goto(f"/login#{token}")
        await expect(page.locator("#alerts")).to_contain_text(STORY, timeout=90_000)
        await page.wait_for_timeout(3_000)
        await _take(page, "overview", whole=True)
        await page.goto(HARBOR)
        await _take(page, "account")
        await page.goto("/silences")
        await _take(page, "silences")


async def _phone(running: Browser, base: str, token: str) -> None:
    async with tab(running, base, size=PHONE, dark=True) as opened:
        page = opened.page
        await page.goto(f"/login#{token}")
        await expect(page.locator("#accounts tr").first).to_be_visible()
        await _take(page, "overview-phone")
        await page.locator("a.what").first.click()
        await expect(page.locator("#story")).to_be_visible()
        await _take(page, "alert-phone")


async def _take(page: Page, name: str, *, whole: bool = False) -> None:
    """What the window shows, or the whole page, as a small file."""
    path = FOLDER / f"{name}.png"
    taken = Image.open(BytesIO(await page.screenshot(full_page=whole)))
    taken.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

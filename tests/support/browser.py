"""A real browser without a window, and what it complained of."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import Browser, async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import BrowserContext, ConsoleMessage, Page

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed here")

DESKTOP: Final = (1280, 900)
PHONE: Final = (390, 844)


@dataclass(slots=True)
class Tab:
    """One open tab."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    """Errors and broken policies, as the browser put them on its console."""

    def note(self, message: ConsoleMessage) -> None:
        """Keep what is an error."""
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser for the time of the block."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def tab(
    running: Browser, base: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False
) -> AsyncIterator[Tab]:
    """A tab with cookies of its own."""
    context = await running.new_context(
        base_url=base,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
    )
    page = await context.new_page()
    found = Tab(page, context)
    page.on("console", lambda message: found.note(message))  # noqa: PLW0108  (playwright cannot take a method of a class with slots)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    try:
        yield found
    finally:
        await context.close()

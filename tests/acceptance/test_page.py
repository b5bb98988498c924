"""The page in a real browser, over a real daemon that watches simulated venues."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it publishes no types
from playwright.async_api import expect

from marginwatch.ops.links import Links
from marginwatch.store.store import Store
from support.browser import DESKTOP, PHONE, Tab, browser, needs_chromium, tab
from support.house import RULES
from support.process import Process, started
from support.sinks import PATIENCE, HttpSink
from support.sites import Sites, receiver, write_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser

pytestmark = [pytest.mark.acceptance, needs_chromium]

TOKEN: Final = "the-token-of-the-page"
expect.set_options(timeout=PATIENCE * 1000)


@dataclass(frozen=True, slots=True)
class Desk:
    """A daemon at work, and a browser."""

    folder: Path
    sites: Sites
    process: Process
    base: str
    browser: Browser

    def breach(self, account: str = "acc-1") -> None:
        """Nearly all of its margin is used."""
        self.sites.world.change("helio", account, margin_used=Decimal(95_000))

    def recover(self, account: str = "acc-1") -> None:
        """Hardly any is."""
        self.sites.world.change("helio", account, margin_used=Decimal(20_000))

    async def log_in(self, opened: Tab) -> None:
        """As from the address that the demo prints: what stands behind the hash is filled in."""
        await opened.page.goto(f"/login#{TOKEN}")
        await expect(opened.page.locator("#accounts tr")).to_have_count(2)


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver."""
    with HttpSink() as running:
        yield running


@asynccontextmanager
async def desk(folder: Path, sink: HttpSink) -> AsyncIterator[Desk]:
    """Everything running."""
    async with Sites("helio") as sites, browser() as running:
        config = write_config(folder, sites.tables(), receiver("hook", sink.url()), rules=RULES, listen="127.0.0.1:0")
        config.write_text(config.read_text().replace("[web]\n", f'[web]\ntoken = "{TOKEN}"\n'))
        async with started("run", "--config", config) as process:
            address = (await process.logged("listening"))["address"]
            await process.logged("ready")
            yield Desk(folder, sites, process, f"http://{address}", running)


async def test_an_alert_comes_is_acknowledged_and_goes(tmp_path: Path, sink: HttpSink) -> None:
    """Without a reload: it appears, is told to screen readers, shows who is on it, and resolves."""
    async with desk(tmp_path, sink) as here, tab(here.browser, here.base) as opened:
        page = opened.page
        await here.log_in(opened)
        await expect(page.locator("#summary")).to_contain_text("All is well")
        await page.evaluate("window.sameDocument = true")
        here.breach()

        alert = page.locator("#alerts li", has_text="Margin usage")
        await expect(alert).to_contain_text("95%")
        await expect(page.locator("#summary")).to_contain_text("1 alert firing, the worst critical")
        await expect(page.get_by_role("status")).to_contain_text("New alert. critical: acc-1, Margin usage")
        await expect(page.locator("#accounts tr").first).to_contain_text("acc-1")
        assert await page.evaluate("window.sameDocument")

        await alert.get_by_role("link", name="Acknowledge").click()
        form = page.locator("form", has=page.get_by_role("button", name="Acknowledge"))
        await form.get_by_label("Your name").fill("Ann")
        await form.get_by_label("Note").fill("calling them")
        await form.get_by_label("For how long").select_option("2h")
        await form.get_by_role("button").click()
        await expect(page.locator("#story")).to_contain_text("Acknowledged by Ann until")
        await expect(page.locator("#alert-now")).to_contain_text("by Ann until")

        here.recover()
        await expect(page.locator("#alert-now")).to_contain_text("It is over: resolved at")
        await expect(page.locator("#story")).to_contain_text("Resolved: a fresh and complete answer")
        await page.get_by_role("link", name="Overview").click()
        await expect(page.locator("#alerts")).to_contain_text("No alert is firing")
        assert opened.complaints == []


async def test_the_demo_is_followed_on_its_page() -> None:
    """At the address it prints: an alert of its story appears without a reload, is acknowledged, and resolves."""
    async with (
        started("demo", "--fast", "--port", "0", environ={"PYTHONUNBUFFERED": "1"}) as demo,
        browser() as running,
    ):
        async with asyncio.timeout(PATIENCE):
            while not (found := re.search(r"the page: (http://\S+)(/login#\S+)", "\n".join(demo.output))):  # noqa: ASYNC110  (because it is printed)
                await asyncio.sleep(0.05)
        async with tab(running, found[1]) as opened:
            page = opened.page
            await page.goto(found[2])
            await page.evaluate("window.sameDocument = true")
            alert = page.locator("#alerts li", has_text="Margin usage").filter(
                has=page.get_by_role("link", name="Acknowledge")
            )
            await expect(alert.first).to_be_visible(timeout=60_000)
            assert await page.evaluate("window.sameDocument")
            await alert.first.get_by_role("link", name="Acknowledge").click()
            form = page.locator("form", has=page.get_by_role("button", name="Acknowledge"))
            await form.get_by_label("Your name").fill("Ann")
            await form.get_by_role("button").click()
            await expect(page.locator("#story")).to_contain_text("Acknowledged by Ann")
            await expect(page.locator("#alert-now")).to_contain_text("It is over: resolved at", timeout=60_000)
            assert opened.complaints == []


async def test_the_keyboard_is_enough(tmp_path: Path, sink: HttpSink) -> None:
    """From the first tab to an acknowledged alert, while the page changes under the fingers."""
    async with desk(tmp_path, sink) as here, tab(here.browser, here.base) as opened:
        page, keys = opened.page, opened.page.keyboard
        here.breach()
        await page.goto("/login")
        await expect(page.get_by_label("The token of this page")).to_be_focused()
        await keys.type(TOKEN)
        await keys.press("Enter")
        await expect(page.locator("#alerts li", has_text="Margin usage")).to_be_visible()

        await keys.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await keys.press("Enter")
        await keys.press("Tab")
        await expect(page.locator("a.what")).to_be_focused()
        seen = await page.locator("#venues time").first.get_attribute("datetime")
        loaded = await page.locator("footer time").get_attribute("datetime")
        await expect(page.locator("#venues time").first).not_to_have_attribute("datetime", seen or "")
        await expect(page.locator("footer time")).not_to_have_attribute("datetime", loaded or "")
        await expect(page.locator("a.what")).to_be_focused()
        await keys.press("Enter")

        await expect(page.locator("#acknowledge")).to_be_visible()
        name = page.get_by_label("Your name").first
        for _ in range(30):
            if await name.evaluate("each => each === document.activeElement"):
                break
            await keys.press("Tab")
        await keys.type("Ann")
        await keys.press("Enter")
        await expect(page.locator("#alert-now")).to_contain_text("by Ann")
        assert opened.complaints == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_no_view_shuts_anybody_out(tmp_path: Path, sink: HttpSink, size: tuple[int, int]) -> None:
    """No serious fault of accessibility on any view, light or dark, and nothing that must be scrolled sideways."""
    async with desk(tmp_path, sink) as here:
        here.breach()
        views = ("/login", "/", "/accounts/fx/acc-1?range=1h", "/silences", "/nothing", "ALERT", "LINK")
        for dark in (False, True):
            async with tab(here.browser, here.base, size=size, dark=dark) as opened:
                page = opened.page
                for view in views:
                    if view == "/":
                        await here.log_in(opened)
                        await expect(page.locator("a.what")).to_be_visible()
                        alert = await page.locator("a.what").get_attribute("href") or ""
                    path = {"ALERT": alert, "LINK": link_to(here, alert)}.get(view, view) if view != "/login" else view
                    if view != "/":
                        await page.goto(path)
                    found = (await Axe().run(page)).response["violations"]
                    serious = [
                        (each["id"], [node["html"] for node in each["nodes"]])
                        for each in found
                        if each["impact"] in {"serious", "critical"}
                    ]
                    assert serious == [], (view, dark)
                    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), view
                assert [each for each in opened.complaints if "404" not in each] == []


PAPER: Final = (718, 1000)
"""What Chromium leaves of A4 between its margins, in CSS pixels."""
WHITE, BLACK = "rgb(255, 255, 255)", "rgb(0, 0, 0)"
SHEET: Final = """() => ({
    ground: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.querySelector("h1")).color,
    fits: document.documentElement.scrollWidth <= window.innerWidth,
})"""


async def test_it_can_be_printed(tmp_path: Path, sink: HttpSink) -> None:
    """Black on white from a dark screen, too, within a sheet; times for ages, all unfolded, nothing to press."""
    async with desk(tmp_path, sink) as here, tab(here.browser, here.base, size=PAPER, dark=True) as opened:
        here.breach()
        page = opened.page
        await here.log_in(opened)
        await expect(page.locator("a.what")).to_be_visible()
        alert = await page.locator("a.what").get_attribute("href") or ""
        told = {
            "/": ("Margin usage", "acc-1", "acc-2", "hook", "95%"),
            "/accounts/fx/acc-1?range=1h": ("acc-1", "margin_usage", "equity", "Margin usage"),
            alert: ("Margin usage", "Firing", "hook", "5 points above the limit"),
            "/silences": ("Nothing is held back",),
        }
        for path, words in told.items():
            await page.goto(path)
            await page.evaluate("dispatchEvent(new Event('beforeprint'))")
            await page.emulate_media(media="print", color_scheme="dark")
            for word in words:
                await expect(page.get_by_text(word).locator("visible=true").first).to_be_visible()
            for each in await page.locator("form, button, input, select, header nav, .ranges, .skip").all():
                await expect(each).to_be_hidden()
            assert " ago" not in await page.locator("main").inner_text()
            assert await page.evaluate(SHEET) == {"ground": WHITE, "ink": BLACK, "fits": True}, path
            assert 1 <= (await page.pdf(format="A4")).count(b"/Type /Page\n") <= 3
        await page.goto("/")
        await expect(page.locator("#accounts .wide").first).to_be_visible()
        await page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
        await expect(page.locator("#alerts li")).to_contain_text(" ago")
        assert opened.complaints == []


def link_to(here: Desk, alert: str) -> str:
    """What a message about the alert would lead to."""
    store = Store.open(f"sqlite:///{here.folder}/marginwatch.db", create=False)
    try:
        links = Links(store.keys.signing(), "")
    finally:
        store.close()
    return links.alert(alert.rpartition("/")[2], "desk", datetime.now(UTC))


async def test_a_link_of_a_message_is_followed(tmp_path: Path, sink: HttpSink) -> None:
    """From a chat, by somebody who is not logged in: look, do it, and find it done."""
    async with desk(tmp_path, sink) as here:
        here.breach()
        async with tab(here.browser, here.base) as watching, tab(here.browser, here.base, size=PHONE) as opened:
            await here.log_in(watching)
            await expect(watching.page.locator("a.what")).to_be_visible()
            alert = await watching.page.locator("a.what").get_attribute("href") or ""

            page = opened.page
            await page.goto(link_to(here, alert))
            await expect(page.locator("main")).to_contain_text("Opening it has done nothing")
            form = page.locator("form", has=page.get_by_role("button", name="Acknowledge"))
            await form.get_by_label("Your name").fill("Ben")
            await form.get_by_role("button").click()
            await expect(page.get_by_text("It is acknowledged")).to_be_visible()
            await expect(watching.page.locator("#alerts li")).to_contain_text("acknowledged by Ben")
            assert opened.complaints == []


async def test_a_lost_connection_and_a_dead_daemon_show(tmp_path: Path, sink: HttpSink) -> None:
    """What is still on the screen says as of when it is."""
    async with desk(tmp_path, sink) as here, tab(here.browser, here.base) as opened:
        await opened.page.clock.install()
        await here.log_in(opened)
        await expect(opened.page.locator("#lost")).to_be_hidden()
        here.process.signal(signal.SIGKILL)
        await here.process.ended()
        await opened.page.clock.fast_forward("01:00")
        await expect(opened.page.locator("#lost")).to_contain_text(
            "The connection to marginwatch is lost; what you see is as of"
        )


async def test_without_scripts_it_still_works(tmp_path: Path, sink: HttpSink) -> None:
    """Pages show the same and reload themselves, and forms do what they say."""
    async with desk(tmp_path, sink) as here:
        here.breach()
        context = await here.browser.new_context(base_url=here.base, java_script_enabled=False)
        page = await context.new_page()
        await page.goto("/login")
        await page.get_by_label("The token of this page").fill(TOKEN)
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator("a.what")).to_be_visible()  # after the page has reloaded itself, if need be
        await page.locator("a.what").click()
        await page.get_by_label("Your name").first.fill("Ann")
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.locator("#alert-now")).to_contain_text("by Ann")
        await context.close()

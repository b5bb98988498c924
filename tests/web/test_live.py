"""What open pages are told, and who watches."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch.store.course import Courses
from marginwatch.store.errors import DatabaseBusyError
from marginwatch.web import live as module
from marginwatch.web import sparks
from marginwatch.web.board import Board
from support.pages import Opened, opened
from support.sinks import PATIENCE
from support.storied import FUTURES, FX, HEDGE, numbers
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACE", 0.02)
    monkeypatch.setattr(module, "BEAT", 0.2)


class Stream:
    """One open page's view of what changes."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, wanted: str = "") -> tuple[str, dict[str, object], int]:
        """The next event, of that kind where one is named: its kind, its data, and its number."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                key, _, value = line.partition(": ")
                if key:
                    found[key] = value
                elif found and (not wanted or found["event"] == wanted):
                    return found["event"], json.loads(found["data"]), int(found["id"])
                else:
                    found = {}
        msg = "the stream ended"
        raise EOFError(msg)


@asynccontextmanager
async def stream(page: Opened, query: str) -> AsyncIterator[Stream]:
    async with page.client.stream("GET", f"/events?{query}", timeout=PATIENCE) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield Stream(aiter(answer.aiter_lines()))


async def number(page: Opened) -> int:
    drawn = await page.page.live.drawn()
    assert drawn is not None
    return drawn.number


async def test_a_change_reaches_an_open_page(page: Opened) -> None:
    """Only what differs, the row of the account and the sections that speak of it, with the news of a new alert."""
    async with stream(page, f"live=pieces&number={await number(page)}") as events:
        assert (await events.next())[0] == "beat"
        page.story.see(430, numbers("0.95"), as_of=429)
        page.story.see(431, {**HEDGE, "margin_excess": None}, account=FX)
        page.story.see(440, {**numbers("0.85", "50000"), "fed_call": None}, as_of=439)
        page.show(440)
        kind, data, _ = await events.next("pieces")

    put = data["put"]
    assert isinstance(put, dict)
    assert kind == "pieces"
    assert {"alerts", "venues"} <= put.keys()
    assert any("STONEX:000000/JDoe" in html and html.startswith("<tr") for html in put.values())
    assert "silences" not in put
    assert data["gone"] == []


async def test_a_page_that_shows_an_older_drawing_is_told_the_difference(page: Opened) -> None:
    """It changes in place; one whose drawing is forgotten, and one that shows something else, loads itself anew."""
    shown = await number(page)
    page.story.see(430, numbers("0.97"), as_of=429)
    page.show(430)
    assert await number(page) == shown + 1
    async with stream(page, f"live=pieces&number={shown}") as events:
        assert (await events.next())[0] == "pieces"
    async with stream(page, "live=pieces&number=9999") as events:
        assert (await events.next())[0] == "reload"
    async with stream(page, f"live=touched&number={shown}") as events:
        assert (await events.next())[0] == "reload"


async def test_other_pages_hear_what_was_touched(page: Opened) -> None:
    """And load themselves anew when that is theirs."""
    async with stream(page, f"live=touched&number={await number(page)}") as events:
        await events.next()
        page.story.see(430, numbers("0.95"), as_of=429)
        page.show(430)
        _, data, _ = await events.next("touched")

    marks = (await page.text(f"/accounts/{FUTURES.venue}/{FUTURES.id}")).partition('data-marks="')[2].split('"')[0]
    assert set(marks.split()) & set(data["touched"])  # type: ignore[call-overload]  # a list of words
    assert "put" not in data


async def test_an_account_that_is_forgotten_goes(page: Opened) -> None:
    """From every open page."""
    async with stream(page, f"live=pieces&number={await number(page)}") as events:
        await events.next()
        page.story.ticker.memory.accounts.pop(FX)
        page.show(430)
        _, data, _ = await events.next("pieces")

    assert len(data["gone"]) == 1  # type: ignore[arg-type]  # what is gone comes as a list


async def test_a_beat_shows_that_nothing_happened(page: Opened) -> None:
    """So a page can tell silence from a lost connection."""
    async with stream(page, f"live=pieces&number={await number(page)}") as events:
        for _ in range(3):
            kind, data, _ = await events.next()
            assert kind == "beat"
            assert data["at"] == "2026-03-02T12:07:00+00:00"


async def test_all_who_watch_get_the_very_same_bytes(page: Opened) -> None:
    """What changes is drawn once, however many watch."""
    viewers = [module.Viewer(pieces=True) for _ in range(3)]
    shown = await number(page)
    watching = [page.page.live.watch(viewer, shown) for viewer in viewers]
    for texts in watching:
        await anext(texts)
    page.story.see(430, numbers("0.95"), as_of=429)
    page.show(430)
    got = []
    for texts in watching:
        text = b""
        while b"event: pieces" not in text:
            text = await anext(texts)
        got.append(text)
        await texts.aclose()

    assert got[0] is got[1] is got[2]


async def test_who_does_not_keep_up_is_let_go(page: Opened) -> None:
    """His browser comes back by itself; the others are told on time."""
    slow = module.Viewer(pieces=True)
    texts = page.page.live.watch(slow, await number(page))
    await anext(texts)
    for second in range(430, 430 + 10 * module._BEHIND, 5):
        page.story.see(second, numbers(f"0.{second}"), as_of=second - 1)
        page.show(second)
        await asyncio.sleep(0.05)
        if slow not in page.page.live._viewers:
            break

    assert slow not in page.page.live._viewers
    assert len([text async for text in texts]) < module._BEHIND


async def test_more_than_there_is_room_for_are_told_so(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may still look, and their page reloads itself."""
    monkeypatch.setattr(module, "MOST_VIEWERS", 1)
    async with stream(page, "live=pieces&number=1") as events:
        await events.next()
        answer = await page.client.get("/events")
        assert answer.status_code == 503
        assert (await page.client.get("/")).status_code == 200


async def test_a_viewer_who_leaves_is_forgotten(page: Opened) -> None:
    """At once, not when the next text cannot be sent."""
    async with stream(page, "live=pieces&number=1") as events:
        await events.next()
        assert len(page.page.live._viewers) == 1
    await until(lambda: not page.page.live._viewers)


async def test_a_page_that_cannot_be_drawn_ends_nothing(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is logged without anybody's words, and the next drawing is tried."""

    def broken(*_: object) -> None:
        msg = "words of a venue"
        raise RuntimeError(msg)

    async with stream(page, f"live=pieces&number={await number(page)}") as events:
        await events.next()
        with capture_logs() as logs, monkeypatch.context() as patched:
            patched.setattr(Board, "draw", broken)
            page.show(430)
            await until(lambda: logs)
        page.story.see(440, numbers("0.95"), as_of=439)
        page.show(440)
        await events.next("pieces")

    assert (logs[0]["event"], logs[0]["error"]) == ("the page cannot be drawn", "RuntimeError")
    assert "words of a venue" not in str(logs)


async def test_nothing_is_drawn_while_nobody_looks(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the course of each number is noted."""
    drawn: list[object] = []
    sampled = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(Board, "draw", lambda *_: drawn.append(1))
    monkeypatch.setattr(Board, "sample", lambda *_: loop.call_soon_threadsafe(sampled.set))
    page.show(430)
    async with asyncio.timeout(PATIENCE):
        await sampled.wait()

    assert drawn == []


async def test_the_store_in_trouble_shows(tmp_path: Path) -> None:
    """Every sign of life says why nothing new can be shown."""
    async with opened(tmp_path) as page:
        page.page.live._trouble = lambda: "the disk is full"
        async with stream(page, "live=pieces&number=1") as events:
            assert (await events.next("beat"))[1]["trouble"] == "the disk is full"


@pytest.mark.parametrize("at_once", [0, 50])
async def test_small_lines_are_there_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Begun with what is stored, for so many accounts at a turn; a row without its line is none the less there."""
    monkeypatch.setattr(sparks, "AT_ONCE", at_once)
    async with opened(tmp_path) as page:
        html = await page.text("/")
    assert ("STONEX:000000/JDoe" in html, "<polyline" in html) == (True, at_once > 0)


async def test_small_lines_wait_for_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be read leaves them empty, and the page as it is."""

    def refuse(*_: object) -> None:
        where = "x.db"
        raise DatabaseBusyError(where)

    monkeypatch.setattr(Courses, "sketches", refuse)
    async with opened(tmp_path) as page:
        html = await page.text("/")
    assert ('id="accounts"' in html, "<polyline" in html) == (True, False)

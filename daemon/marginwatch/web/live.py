"""Keeps every open page up to date: what changed is drawn once, and the same bytes go to all who watch.

tick -> take (a copy of what is remembered) -> draw what changed, on the page's own thread -> one text -> every viewer

Nothing is drawn while nobody looks. A viewer who does not keep up is let go; his browser comes back by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from marginwatch import clock
from marginwatch.ops.logs import log_surprise

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from marginwatch.web.board import Board, Drawn
    from marginwatch.web.snapshot import Snapshot
    from marginwatch.web.threads import Threads

log = structlog.get_logger(__name__)

MOST_VIEWERS = 200
"""At once; further ones are told to come later, and their page reloads itself now and then."""
PACE = 1.0
"""Seconds at least between two drawings."""
BEAT = 5.0
"""Seconds at most between two signs of life."""
_BEHIND = 8
"""Texts a viewer may not have taken yet."""
_RECENT = 8
"""Drawings kept, so that a page that shows one of them is told of the difference alone."""


class Viewer:
    """One open page."""

    def __init__(self, *, pieces: bool) -> None:
        """`pieces`: it shows the overview, and wants the pieces themselves."""
        self.pieces = pieces
        self.texts: asyncio.Queue[bytes | None] = asyncio.Queue(_BEHIND)

    def give(self, text: bytes) -> bool:
        """Let him have a text; False when he does not keep up."""
        try:
            self.texts.put_nowait(text)
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        """Nothing more will come."""
        while self.texts.full():
            self.texts.get_nowait()
        self.texts.put_nowait(None)


class Live:
    """The latest drawing, and who watches."""

    def __init__(self, board: Board, threads: Threads, trouble: Callable[[], str]) -> None:
        """`trouble` says why nothing can be stored, and so nothing new be shown; empty while it can."""
        self._trouble = trouble
        self._board = board
        self._threads = threads
        self._snapshot: Snapshot | None = None
        self._drawn: Drawn | None = None
        self._drawn_of: Snapshot | None = None
        self._recent: deque[Drawn] = deque(maxlen=_RECENT)
        self._drawing = asyncio.Lock()
        self._taken = asyncio.Event()
        self._taken_at = 0.0
        self._viewers: set[Viewer] = set()

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest; None before the first tick."""
        return self._snapshot

    def wants(self, *, news: bool) -> bool:
        """Whether a new snapshot is worth taking now; `news`: something happened to an alert."""
        return news or clock.monotonic() - self._taken_at >= PACE

    def take(self, snapshot: Snapshot) -> None:
        """Show this from now on. Call it on the loop."""
        self._snapshot = snapshot
        self._taken_at = clock.monotonic()
        self._taken.set()

    async def drawn(self) -> Drawn | None:
        """The overview as of the latest snapshot; None before the first tick."""
        async with self._drawing:
            snapshot = self._snapshot
            if snapshot is not None and snapshot is not self._drawn_of:
                self._drawn = await self._threads.call(lambda: self._board.draw(snapshot))
                self._drawn_of = snapshot
                self._recent.append(self._drawn)
            return self._drawn

    async def watch(self, viewer: Viewer, number: int) -> AsyncGenerator[bytes]:
        """Texts for a page that shows the drawing of that number, for as long as he takes them."""
        drawn = await self.drawn()
        self._viewers.add(viewer)
        try:
            yield self._first(viewer, drawn, number)
            while (text := await viewer.texts.get()) is not None:
                yield text
        finally:
            self._viewers.discard(viewer)

    @property
    def full(self) -> bool:
        """There is no room for another viewer."""
        return len(self._viewers) >= MOST_VIEWERS

    async def run(self) -> None:
        """Draw and tell, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._taken.wait()
            self._taken.clear()
            if self._snapshot is not None:
                try:
                    await self._turn(self._snapshot)
                except Exception as error:  # noqa: BLE001  (a loop edge: what watches must not end by what it shows)
                    log_surprise(log, "the page cannot be drawn", error)
            await asyncio.sleep(PACE)

    def close(self) -> None:
        """Let every viewer go."""
        for viewer in self._viewers:
            viewer.end()

    async def _turn(self, snapshot: Snapshot) -> None:
        if self._viewers:
            await self._tell()
        else:
            async with self._drawing:
                await self._threads.call(lambda: self._board.sample(snapshot))

    async def _tell(self) -> None:
        before = self._drawn
        now = await self.drawn()
        beat = _text("beat", self._beat(now), now)
        pieces = beat
        if before is not None and now is not None and now.number != before.number:
            changed = {**self._beat(now), **_changed(before, now)}
            pieces = _text("pieces", changed, now)
            beat = _text("touched", {**self._beat(now), "touched": _touched(changed)}, now)
        for viewer in tuple(self._viewers):
            if not viewer.give(pieces if viewer.pieces else beat):
                self._viewers.discard(viewer)
                viewer.end()

    def _first(self, viewer: Viewer, drawn: Drawn | None, number: int) -> bytes:
        """What leads from the drawing that a page shows to the latest."""
        beat = self._beat(drawn)
        if drawn is None or drawn.number == number:
            return _text("beat", beat, drawn)
        shown = next((each for each in self._recent if each.number == number), None)
        if shown is None or not viewer.pieces:
            return _text("reload", beat, drawn)
        return _text("pieces", {**beat, **_changed(shown, drawn)}, drawn)

    def _beat(self, drawn: Drawn | None) -> dict[str, object]:
        at = None if drawn is None else drawn.at.isoformat()
        return {"now": clock.now().isoformat(), "at": at, "trouble": self._trouble()}


def _changed(before: Drawn, now: Drawn) -> Mapping[str, object]:
    """What a page must replace, put in, and take out to show `now` instead of `before`."""
    put = {name: html for name, html in now.pieces.items() if before.pieces.get(name) != html}
    put |= {mark: html for mark, html in now.rows.items() if before.rows.get(mark) != html}
    gone = [mark for mark in before.rows if mark not in now.rows]
    news = [words for alert, words in now.alerts.items() if alert not in before.alerts]
    return {"put": put, "gone": gone, "news": news}


def _touched(changed: Mapping[str, object]) -> list[str]:
    put = changed["put"]
    assert isinstance(put, dict)
    return list(put)


def _text(event: str, data: Mapping[str, object], drawn: Drawn | None) -> bytes:
    """One event of a `text/event-stream`."""
    number = 0 if drawn is None else drawn.number
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, event.encode(), msgspec.json.encode(data))

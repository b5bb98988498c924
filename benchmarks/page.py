"""What the page costs: drawing the overview of 1,000 accounts, and 100 browsers that watch it change.

Drawn is the whole page as a browser gets it, through the real application; a tenth of the accounts has other numbers
each time, as when each is asked every ten seconds. Beside it a bare Starlette answer of the same accounts as JSON. The
viewers are in another process, each reads its stream to the end; measured is what the serving process takes of a core
with them, and beside it the same without any. CPU time, so that other work on the machine does not count.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from figures import Figure, median, publish
from fleet import ARCHITECT, Login, account_ids, parts_of, write_config
from marginwatch import clock
from marginwatch.config.web import WebSettings
from marginwatch.core.model import Account, AccountKey
from marginwatch.core.state import AccountState
from marginwatch.store.store import Store
from marginwatch.web.app import page_app, site_for
from marginwatch.web.health import Health
from marginwatch.web.page import Page
from marginwatch.web.snapshot import Snapshot
from processes import Beside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message

    from marginwatch.core.model import Value
    from marginwatch.core.ruling import Ruling

ACCOUNTS: Final = 1_000
CHANGED: Final = 100
"""Accounts with other numbers at each turn."""
VIEWERS: Final = 100
SECONDS: Final = 20.0
TURNS: Final = 40


class Desk:
    """Accounts whose numbers change."""

    def __init__(self, ruling: Ruling, number: int) -> None:
        self._ruling = ruling
        self._keys = [AccountKey(ARCHITECT, each) for each in account_ids(number)]
        self._turn = 0
        self.accounts = {key: self._state(key, place) for place, key in enumerate(self._keys)}

    def move(self, number: int = CHANGED) -> Snapshot:
        """The next turn: that many accounts have other numbers."""
        self._turn += 1
        for place in range(number):
            key = self._keys[(self._turn * number + place) % len(self._keys)]
            self.accounts[key] = self._state(key, self._turn * 31 + place)
        return Snapshot(clock.now(), dict(self.accounts), {}, (), (), {}, self._ruling)

    def _state(self, key: AccountKey, seed: int) -> AccountState:
        usage = Decimal(seed * 7919 % 8000) / 10_000
        equity = Decimal(100_000 + seed * 104_729 % 900_000)
        fields: dict[str, Value] = {
            "equity": equity,
            "margin_usage": usage,
            "margin_excess": (equity * (1 - usage)).quantize(Decimal("0.01")),
            "currency": "USD",
        }
        at = clock.now()
        return AccountState(Account(key, f"DESK:{key.id}"), at, fields, at, at)


async def _ask(app: ASGIApp, path: str) -> int:
    """One request without a connection; gives how many bytes came."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    taken = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal taken
        taken += len(message.get("body", b""))

    await app(scope, receive, send)
    return taken


async def _drawing(store: Store, desk: Desk, turns: int) -> tuple[float, float, float]:
    """Milliseconds of CPU: a page when some accounts changed, one when none did, and the bare answer."""
    settings = WebSettings()
    site = site_for(store, settings, store.keys.signing(), lambda: "")
    app = page_app(site, settings)

    def bare(_: Request) -> JSONResponse:
        rows = [
            {"account": state.account.name, "at": str(state.observed_at), **{k: str(v) for k, v in state.known.items()}}
            for state in desk.accounts.values()
        ]
        return JSONResponse(rows)

    plain = Starlette(routes=[Route("/", bare)])
    changed, same, beside = [], [], []
    site.live.take(desk.move(0))
    assert await _ask(app, "/") > len(desk.accounts) * 200
    for _ in range(turns):
        site.live.take(desk.move())
        changed.append(await _timed(app))
        same.append(await _timed(app))
        beside.append(await _timed(plain))
    site.threads.close()
    return median(changed), median(same), median(beside)


async def _timed(app: ASGIApp) -> float:
    began = time.process_time()
    await _ask(app, "/")
    return 1_000 * (time.process_time() - began)


@asynccontextmanager
async def _served(store: Store) -> AsyncIterator[Page]:
    settings = WebSettings(listen="127.0.0.1:0")
    health = Health(alive=True, checks=())
    page = Page(store, settings, store.keys.signing(), health=lambda: health, trouble=lambda: "")
    page.start()
    try:
        yield page
    finally:
        await page.stop()


async def _watched(store: Store, desk: Desk, viewers: int, seconds: float) -> float:
    """Per cent of a core that serving takes while so many watch."""
    async with _served(store) as page:
        page.live.take(desk.move(0))
        port = page.address.rpartition(":")[2]
        beside = await asyncio.to_thread(lambda: Beside("viewers.py", port, viewers).__enter__())
        await asyncio.to_thread(beside.next)  # all are there
        began, spent = time.monotonic(), time.process_time()
        while time.monotonic() < began + seconds:
            page.live.take(desk.move())
            await asyncio.sleep(1.0)
        load = 100 * (time.process_time() - spent) / (time.monotonic() - began)
        await asyncio.to_thread(lambda: beside.__exit__(None, None, None))
    told = beside.said()[-1]["texts"]
    if told < viewers * (seconds - 5) * 0.5:
        short = f"only {told} texts reached {viewers} viewers in {seconds:.0f} s"
        raise SystemExit(short)
    return load


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """The page's cost."""
    accounts, viewers, seconds, turns = (50, 3, 6.0, 3) if quick else (ACCOUNTS, VIEWERS, SECONDS, TURNS)
    with tempfile.TemporaryDirectory() as folder:
        login = Login(ARCHITECT, account_ids(accounts))
        config = write_config(Path(folder), [login], rules=10, receivers=["json://127.0.0.1:9"])
        ruling = parts_of(config).ruling
        store = Store.open(f"sqlite:///{folder}/bench.db")
        store.own()
        desk = Desk(ruling, accounts)
        changed, same, beside = asyncio.run(_drawing(store, desk, turns))
        loaded = asyncio.run(_watched(store, desk, viewers, seconds))
        idle = asyncio.run(_watched(store, desk, 0, seconds))
        store.close()
    name = f"page of {accounts:,} accounts"
    bare = "bare JSON answer"
    return [
        Figure(f"{name}, {CHANGED} of them changed: CPU", changed, "ms", most=20, baseline=beside, baseline_name=bare),
        Figure(f"{name}, none changed: CPU", same, "ms", most=20, baseline=beside, baseline_name=bare),
        Figure(
            f"{viewers} viewers, {CHANGED} accounts change a second: of one core",
            loaded,
            "%",
            most=10,
            baseline=idle,
            baseline_name="without viewers",
        ),
    ]


if __name__ == "__main__":
    publish(measure, __doc__)

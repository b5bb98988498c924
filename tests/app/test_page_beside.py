"""The page beside the daemon: whatever it does, nothing that watches waits for it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
from structlog.testing import capture_logs

from marginwatch.app.build import assemble, configure
from marginwatch.app.daemon import Daemon
from marginwatch.app.start import owned_store
from marginwatch.ops.sd_notify import Systemd
from marginwatch.store.errors import DatabaseBusyError
from support.living import running
from support.scripted_venue import ScriptedVenue
from support.sinks import PATIENCE
from support.sites import receiver, table, write_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from marginwatch.store.store import Store

RULE = '[[rule]]\nid = "usage"\ntitle = "Margin usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'


@asynccontextmanager
async def living(folder: Path, venue: ScriptedVenue) -> AsyncIterator[tuple[Daemon, Store]]:
    """A daemon with a page, over one scripted venue."""
    login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
    tables = table("[venues]", {"name": "futures", "kind": "architect", "every": "1s", **login})
    hook = receiver("hook", "json://127.0.0.1:9/")
    configured = configure(write_config(folder, tables, hook, rules=RULE, listen="127.0.0.1:0"), {})
    parts = replace(assemble(configured), venues=(venue,))
    with owned_store(configured) as store:
        daemon = Daemon(configured, parts, store, Systemd({}))
        async with running(daemon):
            yield daemon, store


async def test_pages_that_hang_delay_no_tick(tmp_path: Path) -> None:
    """With every thread of the page stuck in the store, venues are polled, ticks are done, and probes answer."""
    venue, stuck, release = ScriptedVenue(), threading.Semaphore(0), threading.Event()
    with capture_logs():
        async with living(tmp_path, venue) as (daemon, store), httpx.AsyncClient(trust_env=False) as client:
            await venue.polled(1)

            def hang(_: str) -> None:
                stuck.release()
                assert release.wait(PATIENCE)

            store.history.alert = hang  # type: ignore[method-assign, assignment]  # what a page asks for
            base = f"http://{daemon.address}"
            asked = [asyncio.create_task(client.get(f"{base}/alerts/abcdef")) for _ in range(4)]
            for _ in range(2):
                assert await asyncio.to_thread(stuck.acquire, timeout=PATIENCE)
            before = daemon.pump.last_tick
            await venue.polled(venue.begun + 2)
            assert daemon.pump.last_tick > before
            assert (await client.get(f"{base}/healthz")).status_code == 200
            release.set()
            assert {(await each).status_code for each in asked} == {404}


async def test_a_page_that_finds_the_store_busy_says_so(tmp_path: Path) -> None:
    """In one sentence, and with 503: it may pass."""
    venue = ScriptedVenue()
    with capture_logs():
        async with living(tmp_path, venue) as (daemon, store), httpx.AsyncClient(trust_env=False) as client:
            await venue.polled(1)

            def busy(_: str) -> None:
                where = "the database"
                raise DatabaseBusyError(where)

            store.history.alert = busy  # type: ignore[method-assign, assignment]  # what a page asks for
            answer = await client.get(f"http://{daemon.address}/alerts/abcdef")

    assert answer.status_code == 503
    assert "the database" in answer.text

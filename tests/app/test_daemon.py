"""The daemon's life: what systemd, the log and the switch outside see of it."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from structlog.testing import capture_logs

from marginwatch import clock
from marginwatch.app import daemon as module
from marginwatch.app.build import Parts, assemble, configure
from marginwatch.app.daemon import Daemon
from marginwatch.app.start import owned_store
from marginwatch.core.alert import Status
from marginwatch.core.engine import ClockJump
from marginwatch.core.state import Commit
from marginwatch.ops.sd_notify import Systemd
from marginwatch.store.errors import DatabaseBusyError, EpochLostError
from marginwatch.tick import Ticker
from marginwatch.web.server import ListenError
from support.living import living
from support.records import alert, commit, message, transition
from support.scripted_venue import ScriptedVenue
from support.service_manager import Manager
from support.sinks import PATIENCE, HttpSink
from support.sites import Sites, receiver, table, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime
    from pathlib import Path

    from marginwatch.store.store import Store

RULE = '[[rule]]\nid = "usage"\ntitle = "Margin usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'
HOOK = receiver("hook", "json://127.0.0.1:9/")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A service manager that wants a sign of life every 0.3 s."""
    running = Manager(tmp_path, 0.3)
    yield running
    running.close()


def scripted(folder: Path, **tables: str) -> Path:
    """A config whose venue, named futures, is to be played by a scripted one."""
    login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
    venue = table("[venues]", {"name": "futures", "kind": "architect", "every": "1s", **login})
    return write_config(folder, venue, HOOK, tables.get("more", ""), rules=RULE, listen=tables.get("listen", ""))


async def test_its_life_as_the_log_tells_it(tmp_path: Path) -> None:
    """It listens, watches and is ready; it stops its parts in reverse, venues after the polling, and says so last."""
    venue = ScriptedVenue()
    with capture_logs() as logs:
        async with living(scripted(tmp_path, listen="127.0.0.1:0"), venue) as daemon:
            await venue.polled(2)
            address = daemon.address
            assert address is not None
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"http://{address}/healthz")).status_code == 200
            assert not venue.closed
        assert venue.closed

    events = [entry["event"] for entry in logs if entry["event"] != "transition"]
    assert events == ["listening", "watching", "ready", "stopping", "stopped"]
    host, _, port = address.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_what_came_in_is_committed_before_it_ends(tmp_path: Path) -> None:
    """Answers that arrive while it stops are stored all the same."""
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    config = scripted(tmp_path)
    with capture_logs():
        async with living(config, venue):
            await venue.polled(1)
            asyncio.get_running_loop().call_later(0.1, venue.held.set)
    with owned_store(configure(config, {})) as store:
        (state,) = store.history.venue_states()

    assert state.failed_cycles == 1


async def test_the_page_can_be_turned_off(tmp_path: Path) -> None:
    """Without `listen` nothing listens."""
    with capture_logs() as logs:
        async with living(scripted(tmp_path), ScriptedVenue()) as daemon:
            assert daemon.address is None
    assert "listening" not in {entry["event"] for entry in logs}


async def test_systemd_hears_that_it_is_ready_alive_and_stopping(tmp_path: Path, manager: Manager) -> None:
    """Ready once all runs, a sign of life at a third of the watchdog's time, and stopping before the stop."""
    with capture_logs():
        async with living(scripted(tmp_path), ScriptedVenue(), systemd=Systemd(manager.environ)):
            told = [await manager.told() for _ in range(4)]

    assert told[0] in {"READY=1\nSTATUS=watching; venues: 1, receivers: 1", "WATCHDOG=1"}
    assert sorted(set(told)) == ["READY=1\nSTATUS=watching; venues: 1, receivers: 1", "WATCHDOG=1"]
    assert [line for line in manager.pending() if line != "WATCHDOG=1"] == ["STOPPING=1\nSTATUS=stopping"]


async def test_systemd_is_asked_for_patience_while_the_past_is_read(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that reads for long is not ended as one that hangs, and takes up as of when all is read."""
    read, load, venue = threading.Event(), Ticker.load, ScriptedVenue()

    def load_late(ticker: Ticker, now: datetime) -> None:
        assert read.wait(PATIENCE)
        load(ticker, now)

    monkeypatch.setattr(module, "LOADS_FOR", 0.01)
    monkeypatch.setattr(Ticker, "load", load_late)
    with capture_logs():
        async with living(scripted(tmp_path), venue, systemd=Systemd(manager.environ)):
            assert await manager.told() == "EXTEND_TIMEOUT_USEC=30000"
            read.set()
            await venue.polled(1)


async def test_the_watchdog_hears_of_progress_and_not_of_life(
    tmp_path: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose ticks hang gives no sign of life although its loop runs; with the next tick it does again."""
    monkeypatch.setattr("marginwatch.app.vitals.STUCK", 0.5)
    hung = asyncio.Event()
    with capture_logs():
        async with living(scripted(tmp_path), ScriptedVenue(), systemd=Systemd(manager.environ)) as daemon:
            loop = asyncio.get_running_loop()
            waiting = loop.create_task(
                daemon._writer.call(lambda: asyncio.run_coroutine_threadsafe(hung.wait(), loop).result())
            )
            await until(lambda: not daemon._vitals.alive())
            manager.pending()
            await daemon._alive()
            assert manager.pending() == []

            hung.set()
            await waiting
            await until(daemon._vitals.alive)
            assert await manager.told() == "WATCHDOG=1"


async def test_the_heartbeat_comes_after_the_first_cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that starts again and again and never gets to its venues keeps the switch outside silent."""
    monkeypatch.setattr(module, "LOOK_EVERY", 0.05)
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    with HttpSink() as switch, capture_logs() as logs:
        config = scripted(tmp_path, more=table("heartbeat", {"url": f"http://{switch.address}/alive"}))
        async with living(config, venue):
            await venue.polled(1)
            await until(lambda: "no heartbeat" in {entry["event"] for entry in logs})
            assert switch.posts == []
            venue.held.set()
            await switch.arrived(1)

    assert [post.path for post in switch.posts] == ["/alive"]


async def test_a_port_that_is_taken_ends_the_start(tmp_path: Path) -> None:
    """The parts that ran are stopped, and the store is free again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = scripted(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ListenError):
            async with living(config, ScriptedVenue()) as daemon:
                await asyncio.sleep(60 if daemon.address else 0)
    with owned_store(configure(config, {})) as store:
        assert store.history.alerts() == []


async def test_a_lost_database_ends_it(tmp_path: Path) -> None:
    """Once another process owns the database, it must neither write nor send: it ends with the reason."""
    config = scripted(tmp_path)
    configured = configure(config, {})
    parts, venue = assemble(configured), ScriptedVenue()
    with capture_logs(), owned_store(configured) as store:
        daemon = Daemon(configured, Parts(parts.settings, parts.ruling, (venue,), parts.receivers), store, Systemd({}))
        running = asyncio.create_task(daemon.run(asyncio.Event()))
        await venue.polled(1)
        with closing(sqlite3.connect(tmp_path / "marginwatch.db")) as other, other:
            other.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch'")
        with pytest.raises(EpochLostError):
            await asyncio.wait_for(running, PATIENCE)
    assert venue.closed


@asynccontextmanager
async def resting(config: Path) -> AsyncIterator[tuple[Daemon, Store]]:
    """A daemon that is built and does not run."""
    configured = configure(config, {})
    with owned_store(configured) as store:
        daemon = Daemon(configured, assemble(configured), store, Systemd({}))
        try:
            yield daemon, store
        finally:
            daemon._writer.close()
            await daemon._close_venues()


async def test_what_is_old_is_dropped(tmp_path: Path) -> None:
    """Housekeeping keeps what the config says and logs how much went."""
    async with resting(scripted(tmp_path)) as (daemon, store):
        past = (clock.now() - timedelta(days=500)).replace(microsecond=0)
        over = alert("0ld000000000", status=Status.RESOLVED, ended_at=past)
        store.commit(Commit(past, "rules-1", alerts=(over,), transitions=(transition("0ld000000000"),)))
        with capture_logs() as logs:
            await daemon._prune()

        assert [entry["event"] for entry in logs] == ["pruned"]
        assert store.history.alerts(open_only=False) == []


async def test_housekeeping_goes_on_when_the_store_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is a warning, and the next turn comes all the same."""
    async with resting(scripted(tmp_path)) as (daemon, store):
        turns = 0
        again = asyncio.Event()

        def refuse(*_: object) -> int:
            nonlocal turns
            turns += 1
            if turns > 1:
                again.set()
            raise DatabaseBusyError(str(tmp_path))

        async def work() -> None:
            await daemon._prune()

        monkeypatch.setattr(store, "prune", refuse)
        with capture_logs() as logs:
            loop = asyncio.create_task(daemon._every(0.01, work))
            await asyncio.wait_for(again.wait(), PATIENCE)
            loop.cancel()

        assert {entry["event"] for entry in logs} == {"a housekeeping step failed"}


async def test_a_clock_set_back_delays_no_message(tmp_path: Path) -> None:
    """The jump is handed to the rules, and what waited for a time of the old clock is due at once."""
    async with resting(scripted(tmp_path)) as (daemon, store):
        now = clock.now()
        store.commit(commit(0, messages=(message(receiver="hook"),)))
        later = now + timedelta(hours=1)
        daemon._jumped(later, now, timedelta(seconds=1))
        before = store.outbox.rows()[0].due_at
        await daemon.receivers.look()

        arrivals = list(daemon.pump._inbox)
        assert ClockJump(later, now, timedelta(seconds=1)) in arrivals
        assert store.outbox.rows()[0].due_at <= max(before, clock.now())


async def test_it_tells_of_a_breach_while_it_runs(tmp_path: Path) -> None:
    """The whole way on its own pace: polled, decided, committed, sent."""
    async with Sites("helio") as sites:
        with HttpSink() as sink, capture_logs():
            sites.world.change("helio", "acc-1", margin_used=sites.world.account("helio", "acc-1").equity)
            config = write_config(tmp_path, sites.tables(), receiver("hook", sink.url()), rules=RULE)
            async with living(config):
                (post,) = await sink.arrived(1)

    assert (post.json["rule"], post.json["state"], post.json["account"]) == ("usage", "firing", "acc-1")

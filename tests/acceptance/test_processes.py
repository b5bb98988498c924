"""The daemon as a real process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import asyncio
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.store.store import Store
from support.house import RULES
from support.process import run, started
from support.sinks import PATIENCE, Hang, HttpSink
from support.sites import Sites, receiver, write_config
from support.waiting import asked_again

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.store.types import OutboxRow

pytestmark = pytest.mark.acceptance

STOPS_WITHIN: Final = 10.0
"""Seconds systemd is promised."""


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver."""
    with HttpSink() as running:
        yield running


def config_of(folder: Path, sites: Sites, sink: HttpSink, **options: str) -> Path:
    """Everything at the simulators, told to the sink."""
    return write_config(folder, sites.tables(), receiver("hook", sink.url()), rules=RULES, **options)


def outbox(config: Path) -> list[OutboxRow]:
    """Every message of a daemon that has ended."""
    store = Store.open(f"sqlite:///{config.parent}/marginwatch.db", create=False)
    try:
        return store.outbox.rows()
    finally:
        store.close()


def breach(sites: Sites, kind: str = "helio") -> None:
    """An account goes into breach."""
    sites.world.change(kind, "acc-1", margin_used=Decimal(95_000))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_lets_sends_finish(tmp_path: Path, sink: HttpSink, number: signal.Signals) -> None:
    """Told to stop while a slow receiver has a message, it waits for the answer, records it and ends well."""
    sink.script(Hang())
    async with Sites() as sites:
        breach(sites)
        config = config_of(tmp_path, sites, sink)
        async with started("run", "--config", config) as process:
            await sink.arrived(1)
            process.signal(number)
            await process.logged("stopping")
            sink.release()

            assert await process.ended(STOPS_WITHIN) == 0
            assert process.log[-1]["event"] == "stopped"
            assert process.output == []

    (row,) = outbox(config)
    assert (row.status, row.attempts, len(sink.posts)) == ("delivered", 1, 1)


@pytest.mark.parametrize("event", ["listening", "watching", "ready"])
async def test_a_stop_right_at_the_start_is_a_stop_like_any_other(tmp_path: Path, sink: HttpSink, event: str) -> None:
    """Told to stop while its parts still start, housekeeping among them, it ends well and complains of nothing."""
    async with Sites("helio") as sites:
        config = config_of(tmp_path, sites, sink, listen="127.0.0.1:0")
        async with started("run", "--config", config) as process:
            await process.logged(event)
            process.signal(signal.SIGTERM)

            assert await process.ended(STOPS_WITHIN) == 0
    assert not [line for line in process.errors if not line.startswith("{")]
    assert [line for line in process.log if line["level"] in {"warning", "error", "critical"}] == []
    assert process.log[-1]["event"] == "stopped"


async def test_a_stop_waits_for_nobody_for_long(tmp_path: Path, sink: HttpSink) -> None:
    """Venues that hang, a receiver that never answers and a client that holds on do not keep it from ending in time.

    What was not delivered is, by the next process.
    """
    sink.script(Hang())
    async with Sites() as sites:
        breach(sites)
        config = config_of(tmp_path, sites, sink, listen="127.0.0.1:0")
        async with started("run", "--config", config) as process:
            await sink.arrived(1)
            host, _, port = (await process.logged("listening"))["address"].rpartition(":")
            _, client = await asyncio.open_connection(host, int(port))
            for faults in sites.faults.values():
                faults.fail("*", Fault(FaultKind.HANG))
                await asked_again(faults)
            client.write(b"GET /healthz HTTP/1.1\r\n")
            process.signal(signal.SIGTERM)

            assert await process.ended(STOPS_WITHIN) == 0
            client.close()
            await asyncio.gather(client.wait_closed(), return_exceptions=True)
        (row,) = outbox(config)
        assert (row.status, row.attempts) == ("sending", 1)

        for faults in sites.faults.values():
            faults.clear()
        async with started("run", "--config", config) as process:
            await process.logged("delivered")
            process.signal(signal.SIGTERM)
            assert await process.ended(STOPS_WITHIN) == 0
    (row,) = outbox(config)
    assert (row.status, row.attempts) == ("delivered", 2)
    assert [post.headers["idempotency-key"] for post in sink.posts] == [f"{row.message.alert_id}.1.hook"] * 2


async def test_one_database_has_one_daemon(tmp_path: Path, sink: HttpSink) -> None:
    """A second daemon on the same database says who has it and ends; the first goes on undisturbed."""
    async with Sites("helio") as sites:
        config = config_of(tmp_path, sites, sink)
        async with started("run", "--config", config) as first:
            await first.logged("ready")
            code, second = await run("run", "--config", config)

            assert code == 3
            (sentence,) = [line for line in second.errors if not line.startswith("{")]
            assert "is in use by another marginwatch (process " in sentence
            assert sentence.endswith("stop that one first")

            breach(sites)
            await sink.arrived(1)
            first.signal(signal.SIGTERM)
            assert await first.ended(STOPS_WITHIN) == 0


async def test_what_a_probe_is_told(tmp_path: Path, sink: HttpSink) -> None:
    """Alive as long as it works; ready when every venue was asked lately."""
    async with Sites() as sites:
        config = config_of(tmp_path, sites, sink, listen="127.0.0.1:0")
        async with started("run", "--config", config) as process:
            address = (await process.logged("listening"))["address"]
            await process.logged("ready")
            assert await asked(address, "/healthz") == (200, '{"status":"alive"}')
            status, body = await asked(address, "/readyz")
            assert status == 200, body
            assert '"venue fx"' in body
            process.signal(signal.SIGTERM)
            assert await process.ended(STOPS_WITHIN) == 0


async def asked(address: str, path: str) -> tuple[int, str]:
    """What the page answers."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    return int(head.split()[1]), body.decode()

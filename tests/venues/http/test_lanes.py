"""An exchange ends by its deadline and its size cap whatever the server does, and a lane heals itself."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from marginwatch import clock
from marginwatch.core.model import FailureKind
from marginwatch.venues.http import lanes
from marginwatch.venues.http.failure import Failed
from marginwatch.venues.http.lanes import Answer, Ask, Lane, Lanes, Limits, tls_context
from support.rawserver import OK, next_request, raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.rawserver import Connection

LIMITS = Limits(seconds=5, size=1000)


@asynccontextmanager
async def lane_to(serve: Connection, limits: Limits = LIMITS) -> AsyncIterator[tuple[Lane, Ask]]:
    """A lane, and a request to a server that does this with each connection."""
    async with raw_server(serve) as port:
        lane = Lane(None, limits)
        try:
            yield lane, Ask("call", "GET", httpx.URL(f"http://127.0.0.1:{port}/secret-path?token=hidden"))
        finally:
            await lane.aclose()


async def exchange(lane: Lane, ask: Ask, seconds: float = 5) -> Answer | Failed:
    return await lane.exchange(ask, b"Bearer t", clock.monotonic() + seconds)


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
    """Answer every request of the connection."""
    while not reader.at_eof():
        try:
            await next_request(reader)
        except asyncio.IncompleteReadError:
            return
        writer.write(OK)


async def test_the_request_carries_the_token_and_asks_for_plain_json() -> None:
    """What is sent: the path, the token, and no wish for packed answers."""
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        seen.append(await next_request(reader))
        writer.write(OK)

    async with lane_to(serve) as (lane, ask):
        assert await exchange(lane, ask) == Answer(200, b"{}")
    head = seen[0].decode().lower()
    assert head.startswith("get /secret-path?token=hidden http/1.1")
    assert "authorization: bearer t" in head
    assert "accept-encoding: identity" in head


async def test_a_connection_closed_while_idle_is_replaced_once() -> None:
    """The venue closed a kept connection just as we used it: the request is sent again on a new one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await next_request(reader)
        writer.write(OK)
        if number == 1:
            await next_request(reader)

    async with lane_to(serve) as (lane, ask):
        assert await exchange(lane, ask) == Answer(200, b"{}")
        assert await exchange(lane, ask) == Answer(200, b"{}")


async def test_a_server_that_always_hangs_up_is_unreachable() -> None:
    """After one replacement it is a failure, whose sentence names the host and nothing else of the address."""
    connections = []

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, number: int) -> None:
        connections.append(number)
        await next_request(reader)

    async with lane_to(serve) as (lane, ask):
        failed = await exchange(lane, ask)
    assert failed == Failed(
        FailureKind.UNREACHABLE, "127.0.0.1: the connection was closed before the answer was complete"
    )
    assert connections == [1, 2]


@pytest.mark.parametrize(
    ("answer", "kind", "detail"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", FailureKind.BAD_ANSWER, "127.0.0.1: the answer is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
            FailureKind.UNREACHABLE,
            "127.0.0.1: the connection was closed before the answer was complete",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
            FailureKind.BAD_ANSWER,
            "the answer is packed, which was not asked for",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{}",
            FailureKind.BAD_ANSWER,
            "the answer is larger than 1,000 bytes",
        ),
    ],
)
async def test_an_answer_that_is_none_is_a_failure(answer: bytes, kind: FailureKind, detail: str) -> None:
    """Not HTTP, cut short, packed or too large."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await next_request(reader)
        writer.write(answer)

    async with lane_to(serve) as (lane, ask):
        failed = await exchange(lane, ask)
    assert failed == Failed(kind, detail)


async def test_an_endless_answer_is_cut_at_the_cap() -> None:
    """A body without a length is read up to the cap and no further."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await next_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"100\r\n" + b"x" * 256 + b"\r\n")
            await writer.drain()

    async with lane_to(serve) as (lane, ask):
        failed = await exchange(lane, ask)
    assert failed == Failed(FailureKind.BAD_ANSWER, "the answer is larger than 1,000 bytes")


async def test_a_slow_answer_ends_at_its_own_limit_or_the_cycles() -> None:
    """Each byte in time does not make the whole in time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await next_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    late = Failed(FailureKind.TIMED_OUT, "127.0.0.1: no complete answer in time")
    async with lane_to(serve, Limits(seconds=0.2, size=1000)) as (lane, ask):
        assert await exchange(lane, ask, seconds=60) == late
    async with lane_to(serve) as (lane, ask):
        assert await exchange(lane, ask, seconds=0.2) == late


async def test_nothing_is_asked_after_the_deadline() -> None:
    """A request that cannot be answered in time is not sent."""
    async with lane_to(good) as (lane, ask):
        failed = await exchange(lane, ask, seconds=-1)
        assert isinstance(failed, Failed)
        assert failed.kind is FailureKind.TIMED_OUT
        assert not lane.busy


async def test_a_stuck_lane_is_renewed_and_gives_up_what_was_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """No free connection in time means new connections; those who held the old ones are not kept waiting."""
    monkeypatch.setattr(lanes, "_FREE_CONNECTION_WITHIN", 0.1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await next_request(reader)
        if number <= lanes.PER_LANE:
            await reader.read()
        writer.write(OK)

    async with lane_to(serve) as (lane, ask):
        stuck = [asyncio.create_task(exchange(lane, ask)) for _ in range(lanes.PER_LANE)]
        await asyncio.sleep(0.05)
        assert await exchange(lane, ask) == Answer(200, b"{}")
        given_up = await asyncio.gather(*stuck)
    assert {outcome.kind for outcome in given_up if isinstance(outcome, Failed)} == {FailureKind.UNREACHABLE}


async def test_a_lane_survives_callers_that_are_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelling exchanges at their very start, which can poison a pool, leaves a lane that still answers."""
    monkeypatch.setattr(lanes, "_FREE_CONNECTION_WITHIN", 0.1)
    async with lane_to(good) as (lane, ask):
        for patience in range(12):
            tasks = [asyncio.create_task(exchange(lane, ask)) for _ in range(lanes.PER_LANE)]
            for _ in range(patience):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        answers = [await exchange(lane, ask) for _ in range(10)]
    assert answers == [Answer(200, b"{}")] * 10


async def test_tls_towards_a_server_without_it_is_unreachable() -> None:
    """The failure says that TLS was the trouble."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await reader.read(1)
        writer.write(OK)

    async with lane_to(serve) as (_, ask):
        lane = Lane(tls_context(), LIMITS)
        failed = await exchange(lane, Ask("call", "GET", ask.url.copy_with(scheme="https")))
        await lane.aclose()
    assert isinstance(failed, Failed)
    assert failed.kind is FailureKind.UNREACHABLE
    assert failed.detail.startswith("127.0.0.1: no connection (")


def test_certificates_are_checked() -> None:
    """Trust is never switched off."""
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.get_ca_certs()


async def test_lanes_hold_four_workers_each_and_keep_the_libraries_quiet() -> None:
    """Workers are spread over as many lanes as it takes; no library logs a URL or a header."""
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    made = Lanes(9, LIMITS, None)
    assert len({id(made.of(worker)) for worker in range(9)}) == 3
    assert made.of(3) is made.of(0)
    assert made.of(4) is not made.of(0)
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore").isEnabledFor(logging.DEBUG)
    await made.aclose()

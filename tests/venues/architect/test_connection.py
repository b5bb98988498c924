"""The way to the server: found in DNS, found again when it moved, and never through a proxy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.rcode
import pytest

from marginwatch.core.model import FailureKind
from marginwatch.simulator.architect import ArchitectSimulator
from marginwatch.simulator.faults import Fault, FaultKind, Faults
from marginwatch.simulator.world import World
from marginwatch.venues.architect.wire import SUMMARIES
from support.architect import FIRST, Ticker, connect, cycle, sim_accounts
from support.dns import DnsServer
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = "desk.example.com"


@pytest.fixture
async def names(simulator: ArchitectSimulator) -> AsyncIterator[DnsServer]:
    """A DNS server that knows where the simulated installation is."""
    async with DnsServer({HOST: [f"0 0 {simulator.port} localhost."]}) as server:
        yield server


async def test_a_portless_endpoint_is_found_in_dns(names: DnsServer) -> None:
    """The host and port of the SRV record are dialled, and DNS is asked once while all is well."""
    venue = connect(f"http://{HOST}", resolver=names.resolver())
    assert names.asked == []
    for _ in range(2):
        assert (await cycle(venue)).failures == ()
    assert names.asked == [f"{HOST}."]
    await venue.aclose()


async def test_a_server_that_moved_is_found_again(simulator: ArchitectSimulator, names: DnsServer) -> None:
    """After the connection is lost DNS is asked anew, and the new place is dialled."""
    ticker = Ticker()
    venue = connect(f"http://{HOST}", resolver=names.resolver(), monotonic=ticker)
    await cycle(venue)
    await simulator.stop()
    world = World()
    world.add(*sim_accounts()[:1])
    async with ArchitectSimulator(world, Faults()) as moved:
        names.records = {HOST: [f"0 0 {moved.port} localhost."]}
        await cycle(venue)
        ticker.pushed += 10
        assert [each.account.id for each in (await cycle(venue)).observations] == [FIRST]
        await venue.aclose()


async def test_dns_that_fails_is_a_venue_that_cannot_be_reached(names: DnsServer) -> None:
    """One failure of the venue, in words that name the way around; when DNS is back so is the venue."""
    ticker = Ticker()
    venue = connect(f"http://{HOST}", resolver=names.resolver(), monotonic=ticker)
    names.rcode = dns.rcode.SERVFAIL
    (failure,) = (await cycle(venue)).failures
    assert (failure.kind, failure.account) == (FailureKind.UNREACHABLE, None)
    assert "endpoint" in failure.detail
    names.rcode = None
    ticker.pushed += 10
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def test_a_known_server_outlives_its_dns(simulator: ArchitectSimulator, names: DnsServer) -> None:
    """When DNS fails after the connection was lost, the last known place is tried."""
    ticker = Ticker()
    venue = connect(f"http://{HOST}", resolver=names.resolver(), monotonic=ticker)
    await cycle(venue)
    names.rcode = dns.rcode.SERVFAIL
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.RESET), times=1)
    ticker.pushed += 10
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def test_a_proxy_in_the_environment_is_not_used(
    simulator: ArchitectSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gRPC would send even loopback traffic through it."""
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    venue = connect(simulator.endpoint)
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def test_closing_ends_what_is_under_way(simulator: ArchitectSimulator) -> None:
    """A poll that waits for a silent server ends at once with a failure, as if the connection broke."""
    venue = connect(simulator.endpoint, deadline=60.0)
    await cycle(venue)
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.HANG))
    polling = asyncio.create_task(cycle(venue))
    await _asked_twice(simulator)
    await venue.aclose()
    assert [each.kind for each in (await polling).failures] == [FailureKind.UNREACHABLE]


async def test_a_poll_that_is_cancelled_is_cancelled(simulator: ArchitectSimulator) -> None:
    """Cancelling the task is not mistaken for a closed connection, and the venue can be polled again."""
    ticker = Ticker()
    venue = connect(simulator.endpoint, deadline=60.0, monotonic=ticker)
    await cycle(venue)
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.HANG))
    polling = asyncio.create_task(cycle(venue))
    await _asked_twice(simulator)
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    simulator.faults.clear()
    ticker.pushed += 10
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def _asked_twice(simulator: ArchitectSimulator) -> None:
    await until(lambda: len(simulator.faults.asked(SUMMARIES)) >= 2)

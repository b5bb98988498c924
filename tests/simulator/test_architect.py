"""The simulated Architect server beyond what clients show: the calls beside accounts, and its record of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from marginwatch.simulator.architect import API_KEY, API_SECRET, ArchitectSimulator
from marginwatch.simulator.faults import Fault, FaultKind, Faults
from marginwatch.simulator.world import World
from support.architect import FIRST, sim_accounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Raw:
    """A client that knows nothing: bytes out, bytes in."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self.token = ""

    async def __call__(self, call: str, request: object) -> dict[str, Any]:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        send = self._channel.unary_unary(
            f"/json.architect.{call}", request_serializer=bytes, response_deserializer=bytes
        )
        metadata = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        answer: dict[str, Any] = json.loads(await send(body, metadata=metadata, timeout=5))
        return answer

    async def refused(self, call: str, request: object) -> grpc.StatusCode:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await self(call, request)
        return refused.value.code()


@pytest.fixture
async def simulator() -> AsyncIterator[ArchitectSimulator]:
    world = World()
    world.add(*sim_accounts())
    async with ArchitectSimulator(world, Faults()) as running:
        yield running


@pytest.fixture
async def raw(simulator: ArchitectSimulator) -> AsyncIterator[Raw]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{simulator.port}") as channel:
        client = Raw(channel)
        client.token = (await client("Auth/CreateJwt", {"api_key": API_KEY, "api_secret": API_SECRET}))["jwt"]
        yield client


async def test_the_calls_beside_accounts_are_answered(raw: Raw) -> None:
    """Configuration, who is logged in, and health, the last one without a token."""
    assert await raw("Core/Config", {}) == {"marketdata": {}}
    assert (await raw("Auth/AuthInfo", {})).keys() == {"user_id", "original_user_id"}
    raw.token = ""
    assert await raw("Health/Check", {}) == {"status": "SERVING"}


async def test_what_is_not_as_documented_is_refused(raw: Raw) -> None:
    """An unknown method, a message that is no object, a history in unknown steps, a call without a token."""
    assert await raw.refused("Accounts/CloseAccount", {}) is grpc.StatusCode.UNIMPLEMENTED
    assert await raw.refused("Accounts/Accounts", b"[]") is grpc.StatusCode.INVALID_ARGUMENT
    assert await raw.refused("Accounts/Accounts", b"{") is grpc.StatusCode.INVALID_ARGUMENT
    weekly = {"account": FIRST, "granularity": "Weekly"}
    assert await raw.refused("Folio/AccountHistory", weekly) is grpc.StatusCode.INVALID_ARGUMENT
    raw.token = ""
    assert await raw.refused("Accounts/Accounts", {}) is grpc.StatusCode.UNAUTHENTICATED


async def test_history_without_a_span_is_the_latest_hundred(raw: Raw) -> None:
    """The past is the same at every asking, and ends now."""
    first = (await raw("Folio/AccountHistory", {"account": FIRST}))["history"]
    again = (await raw("Folio/AccountHistory", {"account": FIRST}))["history"]
    assert len(first) == 100
    assert {row["timestamp"]: row["equity"] for row in first}.items() & {
        row["timestamp"]: row["equity"] for row in again
    }.items()
    assert [row["timestamp"] for row in first] == sorted((row["timestamp"] for row in first), reverse=True)


async def test_faults_of_one_account_leave_the_others(simulator: ArchitectSimulator, raw: Raw) -> None:
    """A fault planned for an account hits when that account is asked for."""
    simulator.faults.fail("Folio/AccountSummary", Fault(FaultKind.STATUS, status=429), account=FIRST)
    assert await raw.refused("Folio/AccountSummary", {"account": FIRST}) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await raw("Folio/AccountSummary", {"account": "STONEX:000001/JDoe"})


async def test_every_call_is_recorded(simulator: ArchitectSimulator, raw: Raw) -> None:
    """The venue's own name of the call and the account it was about, refused ones included."""
    await raw.refused("Folio/AccountSummary", {"account": "nobody"})
    assert [(asked.call, asked.account) for asked in simulator.faults.asked()] == [
        ("Auth/CreateJwt", ""),
        ("Folio/AccountSummary", "nobody"),
    ]


async def test_an_older_server_leaves_trading_enabled_out(simulator: ArchitectSimulator, raw: Raw) -> None:
    """None in the world is a missing key on the wire."""
    simulator.world.change("architect", FIRST, trading_enabled=None)
    first, second, _ = (await raw("Accounts/Accounts", {}))["accounts"]
    assert "trading_enabled" not in first
    assert second["trading_enabled"] is True


async def test_a_server_that_was_stopped_starts_again_where_it_was(simulator: ArchitectSimulator, raw: Raw) -> None:
    """Its tokens still work, as its users' sessions would."""
    port = simulator.port
    await simulator.stop()
    await simulator.stop()
    await simulator.start(port)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        again = Raw(channel)
        again.token = raw.token
        assert len((await again("Accounts/Accounts", {}))["accounts"]) == 3


async def test_a_taken_port_is_told_and_leaves_nothing_running(simulator: ArchitectSimulator) -> None:
    """Whoever starts it on a port in use gets the system's error, and may try another."""
    second = ArchitectSimulator(simulator.world, Faults())
    with pytest.raises(OSError, match="in use"):
        await second.start(simulator.port)
    await second.start()
    assert second.port != simulator.port
    await second.stop()

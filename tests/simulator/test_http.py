"""The simulated HTTP venues speak as their vendors' pages describe, errors included."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest

from marginwatch.simulator import helio, stonex
from marginwatch.simulator.architect_bodies import margin_calls
from marginwatch.simulator.faults import Fault, FaultKind, Faults
from marginwatch.simulator.helio import HelioSimulator
from marginwatch.simulator.stonex import StonexSimulator
from marginwatch.simulator.world import SimAccount, SimMarginCall, World
from support.bodies import documented, leaves
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from marginwatch.simulator.httpserver import HttpServer

LOGIN = {"client_id": stonex.CLIENT_ID, "client_secret": stonex.CLIENT_SECRET}


def _world() -> World:
    world = World()
    for venue in ("stonex", "helio"):
        world.add(SimAccount(venue, "1", "One", equity=Decimal(100), margin_used=Decimal(40)))
    return world


@pytest.fixture
async def clearing() -> AsyncIterator[HttpServer]:
    async with StonexSimulator(_world(), Faults()) as server:
        yield server


@pytest.fixture
async def fx() -> AsyncIterator[HttpServer]:
    async with HelioSimulator(_world(), Faults()) as server:
        yield server


async def test_stonex_gives_a_token_for_a_form(clearing: HttpServer) -> None:
    """Client credentials as a form, at either of the documented paths; a wrong secret is an invalid client."""
    async with httpx.AsyncClient(base_url=clearing.base_url, trust_env=False) as client:
        for path in ("/auth/token", "/identity/connect/token"):
            token = (await client.post(path, data=LOGIN)).json()
            assert (token["expires_in"], token["token_type"]) == (36000, "Bearer")
        refused = await client.post("/auth/token", data=LOGIN | {"client_secret": "wrong"})
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_client"})


async def test_stonex_answers_with_every_documented_key(clearing: HttpServer) -> None:
    """The bodies have the paths of the vendor's own examples."""
    async with httpx.AsyncClient(base_url=clearing.base_url, trust_env=False) as client:
        token = (await client.post("/auth/token", data=LOGIN)).json()["access_token"]
        for call in ("position-summary", "balance-summary"):
            answer = await client.post(
                f"/account-api/v1/{call}",
                json={"accountNumber": "1"},
                headers={"Authorization": f"Bearer {token}"},
            )
            wanted = {path for path, _ in leaves(documented("stonex", call)) if "[" not in path}
            assert wanted <= {path for path, _ in leaves(answer.json())}
            assert not answer.json()["hasErrors"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/account-api/v1/position-summary", 401),
        ("GET", "/account-api/v1/position-summary", 405),
        ("POST", "/account-api/v1/accounts", 404),
    ],
)
async def test_stonex_refuses_what_it_does_not_know(clearing: HttpServer, method: str, path: str, status: int) -> None:
    """No token, another method, another path."""
    async with httpx.AsyncClient(base_url=clearing.base_url, trust_env=False) as client:
        assert (await client.request(method, path, content=b"no json")).status_code == status


async def test_helio_logs_in_with_json(fx: HttpServer) -> None:
    """Token, expiry and accounts; a wrong password and a broken body are errors in Helio's words."""
    async with httpx.AsyncClient(base_url=fx.base_url, trust_env=False) as client:
        login = (await client.post("/login", json={"email": helio.EMAIL, "password": helio.PASSWORD})).json()
        wrong = await client.post("/login", json={"email": helio.EMAIL, "password": "x"})
        broken = await client.post("/login", content=b"{")
    assert login["accounts"] == [{"id": "1", "gid": "standard"}]
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (401, "UNAUTHORIZED")
    assert broken.status_code == 400


async def test_helio_answers_with_every_documented_key(fx: HttpServer) -> None:
    """The bodies have the keys of the vendor's own examples."""
    async with httpx.AsyncClient(base_url=fx.base_url, trust_env=False) as client:
        login = (await client.post("/login", json={"email": helio.EMAIL, "password": helio.PASSWORD})).json()
        for call in ("portfolio", "metrics"):
            headers = {"Authorization": f"Bearer {login['access_token']}"}
            answer = (await client.get(f"/accounts/1/{call}", headers=headers)).json()
            assert set(documented("helio", call)) == set(answer)
        basic = await client.get("/accounts/1/portfolio", headers={"Authorization": "Basic x"})
        elsewhere = await client.get("/symbols")
        wrong_method = await client.post("/accounts/1/portfolio")
    assert [answer.status_code for answer in (basic, elsewhere, wrong_method)] == [401, 404, 405]


async def test_a_call_that_hangs_ends_with_the_server(fx: HttpServer) -> None:
    """Stopping a server ends what it was still answering, as the end of a venue's process would."""
    fx.faults.fail("login", Fault(FaultKind.HANG))
    async with httpx.AsyncClient(base_url=fx.base_url, trust_env=False) as client:
        hanging = asyncio.create_task(client.post("/login", json={}))
        await until(lambda: fx.faults.asked("login"))
        await fx.stop()
        with pytest.raises(httpx.TransportError):
            await hanging


async def test_what_is_no_http_is_hung_up_on(fx: HttpServer) -> None:
    """A client that speaks something else is not answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", fx.port)
    writer.write(b"hello\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


def test_a_margin_call_is_open_until_met() -> None:
    """As simulated for Architect: an amount, what is met of it, and when it is due."""
    call = SimMarginCall("MAINTENANCE", Decimal(10), Decimal(4), date(2026, 1, 2))
    assert (call.status, call.call_amount - call.satisfied_amount) == ("OPEN", Decimal(6))


def test_a_margin_call_may_be_due_days_from_now() -> None:
    """So a scenario is as urgent whenever it is played; the day begins in UTC, as the vendor's dates do."""
    now = datetime(2026, 1, 30, 22, tzinfo=UTC)
    call = SimMarginCall("MAINTENANCE", Decimal(10), due_date=timedelta(days=3))
    account = SimAccount("architect", "a", "A", margin_calls=(call, replace(call, due_date=date(2026, 1, 2))))
    made = margin_calls(account, now)

    assert [row["due_date"] for row in made if isinstance(row, dict)] == [
        "2026-02-02T00:00:00Z",
        "2026-01-02T00:00:00Z",
    ]

"""The vendor's own client is the referee: it works against the simulated server as against a real one."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import grpc
import pytest

from marginwatch.simulator.architect import API_KEY, API_SECRET, ArchitectSimulator
from marginwatch.simulator.faults import Faults
from marginwatch.simulator.world import SimMarginCall, SimPosition, World
from support.architect import FIRST, SECOND, connect, cycle, sim_accounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    from architect_py import AsyncClient

START = datetime(2025, 5, 1, tzinfo=UTC)
POSITION = SimPosition("p", "MGC 20250626 CME Future", Decimal(1), Decimal("3279.2"), Decimal("3280.1"))


@pytest.fixture(scope="module")
def sdk() -> ModuleType:
    """The client's package; importing it takes seconds, so it is imported once and by nobody else."""
    return importlib.import_module("architect_py")


@pytest.fixture
async def simulator() -> AsyncIterator[ArchitectSimulator]:
    """A server with two visible accounts and a hidden one, the first with a position and a margin call."""
    world = World()
    world.add(*sim_accounts())
    call = SimMarginCall("RT", Decimal(500), Decimal(100))
    world.change("architect", FIRST, positions=(POSITION,), margin_calls=(call,), yesterday_equity=Decimal(101_000))
    async with ArchitectSimulator(world, Faults()) as running:
        yield running


@pytest.fixture
async def client(sdk: ModuleType, simulator: ArchitectSimulator) -> AsyncIterator[AsyncClient]:
    """The vendor's client, logged in."""
    connected = await _connect(sdk, simulator)
    yield connected
    await connected.close()


async def _connect(sdk: ModuleType, simulator: ArchitectSimulator, secret: str = API_SECRET) -> AsyncClient:
    return await sdk.AsyncClient.connect(
        api_key=API_KEY, api_secret=secret, paper_trading=False, endpoint=simulator.endpoint
    )


async def test_it_lists_accounts_with_permissions(client: AsyncClient) -> None:
    """Every account of the world, the hidden one too, with its permissions and whether it may trade."""
    rows = await client.list_accounts()
    assert [(row.account.id, row.account.name, row.permissions.view) for row in rows] == [
        (FIRST, "STONEX:000000/JDoe", True),
        (SECOND, "STONEX:000001/JDoe", True),
        ("hidden", "STONEX:000002/XRay", False),
    ]
    assert {row.trading_enabled for row in rows} == {True}


@pytest.mark.parametrize("name", [FIRST, "STONEX:000000/JDoe"])
async def test_it_reads_a_summary_by_id_and_by_name(client: AsyncClient, name: str) -> None:
    """Amounts and positions come with the digits the world has."""
    summary = await client.get_account_summary(name)
    assert summary.account == FIRST
    assert summary.equity == 100_000
    assert summary.total_margin == 40_000
    assert summary.yesterday_equity == 101_000
    assert summary.balances == {"USD": Decimal(100_000)}
    ((symbol, (lot,)),) = summary.positions.items()
    assert (str(symbol), lot.quantity, lot.cost_basis) == ("MGC 20250626 CME Future/USD", 1, Decimal("3279.2"))


async def test_it_reads_all_summaries_and_some(client: AsyncClient) -> None:
    """Without a filter every visible account, with one those it names."""
    assert [row.account for row in await client.get_account_summaries()] == [FIRST, SECOND]
    assert [row.account for row in await client.get_account_summaries(["STONEX:000001/JDoe"])] == [SECOND]


async def test_it_reads_history_newest_first_and_capped(client: AsyncClient, sdk: ModuleType) -> None:
    """Of a day's 288 snapshots come the newest hundred; a limit and a time of day are obeyed."""
    rows = await client.get_account_history(FIRST, START, START + timedelta(days=1))
    assert [row.timestamp for row in rows] == [START + timedelta(minutes=5 * step) for step in range(287, 187, -1)]
    assert all(row.equity is not None for row in rows)
    daily = await client.get_account_history(
        FIRST,
        START,
        START + timedelta(days=5),
        granularity=sdk.grpc.models.definitions.AccountHistoryGranularity.Daily,
        limit=2,
        time_of_day=(START + timedelta(hours=21)).time(),
    )
    assert [row.timestamp.isoformat() for row in daily] == ["2025-05-05T21:00:00+00:00", "2025-05-04T21:00:00+00:00"]


async def test_it_reads_margin_calls(client: AsyncClient) -> None:
    """The message its client has no method for decodes as its schema says."""
    module = importlib.import_module("architect_py.grpc.models.Boss.MarginCallsRequest")
    reply = await (await client._core()).unary_unary(module.MarginCallsRequest(account_id=FIRST))
    assert [(row.account_number, row.call_amount, row.satisfied_amount) for row in reply.margin_calls] == [
        ("000000", 500, 100)
    ]


async def test_it_lists_paper_accounts_as_paper(sdk: ModuleType, simulator: ArchitectSimulator) -> None:
    """In paper mode only the paper accounts are listed."""
    simulator.world.change("architect", SECOND, name="PAPER:jdoe@example.com")
    paper = await sdk.AsyncClient.connect(
        api_key=API_KEY, api_secret=API_SECRET, paper_trading=True, endpoint=simulator.endpoint
    )
    assert [row.account.name for row in await paper.list_accounts()] == ["PAPER:jdoe@example.com"]
    await paper.close()


async def test_an_unknown_account_is_not_found(client: AsyncClient) -> None:
    """The error is gRPC's."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.get_account_summary("nobody")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_wrong_secret_is_refused(sdk: ModuleType, simulator: ArchitectSimulator) -> None:
    """The client's own error says that the login was not accepted."""
    with pytest.raises(ValueError, match="UNAUTHENTICATED"):
        await _connect(sdk, simulator, "W" * 44)


async def test_a_revoked_token_is_refused_until_it_is_renewed(
    client: AsyncClient, simulator: ArchitectSimulator
) -> None:
    """The client does not renew it by itself; told to, it works again."""
    simulator.api.revoke_tokens()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.list_accounts()
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    await client.refresh_jwt(force=True)
    assert len(await client.list_accounts()) == 3


async def test_our_client_says_what_the_vendors_says(client: AsyncClient, simulator: ArchitectSimulator) -> None:
    """Field by field, the two clients read the same amounts from the same server."""
    venue = connect(simulator.endpoint)
    observed = {each.account.id: each for each in (await cycle(venue)).observations}
    for summary in await client.get_account_summaries():
        fields = observed[summary.account].fields
        for name in (
            "equity",
            "cash_excess",
            "available_margin",
            "excess_liquidity",
            "position_margin",
            "total_margin",
        ):
            assert fields[name] == getattr(summary, name)
        assert fields.get("yesterday_equity") == summary.yesterday_equity
    await venue.aclose()

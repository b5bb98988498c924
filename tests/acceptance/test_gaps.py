"""An account, or part of an answer, that cannot be seen: its alerts keep firing, and what is missing is told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from support.house import in_short
from support.sinks import PATIENCE
from support.sites import NAMES
from support.troubles import a_blip_is_not_told, heal, in_breach, it_ends_once, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acceptance.conftest import Open
    from support.house import House

pytestmark = pytest.mark.usefixtures("no_pauses")


def _null(field: str) -> dict[str, object]:
    return {"nulls": frozenset({field})}


def _missing(field: str) -> dict[str, object]:
    return {"missing": frozenset({field})}


@dataclass(frozen=True)
class Gap:
    """One account of a venue cannot be seen, or not all of it."""

    kind: str
    change: Mapping[str, object]
    """Of the account's own."""
    told: str
    """The data-health rule and its severity."""
    says: str


GAPS: Final = {
    "null, architect": Gap("architect", _null("equity"), "data-stale warning", "margin_usage is null"),
    "null, stonex": Gap("stonex", _null("equity"), "data-stale warning", "margin_usage is null"),
    "null, helio": Gap("helio", _null("used_margin"), "data-stale warning", "margin_usage is null"),
    "missing, architect": Gap("architect", _missing("equity"), "data-stale warning", "missing from the answer"),
    "missing, stonex": Gap("stonex", _missing("equity"), "data-stale warning", "missing from the answer"),
    "missing, helio": Gap("helio", _missing("used_margin"), "data-stale warning", "missing from the answer"),
    "old, architect": Gap("architect", {"as_of": "old"}, "data-stale critical", "the venue's own time of these"),
    "old, helio": Gap("helio", {"as_of": "old"}, "data-stale critical", "the venue's own time of these"),
    "left out, architect": Gap("architect", {"answered": False}, "data-stale critical", "no account acc-1"),
    "left out, stonex": Gap("stonex", {"answered": False}, "data-stale critical", "account not found"),
    "left out, helio": Gap("helio", {"answered": False}, "data-stale critical", "account not found"),
    "unlisted, architect": Gap("architect", {"listed": False}, "account-vanished critical", "no longer"),
    "unlisted, stonex": Gap("stonex", {"listed": False}, "data-stale critical", "account not found"),
    "unlisted, helio": Gap("helio", {"listed": False}, "data-stale critical", "account access denied"),
}


@pytest.mark.parametrize("name", GAPS)
async def test_an_account_that_cannot_be_seen(open_house: Open, name: str) -> None:
    """Its alert keeps firing, one alert says what is missing of it, and nobody hears of the other account."""
    gap = GAPS[name]
    kind, venue = gap.kind, NAMES[gap.kind]

    def begin(house: House) -> None:
        when = house.clock.now() - timedelta(minutes=20)
        house.change(kind, **{key: when if value == "old" else value for key, value in gap.change.items()})

    def end(house: House) -> None:
        house.change(kind, nulls=frozenset(), missing=frozenset(), as_of=None, answered=True, listed=True)

    async with open_house(kind) as house:
        await in_breach(house, kind)
        await a_blip_is_not_told(house, begin, end)
        begin(house)
        await house.cycle(20, times=5)
        found = house.heard()

        rule, severity = gap.told.split()
        assert sorted(map(in_short, found)) == [
            f"{venue}/acc-1 {rule} firing {severity}",
            f"{venue}/acc-1 margin-usage unknown critical",
        ]
        assert gap.says in said(found, rule)

        end(house)
        await house.good_cycle(20)
        assert house.news() == [
            f"{venue}/acc-1 {rule} resolved {severity}",
            f"{venue}/acc-1 margin-usage reminder critical",
        ]
        await it_ends_once(house, kind, "acc-1", "acc-2")


@dataclass(frozen=True)
class Failing:
    """One call fails, for one account or for all."""

    kind: str
    call: str
    fault: Fault
    told: tuple[str, ...]
    """`account rule severity` of the data-health alerts."""
    says: str
    account: str | None = None
    seen: bool = True
    """Whether margin usage can be told all the same."""


_GARBAGE = Fault(FaultKind.GARBAGE)
_ERROR = Fault(FaultKind.STATUS)
_BOTH = ("acc-1 data-stale warning", "acc-2 data-stale warning")
FAILINGS: Final = {
    "one account, stonex": Failing(
        "stonex", "*", _ERROR, ("acc-1 data-stale critical",), "answered 500", account="acc-1", seen=False
    ),
    "one account, helio": Failing(
        "helio", "*", _ERROR, ("acc-1 data-stale critical",), "answered 500", account="acc-1", seen=False
    ),
    "garbage for one account": Failing(
        "helio",
        "*",
        _GARBAGE,
        ("acc-1 answer-malformed warning", "acc-1 data-stale critical"),
        "json is malformed",
        account="acc-1",
        seen=False,
    ),
    "no listing": Failing("architect", "Accounts/Accounts", _ERROR, _BOTH, "permissions is missing"),
    "no margin calls": Failing("architect", "Boss/MarginCalls", _ERROR, _BOTH, "call_amount is missing"),
    "no positions": Failing("stonex", "position-summary", _ERROR, _BOTH, "because answered 500"),
    "no portfolio": Failing("helio", "portfolio", _ERROR, _BOTH, "trading_status is missing"),
    "garbage in half of an answer": Failing(
        "stonex",
        "position-summary",
        _GARBAGE,
        ("acc-1 answer-malformed warning", "acc-1 data-stale warning"),
        "json is malformed",
        account="acc-1",
    ),
}


@pytest.mark.parametrize("name", FAILINGS)
async def test_a_call_that_fails_beside_others_that_work(open_house: Open, name: str) -> None:
    """What the other calls tell is still decided on; what cannot be decided is told with its reason."""
    failing = FAILINGS[name]
    kind, venue = failing.kind, NAMES[failing.kind]

    def begin(house: House) -> None:
        house.sites.faults[kind].fail(failing.call, failing.fault, account=failing.account)

    async with open_house(kind) as house:
        await in_breach(house, kind)
        await a_blip_is_not_told(house, begin, heal(kind))
        begin(house)
        await house.cycle(20, times=5)
        found = house.heard()

        told = [each.split() for each in failing.told]
        unknown = [] if failing.seen else [f"{venue}/acc-1 margin-usage unknown critical"]
        fired = [f"{venue}/{account} {rule} firing {severity}" for account, rule, severity in told]
        assert sorted(map(in_short, found)) == [*fired, *unknown]
        assert failing.says in said(found, told[0][1])

        heal(kind)(house)
        await house.good_cycle(20)
        ended = [f"{venue}/{account} {rule} resolved {severity}" for account, rule, severity in told]
        back = [] if failing.seen else [f"{venue}/acc-1 margin-usage reminder critical"]
        assert house.news() == [*ended, *back]
        await it_ends_once(house, kind, "acc-1", "acc-2")


@pytest.mark.parametrize("kind", ["stonex", "helio"])
async def test_a_slow_account_delays_no_other(open_house: Open, kind: str) -> None:
    """While one account's answer does not come, what the other's says is decided on and told."""
    async with open_house(kind) as house:
        await house.good_cycle()
        house.clock.push(10)
        house.sites.faults[kind].fail("*", Fault(FaultKind.HANG), account="acc-1")
        house.change(kind, "acc-2", margin_used=Decimal(95_000))
        (polling,) = house.daemon.pollings
        cycle = asyncio.create_task(polling.cycle())
        async with asyncio.timeout(PATIENCE):
            while not house.sink.posts:
                await house.daemon.pump.drain()
                house.daemon.delivery.wake()
                await asyncio.sleep(0.01)
        assert not cycle.done()
        assert house.news() == [f"{NAMES[kind]}/acc-2 margin-usage firing critical"]
        cycle.cancel()
        with suppress(asyncio.CancelledError):
            await cycle

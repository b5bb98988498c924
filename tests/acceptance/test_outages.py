"""Every way a venue can fail while alerts fire: nothing resolves, nothing fires twice, and what is wrong is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.app import build
from marginwatch.simulator.faults import Fault, FaultKind
from support.house import in_short
from support.sites import KINDS, NAMES
from support.troubles import a_blip_is_not_told, heal, in_breach, it_ends_once, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acceptance.conftest import Open
    from support.house import House
    from support.troubles import Doing

pytestmark = pytest.mark.usefixtures("no_pauses")

UNREACHABLE: Final = "venue-unreachable"
REFUSED: Final = "login-refused"
MALFORMED: Final = "answer-malformed"
HTTP: Final = ("stonex", "helio")
LOGINS: Final = {"architect": "Auth/CreateJwt", "stonex": "login", "helio": "login"}
LATE: Final = "no answer in time|no complete answer"
"""Whichever ends first, the time for one answer or for the cycle."""
SLOW: Final = {FaultKind.HANG, FaultKind.SLOW_DRIP}


@dataclass(frozen=True)
class Outage:
    """A whole venue fails."""

    fault: Fault
    told: str
    """The data-health rule that says so."""
    says: Mapping[str, str]
    """Words in its message, by kind of venue; a pattern."""


def every_kind(words: str) -> dict[str, str]:
    """The same words at all three."""
    return dict.fromkeys(KINDS, words)


def http_and(architect: str, http: str) -> dict[str, str]:
    """Words that differ by protocol."""
    return {"architect": architect, **dict.fromkeys(HTTP, http)}


OUTAGES: Final = {
    "500": Outage(Fault(FaultKind.STATUS), UNREACHABLE, http_and("the venue failed", "500 internal server error")),
    "503": Outage(
        Fault(FaultKind.STATUS, status=503), UNREACHABLE, http_and("no connection", "503 service unavailable")
    ),
    "429": Outage(Fault(FaultKind.STATUS, status=429), UNREACHABLE, http_and("too many calls", "429 too many")),
    "timeout": Outage(Fault(FaultKind.HANG), UNREACHABLE, every_kind(LATE)),
    "slow drip": Outage(Fault(FaultKind.SLOW_DRIP), UNREACHABLE, every_kind(LATE)),
    "reset": Outage(Fault(FaultKind.RESET), UNREACHABLE, http_and("no connection", "the connection broke")),
    "truncated": Outage(Fault(FaultKind.TRUNCATED), MALFORMED, every_kind("truncated")),
    "garbage": Outage(Fault(FaultKind.GARBAGE), MALFORMED, every_kind("json is malformed")),
    "html": Outage(Fault(FaultKind.HTML), MALFORMED, every_kind("json is malformed")),
    "empty": Outage(Fault(FaultKind.EMPTY), MALFORMED, every_kind("the answer is empty")),
    "another shape": Outage(Fault(FaultKind.BODY, body=b"[]"), MALFORMED, every_kind("expected `object`")),
    "has errors": Outage(Fault(FaultKind.HAS_ERRORS), UNREACHABLE, {"stonex": "position-summary has errors"}),
    "tokens refused": Outage(
        Fault(FaultKind.REVOKED), REFUSED, http_and("the token is missing, expired or revoked", "401 unauthorized")
    ),
    "login refused": Outage(
        Fault(FaultKind.STATUS, status=401), REFUSED, http_and("the venue refused the login", "login: answered 401")
    ),
}


def fails(kind: str, name: str) -> Doing:
    """Let the outage begin."""

    def begin(house: House) -> None:
        faults = house.sites.faults[kind]
        if name == "login refused":
            faults.fail("*", Fault(FaultKind.REVOKED), times=1)
            faults.fail(LOGINS[kind], OUTAGES[name].fault)
        else:
            faults.fail("*", OUTAGES[name].fault)

    return begin


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for name, outage in OUTAGES.items() for kind in outage.says])
async def test_an_outage_of_the_venue(open_house: Open, monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    """Alerts keep firing and cannot be checked, and one alert says that and what is wrong with the venue."""
    outage, venue = OUTAGES[name], NAMES[kind]
    if outage.fault.kind in SLOW:
        monkeypatch.setattr(build, "deadline_of", lambda _: timedelta(seconds=0.4))

    async with open_house(kind) as house:
        await in_breach(house, kind)
        await a_blip_is_not_told(house, fails(kind, name), heal(kind))
        fails(kind, name)(house)
        await house.cycle(20, times=5)
        found = house.heard()

        assert list(map(in_short, found)) == [f"{venue} {outage.told} firing critical"]
        assert re.search(outage.says[kind], said(found, outage.told))
        assert "since 2026-03-02 14:" in said(found, outage.told)
        assert "2 firing alerts there cannot be checked meanwhile" in said(found, outage.told)
        assert {alert.unknown_told for alert in house.store.load_prior().alerts if alert.key.account.id} == {True}

        heal(kind)(house)
        await house.good_cycle(20)
        assert house.news() == [f"{venue} {outage.told} resolved critical"]
        await it_ends_once(house, kind, "acc-1", "acc-2")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_revoked_once(open_house: Open, kind: str) -> None:
    """A new login is all it takes: the answer comes within the same cycle and nobody hears of it."""
    async with open_house(kind) as house:
        await in_breach(house, kind)
        logins = len(house.sites.faults[kind].asked(LOGINS[kind]))
        house.sites.faults[kind].fail("*", Fault(FaultKind.REVOKED), times=1)
        await house.cycle()

        assert house.store.history.failures(house.clock.now()) == []
        assert len(house.sites.faults[kind].asked(LOGINS[kind])) == logins + 1
        assert house.news() == []
        await it_ends_once(house, kind, "acc-1", "acc-2")


@pytest.mark.parametrize("kind", HTTP)
async def test_a_venue_that_asks_for_a_pause_gets_it(open_house: Open, kind: str) -> None:
    """Until the time it named is over it is not asked again, which is told as an outage, and then all is well."""
    async with open_house(kind) as house:
        await in_breach(house, kind)
        faults = house.sites.faults[kind]
        faults.fail("*", Fault(FaultKind.STATUS, status=429, retry_after="600"), times=2)
        await house.cycle(20)
        asked = len(faults.asked())
        await house.cycle(20, times=4)

        assert len(faults.asked()) == asked
        assert "pause" in said(house.heard(), UNREACHABLE)

        await house.good_cycle(600)
        assert f"{NAMES[kind]} {UNREACHABLE} resolved critical" in house.news()
        await it_ends_once(house, kind, "acc-1", "acc-2")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_breach_that_ends_unseen(open_house: Open, kind: str) -> None:
    """The first good answer after an outage resolves what is over by then: once, and only then."""
    async with open_house(kind) as house:
        await in_breach(house, kind)
        house.sites.faults[kind].fail("*", Fault(FaultKind.STATUS))
        await house.cycle(20, times=2)
        house.change(kind, margin_used=Decimal(10_000))
        await house.cycle(20, times=3)

        assert not [line for line in house.news() if " resolved " in line]

        heal(kind)(house)
        await house.good_cycle(20)
        assert house.news() == [
            f"{NAMES[kind]} {UNREACHABLE} resolved critical",
            f"{NAMES[kind]}/acc-1 margin-usage resolved critical",
        ]


async def test_an_outage_of_one_venue_is_none_of_the_others(open_house: Open) -> None:
    """While one venue hangs, breaches at the other two are told and resolved as ever."""
    async with open_house() as house:
        await house.good_cycle()
        house.sites.faults["helio"].fail("*", Fault(FaultKind.STATUS))
        house.change("architect", margin_used=Decimal(95_000))
        house.change("stonex", margin_used=Decimal(85_000))
        await house.cycle(20)
        assert house.news() == [
            "clearing/acc-1 margin-usage firing warning",
            "futures/acc-1 margin-usage firing critical",
        ]

        await house.cycle(20, times=3)
        assert house.news() == ["fx venue-unreachable firing critical"]

        house.change("architect", margin_used=Decimal(10_000))
        await house.cycle(20)
        assert house.news() == ["futures/acc-1 margin-usage resolved critical"]

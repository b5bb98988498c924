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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from acceptance.conftest import Open
    from support.house import House

    Doing = Callable[[House], None]

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
    """Alerts keep firing and say since when they cannot be checked; one alert says what is wrong with the venue."""
    outage, venue = OUTAGES[name], NAMES[kind]
    if outage.fault.kind in SLOW:
        monkeypatch.setattr(build, "deadline_of", lambda _: timedelta(seconds=0.4))

    async with open_house(kind) as house:
        await in_breach(house, kind)
        await a_blip_is_not_told(house, fails(kind, name), heal(kind))
        fails(kind, name)(house)
        await house.cycle(20, times=5)
        found = house.heard()

        assert sorted(map(in_short, found)) == [
            f"{venue} {outage.told} firing critical",
            f"{venue}/acc-1 margin-usage unknown critical",
            f"{venue}/acc-2 margin-usage unknown warning",
        ]
        assert re.search(outage.says[kind], said(found, outage.told))
        assert "since 2026-03-02 14:" in said(found, outage.told)
        assert re.search(outage.says[kind], said(found, "margin-usage"))

        heal(kind)(house)
        await house.good_cycle(20)
        assert house.news() == [
            f"{venue} {outage.told} resolved critical",
            f"{venue}/acc-1 margin-usage reminder critical",
            f"{venue}/acc-2 margin-usage reminder warning",
        ]
        await it_ends_once(house, kind, "acc-1", "acc-2")


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
            f"{NAMES[kind]}/acc-2 margin-usage reminder warning",
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


def heal(kind: str) -> Doing:
    """End what goes wrong at the venue."""
    return lambda house: house.sites.faults[kind].clear()


def said(found: list[dict[str, str]], rule: str) -> str:
    """What the first message of the rule says."""
    return next(message["message"] for message in found if message["rule"] == rule).lower()


async def in_breach(house: House, kind: str) -> None:
    """Both accounts of the venue are seen healthy, then in breach; that much is told."""
    await house.good_cycle()
    house.change(kind, margin_used=Decimal(95_000))
    house.change(kind, "acc-2", margin_used=Decimal(85_000))
    await house.good_cycle()

    assert house.news() == [
        f"{NAMES[kind]}/acc-1 margin-usage firing critical",
        f"{NAMES[kind]}/acc-2 margin-usage firing warning",
    ]


async def a_blip_is_not_told(house: House, begin: Doing, end: Doing) -> None:
    """One bad cycle between good ones is nobody's trouble."""
    begin(house)
    await house.cycle()
    end(house)
    await house.good_cycle()
    await house.good_cycle()

    assert house.news() == []


async def it_ends_once(house: House, kind: str, *accounts: str) -> None:
    """More good answers tell nothing new; when the breach is over it is told, once."""
    await house.good_cycle(20)
    assert house.news() == []

    for account in accounts:
        house.change(kind, account, margin_used=Decimal(10_000))
    await house.good_cycle(20)
    await house.good_cycle(20)
    assert [line.partition(" ")[0] for line in house.news()] == [f"{NAMES[kind]}/{account}" for account in accounts]
    by_alert: dict[str, list[str]] = {}
    for post in house.sink.posts:
        by_alert.setdefault(post.json["alert_id"], []).append(post.json["state"])
    for states in by_alert.values():
        assert (states[0], states[-1]) == ("firing", "resolved")
        assert (states.count("firing"), states.count("resolved")) == (1, 1)

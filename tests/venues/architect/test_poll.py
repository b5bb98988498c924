"""Whole cycles against the simulated server: what is asked, what is remembered, and each fault as a value."""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.simulator.architect import API_KEY, API_SECRET
from marginwatch.simulator.faults import EVERY_CALL, Fault, FaultKind
from marginwatch.simulator.world import SimMarginCall
from marginwatch.venues.architect import VENUE
from marginwatch.venues.architect.wire import ACCOUNTS, CREATE_JWT, MARGIN_CALLS, SUMMARIES, SUMMARY
from marginwatch.venues.protocol import VenueCommon
from support.architect import FIRST, SECOND, Ticker, connect, cycle, key

if TYPE_CHECKING:
    from marginwatch.simulator.architect import ArchitectSimulator


async def test_a_cycle_is_one_answer_for_every_account(simulator: ArchitectSimulator) -> None:
    """One login, one listing, one call for all summaries and one for margin calls; every account is observed."""
    venue = connect(simulator.endpoint, currency="USD")
    said = await cycle(venue)
    assert said.failures == ()
    assert [(each.key.id, each.viewable) for each in said.listing or ()] == [
        (FIRST, True),
        (SECOND, True),
        ("hidden", False),
    ]
    assert [each.fields.get("margin_usage") for each in said.observations] == [Decimal("0.4"), 0, None]
    assert said.observations[0].fields["in_margin_call"] is False
    await cycle(venue)
    asked = sorted(each.call for each in simulator.faults.asked())
    assert asked == sorted([CREATE_JWT, *2 * [ACCOUNTS, SUMMARIES, MARGIN_CALLS]])
    await venue.aclose()


async def test_the_registered_kind_connects_without_any_call(simulator: ArchitectSimulator) -> None:
    """Nothing is asked before the first poll."""
    common = VenueCommon("futures", (), timedelta(seconds=1), timedelta(seconds=5))
    login = {"endpoint": simulator.endpoint, "api_key": API_KEY, "api_secret": API_SECRET}
    venue = VENUE.connect(common, VENUE.settings.model_validate(login), clock.now)
    assert simulator.faults.asked() == ()
    assert len([answer async for answer in venue.poll()]) == 1
    await venue.aclose()


async def test_only_selected_accounts_are_observed(simulator: ArchitectSimulator) -> None:
    """Globs on id or name decide, at the venue that lists more."""
    venue = connect(simulator.endpoint, accounts=("*JDoe",))
    assert [each.account.id for each in (await cycle(venue)).observations] == [FIRST, SECOND]
    await venue.aclose()


async def test_paper_accounts_are_asked_for_as_such(simulator: ArchitectSimulator) -> None:
    """With `paper = true` the listing is that of the paper side."""
    simulator.world.change("architect", SECOND, name="PAPER:jdoe@example.com")
    venue = connect(simulator.endpoint, paper=True)
    said = await cycle(venue)
    assert [each.name for each in said.listing or ()] == ["PAPER:jdoe@example.com"]
    assert [each.account.id for each in said.observations] == [SECOND]
    await venue.aclose()


UNUSABLE: dict[str, tuple[Fault, FailureKind]] = {
    "server error": (Fault(FaultKind.STATUS, status=500), FailureKind.SERVER_ERROR),
    "its own error": (Fault(FaultKind.HAS_ERRORS), FailureKind.SERVER_ERROR),
    "down": (Fault(FaultKind.STATUS, status=503), FailureKind.UNREACHABLE),
    "slow down": (Fault(FaultKind.STATUS, status=429), FailureKind.RATE_LIMITED),
    "forbidden": (Fault(FaultKind.STATUS, status=403), FailureKind.REFUSED),
    "gone": (Fault(FaultKind.STATUS, status=404), FailureKind.BAD_ANSWER),
    "teapot": (Fault(FaultKind.STATUS, status=418), FailureKind.SERVER_ERROR),
    "hang": (Fault(FaultKind.HANG), FailureKind.TIMED_OUT),
    "slow drip": (Fault(FaultKind.SLOW_DRIP), FailureKind.TIMED_OUT),
    "truncated": (Fault(FaultKind.TRUNCATED), FailureKind.BAD_ANSWER),
    "garbage": (Fault(FaultKind.GARBAGE), FailureKind.BAD_ANSWER),
    "html": (Fault(FaultKind.HTML), FailureKind.BAD_ANSWER),
    "empty": (Fault(FaultKind.EMPTY), FailureKind.BAD_ANSWER),
    "oversized": (Fault(FaultKind.OVERSIZED, size=17_000_000), FailureKind.BAD_ANSWER),
    "another document": (Fault(FaultKind.BODY, body=b'{"answer":[]}'), FailureKind.BAD_ANSWER),
}


def patience(fault: Fault) -> float:
    """A short deadline only where it must pass: elsewhere a busy machine must not make it pass."""
    return 2.0 if fault.kind in {FaultKind.HANG, FaultKind.SLOW_DRIP} else 20.0


@pytest.mark.parametrize("case", UNUSABLE)
async def test_summaries_that_fail_are_one_failure_of_the_venue(simulator: ArchitectSimulator, case: str) -> None:
    """The good listing is still given, nothing is observed of visible accounts, and the next cycle is good again."""
    fault, kind = UNUSABLE[case]
    ticker = Ticker()
    venue = connect(simulator.endpoint, deadline=patience(fault), monotonic=ticker)
    await cycle(venue)
    simulator.faults.fail(SUMMARIES, fault)
    said = await cycle(venue)
    assert said.listing is not None
    assert [each.account.id for each in said.observations] == ["hidden"]
    assert [(each.kind, each.account, each.call) for each in said.failures] == [(kind, None, SUMMARIES)]
    simulator.faults.clear()
    ticker.pushed += 10
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


@pytest.mark.parametrize("case", [case for case in UNUSABLE if case != "slow drip"])
async def test_a_listing_that_fails_costs_permissions_only(simulator: ArchitectSimulator, case: str) -> None:
    """After a good listing the accounts are still known by name, and their balances are observed."""
    fault, kind = UNUSABLE[case]
    venue = connect(simulator.endpoint, deadline=patience(fault))
    await cycle(venue)
    simulator.faults.fail(ACCOUNTS, fault)
    said = await cycle(venue)
    assert said.listing is None
    told = {each.account.id: each for each in said.observations}
    assert [told[each].fields["equity"] for each in (FIRST, SECOND)] == [100_000, 100_000]
    for observation in said.observations:
        assert "permissions" not in observation.fields
        assert [each.kind for each in observation.failures] == [kind]
    await venue.aclose()


@pytest.mark.parametrize("case", [case for case in UNUSABLE if case != "slow drip"])
async def test_the_very_first_listing_is_needed(simulator: ArchitectSimulator, case: str) -> None:
    """Without any listing there is nothing to observe, and one failure of the venue says so."""
    fault, kind = UNUSABLE[case]
    simulator.faults.fail(ACCOUNTS, fault)
    venue = connect(simulator.endpoint, deadline=patience(fault))
    said = await cycle(venue)
    assert said.observations == ()
    assert [(each.kind, each.account) for each in said.failures] == [(kind, None)]
    await venue.aclose()


async def test_a_reset_connection_is_tried_once_more(simulator: ArchitectSimulator) -> None:
    """One broken connection costs nothing; one that breaks again and again is unreachable."""
    venue = connect(simulator.endpoint, deadline=2.0)
    await cycle(venue)
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.RESET), times=1)
    assert (await cycle(venue)).failures == ()
    simulator.faults.fail(EVERY_CALL, Fault(FaultKind.RESET))
    assert {each.kind for each in (await cycle(venue)).failures} <= {FailureKind.UNREACHABLE, FailureKind.TIMED_OUT}
    await venue.aclose()


async def test_a_server_that_stops_is_unreachable_until_it_is_back(simulator: ArchitectSimulator) -> None:
    """While it is down the venue fails as a whole; when it is back the next cycle is good."""
    venue = connect(simulator.endpoint, deadline=20.0)
    await cycle(venue)
    port = simulator.port
    await simulator.stop()
    assert [(each.kind, each.account) for each in (await cycle(venue)).failures] == [(FailureKind.UNREACHABLE, None)]
    await simulator.start(port)
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def test_encryption_the_server_does_not_speak_is_unreachable(simulator: ArchitectSimulator) -> None:
    """https against a plain server is one failure, with a sentence."""
    venue = connect(simulator.endpoint.replace("http:", "https:"), deadline=10.0)
    (failure,) = (await cycle(venue)).failures
    assert failure.kind is FailureKind.UNREACHABLE
    await venue.aclose()


async def test_a_null_is_null_and_a_gap_a_gap(simulator: ArchitectSimulator) -> None:
    """What the server sends as null or not at all reaches the fields as such."""
    simulator.world.change("architect", FIRST, nulls=frozenset({"equity"}), missing=frozenset({"total_margin"}))
    venue = connect(simulator.endpoint)
    first, *_ = (await cycle(venue)).observations
    assert first.fields["equity"] is None
    assert "margin_used" not in first.fields
    await venue.aclose()


async def test_the_venues_own_time_is_kept(simulator: ArchitectSimulator) -> None:
    """A stale snapshot carries its own time, so that its age shows."""
    old = simulator.world.now().replace(year=2025)
    simulator.world.change("architect", FIRST, as_of=old)
    venue = connect(simulator.endpoint)
    first, *_ = (await cycle(venue)).observations
    assert first.as_of == old
    await venue.aclose()


async def test_an_account_left_out_is_asked_for_alone(simulator: ArchitectSimulator) -> None:
    """It is asked for once a cycle; a venue that denies it makes the account unknown, the others are observed."""
    simulator.world.change("architect", SECOND, answered=False)
    venue = connect(simulator.endpoint)
    said = await cycle(venue)
    assert [each.account.id for each in said.observations] == [FIRST, "hidden"]
    assert [(each.kind, each.account) for each in said.failures] == [(FailureKind.ACCOUNT_UNKNOWN, key(SECOND))]
    assert [each.account for each in simulator.faults.asked(SUMMARY)] == [SECOND]
    await venue.aclose()


async def test_asking_for_accounts_alone_is_bounded(simulator: ArchitectSimulator) -> None:
    """When many are left out, a short cycle asks for one of them and calls the others unknown."""
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.BODY, body=b'{"account_summaries":[]}'))
    venue = connect(simulator.endpoint, every=1.0)
    said = await cycle(venue)
    assert [each.account.id for each in said.observations] == [FIRST, "hidden"]
    assert [(each.kind, each.account) for each in said.failures] == [(FailureKind.ACCOUNT_UNKNOWN, key(SECOND))]
    await venue.aclose()


async def test_margin_calls_reach_their_account(simulator: ArchitectSimulator) -> None:
    """An open call of the server is a field of the account it names."""
    simulator.world.change("architect", FIRST, margin_calls=(SimMarginCall("RT", Decimal(500), Decimal(100)),))
    venue = connect(simulator.endpoint)
    first, second, _ = (await cycle(venue)).observations
    assert (first.fields["in_margin_call"], first.fields["call_amount"]) == (True, 400)
    assert (second.fields["in_margin_call"], second.fields["call_amount"]) == (False, 0)
    await venue.aclose()


@pytest.mark.parametrize("status", [501, 404, 403])
async def test_margin_calls_that_are_not_offered_never_fail(simulator: ArchitectSimulator, status: int) -> None:
    """The silence is noted, no failure is made, and the server is asked again an hour later."""
    simulator.faults.fail(MARGIN_CALLS, Fault(FaultKind.STATUS, status=status))
    ticker = Ticker()
    venue = connect(simulator.endpoint, monotonic=ticker)
    for _ in range(2):
        said = await cycle(venue)
        assert said.failures == ()
        assert said.observations[0].failures == ()
        assert said.observations[0].optional == {MARGIN_CALLS}
    assert len(simulator.faults.asked(MARGIN_CALLS)) == 1
    simulator.faults.clear()
    ticker.pushed += 3700
    assert (await cycle(venue)).observations[0].fields["in_margin_call"] is False
    await venue.aclose()


async def test_a_server_without_margin_calls_is_fine(simulator: ArchitectSimulator) -> None:
    """A method that does not exist is not offered."""
    simulator.api.offers_margin_calls = False
    venue = connect(simulator.endpoint)
    said = await cycle(venue)
    assert said.failures == ()
    assert said.observations[0].optional == {MARGIN_CALLS}
    await venue.aclose()


async def test_margin_calls_that_break_are_a_failure_of_the_observation(simulator: ArchitectSimulator) -> None:
    """Balances come all the same."""
    simulator.faults.fail(MARGIN_CALLS, Fault(FaultKind.STATUS, status=500))
    venue = connect(simulator.endpoint)
    first, *_ = (await cycle(venue)).observations
    assert first.fields["equity"] == 100_000
    assert [(each.kind, each.call) for each in first.failures] == [(FailureKind.SERVER_ERROR, MARGIN_CALLS)]
    await venue.aclose()


async def test_a_venue_that_asks_for_fewer_calls_is_left_alone_for_a_cycle(simulator: ArchitectSimulator) -> None:
    """The next cycle makes no call and says so; the one after is good."""
    ticker = Ticker()
    venue = connect(simulator.endpoint, every=10, monotonic=ticker)
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.STATUS, status=429), times=1)
    await cycle(venue)
    made = len(simulator.faults.asked())
    ticker.pushed += 10
    assert [each.kind for each in (await cycle(venue)).failures] == [FailureKind.RATE_LIMITED]
    assert len(simulator.faults.asked()) == made
    ticker.pushed += 10
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def test_our_own_limit_on_calls_is_a_failure_not_a_wait_without_end(simulator: ArchitectSimulator) -> None:
    """Cycles that follow each other too fast end by their deadline."""
    stopped = Ticker().__call__()
    venue = connect(simulator.endpoint, deadline=0.5, monotonic=lambda: stopped)
    kinds = {failure.kind for _ in range(12) for failure in (await cycle(venue)).failures}
    assert FailureKind.RATE_LIMITED in kinds
    await venue.aclose()


async def test_a_poll_that_is_abandoned_leaves_the_venue_usable(simulator: ArchitectSimulator) -> None:
    """Whoever stops listening may poll again."""
    venue = connect(simulator.endpoint)
    async with aclosing(venue.poll()) as answers:  # type: ignore[type-var]  # an async generator, seen as its protocol
        async for _ in answers:
            break
    assert (await cycle(venue)).failures == ()
    await venue.aclose()


async def test_a_closed_venue_says_so(simulator: ArchitectSimulator) -> None:
    """Closing is final for what is under way, and a later poll simply connects anew."""
    venue = connect(simulator.endpoint)
    await venue.aclose()
    await cycle(venue)
    await venue.aclose()
    await venue.aclose()
    assert not isinstance(await venue.check_login(), VenueFailure)
    await venue.aclose()

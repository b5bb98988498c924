"""How hard an HTTP venue is asked: retries, rates and waits, and a cycle that keeps its time."""

from __future__ import annotations

import pytest

from marginwatch.core.model import FailureKind
from marginwatch.simulator.faults import EVERY_CALL, Fault, FaultKind
from support.httpvenues import CALLS, FIRST, KINDS, SECOND, Setting, site


@pytest.mark.parametrize("kind", KINDS)
async def test_a_blip_is_retried_within_the_cycle(kind: str) -> None:
    """One server error, or one broken connection, does not cost an observation."""
    for fault in (Fault(FaultKind.STATUS, status=503), Fault(FaultKind.RESET)):
        async with site(Setting(kind)) as here:
            here.faults.fail(CALLS[kind][0], fault, times=1)

            cycled = await here.cycle()

            assert here.asked(CALLS[kind][0]) == 3
        assert cycled.failures == []


@pytest.mark.parametrize("kind", KINDS)
async def test_an_outage_is_not_hammered(kind: str) -> None:
    """Retries of a whole cycle are few, however many accounts fail."""
    accounts = tuple(f"2{number:07}" for number in range(40))
    async with site(Setting(kind, accounts)) as here:
        await here.cycle()
        here.faults.forget_asked()
        here.faults.fail(EVERY_CALL, Fault(FaultKind.STATUS, status=503))

        cycled = await here.cycle()

        asked = len(here.faults.asked())
    assert len(cycled.failures) == 40
    assert 80 <= asked <= 80 + 3 + 4


@pytest.mark.parametrize("kind", KINDS)
async def test_a_short_retry_after_is_waited_for(kind: str) -> None:
    """The venue's wait is kept within the cycle, and the call is asked again after it."""
    async with site(Setting(kind, (FIRST,))) as here:
        await here.cycle()
        here.faults.forget_asked()
        here.faults.fail(CALLS[kind][0], Fault(FaultKind.STATUS, status=429, retry_after="1"), times=1)

        cycled = await here.cycle()

        first, second = here.faults.asked(CALLS[kind][0])
    assert cycled.failures == []
    assert (second.at - first.at).total_seconds() >= 0.99


@pytest.mark.parametrize("kind", KINDS)
async def test_a_long_retry_after_rests_the_whole_login(kind: str) -> None:
    """A wait beyond the cycle's end fails at once, and nobody is asked until it is over."""
    async with site(Setting(kind, concurrency=1)) as here:
        await here.cycle()
        here.faults.forget_asked()
        here.faults.fail(CALLS[kind][0], Fault(FaultKind.STATUS, status=429, retry_after="3600"))

        first = await here.cycle()
        second = await here.cycle()

        assert len(here.faults.asked()) == 1
    assert {failure.kind for failure in first.failures + second.failures} == {FailureKind.RATE_LIMITED}
    waits = [failure.retry_after for failure in first.failures if failure.retry_after]
    assert [wait.total_seconds() for wait in waits] == [900]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_own_budget_is_kept(kind: str) -> None:
    """More calls than the config allows in a cycle are not made, and the failure says which key to look at."""
    async with site(Setting(kind, concurrency=1, calls_per_second=2, deadline=0.5)) as here:
        cycled = await here.cycle()

    assert [failure.kind for failure in cycled.failures] == [FailureKind.RATE_LIMITED] * len(cycled.failures)
    assert "2 calls a second do not reach" in cycled.failures[0].detail
    assert cycled.accounts == [FIRST, SECOND]


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_beyond_the_budget_wait_their_turn(kind: str) -> None:
    """A cycle that needs a little more than a second's calls takes a little longer, and loses nothing."""
    accounts = tuple(f"2{number:07}" for number in range(3))
    async with site(Setting(kind, accounts, calls_per_second=5)) as here:
        cycled = await here.cycle()

    assert cycled.failures == []
    assert len(cycled.observations) == 3


@pytest.mark.parametrize("kind", KINDS)
async def test_a_login_that_fails_in_the_middle_of_a_cycle_is_told(kind: str) -> None:
    """A token is revoked and no new one is to be had: every account left says why."""
    async with site(Setting(kind)) as here:
        await here.cycle()
        here.faults.fail(EVERY_CALL, Fault(FaultKind.REVOKED), times=1)
        here.faults.fail("login", Fault(FaultKind.STATUS, status=500))
        cycled = await here.cycle()

    assert cycled.accounts == [FIRST, SECOND]
    assert {failure.kind for failure in cycled.failures} == {FailureKind.SERVER_ERROR}
    assert all(failure.detail.startswith("login: answered 500") for failure in cycled.failures)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_cycle_ends_in_time_and_begins_with_the_late_the_next_time(kind: str) -> None:
    """Accounts the time did not reach for are told as such, and are asked first in the next cycle."""
    accounts = tuple(f"2{number:07}" for number in range(6))
    async with site(Setting(kind, accounts, concurrency=1, deadline=1.2)) as here:
        await here.cycle()
        here.faults.fail(CALLS[kind][0], Fault(FaultKind.HANG), account=accounts[0])
        here.faults.fail(CALLS[kind][1], Fault(FaultKind.HANG), account=accounts[0])

        late = await here.cycle()
        here.faults.clear()
        here.faults.forget_asked()
        good = await here.cycle()

        order = [asked.account for asked in here.faults.asked(CALLS[kind][0])]
    assert late.accounts == list(accounts)
    assert {failure.kind for failure in late.failures} == {FailureKind.TIMED_OUT}
    details = {failure.detail for failure in late.failures}
    assert "not asked: the cycle's time was up" in details
    assert order == [*accounts[1:], accounts[0]]
    assert good.failures == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_listener_that_goes_away_leaves_nothing_behind(kind: str) -> None:
    """A cycle given up half-way does not keep connections or workers from the next one."""
    async with site(Setting(kind)) as here:
        here.faults.fail(EVERY_CALL, Fault(FaultKind.HANG), account=SECOND)
        items = here.venue.poll()
        async for item in items:
            if item.account is not None:
                break
        await items.aclose()
        here.faults.clear()

        cycled = await here.cycle()

    assert cycled.failures == []
    assert sorted(cycled.observations) == [FIRST, SECOND]

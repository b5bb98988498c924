"""Every way an HTTP venue can go wrong is a failure of the right kind, never an exception, and ends when it ends."""

from __future__ import annotations

import logging

import pytest

from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.simulator.faults import EVERY_CALL, Fault, FaultKind
from support.httpvenues import CALLS, FIRST, KINDS, SECOND, SECRET, Setting, site

EXPECTED = {
    FaultKind.HANG: FailureKind.TIMED_OUT,
    FaultKind.SLOW_DRIP: FailureKind.TIMED_OUT,
    FaultKind.RESET: FailureKind.UNREACHABLE,
    FaultKind.TRUNCATED: FailureKind.BAD_ANSWER,
    FaultKind.GARBAGE: FailureKind.BAD_ANSWER,
    FaultKind.HTML: FailureKind.BAD_ANSWER,
    FaultKind.EMPTY: FailureKind.BAD_ANSWER,
    FaultKind.OVERSIZED: FailureKind.BAD_ANSWER,
    FaultKind.HAS_ERRORS: FailureKind.SERVER_ERROR,
    FaultKind.BODY: FailureKind.BAD_ANSWER,
}
STATUSES = {
    400: FailureKind.BAD_ANSWER,
    401: FailureKind.REFUSED,
    403: FailureKind.REFUSED,
    404: FailureKind.ACCOUNT_UNKNOWN,
    408: FailureKind.TIMED_OUT,
    410: FailureKind.ACCOUNT_UNKNOWN,
    302: FailureKind.BAD_ANSWER,
    500: FailureKind.SERVER_ERROR,
    502: FailureKind.SERVER_ERROR,
    503: FailureKind.SERVER_ERROR,
}
FAULTS = [
    *((Fault(kind, seconds=0.2, size=500_000, body=b'{"data": 1}'), expected) for kind, expected in EXPECTED.items()),
    *((Fault(FaultKind.STATUS, status=status), expected) for status, expected in STATUSES.items()),
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_goes_wrong_is_a_failure_of_its_kind(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each account meets a fault of its own: none spoils another, and the next cycle is good for all."""
    caplog.set_level(logging.DEBUG)
    troubled = {f"2{number:07}": fault for number, fault in enumerate(FAULTS)}
    async with site(Setting(kind, (FIRST, *troubled), concurrency=64)) as here:
        await here.cycle()
        for account, (fault, _) in troubled.items():
            for call in CALLS[kind]:
                here.faults.fail(call, fault, account=account)

        bad = await here.cycle()
        here.faults.clear()
        good = await here.cycle()

    assert bad.accounts == sorted([FIRST, *troubled])
    assert list(bad.observations) == [FIRST]
    found = {account: {failure.kind for failure in bad.of(account)} for account in troubled}
    assert found == {account: {expected} for account, (_, expected) in troubled.items()}
    assert all(failure.call in CALLS[kind] and failure.detail[-1] != "." for failure in bad.failures)
    assert (good.failures, len(good.observations)) == ([], 1 + len(troubled))
    assert SECRET not in caplog.text + str(bad.failures)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [*FAULTS, (Fault(FaultKind.STATUS, status=429, retry_after="30"), FailureKind.RATE_LIMITED)],
    ids=lambda value: getattr(value, "kind", value),
)
async def test_a_login_that_goes_wrong_is_one_failure_of_the_venue(
    kind: str, fault: Fault, expected: FailureKind
) -> None:
    """The cycle ends with one failure without an account; a request the venue rejects is a refused login."""
    if fault.kind is FaultKind.STATUS and 400 <= fault.status < 500 and fault.status not in (408, 429):
        expected = FailureKind.REFUSED
    if fault.kind is FaultKind.HAS_ERRORS and kind == "stonex":
        expected = FailureKind.BAD_ANSWER
    async with site(Setting(kind)) as here:
        here.faults.fail("login", fault)

        cycled = await here.cycle()

    (failure,) = cycled.items
    assert isinstance(failure, VenueFailure)
    assert (failure.kind, failure.account, failure.call) == (expected, None, "login")
    assert failure.detail.startswith("login: ")
    assert failure.body is None


@pytest.mark.parametrize("kind", KINDS)
async def test_one_call_that_fails_leaves_the_other(kind: str) -> None:
    """Half an answer is an observation that says what failed."""
    async with site(Setting(kind)) as here:
        here.faults.fail(CALLS[kind][0], Fault(FaultKind.HANG))

        cycled = await here.cycle()

    assert sorted(cycled.observations) == [FIRST, SECOND]
    assert {failure.call for failure in cycled.failures} == {CALLS[kind][0]}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_venue_that_is_gone_is_unreachable_and_comes_back(kind: str) -> None:
    """A closed port is a failure of every account; when the venue is back, so are they, with the same login."""
    async with site(Setting(kind)) as here:
        await here.cycle()
        port = here.simulator.port
        await here.simulator.stop()

        gone = await here.cycle()
        await here.simulator.start(port)
        back = await here.cycle()

        assert here.asked("login") == 1
    assert [failure.kind for failure in gone.failures] == [FailureKind.UNREACHABLE] * 2
    assert gone.failures[0].detail == "127.0.0.1: no connection (Connection refused)"
    assert back.failures == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_revoked_token_is_renewed_once(kind: str) -> None:
    """All calls that meet the refused token share one new login and are asked again."""
    accounts = tuple(f"2{number:07}" for number in range(20))
    async with site(Setting(kind, accounts)) as here:
        await here.cycle()
        here.faults.fail(EVERY_CALL, Fault(FaultKind.REVOKED), times=1)

        cycled = await here.cycle()

        assert here.asked("login") == 2
    assert cycled.failures == []
    assert len(cycled.observations) == 20


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_that_is_never_taken_does_not_make_a_storm_of_logins(kind: str) -> None:
    """A venue that gives tokens and refuses them is asked for one more, then left alone for a while."""
    async with site(Setting(kind)) as here:
        for call in CALLS[kind]:
            here.faults.fail(call, Fault(FaultKind.STATUS, status=401))

        first = await here.cycle()
        second = await here.cycle()

        assert here.asked("login") <= 2
    assert {failure.kind for failure in first.failures + second.failures} == {FailureKind.REFUSED}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_account_that_refuses_every_token_costs_one_login(kind: str) -> None:
    """While the token serves other accounts, one that refuses it is told and does not cause login after login."""
    async with site(Setting(kind)) as here:
        for call in CALLS[kind]:
            here.faults.fail(call, Fault(FaultKind.STATUS, status=401), account=FIRST)

        cycles = [await here.cycle() for _ in range(4)]
        here.faults.clear()
        healed = await here.cycle()

        assert here.asked("login") <= 1 + len(CALLS[kind])
    assert all({failure.kind for failure in cycled.of(FIRST)} == {FailureKind.REFUSED} for cycled in cycles)
    assert all(SECOND in cycled.observations for cycled in cycles)
    assert (healed.failures, len(healed.observations)) == ([], 2)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_venue_that_echoes_the_token_does_not_show_it(kind: str) -> None:
    """Neither the token nor anything that looks like one is passed on with the venue's words."""
    async with site(Setting(kind, (FIRST,))) as here:
        await here.cycle()
        token = next(iter(here.simulator._api._tokens._until))  # type: ignore[attr-defined]  # the simulator's own
        here.faults.fail(
            CALLS[kind][0], Fault(FaultKind.STATUS, status=500, message=f"bad {token} eyJhbGci.eyJzdWIi.x")
        )

        cycled = await here.cycle()

    assert cycled.failures[0].detail == "answered 500 Internal Server Error: bad *** ***"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_password_is_tried_once_and_then_rested(kind: str) -> None:
    """A refused login is remembered, so that polling every few seconds does not lock the account."""
    async with site(Setting(kind, secret="wrong")) as here:
        first = await here.cycle()
        second = await here.cycle()

        assert here.asked("login") == 1
    (failure,), (again,) = first.failures, second.failures
    assert (failure.kind, again.kind) == (FailureKind.REFUSED, FailureKind.REFUSED)
    assert again.detail.startswith(failure.detail + "; the next login is tried in ")
    assert "wrong" not in failure.detail


@pytest.mark.parametrize("kind", KINDS)
async def test_the_login_can_be_checked_alone(kind: str) -> None:
    """None when it worked, the failure when it did not."""
    async with site(Setting(kind)) as here:
        assert await here.venue.check_login() is None
        here.faults.fail("login", Fault(FaultKind.STATUS, status=500))
        failure = await here.venue.check_login()

    assert failure is not None
    assert (failure.kind, failure.call) == (FailureKind.SERVER_ERROR, "login")

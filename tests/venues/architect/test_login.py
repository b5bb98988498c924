"""Tokens: one login at a time, a refused token replaced once, refused credentials left in peace."""

from __future__ import annotations

import asyncio

import pytest

from marginwatch import clock
from marginwatch.core.model import FailureKind
from marginwatch.simulator.architect import API_KEY, API_SECRET, ArchitectSimulator
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.venues.architect.connection import Ask, Connection
from marginwatch.venues.architect.endpoint import parse_endpoint
from marginwatch.venues.architect.session import Credentials, Session
from marginwatch.venues.architect.status import Refusal
from marginwatch.venues.architect.wire import ACCOUNTS, CREATE_JWT, SUMMARIES
from marginwatch.venues.protocol import Part
from support.architect import VENUE, Ticker, connect, cycle

WRONG_SECRET = "W" * 44


def open_session(simulator: ArchitectSimulator, ticker: Ticker, secret: str = API_SECRET) -> Session:
    """A session that is not logged in yet."""
    endpoint = parse_endpoint(simulator.endpoint, paper=False)
    connection = Connection(VENUE, endpoint, clock.now, monotonic=ticker, secrets=(API_KEY, secret))
    return Session(connection, Credentials(API_KEY, secret))


def ask(ticker: Ticker, call: str = SUMMARIES) -> Ask:
    return Ask(call, {}, ticker() + 5)


async def ten_at_once(session: Session, ticker: Ticker) -> list[Part | Refusal]:
    return await asyncio.gather(*(session.call(ask(ticker)) for _ in range(10)))


def logins(simulator: ArchitectSimulator) -> int:
    return len(simulator.faults.asked(CREATE_JWT))


async def test_ten_callers_without_a_token_share_one_login(simulator: ArchitectSimulator) -> None:
    """The first caller logs in, the others wait for it."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    assert all(isinstance(answer, Part) for answer in await ten_at_once(session, ticker))
    assert logins(simulator) == 1
    await session.aclose()


async def test_ten_callers_with_a_revoked_token_share_one_new_login(simulator: ArchitectSimulator) -> None:
    """Each call is refused once, one login replaces the token, and each is made once more."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    await session.call(ask(ticker))
    simulator.api.revoke_tokens()
    ticker.pushed += 10
    simulator.faults.forget_asked()
    assert all(isinstance(answer, Part) for answer in await ten_at_once(session, ticker))
    assert logins(simulator) == 1
    assert 11 <= len(simulator.faults.asked(SUMMARIES)) <= 20
    await session.aclose()


async def test_a_token_that_is_refused_at_once_is_not_replaced_again_and_again(simulator: ArchitectSimulator) -> None:
    """A venue that refuses the tokens it gives out is asked for a new one once per pause."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    simulator.faults.fail(SUMMARIES, Fault(FaultKind.REVOKED))
    answers = await ten_at_once(session, ticker)
    assert {answer.failure.kind for answer in answers if isinstance(answer, Refusal)} == {FailureKind.REFUSED}
    assert logins(simulator) <= 2
    simulator.faults.clear()
    ticker.pushed += 10
    assert isinstance(await session.call(ask(ticker)), Part)
    await session.aclose()


async def test_refused_credentials_are_tried_ever_more_seldom(simulator: ArchitectSimulator) -> None:
    """So that no user is locked out: within the pause the same refusal is told again without a login."""
    ticker = Ticker()
    session = open_session(simulator, ticker, WRONG_SECRET)
    for pushed, expected in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (60, 4), (60, 5)]:
        ticker.pushed += pushed
        answer = await session.call(ask(ticker))
        assert isinstance(answer, Refusal)
        assert answer.failure.kind is FailureKind.REFUSED
        assert WRONG_SECRET not in answer.failure.detail
        assert logins(simulator) == expected
    await session.aclose()


async def test_a_token_is_renewed_before_it_ends(simulator: ArchitectSimulator) -> None:
    """After 55 minutes a new token is fetched, whatever the wall clock says."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    await session.call(ask(ticker))
    ticker.pushed += 3200
    await session.call(ask(ticker))
    assert logins(simulator) == 1
    ticker.pushed += 200
    await session.call(ask(ticker))
    assert logins(simulator) == 2
    await session.aclose()


async def test_a_renewal_that_fails_leaves_the_old_token_while_it_lasts(simulator: ArchitectSimulator) -> None:
    """Five minutes are left to recover; after the hour the login's failure is told."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    await session.call(ask(ticker))
    simulator.faults.fail(CREATE_JWT, Fault(FaultKind.STATUS, status=500))
    ticker.pushed += 3400
    assert isinstance(await session.call(ask(ticker)), Part)
    ticker.pushed += 300
    answer = await session.call(ask(ticker))
    assert isinstance(answer, Refusal)
    assert (answer.failure.kind, answer.failure.call) == (FailureKind.SERVER_ERROR, CREATE_JWT)
    await session.aclose()


@pytest.mark.parametrize(
    ("body", "where"), [(b"<html>", None), (b'{"jwt":1}', "jwt"), (b'{"jwt":""}', "jwt"), (b'{"jwt":"a\\nb"}', "jwt")]
)
async def test_a_login_answer_without_a_token_is_a_bad_answer(
    simulator: ArchitectSimulator, body: bytes, where: str | None
) -> None:
    """It is told with its place, and its body, which might hold a token, is not kept."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    simulator.faults.fail(CREATE_JWT, Fault(FaultKind.BODY, body=body))
    answer = await session.call(ask(ticker))
    assert isinstance(answer, Refusal)
    assert (answer.failure.kind, answer.failure.where) == (FailureKind.BAD_ANSWER, where)
    assert answer.failure.body is None
    await session.aclose()


async def test_a_server_that_repeats_the_secret_is_not_repeated(simulator: ArchitectSimulator) -> None:
    """Neither secret nor key nor token reaches a sentence, nor does printing what holds them show them."""
    ticker = Ticker()
    session = open_session(simulator, ticker)
    simulator.faults.fail(ACCOUNTS, Fault(FaultKind.STATUS, status=500, message=f"key {API_KEY} secret {API_SECRET}"))
    answer = await session.call(ask(ticker, ACCOUNTS))
    assert isinstance(answer, Refusal)
    shown = f"{answer} {Credentials(API_KEY, API_SECRET)!r} {Ask(CREATE_JWT, {'api_secret': API_SECRET}, 0)!r}"
    assert API_KEY not in shown
    assert API_SECRET not in shown
    await session.aclose()


async def test_a_revoked_token_costs_no_cycle(simulator: ArchitectSimulator) -> None:
    """The calls of one cycle share the new login and all succeed."""
    ticker = Ticker()
    venue = connect(simulator.endpoint, monotonic=ticker)
    await cycle(venue)
    ticker.pushed += 10
    simulator.api.revoke_tokens()
    said = await cycle(venue)
    assert said.failures == ()
    assert said.observations[0].failures == ()
    assert logins(simulator) == 2
    await venue.aclose()


async def test_checking_the_login_says_what_is_wrong(simulator: ArchitectSimulator) -> None:
    """None when it works; else the failure, of the login and of no account."""
    good, bad = connect(simulator.endpoint), connect(simulator.endpoint, api_secret=WRONG_SECRET)
    assert await good.check_login() is None
    failure = await bad.check_login()
    assert failure is not None
    assert (failure.kind, failure.call, failure.account) == (FailureKind.REFUSED, CREATE_JWT, None)
    assert [each.kind for each in (await cycle(bad)).failures] == [FailureKind.REFUSED]
    await good.aclose()
    await bad.aclose()

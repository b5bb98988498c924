"""One login serves all, is renewed in time, and is never asked for so often that a venue locks us out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marginwatch import clock
from marginwatch.core.model import FailureKind
from marginwatch.venues.answer import Malformed
from marginwatch.venues.http.failure import Failed
from marginwatch.venues.http.login import Gaps, Login, Token, authorization, life
from marginwatch.venues.protocol import Part

LISTING = Part(b"[]", datetime(2026, 1, 2, tzinfo=UTC))
REFUSED = Failed(FailureKind.REFUSED, "login: refused")
UNREACHABLE = Failed(FailureKind.UNREACHABLE, "login: host: no connection")
NEVER = float("inf")


class Door:
    """A venue's login: answers with what is next in `answers`, or with a new token, once `opened`."""

    def __init__(self, *answers: Failed, lives: timedelta | None = None) -> None:
        self.answers = list(answers)
        self.lives = lives
        self.logins = 0
        self.opened = asyncio.Event()
        self.opened.set()

    async def __call__(self, _deadline: float) -> Token | Failed:
        self.logins += 1
        number = self.logins
        await self.opened.wait()
        if self.answers:
            return self.answers.pop(0)
        return Token(f"Bearer {number}".encode(), self.lives, LISTING)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, moved by the test."""
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    return now


async def granted(login: Login) -> Token:
    token = await login.token(NEVER)
    assert isinstance(token, Token)
    return token


async def test_fifty_that_come_at_once_share_one_login() -> None:
    """However many ask while there is no token, the venue sees one login."""
    door = Door()
    login = Login(door, Gaps())

    tokens = await asyncio.gather(*(login.token(clock.monotonic() + 5) for _ in range(50)))

    assert door.logins == 1
    assert {id(token) for token in tokens} == {id(tokens[0])}


async def test_fifty_whose_token_is_refused_share_one_new_login() -> None:
    """All get the same new token; one that comes late with the old token gets it too."""
    door = Door()
    login = Login(door, Gaps(usual=0))
    old = await granted(login)
    old.worked = True

    tokens = await asyncio.gather(*(login.instead_of(old, clock.monotonic() + 5) for _ in range(50)))
    late = await login.instead_of(old, clock.monotonic() + 5)

    assert door.logins == 2
    assert {id(token) for token in (*tokens, late)} == {id(tokens[0])}
    assert tokens[0] is not old


async def test_one_that_gives_up_does_not_spoil_the_login_of_the_others() -> None:
    """A caller that is cancelled, or runs out of time, leaves the login flying."""
    door = Door()
    door.opened.clear()
    login = Login(door, Gaps())
    patient = asyncio.create_task(login.token(clock.monotonic() + 5))
    cancelled = asyncio.create_task(login.token(clock.monotonic() + 5))
    await asyncio.sleep(0)
    cancelled.cancel()

    hasty = await login.token(clock.monotonic())
    door.opened.set()

    assert isinstance(hasty, Failed)
    assert hasty.kind is FailureKind.TIMED_OUT
    assert isinstance(await patient, Token)
    assert door.logins == 1


async def test_a_token_is_renewed_before_it_expires(steady: list[float]) -> None:
    """A minute before the end of a long life, and with a tenth of a short one left."""
    for lives, useful in ((3600, 3540), (100, 90)):
        door = Door(lives=timedelta(seconds=lives))
        login = Login(door, Gaps())
        first = await granted(login)

        steady[0] += useful - 1
        assert await login.token(NEVER) is first
        steady[0] += 1
        assert await login.token(NEVER) is not first
        assert door.logins == 2


async def test_a_token_that_cannot_be_renewed_yet_is_used_on(steady: list[float]) -> None:
    """While the venue's login fails, the old token serves until the venue refuses it."""
    door = Door(lives=timedelta(seconds=100))
    login = Login(door, Gaps())
    first = await granted(login)
    door.answers = [UNREACHABLE]
    steady[0] += 95

    assert await login.token(NEVER) is first
    assert await login.token(NEVER) is first
    assert door.logins == 2
    steady[0] += 1
    assert await login.token(NEVER) is not first


async def test_a_refused_login_is_repeated_ever_more_rarely(steady: list[float]) -> None:
    """The gap doubles up to its longest; meanwhile the refusal is remembered and says when the next try is due."""
    door = Door(*[REFUSED] * 5)
    login = Login(door, Gaps(usual=1, first=5, longest=15))
    waits = []
    for _ in range(5):
        assert await login.token(NEVER) == REFUSED
        remembered = await login.token(NEVER)
        assert isinstance(remembered, Failed)
        waits.append(remembered.detail)
        steady[0] += float(remembered.detail.split(" in ")[1].split(" s")[0])

    assert door.logins == 5
    assert [wait.removeprefix("login: refused; the next login is tried in ") for wait in waits] == [
        f"{seconds} s, lest it locks us out" for seconds in (5, 10, 15, 15, 15)
    ]
    assert isinstance(await login.token(NEVER), Token)


async def test_a_login_that_fails_otherwise_is_repeated_soon(steady: list[float]) -> None:
    """Trouble that is not our login's fault costs only the usual gap, or the wait the venue asked for."""
    busy = Failed(FailureKind.RATE_LIMITED, "login: answered 429", 429, timedelta(seconds=30))
    door = Door(UNREACHABLE, busy)
    login = Login(door, Gaps(usual=1))

    assert await login.token(NEVER) == UNREACHABLE
    steady[0] += 1
    assert await login.token(NEVER) == busy
    steady[0] += 29
    assert isinstance(await login.token(NEVER), Failed)
    steady[0] += 1
    assert isinstance(await login.token(NEVER), Token)
    assert door.logins == 3


async def test_a_token_that_never_worked_counts_as_a_refusal(steady: list[float]) -> None:
    """It is kept for others that may fare better, and replaced after a gap that doubles; one that worked is at once."""
    door = Door()
    login = Login(door, Gaps(usual=0, first=5))
    useless = await granted(login)

    refusal = await login.instead_of(useless, NEVER)
    assert refusal == Failed(
        FailureKind.REFUSED,
        "login: the venue refuses the token it has just given; the next login is tried in 5 s, lest it locks us out",
    )
    assert await granted(login) is useless

    steady[0] += 5
    second = await login.instead_of(useless, NEVER)
    assert isinstance(second, Token)
    steady[0] += 9
    assert isinstance(await login.instead_of(second, NEVER), Failed)
    second.worked = True
    assert isinstance(await login.instead_of(second, NEVER), Token)
    assert door.logins == 3


async def test_a_login_that_has_just_been_made_is_not_repeated_at_once(steady: list[float]) -> None:
    """However often tokens are revoked, the usual gap lies between two logins."""
    door = Door()
    login = Login(door, Gaps(usual=1))
    token = await granted(login)
    token.worked = True

    refusal = await login.instead_of(token, NEVER)
    assert isinstance(refusal, Failed)
    assert refusal.kind is FailureKind.REFUSED
    steady[0] += 1
    assert isinstance(await login.token(NEVER), Token)


async def test_a_login_can_be_asked_for_anew(steady: list[float]) -> None:
    """For a check, the venue is asked although the token is good or a gap lasts."""
    door = Door(REFUSED)
    login = Login(door, Gaps())

    assert await login.anew(NEVER) == REFUSED
    assert isinstance(await login.anew(NEVER), Token)
    assert isinstance(await login.anew(NEVER), Token)
    assert (door.logins, steady) == (3, [1000.0])


async def test_ending_waits_for_a_login_under_way() -> None:
    """So that closing the connections does not cut it off."""
    door = Door()
    door.opened.clear()
    login = Login(door, Gaps())
    await login.end(1)
    waiting = asyncio.create_task(login.token(clock.monotonic() + 5))
    await asyncio.sleep(0)

    await login.end(0)
    door.opened.set()
    await login.end(5)

    assert isinstance(await waiting, Token)


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "täg", "a\x7f"])
def test_what_cannot_stand_in_a_header_is_no_token(text: str) -> None:
    """A token is one word of printable ASCII; the sentence does not show it."""
    assert authorization(text) == Malformed("Expected a token, got a text that is none")
    assert authorization("a.b-c_d=") == b"Bearer a.b-c_d="


@pytest.mark.parametrize(
    ("seconds", "lives"),
    [
        (None, None),
        (Decimal(36000), timedelta(hours=10)),
        (Decimal("0.5"), timedelta(seconds=0.5)),
        (Decimal(0), None),
        (Decimal(-5), None),
        (Decimal("1E+30"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("Infinity"), None),
    ],
)
def test_a_life_that_cannot_be_is_unknown(seconds: Decimal | None, lives: timedelta | None) -> None:
    """A token that says nothing sensible of its life is used until it is refused."""
    assert life(seconds) == lives

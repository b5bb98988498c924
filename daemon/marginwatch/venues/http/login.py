"""One login for many calls: a single flight, renewed before it expires, never so often that a venue locks us out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch import clock
from marginwatch.core.model import FailureKind
from marginwatch.venues.answer import Malformed
from marginwatch.venues.http.failure import Failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal

    from marginwatch.venues.protocol import Part

RENEWED_EARLY: Final = 60.0
"""A token is renewed so many seconds before it expires, or when a tenth of a shorter life is left."""
_CENTURY: Final = 3_155_760_000


_USELESS: Final = Failed(FailureKind.REFUSED, "login: the venue refuses the token it has just given")


@dataclass(frozen=True, slots=True)
class Gaps:
    """Seconds that must lie between two logins."""

    usual: float = 1.0
    """After a login that worked, or failed for a reason that is not ours."""
    first: float = 5.0
    """After a refused login or a token that never worked; it doubles each time."""
    longest: float = 600.0

    def after(self, fruitless: int) -> float:
        """The gap after so many logins in a row that led nowhere."""
        return min(self.first * 2 ** min(fruitless - 1, 30), self.longest) if fruitless else self.usual


@dataclass(slots=True)
class Token:
    """What a login gave."""

    authorization: bytes
    """The value of the header."""
    lives: timedelta | None
    """From the login on; None when the venue does not say."""
    listing: Part
    """Which accounts there are, as the login's answer (never the token) or the config has it."""
    worked: bool = False
    """Whether a call with it was ever not refused."""


class Login:
    """Holds the token of one login and decides when to ask for another; `ask` does the asking, by a deadline."""

    def __init__(self, ask: Callable[[float], Awaitable[Token | Failed]], gaps: Gaps) -> None:
        self._ask = ask
        self._gaps = gaps
        self._token: Token | None = None
        self._renew_at: float | None = None
        self._failed: Failed | None = None
        self._fruitless = 0
        self._given_at = float("-inf")
        self._not_before = float("-inf")
        self._flight: asyncio.Task[Token | Failed] | None = None

    async def token(self, deadline: float) -> Token | Failed:
        """A token to call with, or why there is none. Callers that come at once share one login.

        A token that should be renewed and cannot be is used on until the venue refuses it.
        """
        token = self._token
        if token is not None and (self._renew_at is None or clock.monotonic() < self._renew_at):
            return token
        if self._flight is None and clock.monotonic() < self._not_before:
            return token or _resting(self._failed or _USELESS, self._not_before)
        outcome = await self._log_in(deadline)
        return token if token is not None and isinstance(outcome, Failed) else outcome

    async def instead_of(self, refused: Token, deadline: float) -> Token | Failed:
        """Another token than this one, which the venue no longer takes.

        A token that has never worked is kept for a while all the same: it may be one account that refuses it.
        """
        if refused is self._token:
            if not refused.worked:
                again_at = self._given_at + self._gaps.after(self._fruitless + 1)
                if clock.monotonic() < again_at:
                    return _resting(_USELESS, again_at)
            self._fruitless = 0 if refused.worked else self._fruitless + 1
            self._token = None
        return await self.token(deadline)

    async def anew(self, deadline: float) -> Token | Failed:
        """Log in now, whatever is still good."""
        return await self._log_in(deadline)

    async def end(self, within: float) -> None:
        """Let a login that is under way end, for so many seconds."""
        if self._flight is not None:
            await asyncio.wait({self._flight}, timeout=within)

    async def _log_in(self, deadline: float) -> Token | Failed:
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly(deadline), name="login")
        flight = self._flight
        # Not awaited directly: a caller that gives up must not cancel the login the others wait for.
        done, _ = await asyncio.wait({flight}, timeout=max(deadline - clock.monotonic(), 0.0))
        return flight.result() if done else Failed(FailureKind.TIMED_OUT, "login: no answer in time")

    async def _fly(self, deadline: float) -> Token | Failed:
        try:
            outcome = await self._ask(deadline)
        finally:
            self._flight = None
        self._record(outcome)
        return outcome

    def _record(self, outcome: Token | Failed) -> None:
        now = clock.monotonic()
        if isinstance(outcome, Token):
            self._failed = None
            self._given_at = now
            self._renew_at = None if outcome.lives is None else now + _useful(outcome.lives)
            self._token = outcome
            self._not_before = now + self._gaps.usual
            return
        self._failed = outcome
        self._fruitless += outcome.kind is FailureKind.REFUSED
        gap = self._gaps.after(self._fruitless if outcome.kind is FailureKind.REFUSED else 0)
        asked = outcome.retry_after.total_seconds() if outcome.retry_after else 0.0
        self._not_before = now + max(gap, asked)


def _resting(failed: Failed, until: float) -> Failed:
    wait = until - clock.monotonic()
    return replace(failed, detail=f"{failed.detail}; the next login is tried in {wait:.0f} s, lest it locks us out")


def authorization(token: str) -> bytes | Malformed:
    """The header's value, or why this text cannot stand in one."""
    if not token or not all("!" <= letter <= "~" for letter in token):
        return Malformed("Expected a token, got a text that is none")
    return b"Bearer " + token.encode()


def life(seconds: Decimal | None) -> timedelta | None:
    """How long a token lives; None when the venue does not say, or says what cannot be."""
    if seconds is None or not seconds.is_finite() or not 0 < seconds < _CENTURY:
        return None
    return timedelta(seconds=float(seconds))


def _useful(lives: timedelta) -> float:
    life = lives.total_seconds()
    return life - min(RENEWED_EARLY, life / 10)

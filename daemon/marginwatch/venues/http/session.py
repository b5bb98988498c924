"""One call at an HTTP venue from asking to its answer: rate budget, token, retries within the cycle's deadline."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from marginwatch import clock
from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.venues.answer import unechoed
from marginwatch.venues.http.failure import Failed, Said, of_status, wait_of
from marginwatch.venues.protocol import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from marginwatch.core.model import AccountKey
    from marginwatch.venues.http.budget import RateBudget
    from marginwatch.venues.http.lanes import Answer, Ask, Lane
    from marginwatch.venues.http.login import Login, Token
    from marginwatch.venues.protocol import Clock

TRIES: Final = 3
"""How often one call is asked in one cycle at most."""
NOT_OFFERED: Final = (403, 404, 501)
"""Statuses by which a venue says that it does not offer an optional call to this login."""

_TRY_AGAIN: Final = (FailureKind.UNREACHABLE, FailureKind.SERVER_ERROR, FailureKind.RATE_LIMITED)
_FIRST_PAUSE: Final = 0.125
_PAUSE_UNASKED: Final = 1.0
"""Seconds without calls after a 429 that does not say how long."""
_GOOD: Final = range(200, 300)
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Manners:
    """What differs between HTTP venues when a call fails."""

    explain: Callable[[bytes], Said]
    """What an error answer's body says; never raises."""
    refuses: Callable[[bytes], bool] = lambda _: False
    """Whether the body of a good status says that the token is refused."""


class NotOffered:
    """An optional call that the venue does not offer for this login."""


@dataclass(slots=True)
class Allowance:
    """What the rest of a cycle may use."""

    deadline: float
    """On the monotonic clock."""
    retries: int
    """Few, so that an outage of many accounts is not made worse by us."""

    def withdraw(self) -> None:
        """The cycle is over: start nothing more for it."""
        self.deadline = float("-inf")


class Session:
    """Makes calls with one login. Knows how to ask; does not decide which accounts are asked for."""

    def __init__(self, venue: str, login: Login, budget: RateBudget, manners: Manners, now: Clock) -> None:
        self.venue = venue
        self._login = login
        self._budget = budget
        self._manners = manners
        self._now = now
        self._barred: set[tuple[AccountKey, str]] = set()

    async def call(
        self, ask: Ask, account: AccountKey, lane: Lane, allowance: Allowance
    ) -> Part | VenueFailure | NotOffered:
        """The answer to one call, or its failure after what retries are allowed."""
        attempt = 0
        while True:
            attempt += 1
            answer = await self._attempt(ask, account, lane, allowance.deadline)
            if not isinstance(answer, Failed):
                return Part(answer.body, self._now())
            if ask.optional and answer.status in NOT_OFFERED:
                return NotOffered()
            pause = _pause(answer, attempt)
            if pause is None or allowance.retries <= 0 or clock.monotonic() + pause >= allowance.deadline:
                return answer.of(self.venue, ask.call, self._now(), account)
            allowance.retries -= 1
            await asyncio.sleep(pause)

    async def _attempt(self, ask: Ask, account: AccountKey, lane: Lane, deadline: float) -> Answer | Failed:
        token = await self._login.token(deadline)
        if isinstance(token, Failed):
            return token
        answer = await self._paced(ask, lane, token, deadline)
        if self._wants_login(answer, token, (account, ask.call)):
            fresh = await self._login.instead_of(token, deadline)
            if isinstance(fresh, Failed):
                return fresh
            token, answer = fresh, await self._paced(ask, lane, fresh, deadline)
            if self._token_refused(answer):
                self._barred.add((account, ask.call))
        if isinstance(answer, Failed):
            return answer
        answer = replace(answer, body=unechoed(answer.body, token.authorization.decode().removeprefix("Bearer ")))
        refused = self._token_refused(answer)
        token.worked = token.worked or not refused
        return answer if answer.status in _GOOD and not refused else self._failed(answer)

    def _wants_login(self, answer: Answer | Failed, token: Token, whose: tuple[AccountKey, str]) -> bool:
        """Whether a new login may help: not for a call that refused a fresh token, while the token serves others."""
        if not self._token_refused(answer):
            self._barred.discard(whose)
            return False
        return not (token.worked and whose in self._barred)

    async def _paced(self, ask: Ask, lane: Lane, token: Token, deadline: float) -> Answer | Failed:
        left = deadline - clock.monotonic()
        if left <= 0:
            return Failed(FailureKind.TIMED_OUT, "not asked: the cycle's time was up")
        wait = self._budget.reserve(left)
        if wait is None:
            return Failed(FailureKind.RATE_LIMITED, self._why_not_asked())
        if wait > 0:
            await asyncio.sleep(wait)
        answer = await lane.exchange(ask, token.authorization, deadline)
        if not isinstance(answer, Failed) and answer.status == _TOO_MANY:
            asked = wait_of(answer.retry_after, self._now())
            self._budget.pause(_PAUSE_UNASKED if asked is None else asked.total_seconds())
        return answer

    def _why_not_asked(self) -> str:
        if self._budget.paused:
            return "not asked: the venue wants a longer pause between calls"
        return f"not asked: {self._budget.per_second:g} calls a second do not reach for all accounts of this login"

    def _token_refused(self, answer: Answer | Failed) -> bool:
        if isinstance(answer, Failed):
            return False
        return answer.status == _UNAUTHORIZED or (answer.status in _GOOD and self._manners.refuses(answer.body))

    def _failed(self, answer: Answer) -> Failed:
        status = _UNAUTHORIZED if answer.status in _GOOD else answer.status
        return of_status(status, self._manners.explain(answer.body), wait_of(answer.retry_after, self._now()))


def _pause(failed: Failed, attempt: int) -> float | None:
    """Seconds before the next try, None when there is to be none or it cannot help."""
    own_limit = failed.kind is FailureKind.RATE_LIMITED and not failed.status
    if attempt >= TRIES or failed.kind not in _TRY_AGAIN or own_limit:
        return None
    backoff: float = _FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311  (because it spreads calls and guards nothing)
    unasked = _PAUSE_UNASKED if failed.kind is FailureKind.RATE_LIMITED else 0.0
    asked = unasked if failed.retry_after is None else failed.retry_after.total_seconds()
    return max(asked, backoff)

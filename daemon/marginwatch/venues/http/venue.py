"""A venue spoken to over HTTP: logs in, learns which accounts there are, and asks for each of them every cycle."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from marginwatch import clock
from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.venues.answer import Malformed
from marginwatch.venues.http.budget import RateBudget
from marginwatch.venues.http.cycle import Cycle
from marginwatch.venues.http.failure import Failed, of_login, of_status, wait_of
from marginwatch.venues.http.lanes import Lanes, Limits, tls_context
from marginwatch.venues.http.login import Gaps, Login
from marginwatch.venues.http.session import Allowance, Manners, NotOffered, Session
from marginwatch.venues.protocol import Fetched, Part

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from marginwatch.core.model import AccountKey, Normalised
    from marginwatch.venues.http.cycle import Outcome
    from marginwatch.venues.http.lanes import Ask, Lane
    from marginwatch.venues.http.login import Token
    from marginwatch.venues.http.settings import HttpSettings
    from marginwatch.venues.protocol import Clock, VenueCommon

LOGIN: Final = "login"
"""Our name of the call that logs in."""

_GOOD: Final = range(200, 300)
_ANSWER_OF_CYCLE: Final = 0.4
"""Part of a cycle's deadline that one answer may take, so that one dead call leaves time for another."""
_LONGEST_ANSWER: Final = 15.0
_ENDS_WITHIN: Final = 2.0
_SPARE_RETRIES: Final = 3
_AT_ONCE: Final = 2
"""Calls a connection may make unspaced: a large cycle spreads over its time instead of beginning with a storm."""
_NOTHING: Final[frozenset[str]] = frozenset()
"""One for all: every account is remembered with what it was not offered."""


class HttpApi(Protocol):
    """What one venue's API looks like: which requests there are and what their answers say. No I/O."""

    manners: Manners
    listing_call: str
    """What the answer that lists accounts is called in `Fetched.parts`."""

    def login(self) -> Ask:
        """The request that logs in."""
        ...

    def granted(self, answer: Part) -> Token | Malformed:
        """What a good answer to it gives."""
        ...

    def asks(self, account: AccountKey) -> Sequence[Ask]:
        """The requests that make one account's observation."""
        ...

    def normalise(self, fetched: Fetched) -> Normalised:
        """What the answers say. Pure; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard and how long a login is used; tests give other figures."""

    limits: Limits
    gaps: Gaps


def usual_pace(common: VenueCommon) -> Pace:
    """An answer may take two fifths of the cycle, at most 15 s."""
    seconds = min(common.deadline.total_seconds() * _ANSWER_OF_CYCLE, _LONGEST_ANSWER)
    return Pace(Limits(seconds=seconds), Gaps())


class HttpVenue:
    """One login at one HTTP venue, open for reading."""

    def __init__(
        self, common: VenueCommon, settings: HttpSettings, api: HttpApi, now: Clock, pace: Pace | None = None
    ) -> None:
        self.name = common.name
        self._common = common
        self._settings = settings
        self._api = api
        self._now = now
        self._pace = pace or usual_pace(common)
        self._login = Login(self._log_in, self._pace.gaps)
        burst = min(max(settings.calls_per_second, 1.0), float(_AT_ONCE * settings.concurrency))
        budget = RateBudget(settings.calls_per_second, clock.monotonic, burst)
        self._session = Session(common.name, self._login, budget, api.manners, now)
        self._opened: Lanes | None = None
        self._known: tuple[AccountKey, ...] = ()
        self._cycle: Cycle | None = None

    def normalise(self, fetched: Fetched) -> Normalised:
        """What the answers say. Pure; never raises on any bytes."""
        return self._api.normalise(fetched)

    async def poll(self) -> AsyncGenerator[Fetched | VenueFailure]:
        """One full cycle: the accounts there are, then each account as it answers, within the cycle's deadline."""
        deadline = clock.monotonic() + self._common.deadline.total_seconds()
        token = await self._login.token(deadline)
        if isinstance(token, Failed):
            yield token.of(self.name, LOGIN, self._now())
            return
        listed = Fetched(self.name, None, {self._api.listing_call: token.listing}, self._now())
        yield listed
        accounts = self._accounts(listed)
        allowance = Allowance(deadline, _SPARE_RETRIES + len(accounts) // 10)

        async def fetch(account: AccountKey, lane: Lane) -> Outcome:
            return await self._fetch(account, lane, allowance)

        self._cycle = Cycle(self._lanes(), fetch, self._now)
        try:
            async with aclosing(self._cycle.run(accounts, deadline)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
        finally:
            allowance.withdraw()

    def _accounts(self, listed: Fetched) -> list[AccountKey]:
        """The accounts to ask for, those first that the last cycle did not come to."""
        listing = self._api.normalise(listed).listing
        if listing is not None:
            self._known = tuple(account.key for account in listing)
        late = self._cycle.unasked if self._cycle else set()
        return sorted(self._known, key=lambda key: key not in late)

    async def _fetch(self, account: AccountKey, lane: Lane, allowance: Allowance) -> Outcome:
        parts: dict[str, Part | VenueFailure] = {}
        not_offered = set()
        for ask in self._api.asks(account):
            got = await self._session.call(ask, account, lane, allowance)
            if isinstance(got, NotOffered):
                not_offered.add(ask.call)
            else:
                parts[ask.call] = got
        failures = [part for part in parts.values() if isinstance(part, VenueFailure)]
        if len(failures) == len(parts):
            return failures[0]
        last = max(part.received_at for part in parts.values() if isinstance(part, Part))
        return Fetched(self.name, account, parts, last, frozenset(not_offered) if not_offered else _NOTHING)

    async def _log_in(self, deadline: float) -> Token | Failed:
        answer = await self._lanes().login.exchange(self._api.login(), None, deadline)
        if isinstance(answer, Failed):
            return of_login(answer)
        if answer.status not in _GOOD:
            said = self._api.manners.explain(answer.body)
            return of_login(of_status(answer.status, said, wait_of(answer.retry_after, self._now())))
        part = Part(answer.body, self._now())
        granted = self._api.granted(part)
        return _unreadable(granted) if isinstance(granted, Malformed) else granted

    async def check_login(self) -> VenueFailure | None:
        """Log in now; None when it worked."""
        token = await self._login.anew(clock.monotonic() + self._common.deadline.total_seconds())
        return token.of(self.name, LOGIN, self._now()) if isinstance(token, Failed) else None

    async def aclose(self) -> None:
        """Close connections, which ends what is still under way."""
        if self._opened is not None:
            self._opened.abandon()
            if self._cycle is not None:
                await self._cycle.end(_ENDS_WITHIN)
            await self._login.end(_ENDS_WITHIN)
            await self._opened.aclose()

    def _lanes(self) -> Lanes:
        if self._opened is None:
            tls = tls_context if self._settings.base_url.startswith("https:") else None
            self._opened = Lanes(self._settings.concurrency, self._pace.limits, tls)
        return self._opened


def _unreadable(malformed: Malformed) -> Failed:
    """A login's answer that cannot be read; its body is not kept, for it may hold a token."""
    place = f" at {malformed.where}" if malformed.where else ""
    detail = f"login: the answer is not as documented{place}: {malformed.what}"
    return Failed(FailureKind.BAD_ANSWER, detail, where=malformed.where or None)

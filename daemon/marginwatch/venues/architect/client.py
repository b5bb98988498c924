"""Polling one Architect login: one listing, one call for all summaries, one for margin calls where they are offered."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from marginwatch.core.model import FailureKind, Normalised, VenueFailure
from marginwatch.errors import MarginwatchError
from marginwatch.venues.architect.connection import Ask
from marginwatch.venues.architect.listing import read_listing
from marginwatch.venues.architect.normalise import left_out, normalise, normalise_history, pages, single
from marginwatch.venues.architect.status import NOT_OFFERED
from marginwatch.venues.architect.wire import ACCOUNTS, HISTORY, LAST_ACCOUNTS, MARGIN_CALLS, SUMMARIES, SUMMARY
from marginwatch.venues.protocol import Fetched, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.model import AccountKey
    from marginwatch.venues.architect.normalise import Scope
    from marginwatch.venues.architect.session import Session
    from marginwatch.venues.protocol import VenueCommon

Granularity: TypeAlias = Literal["FiveMinutes", "Hourly", "Daily"]
"""How far apart the snapshots of a history are."""

STEPS: Final[Mapping[timedelta, Granularity]] = {
    timedelta(minutes=5): "FiveMinutes",
    timedelta(hours=1): "Hourly",
    timedelta(days=1): "Daily",
}
"""By the time between two snapshots."""

PAGE: Final = 100
"""Rows of history the venue gives at most; more are left out without a word."""

_MAIN_SHARE: Final = 0.8
"""Part of a cycle's deadline the calls for all accounts may take; the rest is for accounts that were left out."""
_OPTIONAL_SHARE: Final = 0.5
"""The same for margin calls, which must not hold up the others."""
_SINGLES: Final = 8
"""Accounts asked for one by one in a cycle when the summaries leave them out."""
_ASK_AGAIN: Final = 3600.0
"""Seconds after which a server that offers no margin calls is asked again."""


class NaiveTimeError(MarginwatchError):
    """A span of history is given in times without a zone."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"{at:%Y-%m-%d %H:%M} has no time zone; history needs one, for example {at:%Y-%m-%dT%H:%M}Z")


class ArchitectVenue:
    """One Architect login, open for reading."""

    def __init__(self, common: VenueCommon, session: Session, scope: Scope, *, paper: bool) -> None:
        self.name = common.name
        self.steps = tuple(STEPS)
        self._session = session
        self._scope = scope
        self._paper = paper
        self._every = common.every.total_seconds()
        self._deadline = common.deadline.total_seconds()
        self._last_listing: Part | None = None
        self._margin_calls_after = 0.0

    async def poll(self) -> AsyncIterator[Fetched | VenueFailure]:
        """One cycle: a single answer that speaks of every account, or the venue's failure. Never raises."""
        if self._session.budget.paused:
            yield self._resting()
            return
        started = self._session.monotonic()
        parts, optional = await self._ask_for_all(started)
        listed = parts[ACCOUNTS]
        blind = isinstance(parts[SUMMARIES], VenueFailure) or LAST_ACCOUNTS not in parts
        if isinstance(listed, VenueFailure) and blind:
            yield listed
            return
        parts |= await self._ask_for_each(parts, started + self._deadline)
        yield Fetched(self.name, None, parts, self._session.clock(), optional)

    def normalise(self, fetched: Fetched) -> Normalised:
        """What one cycle says of every account."""
        return normalise(fetched, self._scope)

    def pages(self, fetched: Fetched) -> Iterator[Normalised]:
        """The same, some accounts at a time."""
        return pages(fetched, self._scope)

    async def check_login(self) -> VenueFailure | None:
        """Log in now; None when it worked."""
        refusal = await self._session.log_in(self._session.monotonic() + self._deadline)
        return refusal.failure if refusal else None

    async def aclose(self) -> None:
        """Close the connection."""
        await self._session.aclose()

    async def account_summary(self, account: AccountKey, until: float) -> Part | VenueFailure:
        """The bare summary of one account; `until` is on the monotonic clock."""
        return await self._ask(Ask(SUMMARY, {"account": account.id}, until, account))

    def past(self, account: AccountKey, since: datetime, until: datetime, step: timedelta) -> AsyncIterator[Normalised]:
        """The same as `account_history`, by the time between snapshots; `step` is one of `steps`."""
        return self.account_history(account, since, until, STEPS[step])

    async def account_history(
        self, account: AccountKey, start: datetime, end: datetime, granularity: Granularity = "FiveMinutes"
    ) -> AsyncIterator[Normalised]:
        """An account's snapshots from `start` up to, not including, `end`: page after page, newest first.

        A page that fails is the last, and holds the failure; a malformed row is a failure beside the good ones.

        Raises:
            NaiveTimeError: `start` or `end` has no time zone.
        """
        for at in (start, end):
            if at.tzinfo is None:
                raise NaiveTimeError(at)
        first, before = start.astimezone(UTC), end.astimezone(UTC)
        while first < before:
            page = await self._history_page(account, first, before, granularity)
            if page.observations or page.failures:
                yield page
            seen = [each.as_of for each in page.observations if each.as_of and each.as_of < before]
            if not seen:
                return
            before = min(seen)

    async def _history_page(
        self, account: AccountKey, first: datetime, before: datetime, granularity: str
    ) -> Normalised:
        request = {
            "account": account.id,
            "from_inclusive": _instant(first),
            "to_exclusive": _instant(before),
            "granularity": granularity,
            "limit": PAGE,
        }
        part = await self._ask(Ask(HISTORY, request, self._session.monotonic() + self._deadline, account))
        if isinstance(part, VenueFailure):
            return Normalised(failures=(part,))
        return normalise_history(part, account, self._scope)

    async def _ask_for_all(self, started: float) -> tuple[dict[str, Part | VenueFailure], frozenset[str]]:
        """The calls for all accounts at once, and which optional ones the venue does not offer."""
        until = started + _MAIN_SHARE * self._deadline
        accounts, summaries, calls = await asyncio.gather(
            self._ask(Ask(ACCOUNTS, {"paper": True} if self._paper else {}, until)),
            self._ask(Ask(SUMMARIES, {}, until)),
            self._ask_for_margin_calls(started + _OPTIONAL_SHARE * self._deadline),
        )
        parts: dict[str, Part | VenueFailure] = {ACCOUNTS: accounts, SUMMARIES: summaries}
        if isinstance(accounts, Part) and not isinstance(read_listing(self.name, accounts), VenueFailure):
            self._last_listing = accounts
        elif self._last_listing:
            parts[LAST_ACCOUNTS] = self._last_listing
        if calls:
            parts[MARGIN_CALLS] = calls
        return parts, frozenset() if calls else frozenset({MARGIN_CALLS})

    async def _ask_for_margin_calls(self, until: float) -> Part | VenueFailure | None:
        """The margin calls of all accounts, None where the server offers none."""
        if self._session.monotonic() < self._margin_calls_after:
            return None
        answer = await self._session.call(Ask(MARGIN_CALLS, {}, until))
        if isinstance(answer, Part):
            return answer
        if answer.code in NOT_OFFERED:
            self._margin_calls_after = self._session.monotonic() + _ASK_AGAIN
            return None
        return answer.failure

    async def _ask_for_each(
        self, parts: Mapping[str, Part | VenueFailure], until: float
    ) -> dict[str, Part | VenueFailure]:
        """One more try for accounts that the answer for all left out, as many as there are calls to spare."""
        summaries = parts[SUMMARIES]
        if not self._last_listing or isinstance(summaries, VenueFailure):
            return {}
        missing = left_out(self.name, self._last_listing, summaries, self._scope)
        tried = missing[: min(_SINGLES, max(1, int(self._every)))]
        answers = await asyncio.gather(*(self.account_summary(key, until) for key in tried))
        return {single(key): answer for key, answer in zip(tried, answers, strict=True)}

    async def _ask(self, ask: Ask) -> Part | VenueFailure:
        answer = await self._session.call(ask)
        return answer if isinstance(answer, Part) else answer.failure

    def _resting(self) -> VenueFailure:
        return VenueFailure(
            venue=self.name,
            kind=FailureKind.RATE_LIMITED,
            at=self._session.clock(),
            detail="the venue asked for fewer calls; this cycle is skipped",
        )


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

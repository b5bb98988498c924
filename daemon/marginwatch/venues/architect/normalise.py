"""From Architect's answers to observations. Pure: no I/O, no clock, and any bytes give a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from marginwatch.core.model import FailureKind, Normalised, Observation, VenueFailure
from marginwatch.venues.architect.listing import read_listing
from marginwatch.venues.architect.margin_calls import MarginCallBook, read_margin_calls
from marginwatch.venues.architect.summary import Summaries, named_accounts, read_history, read_summaries, read_summary
from marginwatch.venues.architect.wire import ACCOUNTS, LAST_ACCOUNTS, MARGIN_CALLS, SUMMARIES, SUMMARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from marginwatch.core.model import Account, AccountKey, Value
    from marginwatch.venues.architect.listing import Listed
    from marginwatch.venues.architect.summary import Row
    from marginwatch.venues.protocol import Fetched, Part

PAGE: Final = 500
"""Accounts of which the numbers are held at once."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the config says about a venue's answers."""

    selects: Callable[[Account], bool]
    """Whether the operator wants this account."""
    currency: str | None = None

    def fields(self) -> dict[str, Value]:
        """What every observation carries."""
        return {"currency": self.currency} if self.currency else {}


def single(account: AccountKey) -> str:
    """The part that answers `Folio/AccountSummary` for one account."""
    return f"{SUMMARY}:{account.id}"


def normalise(fetched: Fetched, scope: Scope) -> Normalised:
    """What one cycle's answers say.

    Parts are named after their calls. `Folio/AccountSummary:ID` answers for one account that the summaries left out;
    `Accounts/Accounts (last good)` is an earlier listing, which names the accounts while the present one fails. A call
    for all accounts that fails is one failure without an account.
    """
    said = list(pages(fetched, scope))
    return Normalised(
        listing=said[0].listing,
        observations=tuple(each for page in said for each in page.observations),
        failures=tuple(each for page in said for each in page.failures),
    )


def pages(fetched: Fetched, scope: Scope) -> Iterator[Normalised]:
    """The same in pages of `PAGE` accounts, read as they are taken; the first holds what is said of all of them."""
    present = _listing(fetched, ACCOUNTS)
    if isinstance(present, VenueFailure):
        listing = _without_permissions(fetched, present)
        if listing is None:
            yield Normalised(failures=(present,))
            return
    else:
        listing = present
    wanted = tuple(each for each in listing if scope.selects(each.account))
    cycle = _Cycle(fetched, scope, _summaries(fetched), _margin_calls(fetched, listing))
    first = Normalised(
        listing=None if isinstance(present, VenueFailure) else tuple(each.account for each in wanted),
        failures=(cycle.summaries,) if isinstance(cycle.summaries, VenueFailure) else (),
    )
    for start in range(0, max(len(wanted), 1), PAGE):
        made = [made for each in wanted[start : start + PAGE] if (made := cycle.account(each))]
        yield Normalised(
            listing=None if start else first.listing,
            observations=tuple(each for each in made if isinstance(each, Observation)),
            failures=(
                *(() if start else first.failures),
                *(each for each in made if isinstance(each, VenueFailure)),
            ),
        )


def left_out(venue: str, listing: Part, summaries: Part, scope: Scope) -> tuple[AccountKey, ...]:
    """Selected accounts that the listing calls visible and a good answer for all leaves out, in listed order."""
    listed = read_listing(venue, listing)
    named = named_accounts(summaries)
    if isinstance(listed, VenueFailure) or named is None:
        return ()
    return tuple(
        each.account.key
        for each in listed
        if each.account.viewable and each.account.key.id not in named and scope.selects(each.account)
    )


def normalise_history(part: Part, account: AccountKey, scope: Scope) -> Normalised:
    """What one page of an account's history says, newest first. A malformed row is a failure beside the others."""
    rows = read_history(part, account)
    if isinstance(rows, VenueFailure):
        return Normalised(failures=(rows,))
    return Normalised(
        observations=tuple(
            _observation(account, part.received_at, row, {**scope.fields(), **row.fields})
            for row in rows
            if not isinstance(row, VenueFailure)
        ),
        failures=tuple(row for row in rows if isinstance(row, VenueFailure)),
    )


@dataclass(frozen=True, slots=True)
class _Cycle:
    """The answers of one cycle that speak of all accounts, read."""

    fetched: Fetched
    scope: Scope
    summaries: Summaries | VenueFailure
    book: MarginCallBook | VenueFailure | None

    def account(self, listed: Listed) -> Observation | VenueFailure | None:
        """One account's observation or failure; None when its failure is that of the whole venue."""
        if not listed.account.viewable:
            return self._hidden(listed)
        row = self._row(listed.account)
        if row is None or isinstance(row, VenueFailure):
            return row
        calls, failure = self._call_fields(listed.account)
        fields = {**self.scope.fields(), **row.fields, **listed.fields, **calls}
        made = _observation(listed.account.key, self.fetched.fetched_at, row, fields)
        failures = [each for each in (listed.failure, *made.failures, failure) if each]
        return replace(made, failures=tuple(failures), optional=self.fetched.optional)

    def _hidden(self, listed: Listed) -> Observation | VenueFailure:
        """An account whose numbers the login may not see: what the listing says of it is all there is."""
        failure = listed.failure
        if failure is not None and not failure.of_venue:
            return replace(failure, account=listed.account.key)
        return Observation(
            account=listed.account.key,
            fetched_at=self.fetched.fetched_at,
            as_of=None,
            fields={**self.scope.fields(), **listed.fields},
            failures=() if failure is None else (failure,),
        )

    def _row(self, account: Account) -> Row | VenueFailure | None:
        if isinstance(self.summaries, VenueFailure):
            return None
        if row := self.summaries.row(account.key.id):
            return row
        asked = self.fetched.parts.get(single(account.key))
        if isinstance(asked, VenueFailure):
            return asked
        if asked:
            return read_summary(asked, SUMMARY, account.key)
        if self.summaries.nameless:
            return replace(self.summaries.nameless, account=account.key)
        return VenueFailure(
            venue=self.fetched.venue,
            kind=FailureKind.ACCOUNT_UNKNOWN,
            at=self.fetched.fetched_at,
            detail=f"the venue lists {account.name} as visible, yet its summaries leave the account out",
            call=SUMMARIES,
            account=account.key,
        )

    def _call_fields(self, account: Account) -> tuple[dict[str, Value], VenueFailure | None]:
        if isinstance(self.book, VenueFailure):
            return {}, self.book
        return self.book.fields(account) if self.book else ({}, None)


def _observation(account: AccountKey, fetched_at: datetime, row: Row, fields: dict[str, Value]) -> Observation:
    return Observation(
        account=account,
        fetched_at=fetched_at,
        as_of=row.as_of,
        fields=fields,
        positions=row.positions,
    )


def _listing(fetched: Fetched, call: str) -> tuple[Listed, ...] | VenueFailure:
    part = fetched.parts[call]
    return part if isinstance(part, VenueFailure) else read_listing(fetched.venue, part)


def _without_permissions(fetched: Fetched, failure: VenueFailure) -> tuple[Listed, ...] | None:
    """The accounts of the earlier listing, None without one; what it said of permissions is too old to repeat."""
    earlier = _listing(fetched, LAST_ACCOUNTS) if LAST_ACCOUNTS in fetched.parts else failure
    if isinstance(earlier, VenueFailure):
        return None
    return tuple(replace(each, fields={}, failure=failure) for each in earlier)


def _summaries(fetched: Fetched) -> Summaries | VenueFailure:
    part = fetched.parts[SUMMARIES]
    return part if isinstance(part, VenueFailure) else read_summaries(fetched.venue, part)


def _margin_calls(fetched: Fetched, listing: tuple[Listed, ...]) -> MarginCallBook | VenueFailure | None:
    part = fetched.parts.get(MARGIN_CALLS)
    if part is None or isinstance(part, VenueFailure):
        return part
    return read_margin_calls(fetched.venue, part, [each.account for each in listing])

"""From the margin calls a server reports to fields of the accounts they name. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.venues.answer import Malformed
from marginwatch.venues.architect.wire import MARGIN_CALLS, parse_margin_calls, utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.core.model import Account, Value, VenueFailure
    from marginwatch.venues.architect.wire import MarginCall
    from marginwatch.venues.protocol import Part

_NUMBER_IN_NAME: Final = re.compile(r"[^:/]+:([^:/]+)(?:/.*)?", re.DOTALL)
"""`STONEX:ABC123/JohnDoe` is account ABC123 at its clearer."""


@dataclass(frozen=True, slots=True)
class MarginCallBook:
    """The open margin calls of one answer, by account id."""

    open: Mapping[str, tuple[MarginCall, ...]]
    stray: VenueFailure | None = None
    """An open call that names no listed account: then no account without a call of its own is known to have none."""

    def fields(self, account: Account) -> tuple[dict[str, Value], VenueFailure | None]:
        """The margin-call fields of an account, or why they are not known."""
        calls = self.open.get(account.key.id, ())
        if not calls and self.stray:
            return {}, replace(self.stray, account=account.key)
        due = [at for at in (utc(call.due_date) for call in calls) if at is not None]
        return {
            "in_margin_call": bool(calls),
            "call_amount": sum((_unmet(call) for call in calls), Decimal(0)),
            "margin_calls": Decimal(len(calls)),
            "due_date": min(due, default=None),
        }, None


def read_margin_calls(venue: str, part: Part, accounts: Iterable[Account]) -> MarginCallBook | VenueFailure:
    """The open calls of an answer to `Boss/MarginCalls`: those of which something is still to be met.

    The vendor documents neither the values of `status`, so amounts decide, nor which of an account's names
    `account_number` is, so its id, its name and the number within its name are tried.
    """
    reply = parse_margin_calls(part.body)
    if isinstance(reply, Malformed):
        return reply.of(venue, MARGIN_CALLS, part)
    ids = _ids_by_number(accounts)
    book: dict[str, tuple[MarginCall, ...]] = {}
    stray = None
    for index, call in enumerate(reply.margin_calls):
        if _unmet(call) <= 0:
            continue
        owners = ids.get(call.account_number, set())
        if len(owners) != 1:
            what = "an open margin call names " + ("several listed accounts" if owners else "no listed account")
            stray = Malformed(what, f"margin_calls[{index}].account_number").of(venue, MARGIN_CALLS, part)
            continue
        (owner,) = owners
        book[owner] = (*book.get(owner, ()), call)
    return MarginCallBook(book, stray)


def _unmet(call: MarginCall) -> Decimal:
    return call.call_amount - call.satisfied_amount


def _ids_by_number(accounts: Iterable[Account]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for account in accounts:
        inner = _NUMBER_IN_NAME.fullmatch(account.name)
        for number in (account.key.id, account.name, *(inner.groups() if inner else ())):
            found[number].add(account.key.id)
    return found

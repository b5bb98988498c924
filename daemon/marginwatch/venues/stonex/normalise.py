"""From StoneX Clearing's answers to one account's observation. Pure; never raises on any bytes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from marginwatch.core.model import Account, AccountKey, FailureKind, Normalised, Observation, VenueFailure
from marginwatch.venues.answer import Malformed
from marginwatch.venues.protocol import Part
from marginwatch.venues.stonex.balance_summary import read_balances
from marginwatch.venues.stonex.fields import BALANCES, CALLS, POSITIONS
from marginwatch.venues.stonex.position_summary import read_positions
from marginwatch.venues.stonex.said import said
from marginwatch.venues.stonex.told import Told
from marginwatch.venues.stonex.wire import parse_account_numbers, parse_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from marginwatch.core.model import Value
    from marginwatch.venues.protocol import Fetched
    from marginwatch.venues.stonex.wire import Envelope

CONFIGURED: Final = "configured accounts"
"""Stands in for the list of accounts that the venue does not offer."""


def normalise(fetched: Fetched, currency: str | None) -> Normalised:
    """What the answers say of one account, or which accounts are watched; `currency` is the config's."""
    if fetched.account is None:
        return _listing(fetched)
    positions = _told(fetched, fetched.account, POSITIONS, read_positions)
    balances = _told(fetched, fetched.account, BALANCES, read_balances)
    told = [part for part in (positions, balances) if isinstance(part, Told)]
    failures = tuple(part for part in (positions, balances) if isinstance(part, VenueFailure))
    if not told:
        return Normalised(failures=failures)
    fields = {name: value for part in told for name, value in part.fields.items()}
    rows = positions.positions if isinstance(positions, Told) else None
    fields |= _calls(fields) | _currency(rows, currency)
    observation = Observation(fetched.account, fetched.fetched_at, None, fields, rows, failures, fetched.optional)
    return Normalised(observations=(observation,))


def _listing(fetched: Fetched) -> Normalised:
    part = fetched.parts.get(CONFIGURED)
    if not isinstance(part, Part):
        return Normalised(failures=() if part is None else (part,))
    numbers = parse_account_numbers(part.body)
    if isinstance(numbers, Malformed):
        return Normalised(failures=(numbers.of(fetched.venue, CONFIGURED, part),))
    return Normalised(listing=tuple(Account(AccountKey(fetched.venue, number), number) for number in numbers))


def _told(
    fetched: Fetched, account: AccountKey, call: str, read: Callable[[msgspec.Raw, str], Told | Malformed]
) -> Told | VenueFailure:
    part = fetched.parts.get(call)
    if part is None:
        part = Part(b"", fetched.fetched_at)
    if isinstance(part, VenueFailure):
        return part
    envelope = parse_envelope(part.body)
    if isinstance(envelope, Malformed):
        return envelope.of(fetched.venue, call, part, account)
    if envelope.hasErrors:
        return _errors(envelope, account, call, part)
    if not isinstance(envelope.data, msgspec.Raw):
        return Malformed("Expected an object, got nothing", "data").of(fetched.venue, call, part, account)
    told = read(envelope.data, account.id)
    return told.of(fetched.venue, call, part, account) if isinstance(told, Malformed) else told


def _errors(envelope: Envelope, account: AccountKey, call: str, part: Part) -> VenueFailure:
    words = said(envelope)
    return VenueFailure(
        venue=account.venue,
        kind=words.kind or FailureKind.SERVER_ERROR,
        at=part.received_at,
        detail=f"{call} has errors" + (f": {words.message}" if words.message else ""),
        call=call,
        account=account,
        trace_id=words.trace_id,
    )


def _calls(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Whether a call is open and how large it is, over both answers.

    One amount above zero is enough to know that a call is open; that none is, and how large the largest is, is known
    only when every amount is. Null where one is null, and not there where one is missing.
    """
    names = [name for call in CALLS.values() for name in call]
    amounts = [fields[name] for name in names if name in fields]
    known = [amount for amount in amounts if isinstance(amount, Decimal)]
    if len(known) == len(names):
        largest = max(known)
        return {"in_margin_call": largest > 0, "call_amount": max(largest, Decimal(0))}
    unknown: dict[str, Value] = {} if len(amounts) < len(names) else {"in_margin_call": None, "call_amount": None}
    return unknown | ({"in_margin_call": True} if any(amount > 0 for amount in known) else {})


def _currency(positions: tuple[Mapping[str, Value], ...] | None, configured: str | None) -> dict[str, Value]:
    if configured is not None:
        return {"currency": configured}
    named = {str(row["currency"]) for row in positions or () if row.get("currency")}
    return {"currency": named.pop()} if len(named) == 1 else {}

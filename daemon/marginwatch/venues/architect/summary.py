"""From account summaries to rows by account, and from a row to fields and positions. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from marginwatch.core.fields import margin_usage
from marginwatch.core.model import AccountKey, VenueFailure
from marginwatch.venues.answer import Malformed, plain_text
from marginwatch.venues.architect.fields import AMOUNTS, COMMON_OF, LOT_AMOUNTS
from marginwatch.venues.architect.wire import (
    HISTORY,
    SUMMARIES,
    AccountPosition,
    AccountSummary,
    SummaryAccount,
    parse_history,
    parse_summaries,
    parse_summary,
    parse_summary_account,
    utc,
)
from marginwatch.venues.protocol import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import msgspec

    from marginwatch.core.model import Value


@dataclass(frozen=True, slots=True)
class Row:
    """One account's summary."""

    as_of: datetime
    fields: dict[str, Value]
    positions: tuple[Mapping[str, Value], ...] | None


@dataclass(frozen=True, slots=True)
class _Source:
    """One row and where it stands, to say so when it is malformed."""

    call: str
    raw: bytes | msgspec.Raw
    received_at: datetime
    place: str = ""

    def wrong(self, malformed: Malformed, account: AccountKey) -> VenueFailure:
        """The failure of this row; the row itself is kept, not the start of a long answer."""
        found = malformed.inside(self.place) if self.place else malformed
        return found.of(account.venue, self.call, Part(bytes(self.raw), self.received_at), account)


@dataclass(frozen=True, slots=True)
class Summaries:
    """The rows of one answer, and what became of the rest."""

    venue: str
    rows: Mapping[str, _Source | VenueFailure]
    """By account id. A row is read when it is asked for: those of a large login take much memory at once."""
    nameless: VenueFailure | None = None
    """A row that does not say whose it is; an account that seems to be left out may be in it."""

    def row(self, account: str) -> Row | VenueFailure | None:
        """The summary of the account of that id, None when it was left out."""
        found = self.rows.get(account)
        return _read_row(found, AccountKey(self.venue, account)) if isinstance(found, _Source) else found


def read_summaries(venue: str, part: Part) -> Summaries | VenueFailure:
    """Every row of an answer to `Folio/AccountSummaries`; a malformed row costs its own account only."""
    reply = parse_summaries(part.body)
    if isinstance(reply, Malformed):
        return reply.of(venue, SUMMARIES, part)
    rows: dict[str, _Source | VenueFailure] = {}
    nameless = None
    for index, raw in enumerate(reply.account_summaries):
        place = f"account_summaries[{index}]"
        whose = parse_summary_account(raw)
        if isinstance(whose, Malformed):
            nameless = whose.inside(place).of(venue, SUMMARIES, part)
            continue
        if whose.account in rows:
            twice = Malformed("the account stands in the answer twice", place)
            rows[whose.account] = twice.of(venue, SUMMARIES, part, AccountKey(venue, whose.account))
        else:
            rows[whose.account] = _Source(SUMMARIES, raw, part.received_at, place)
    return Summaries(venue, rows, nameless)


def named_accounts(part: Part) -> frozenset[str] | None:
    """Whose rows an answer to `Folio/AccountSummaries` holds; None when that cannot be read."""
    reply = parse_summaries(part.body)
    rows = [] if isinstance(reply, Malformed) else [parse_summary_account(raw) for raw in reply.account_summaries]
    named = frozenset(row.account for row in rows if isinstance(row, SummaryAccount))
    return None if isinstance(reply, Malformed) or any(isinstance(row, Malformed) for row in rows) else named


def read_summary(part: Part, call: str, account: AccountKey) -> Row | VenueFailure:
    """The answer to `Folio/AccountSummary`, which is one bare row."""
    return _read_row(_Source(call, part.body, part.received_at), account)


def read_history(part: Part, account: AccountKey) -> list[Row | VenueFailure] | VenueFailure:
    """The rows of an answer to `Folio/AccountHistory`, newest first as they come."""
    reply = parse_history(part.body)
    if isinstance(reply, Malformed):
        return reply.of(account.venue, HISTORY, part, account)
    return [
        _read_row(_Source(HISTORY, raw, part.received_at, f"history[{index}]"), account)
        for index, raw in enumerate(reply.history)
    ]


def _read_row(source: _Source, account: AccountKey) -> Row | VenueFailure:
    row = parse_summary(source.raw)
    if isinstance(row, Malformed):
        return source.wrong(row, account)
    if row.account != account.id:
        return source.wrong(Malformed("this is the summary of another account", "account"), account)
    as_of = utc(row.timestamp)
    if as_of is None:
        # Numbers that may be of any age must neither fire nor resolve anything.
        zoneless = Malformed("a time without a zone, so the age of the data is not known", "timestamp")
        return source.wrong(zoneless, account)
    return Row(as_of, _fields(row), _positions(row))


def _fields(row: AccountSummary) -> dict[str, Value]:
    amounts = {name: _plain(value) for name in AMOUNTS if (value := getattr(row, name)) is not UNSET}
    fields: dict[str, Value] = {**amounts}
    fields.update({COMMON_OF[name]: amount for name, amount in amounts.items() if name in COMMON_OF})
    for name, (left, right, formula) in _FORMULAS.items():
        if left in amounts and right in amounts:
            fields[name] = _apply(formula, amounts[left], amounts[right])
    return fields


_FORMULAS: Final[Mapping[str, tuple[str, str, Callable[[Decimal, Decimal], Decimal]]]] = {
    "margin_usage": ("total_margin", "equity", margin_usage),
    "margin_excess": ("equity", "total_margin", Decimal.__sub__),
    "day_pnl": ("equity", "yesterday_equity", Decimal.__sub__),
}


def _apply(
    formula: Callable[[Decimal, Decimal], Decimal], left: Decimal | None, right: Decimal | None
) -> Decimal | None:
    return None if left is None or right is None else formula(left, right)


def _plain(value: Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _positions(row: AccountSummary) -> tuple[dict[str, Value], ...] | None:
    if not isinstance(row.positions, dict):
        return None
    return tuple(_lot(symbol, lot) for symbol, lots in row.positions.items() for lot in lots)


def _lot(symbol: str, lot: AccountPosition) -> dict[str, Value]:
    fields: dict[str, Value] = {"symbol": plain_text(symbol)}
    for name in LOT_AMOUNTS:
        value = getattr(lot, name)
        if value is not UNSET:
            fields[name] = _plain(value)
    if lot.trade_time is None or (lot.trade_time is not UNSET and utc(lot.trade_time)):
        fields["trade_time"] = utc(lot.trade_time)
    return fields

"""From Helio's answers to one account's observation. Pure; never raises on any bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from marginwatch.core.fields import margin_usage
from marginwatch.core.model import Account, AccountKey, Normalised, Observation, VenueFailure
from marginwatch.venues.answer import Malformed, each, wrong_id
from marginwatch.venues.helio.documented import BUY, SELL, TRADE_STATUSES
from marginwatch.venues.helio.fields import BARE_METRICS, LOGIN, METRICS_CALL, PORTFOLIO_CALL
from marginwatch.venues.helio.wire import (
    parse_accounts,
    parse_metrics,
    parse_portfolio,
    read_metrics,
    read_portfolio,
    read_position,
)
from marginwatch.venues.protocol import Part
from marginwatch.venues.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marginwatch.core.model import Value
    from marginwatch.venues.protocol import Fetched

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = Decimal(10) ** 14
"""Milliseconds; a later time is a typing error."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one call says."""

    fields: dict[str, Value]
    """By the vendor's names."""
    positions: tuple[Mapping[str, Value], ...] | None = None
    as_of: datetime | None = None


def normalise(fetched: Fetched, globs: Sequence[str]) -> Normalised:
    """What the answers say of one account, or which accounts the login lists that the globs ask for."""
    if fetched.account is None:
        return _listing(fetched, globs)
    portfolio = _told(fetched, fetched.account, PORTFOLIO_CALL, _portfolio)
    metrics = None
    if METRICS_CALL not in fetched.optional:
        metrics = _told(fetched, fetched.account, METRICS_CALL, _metrics)
    failures = tuple(part for part in (portfolio, metrics) if isinstance(part, VenueFailure))
    told = [part for part in (portfolio, metrics) if isinstance(part, Told)]
    if not told:
        return Normalised(failures=failures)
    as_of = metrics.as_of if isinstance(metrics, Told) else None
    fields: dict[str, Value] = {}
    rows = None
    if isinstance(metrics, Told):
        fields |= _of_metrics(metrics.fields)
    if isinstance(portfolio, Told):
        fields |= _of_portfolio(portfolio.fields)
        rows = portfolio.positions
    observation = Observation(fetched.account, fetched.fetched_at, as_of, fields, rows, failures, fetched.optional)
    return Normalised(observations=(observation,))


def _listing(fetched: Fetched, globs: Sequence[str]) -> Normalised:
    part = fetched.parts.get(LOGIN)
    if not isinstance(part, Part):
        return Normalised(failures=() if part is None else (part,))
    rows = parse_accounts(part.body)
    if isinstance(rows, Malformed):
        return Normalised(failures=(rows.inside("accounts").of(fetched.venue, LOGIN, part),))
    ids = list(dict.fromkeys(str(row.id) for row in rows))
    wrong = next(filter(None, (wrong_id(account, "accounts") for account in ids)), None)
    if wrong is not None:
        return Normalised(failures=(wrong.of(fetched.venue, LOGIN, part),))
    listed = (Account(AccountKey(fetched.venue, account), account) for account in ids)
    return Normalised(listing=tuple(filter(Selection(globs), listed)))


def _told(
    fetched: Fetched, account: AccountKey, call: str, read: Callable[[bytes], Told | Malformed]
) -> Told | VenueFailure:
    part = fetched.parts.get(call, Part(b"", fetched.fetched_at))
    if isinstance(part, VenueFailure):
        return part
    told = read(part.body)
    if isinstance(told, Told) and told.fields.get("account_id", account.id) not in (account.id, None):
        told = Malformed("this is the answer for another account", "account_id")
    return told.of(fetched.venue, call, part, account) if isinstance(told, Malformed) else told


def _portfolio(body: bytes) -> Told | Malformed:
    portfolio = parse_portfolio(body)
    if isinstance(portfolio, Malformed):
        return portfolio
    fields = read_portfolio(portfolio, "")
    if isinstance(fields, Malformed):
        return fields
    if not fields:
        return Malformed("Expected a portfolio, got none of its fields")
    if portfolio.positions is UNSET or portfolio.positions is None:
        return Told(fields)
    rows = each(portfolio.positions, _position, "positions")
    return rows if isinstance(rows, Malformed) else Told(fields, tuple(rows))


def _position(row: Any, where: str) -> dict[str, Value] | Malformed:  # noqa: ANN401  (because its type is made from a table)
    position = read_position(row, where)
    if isinstance(position, Malformed):
        return position
    for common, name in (("symbol", "symbol_name"), ("unrealized_pnl", "profit")):
        if name in position:
            position[common] = position[name]
    if "units" in position and "side" in position:
        position["quantity"] = _signed(position["units"], position["side"])
    return position


def _signed(units: Value, side: Value) -> Decimal | None:
    sign = {BUY: 1, SELL: -1}.get(str(side))
    return units * sign if isinstance(units, Decimal) and sign is not None else None


def _metrics(body: bytes) -> Told | Malformed:
    metrics = parse_metrics(body)
    fields = metrics if isinstance(metrics, Malformed) else read_metrics(metrics, "")
    if isinstance(fields, Malformed):
        return fields
    if not fields:
        return Malformed("Expected metrics, got none of their fields")
    if isinstance(level := fields.get("margin_level"), Decimal):
        fields["margin_level"] = level.scaleb(-2)
    if not isinstance(taken := fields.pop("timestamp", None), Decimal):
        return Told(fields)
    if not 0 <= taken < _LATEST:
        return Malformed("Expected a time in milliseconds", "timestamp")
    as_of = _EPOCH + timedelta(milliseconds=int(taken))
    return Told(fields, as_of=as_of)


_SAME_IN_PORTFOLIO: Final = {
    "margin_used": "used_margin",
    "unrealized_pnl": "unrealized_pnl",
    "in_margin_call": "in_margin_call",
    "in_stop_out": "in_stop_out",
    "currency": "currency",
}
_SAME_IN_METRICS: Final = {"equity": "equity", "margin_used": "used_margin", "unrealized_pnl": "pnl"}
_CONVERTED: Final = ("margin_level",)


def _of_portfolio(told: Mapping[str, Value]) -> dict[str, Value]:
    fields = {**told, **{common: told[name] for common, name in _SAME_IN_PORTFOLIO.items() if name in told}}
    if "balance" in told and "unrealized_pnl" in told:
        fields["equity"] = _sum(told["balance"], told["unrealized_pnl"])
    if "status" in told:
        fields["trading_status"] = told["status"] if told["status"] in TRADE_STATUSES else None
    return fields | _margins(fields)


def _of_metrics(told: Mapping[str, Value]) -> dict[str, Value]:
    """The metrics by their own names and, for when there is no portfolio, by the common ones."""
    fields = {f"metrics.{name}": value for name, value in told.items()}
    fields |= {name: told[name] for name in (*BARE_METRICS, *_CONVERTED) if name in told}
    common = {name: told[theirs] for name, theirs in _SAME_IN_METRICS.items() if theirs in told}
    return fields | common | _margins(common)


def _margins(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Usage and excess from one call's figures, so never from figures of different times."""
    if "equity" not in fields or "margin_used" not in fields:
        return {}
    equity, used = fields["equity"], fields["margin_used"]
    if isinstance(equity, Decimal) and isinstance(used, Decimal):
        return {"margin_usage": margin_usage(used, equity), "margin_excess": equity - used}
    return {"margin_usage": None, "margin_excess": None}


def _sum(one: Value, other: Value) -> Decimal | None:
    return one + other if isinstance(one, Decimal) and isinstance(other, Decimal) else None

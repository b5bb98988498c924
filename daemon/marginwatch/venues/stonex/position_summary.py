"""What a position summary says: the account's value and its positions. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from marginwatch.venues.answer import Malformed, each
from marginwatch.venues.stonex.documented import UNREALIZED
from marginwatch.venues.stonex.fields import NESTED, nested_name
from marginwatch.venues.stonex.told import Told
from marginwatch.venues.stonex.wire import (
    parse_position_summary,
    read_portfolio,
    read_position_summary,
    read_unrealized,
)

if TYPE_CHECKING:
    import msgspec

    from marginwatch.core.model import Value

_NESTED_NAMES: Final = {field.name: nested_name(field.name) for field in UNREALIZED}


def read_positions(data: msgspec.Raw, account: str) -> Told | Malformed:
    """The `data` of the answer for that account; positions are None when the list is missing or null."""
    summary = parse_position_summary(data)
    if isinstance(summary, Malformed):
        return summary.inside("data")
    fields = read_position_summary(summary, "data")
    if isinstance(fields, Malformed):
        return fields
    if not fields and summary.portfolios is UNSET:
        return Malformed("Expected a position summary, got none of its fields", "data")
    number = fields.get("acctNo")
    if isinstance(number, str) and number.strip() != account:
        return Malformed("this is the answer for another account", "data.acctNo")
    if "gainLoss" in fields:
        fields["unrealized_pnl"] = fields["gainLoss"]
    if summary.portfolios is UNSET or summary.portfolios is None:
        return Told(fields)
    rows = each(summary.portfolios, _position, "data.portfolios")
    return rows if isinstance(rows, Malformed) else Told(fields, tuple(rows))


def _position(row: Any, where: str) -> dict[str, Value] | Malformed:  # noqa: ANN401  (because its type is made from a table)
    position = read_portfolio(row, where)
    nested = getattr(row, NESTED)
    if isinstance(position, Malformed) or nested is UNSET or nested is None:
        return position
    inner = read_unrealized(nested, f"{where}.{NESTED}")
    if isinstance(inner, Malformed):
        return inner
    position |= {_NESTED_NAMES[name]: value for name, value in inner.items()}
    if "totalUnrealizedAmount" in inner:
        position["unrealized_pnl"] = inner["totalUnrealizedAmount"]
    return position

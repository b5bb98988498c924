"""What a balance summary says: equity, margin, cash and open calls. Pure."""

from __future__ import annotations

from decimal import Decimal
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from marginwatch.core.fields import margin_usage
from marginwatch.venues.answer import Malformed, each
from marginwatch.venues.stonex.fields import BLOCKS, bare_names
from marginwatch.venues.stonex.told import Told
from marginwatch.venues.stonex.wire import parse_balance_summary, read_block, read_requirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

    from marginwatch.core.model import Value

_BARE_NAMES: Final = {block: bare_names(block) for block in BLOCKS}
_COMMON_OF: Final = {
    "equity": "marginBalance.equity",
    "margin_excess": "marginBalance.houseExcess",
    "buying_power": "marginBalance.marginBuyingPower",
    "cash": "availableWithdrawal.freeCash",
    "fed_call": "openCall.federalCall",
    "maintenance_call": "openCall.maintenanceCall",
    "day_trade_call": "openCall.dayTradeCall",
}


def read_balances(data: msgspec.Raw, _account: str) -> Told | Malformed:
    """The `data` of the answer, which does not say whose it is."""
    summary = parse_balance_summary(data)
    if isinstance(summary, Malformed):
        return summary.inside("data")
    fields: dict[str, Value] = {}
    for block, read in read_block.items():
        message = getattr(summary, block)
        inner = {} if message is UNSET or message is None else read(message, f"data.{block}")
        if isinstance(inner, Malformed):
            return inner
        fields |= {intern(f"{block}.{name}"): value for name, value in inner.items()}  # one name for all accounts
        fields |= {name: inner[name] for name in _BARE_NAMES[block] if name in inner}
    fields |= {name: fields[path] for name, path in _COMMON_OF.items() if path in fields}
    used = _margin_used(summary)
    if not fields and used == {}:
        return Malformed("Expected a balance summary, got none of its fields", "data")
    if isinstance(used, Malformed):
        return used
    return Told(fields | used | _usage(fields | used))


def _margin_used(summary: Any) -> dict[str, Value] | Malformed:  # noqa: ANN401  (because its type is made from a table)
    """The sum of the rows: null when one of them is, and not there when the list or one of its figures is missing."""
    if summary.marginRequirements is UNSET:
        return {}
    rows = each(summary.marginRequirements or (), read_requirement, "data.marginRequirements")
    if isinstance(rows, Malformed):
        return rows
    if not all("houseRequirement" in row for row in rows):
        return {}
    amounts = [row["houseRequirement"] for row in rows]
    known = [amount for amount in amounts if isinstance(amount, Decimal)]
    complete = summary.marginRequirements is not None and len(known) == len(amounts)
    return {"margin_used": sum(known, Decimal(0)) if complete else None}


def _usage(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Margin usage from this one answer, so never from figures of different times."""
    if "equity" not in fields or "margin_used" not in fields:
        return {}
    used, equity = fields["margin_used"], fields["equity"]
    if isinstance(used, Decimal) and isinstance(equity, Decimal):
        return {"margin_usage": margin_usage(used, equity)}
    return {"margin_usage": None}

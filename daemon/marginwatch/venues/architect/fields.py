"""Every name a rule may use at Architect, with its unit and the place it is read from.

The vendor's meanings are those of https://docs.architect.co/sdk-reference/portfolio-management and of the schema of
its messages.
"""

from __future__ import annotations

from typing import Final

from marginwatch.core.fields import Field, Unit, catalogue
from marginwatch.venues.architect.wire import ACCOUNTS, MARGIN_CALLS, SUMMARIES

KIND: Final = "architect"

_ROW: Final = f"{SUMMARIES}:account_summaries[]."
_LISTED: Final = f"{ACCOUNTS}:accounts[]."
_CALLS: Final = f"{MARGIN_CALLS}:margin_calls[]."
_LOT: Final = f"{_ROW}positions[][]."

AMOUNTS: Final = (
    "equity",
    "yesterday_equity",
    "cash_excess",
    "available_margin",
    "excess_liquidity",
    "purchasing_power",
    "position_margin",
    "total_margin",
    "realized_pnl",
    "unrealized_pnl",
)
"""The amounts of an account summary, by the vendor's names, all of them names in rules."""

COMMON_OF: Final = {"total_margin": "margin_used", "cash_excess": "cash", "purchasing_power": "buying_power"}
"""The common name of an amount, where it is another."""

LOT_AMOUNTS: Final = ("quantity", "cost_basis", "break_even_price", "liquidation_price", "unrealized_pnl")
"""The numbers of a position."""

PERMISSIONS: Final = ("list", "view", "trade", "reduce_or_close", "set_limits")
"""The vendor's five permissions."""


def _money(name: str, source: str, meaning: str) -> Field:
    return Field(
        name,
        Unit.MONEY,
        _ROW + source,
        meaning,
        may_be_absent=True,
        documented="" if source == name else source,
    )


def _formula(name: str, unit: Unit, path: str, meaning: str) -> Field:
    return Field(name, unit, path, meaning, may_be_absent=True)


def _permission(name: str, meaning: str) -> Field:
    return Field(f"permissions.{name}", Unit.FLAG, f"{_LISTED}permissions.{name}", meaning)


def _lot(name: str, unit: Unit, meaning: str) -> Field:
    return Field(name, unit, _LOT + name, meaning, may_be_absent=name not in {"symbol", "quantity"})


_COMMON: Final = [
    _money("equity", "equity", "Total equity of the account, its net liquidation value."),
    _money("margin_used", "total_margin", "Margin required by positions and working orders."),
    _formula(
        "margin_usage",
        Unit.RATIO,
        f"{_ROW}total_margin / equity",
        "Margin required as a part of equity; the worst ratio when equity is gone while margin is in use.",
    ),
    _formula(
        "margin_excess",
        Unit.MONEY,
        f"{_ROW}equity - total_margin",
        "Equity left over margin, negative when margin is not covered; the vendor's excess_liquidity stops at zero.",
    ),
    _money("buying_power", "purchasing_power", "Purchasing power; newer servers no longer send it."),
    _money("cash", "cash_excess", "Cash that can be withdrawn."),
    _money("unrealized_pnl", "unrealized_pnl", "Profit or loss of open positions, marked to market."),
    _money("realized_pnl", "realized_pnl", "Profit or loss realised since the trading day began."),
    _formula(
        "day_pnl",
        Unit.MONEY,
        f"{_ROW}equity - yesterday_equity",
        "Change of equity since the prior day's close, deposits and withdrawals included.",
    ),
    _formula(
        "in_margin_call",
        Unit.FLAG,
        f"{_CALLS}call_amount - satisfied_amount > 0",
        "Whether any margin call is not fully met, where the server reports margin calls.",
    ),
    _formula(
        "call_amount",
        Unit.MONEY,
        f"{_CALLS}call_amount - satisfied_amount",
        "What is still to be met over all open margin calls, 0 without one.",
    ),
    Field(
        "trading_enabled", Unit.FLAG, f"{_LISTED}trading_enabled", "Whether orders are accepted.", may_be_absent=True
    ),
    Field("permissions", Unit.SET, f"{_LISTED}permissions", "The permissions this login has on the account."),
    _permission("list", "May know of the account, not of its balances or positions."),
    _permission("view", "May see the account with its balances and positions."),
    _permission("trade", "May send orders."),
    _permission("reduce_or_close", "May send orders that reduce or close, as a risk manager does."),
    _permission("set_limits", "May set and change the account's risk limits."),
    Field(
        "currency",
        Unit.TEXT,
        "config:currency",
        "The currency the config names for this login; the venue names none.",
        may_be_absent=True,
    ),
    Field("age", Unit.DURATION, f"{_ROW}timestamp", "How old the snapshot is.", documented="timestamp"),
]

_VENDOR: Final = [
    _money("total_margin", "total_margin", "Margin required by positions and working orders."),
    _money("position_margin", "position_margin", "Margin required by positions only."),
    _money("yesterday_equity", "yesterday_equity", "Equity at the prior day's close; not every venue provides it."),
    _money("cash_excess", "cash_excess", "Cash that can be withdrawn."),
    _money("available_margin", "available_margin", "Basis for new risk, before the margin rate of an instrument."),
    _money("excess_liquidity", "excess_liquidity", "Buffer over maintenance margin, never below zero."),
    _money("purchasing_power", "purchasing_power", "Purchasing power; newer servers no longer send it."),
    Field("timestamp", Unit.TIME, f"{_ROW}timestamp", "When the venue took the snapshot."),
    Field("trader", Unit.TEXT, f"{_LISTED}trader", "Id of the user the permissions belong to.", may_be_absent=True),
    _formula(
        "margin_calls",
        Unit.COUNT,
        f"{_CALLS}call_amount - satisfied_amount > 0",
        "How many margin calls are not fully met.",
    ),
    _formula("due_date", Unit.TIME, f"{_CALLS}due_date", "When the first of the open margin calls is due."),
]

_POSITIONS: Final = [
    _lot("symbol", Unit.TEXT, "The product, for example MGC 20250626 CME Future/USD."),
    _lot("quantity", Unit.QUANTITY, "Signed quantity of the lot, negative when short."),
    _lot("cost_basis", Unit.PRICE, "Entry price of one unit."),
    _lot("break_even_price", Unit.PRICE, "Price at which the lot makes neither profit nor loss."),
    _lot("liquidation_price", Unit.PRICE, "Price at which the venue would close the lot."),
    _lot("unrealized_pnl", Unit.MONEY, "Profit or loss of the lot, marked to market."),
    _lot("trade_time", Unit.TIME, "When the lot was traded; what exactly this means differs between clearers."),
]

CATALOGUE: Final = catalogue(KIND, [*_COMMON, *_VENDOR], _POSITIONS)
"""Common names first, then the vendor's own."""

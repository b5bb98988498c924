"""Helio's own fields, call by call, as its pages have them.

Portfolio: https://docs.helio.trade/trader/api/trading/get-portfolio, metrics:
https://docs.helio.trade/llms/trader/api/trading/get-account-metrics.md.
"""

from __future__ import annotations

from typing import Final

from marginwatch.venues.vendor import Documented, flag, money, number, price, quantity, text, time

UNSPECIFIED: Final = "TRADE_STATUS_UNSPECIFIED"
TRADE_STATUSES: Final = (
    "TRADE_STATUS_FULL",
    "TRADE_STATUS_CLOSE_ONLY",
    "TRADE_STATUS_DISABLED",
    "TRADE_STATUS_LONG_ONLY",
)
"""What the account may do; another word, or `UNSPECIFIED`, says that it is not known."""

BUY: Final = "TRADE_SIDE_BUY"
SELL: Final = "TRADE_SIDE_SELL"

PORTFOLIO: Final[tuple[Documented, ...]] = (
    text("account_id", "Id of the account."),
    text("currency", "Currency of the account."),
    money("balance", "Balance without open positions."),
    money("unrealized_pnl", "Profit or loss of open positions."),
    money("used_margin", "Margin in use."),
    flag("in_margin_call", "Whether the account is in a margin call."),
    flag("in_stop_out", "Whether the account is being stopped out."),
    text("status", "What the account may do, in the venue's word.", (*TRADE_STATUSES, UNSPECIFIED)),
)

METRICS: Final[tuple[Documented, ...]] = (
    text("account_id", "Id of the account."),
    money("pnl", "Profit or loss of open positions."),
    money("equity", "Balance with open positions."),
    money("balance", "Balance without open positions."),
    money("used_margin", "Margin in use."),
    money("free_margin", "Margin that is free."),
)
"""Without `timestamp`, which is in milliseconds, and `margin_level`, which is in per cent: both are converted."""

TIMESTAMP: Final = number("timestamp", "When the metrics were taken.")
MARGIN_LEVEL: Final = number(
    "margin_level", "Equity as a part of used margin; the vendor does not say what it is while no margin is used."
)

POSITION: Final[tuple[Documented, ...]] = (
    text("id", "Id of the position."),
    text("symbol_id", "Id of the symbol."),
    text("account_id", "Id of the account."),
    text("order_id", "Id of the order that opened it."),
    text("symbol_name", "Name of the symbol."),
    price("open_price", "Price it was opened at."),
    price("close_price", "Price it was closed at; of an open position, likely its current price."),
    text("side", "Side.", (BUY, SELL, "TRADE_SIDE_UNSPECIFIED")),
    text(
        "status",
        "Status of the position.",
        (
            "POSITION_STATUS_OPEN",
            "POSITION_STATUS_CLOSED",
            "POSITION_STATUS_CANCELLED",
            "POSITION_STATUS_UNSPECIFIED",
        ),
    ),
    flag("is_closing", "Whether it is being closed."),
    money("commission", "Commission."),
    money("swap", "Swap."),
    money("profit", "Profit or loss."),
    quantity("units", "Units of the instrument, without sign."),
    quantity("qty", "Lots, without sign."),
    quantity("qty_closed", "Lots closed."),
    text("comment", "Comment."),
    time("created_at", "When it was opened."),
    time("updated_at", "When it was last changed."),
    money("funding_accrued", "Funding accrued."),
)

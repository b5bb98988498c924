"""A realistic observation with every field of the catalogue, to try message templates on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.model import AccountKey, Observation
from marginwatch.venues.architect.fields import KIND, PERMISSIONS

if TYPE_CHECKING:
    from marginwatch.core.model import Value

_AS_OF: Final = datetime(2025, 5, 15, 22, 32, 21, 222906, tzinfo=UTC)

_FIELDS: Final[dict[str, Value]] = {
    "equity": Decimal("5754.59"),
    "margin_used": Decimal(1650),
    "margin_usage": Decimal("0.2867"),
    "margin_excess": Decimal("4104.59"),
    "buying_power": Decimal("5447.59"),
    "cash": Decimal("4104.59"),
    "unrealized_pnl": Decimal("-120.5"),
    "realized_pnl": Decimal(0),
    "day_pnl": Decimal("-245.41"),
    "in_margin_call": True,
    "call_amount": Decimal(1500),
    "trading_enabled": True,
    "permissions": frozenset(PERMISSIONS),
    **{f"permissions.{name}": True for name in PERMISSIONS},
    "currency": "USD",
    "age": Decimal(2),
    "total_margin": Decimal(1650),
    "position_margin": Decimal(1650),
    "yesterday_equity": Decimal(6000),
    "cash_excess": Decimal("4104.59"),
    "available_margin": Decimal("4104.59"),
    "excess_liquidity": Decimal("4104.59"),
    "purchasing_power": Decimal("5447.59"),
    "timestamp": _AS_OF,
    "trader": "00000000-0000-0000-0000-000000000000",
    "margin_calls": Decimal(1),
    "due_date": datetime(2025, 5, 16, tzinfo=UTC),
}

SAMPLE: Final = Observation(
    account=AccountKey(KIND, "00000000-0000-0000-0000-000000000000"),
    fetched_at=datetime(2025, 5, 15, 22, 32, 23, tzinfo=UTC),
    as_of=_AS_OF,
    fields=_FIELDS,
    positions=(
        {
            "symbol": "MGC 20250626 CME Future/USD",
            "quantity": Decimal(1),
            "cost_basis": Decimal("3279.2"),
            "break_even_price": Decimal("3280.1"),
            "liquidation_price": Decimal("2868.8"),
            "unrealized_pnl": Decimal("-120.5"),
            "trade_time": datetime(2025, 5, 15, 14, 3, 11, tzinfo=UTC),
        },
    ),
)

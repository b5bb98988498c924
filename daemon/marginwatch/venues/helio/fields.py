"""Every name a rule may use at Helio, with its unit and the place it is read from."""

from __future__ import annotations

from typing import Final

from marginwatch.core.fields import DAY_PNL, Catalogue, Field, Unit, catalogue
from marginwatch.venues.helio.documented import METRICS, PORTFOLIO, POSITION, TRADE_STATUSES

KIND: Final = "helio"

LOGIN: Final = "login"
PORTFOLIO_CALL: Final = "portfolio"
METRICS_CALL: Final = "metrics"

_PORTFOLIO: Final = f"{PORTFOLIO_CALL}:"
_METRICS: Final = f"{METRICS_CALL}:"
_ROW: Final = f"{PORTFOLIO_CALL}:positions[]."
_EQUITY: Final = "balance + unrealized_pnl"


def _common(name: str, unit: Unit, path: str, meaning: str) -> Field:
    return Field(name, unit, path, meaning, may_be_absent=True)


_COMMON: Final = [
    _common("equity", Unit.MONEY, _PORTFOLIO + _EQUITY, "Balance with open positions, as metrics.equity is defined."),
    _common("margin_used", Unit.MONEY, f"{_PORTFOLIO}used_margin", "Margin in use."),
    _common(
        "margin_usage",
        Unit.RATIO,
        f"{_PORTFOLIO}used_margin / ({_EQUITY})",
        "Margin in use as a part of equity; the worst ratio when equity is gone while margin is in use.",
    ),
    _common(
        "margin_excess", Unit.MONEY, f"{_PORTFOLIO}{_EQUITY} - used_margin", "Equity left over margin, may be negative."
    ),
    _common("unrealized_pnl", Unit.MONEY, f"{_PORTFOLIO}unrealized_pnl", "Profit or loss of open positions."),
    _common("in_margin_call", Unit.FLAG, f"{_PORTFOLIO}in_margin_call", "Whether the account is in a margin call."),
    _common("in_stop_out", Unit.FLAG, f"{_PORTFOLIO}in_stop_out", "Whether the account is being stopped out."),
    Field(
        "trading_status",
        Unit.TEXT,
        f"{_PORTFOLIO}status",
        "What the account may do; unknown when the venue gives a word that it does not document.",
        may_be_absent=True,
        documented="status",
        values=TRADE_STATUSES,
    ),
    _common("currency", Unit.TEXT, f"{_PORTFOLIO}currency", "Currency of the account."),
    _common("age", Unit.DURATION, f"{_METRICS}timestamp", "How old the metrics are, where the venue has metrics."),
]

_COMMON_NAMES: Final = frozenset(field.name for field in _COMMON)
_PORTFOLIO_NAMES: Final = _COMMON_NAMES | {field.name for field in PORTFOLIO}

BARE_METRICS: Final = tuple(field.name for field in METRICS if field.name not in _PORTFOLIO_NAMES)
"""The metrics that a rule may name without `metrics.`, for nothing else has the name."""

_LEVEL: Final = (
    "Equity as a part of used margin: the wire's 400 is 400%. Not documented for an account without used margin."
)


def _converted() -> list[Field]:
    """What is not read as the wire has it."""
    taken = "When the metrics were taken; the wire has milliseconds."
    level = f"{_METRICS}margin_level"
    return [
        Field("timestamp", Unit.TIME, f"{_METRICS}timestamp", taken, may_be_absent=True),
        Field("margin_level", Unit.RATIO, level, _LEVEL, may_be_absent=True),
        Field("metrics.margin_level", Unit.RATIO, level, _LEVEL, may_be_absent=True, documented="margin_level"),
    ]


_VENDOR: Final = [
    *(field.field(_PORTFOLIO) for field in PORTFOLIO if field.name not in _COMMON_NAMES),
    *(field.field(_METRICS) for field in METRICS if field.name in BARE_METRICS),
    *(field.field(_METRICS, name=f"metrics.{field.name}") for field in METRICS),
    *_converted(),
]

_POSITIONS: Final = [
    *(field.field(_ROW) for field in POSITION),
    _common("symbol", Unit.TEXT, f"{_ROW}symbol_name", "Name of the symbol."),
    _common("quantity", Unit.QUANTITY, f"{_ROW}units, side", "Units, negative when sold; unknown without a side."),
    _common("unrealized_pnl", Unit.MONEY, f"{_ROW}profit", "Profit or loss."),
]

CATALOGUE: Final[Catalogue] = catalogue(KIND, [*_COMMON, *_VENDOR], _POSITIONS, [DAY_PNL])
"""Common names first, then the vendor's own."""

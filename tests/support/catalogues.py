"""Three small field catalogues, shaped like those of the real venues."""

from __future__ import annotations

from dataclasses import replace

from marginwatch.core.fields import Catalogue, Field, Unit, catalogue


def _field(name: str, unit: Unit, *values: str) -> Field:
    return Field(name, unit, f"reply:{name}", f"The {name}.", values=values)


def _money(*names: str) -> list[Field]:
    return [_field(name, Unit.MONEY) for name in names]


FUTURES: Catalogue = catalogue(
    "futures",
    [
        *_money("equity", "margin_used", "margin_excess", "unrealized_pnl", "day_pnl", "call_amount", "total_margin"),
        _field("margin_usage", Unit.RATIO),
        _field("in_margin_call", Unit.FLAG),
        _field("trading_enabled", Unit.FLAG),
        _field("permissions", Unit.SET),
        _field("permissions.trade", Unit.FLAG),
        _field("age", Unit.DURATION),
        _field("timestamp", Unit.TIME),
    ],
    [_field("symbol", Unit.TEXT), _field("quantity", Unit.QUANTITY), _field("unrealized_pnl", Unit.MONEY)],
)
CLEARING: Catalogue = catalogue(
    "clearing",
    [
        *_money("equity", "margin_excess", "unrealized_pnl", "fed_call", "fedCallAmount", "openCall.accumFedAmount"),
        _field("margin_usage", Unit.RATIO),
        _field("in_margin_call", Unit.FLAG),
    ],
    [
        _field("symbol", Unit.TEXT),
        _field("quantity", Unit.QUANTITY),
        _field("price", Unit.PRICE),
        *_money("marketUsdeValue"),
        replace(_field("marketValue", Unit.MONEY), converted="marketUsdeValue"),
    ],
)
MARGIN_FX: Catalogue = catalogue(
    "fx",
    [
        *_money("equity", "margin_used", "margin_excess", "unrealized_pnl", "balance"),
        _field("margin_usage", Unit.RATIO),
        _field("in_margin_call", Unit.FLAG),
        _field("in_stop_out", Unit.FLAG),
        _field("trading_status", Unit.TEXT, "FULL", "CLOSE_ONLY", "DISABLED"),
        _field("currency", Unit.TEXT),
    ],
    [_field("symbol_name", Unit.TEXT), _field("qty", Unit.QUANTITY), _field("profit", Unit.MONEY)],
)
CATALOGUES = {known.kind: known for known in (FUTURES, CLEARING, MARGIN_FX)}
VENUES = {"desk": "futures", "clearer": "clearing", "london": "fx"}
"""One configured venue of each kind."""

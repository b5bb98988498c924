"""Every name a rule may use at StoneX Clearing, with its unit and the place it is read from."""

from __future__ import annotations

from typing import Final

from marginwatch.core.fields import DAY_PNL, Catalogue, Field, Unit, catalogue
from marginwatch.venues.stonex.documented import (
    AVAILABLE_WITHDRAWAL,
    MARGIN_BALANCE,
    OPEN_CALL,
    PORTFOLIO,
    POSITION_SUMMARY,
    UNREALIZED,
)

KIND: Final = "stonex"

POSITIONS: Final = "position-summary"
BALANCES: Final = "balance-summary"

BLOCKS: Final = {
    "marginBalance": MARGIN_BALANCE,
    "availableWithdrawal": AVAILABLE_WITHDRAWAL,
    "openCall": OPEN_CALL,
}
"""The objects of a balance summary whose scalars are names in rules, as `openCall.federalCall`."""

CALLS: Final = {
    POSITIONS: ("fedCallAmount", "maintCallAmount", "accumFedAmount"),
    BALANCES: (
        "openCall.federalCall",
        "openCall.maintenanceCall",
        "openCall.dayTradeCall",
        "openCall.accumFedAmount",
    ),
}
"""Every amount that says a margin call is open, by the call that tells it. They overlap, so they are never added."""

NESTED: Final = "unrealizedGainLoss"
"""The object inside a position."""

_DATA: Final = f"{POSITIONS}:data."
_ROW: Final = f"{_DATA}portfolios[]."
_BALANCE: Final = f"{BALANCES}:data."
_OPEN: Final = f"{_BALANCE}openCall."
_HOUSE: Final = "sum of marginRequirements[].houseRequirement"
_ANY_CALL: Final = f"{_OPEN}*, {_DATA}fedCallAmount, {_DATA}maintCallAmount, {_DATA}accumFedAmount"


def _common(name: str, unit: Unit, path: str, meaning: str) -> Field:
    return Field(name, unit, path, meaning, may_be_absent=True)


_COMMON: Final = [
    _common("equity", Unit.MONEY, f"{_BALANCE}marginBalance.equity", "Margin equity."),
    _common(
        "margin_used",
        Unit.MONEY,
        f"{_BALANCE}{_HOUSE}",
        "The house's margin requirement over all positions, 0 without.",
    ),
    _common(
        "margin_usage",
        Unit.RATIO,
        f"{_BALANCE}({_HOUSE}) / marginBalance.equity",
        "Margin requirement as a part of equity; the worst ratio when equity is gone while margin is required.",
    ),
    _common(
        "margin_excess", Unit.MONEY, f"{_BALANCE}marginBalance.houseExcess", "Excess over the house's requirement."
    ),
    _common("buying_power", Unit.MONEY, f"{_BALANCE}marginBalance.marginBuyingPower", "Buying power on margin."),
    _common("cash", Unit.MONEY, f"{_BALANCE}availableWithdrawal.freeCash", "Free cash that can be withdrawn."),
    _common("unrealized_pnl", Unit.MONEY, f"{_DATA}gainLoss", "Gain or loss in the value of what is held."),
    _common(
        "in_margin_call",
        Unit.FLAG,
        f"any of {_ANY_CALL} > 0",
        "Whether any amount of a call is open; derived, for the venue has no such flag.",
    ),
    _common(
        "call_amount",
        Unit.MONEY,
        f"largest of {_ANY_CALL}",
        "The largest amount of a call, 0 without one; the amounts overlap, so they are not added.",
    ),
    _common("fed_call", Unit.MONEY, f"{_OPEN}federalCall", "Federal call outstanding."),
    _common("maintenance_call", Unit.MONEY, f"{_OPEN}maintenanceCall", "Maintenance call outstanding."),
    _common("day_trade_call", Unit.MONEY, f"{_OPEN}dayTradeCall", "Day trade call outstanding."),
    _common(
        "currency",
        Unit.TEXT,
        f"config:currency, else {_ROW}currency",
        "The currency the config names, else the one all positions share.",
    ),
]

_POSITION_NAMES: Final = frozenset(row.name for row in PORTFOLIO)
_SCALAR_NAMES: Final = frozenset({field.name for field in POSITION_SUMMARY} | {field.name for field in _COMMON})


def nested_name(name: str) -> str:
    """What a rule calls a scalar of `unrealizedGainLoss`: its own name, or its path where the position has it too."""
    return f"{NESTED}.{name}" if name in _POSITION_NAMES else name


def bare_names(block: str) -> tuple[str, ...]:
    """The scalars of a balance summary's object that a rule may name without it, for nothing else has the name."""
    elsewhere = _SCALAR_NAMES.union(*({field.name for field in BLOCKS[other]} for other in BLOCKS if other != block))
    return tuple(field.name for field in BLOCKS[block] if field.name not in elsewhere)


def _of_balances() -> list[Field]:
    found = []
    for block, table in BLOCKS.items():
        prefix, bare = f"{_BALANCE}{block}.", bare_names(block)
        found += [field.field(prefix, name=f"{block}.{field.name}") for field in table]
        found += [field.field(prefix) for field in table if field.name in bare]
    return found


_POSITION_FIELDS: Final = [
    *(field.field(_ROW) for field in PORTFOLIO),
    *(field.field(f"{_ROW}{NESTED}.", name=nested_name(field.name)) for field in UNREALIZED),
    _common(
        "unrealized_pnl", Unit.MONEY, f"{_ROW}{NESTED}.totalUnrealizedAmount", "Total unrealized gain or loss of it."
    ),
]

CATALOGUE: Final[Catalogue] = catalogue(
    KIND,
    [*_COMMON, *(field.field(_DATA) for field in POSITION_SUMMARY), *_of_balances()],
    _POSITION_FIELDS,
    [DAY_PNL],
)
"""Common names first, then the vendor's own."""

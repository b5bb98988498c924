"""The demo's scenario: ninety seconds in which seven accounts at three venues see everything that can go wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from marginwatch.simulator import architect, helio, stonex
from marginwatch.simulator.faults import EVERY_CALL, Fault, FaultKind
from marginwatch.simulator.scenario import Scenario, Step
from marginwatch.simulator.world import ALL_PERMISSIONS, SimAccount, SimMarginCall, SimPosition

HARBOR: Final = "3f6c0a52-9d1e-4a6b-8f27-5b0f1c7a9e01"
RIDGE: Final = "3f6c0a52-9d1e-4a6b-8f27-5b0f1c7a9e02"
LOWLAND: Final = "40017731"
MERIDIAN: Final = "40018265"
TIDEWATER: Final = "acc_104211"
NORTHGATE: Final = "acc_104388"
SUMMIT: Final = "acc_104502"


def _money(**amounts: int) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def _position(symbol: str, quantity: str, opened: str, price: str, margin: str) -> SimPosition:
    held, cost, now = Decimal(quantity), Decimal(opened), Decimal(price)
    return SimPosition(
        id=f"pos_{symbol.split(' ', maxsplit=1)[0].lower()}",
        symbol=symbol,
        quantity=held,
        open_price=cost,
        price=now,
        margin=Decimal(margin),
        unrealized_pnl=held * (now - cost),
        market_value=held * now,
    )


def _account(
    where: tuple[str, str], name: str, *positions: SimPosition, equity: int, margin: int = 0, pnl: int = 0
) -> SimAccount:
    venue, account_id = where
    return SimAccount(
        venue,
        account_id,
        name,
        equity=Decimal(equity),
        margin_used=Decimal(margin),
        unrealized_pnl=Decimal(pnl),
        yesterday_equity=Decimal(equity - pnl),
        positions=positions,
    )


_ACCOUNTS: Final = (
    _account(
        (architect.VENUE, HARBOR),
        "STONEX:104422/Harbor",
        _position("MGC 20261229 CME Future/USD", "12", "2391.4", "2401.2", "90000"),
        equity=250_000,
        margin=140_000,
        pnl=12_000,
    ),
    _account(
        (architect.VENUE, RIDGE),
        "DORMAN:77310R/Ridge",
        _position("ES 20261218 CME Future/USD", "-1", "5988.25", "5990", "22000"),
        equity=80_000,
        margin=22_000,
        pnl=-400,
    ),
    _account(
        (stonex.VENUE, LOWLAND),
        "Lowland Partners LP",
        _position("ACME", "6000", "88.10", "91.40", "164000"),
        _position("GLOBEX", "2500", "120.00", "118.75", "83000"),
        equity=412_000,
        margin=247_000,
        pnl=31_000,
    ),
    _account(
        (stonex.VENUE, MERIDIAN),
        "Meridian Family Trust",
        _position("INITECH", "9000", "71.00", "77.00", "310000"),
        equity=1_150_000,
        margin=310_000,
        pnl=54_000,
    ),
    _account(
        (helio.VENUE, TIDEWATER),
        "Tidewater FX",
        _position("EURUSD", "300000", "1.0862", "1.0850", "11000"),
        equity=20_000,
        margin=11_000,
        pnl=-350,
    ),
    _account(
        (helio.VENUE, NORTHGATE),
        "Northgate FX",
        _position("XAUUSD", "20", "2385", "2396", "9000"),
        equity=54_000,
        margin=9_000,
        pnl=220,
    ),
    _account((helio.VENUE, SUMMIT), "Summit FX", equity=8_000),
)

_CALL: Final = SimMarginCall("MAINTENANCE", Decimal(25_000), due_date=timedelta(days=3))
_OUTAGE: Final = Fault(FaultKind.STATUS, status=503, message="Service Unavailable")

_FUTURES: Final = (
    Step(
        18,
        architect.VENUE,
        HARBOR,
        since=4,
        drift=_money(margin_used=188_000, equity=222_000, unrealized_pnl=-16_000),
        note="Architect: margin usage of Harbor passes 80% and goes on rising",
    ),
    Step(
        28,
        architect.VENUE,
        HARBOR,
        drift=_money(margin_used=196_000, equity=208_000, unrealized_pnl=-30_000),
        note="Architect: Harbor is at 94%",
    ),
    Step(
        31,
        architect.VENUE,
        HARBOR,
        change={"margin_calls": (_CALL,)},
        note="Architect: a margin call of 25,000 is raised on Harbor",
    ),
    Step(
        36,
        architect.VENUE,
        RIDGE,
        change={"permissions": ALL_PERMISSIONS - {"trade"}, "trading_enabled": False},
        note="Architect: this login loses its permission to trade on Ridge",
    ),
    Step(
        46,
        architect.VENUE,
        HARBOR,
        change={"margin_calls": (SimMarginCall("MAINTENANCE", _CALL.call_amount, Decimal(10_000), _CALL.due_date),)},
        note="Architect: 10,000 of the margin call is met",
    ),
    Step(
        58,
        architect.VENUE,
        HARBOR,
        since=48,
        drift=_money(margin_used=120_000, equity=236_000, unrealized_pnl=-2_000),
        change={"margin_calls": ()},
        note="Architect: the rest is met and positions are cut",
    ),
    Step(
        62,
        architect.VENUE,
        RIDGE,
        change={"permissions": ALL_PERMISSIONS, "trading_enabled": True},
        note="Architect: the permission to trade on Ridge is back",
    ),
)

_CLEARING: Final = (
    Step(
        14,
        stonex.VENUE,
        LOWLAND,
        change=_money(fed_call=15_000),
        note="StoneX: a federal call of 15,000 is raised on Lowland",
    ),
    Step(
        24,
        stonex.VENUE,
        LOWLAND,
        since=6,
        drift=_money(margin_used=338_000, equity=402_000, unrealized_pnl=21_000),
        change=_money(fed_call=6_000),
        note="StoneX: 9,000 of the federal call is met, while margin usage of Lowland passes 84%",
    ),
    Step(
        30,
        stonex.VENUE,
        fail={EVERY_CALL: _OUTAGE},
        note="StoneX: the whole venue answers 503, with a call still open",
    ),
    Step(64, stonex.VENUE, heal=True, note="StoneX: the venue is back, the call is still open"),
    Step(
        70,
        stonex.VENUE,
        LOWLAND,
        since=60,
        drift=_money(margin_used=240_000, equity=418_000, unrealized_pnl=24_000),
        change=_money(fed_call=0),
        note="StoneX: the federal call is met in full",
    ),
)

_FX: Final = (
    Step(
        20,
        helio.VENUE,
        TIDEWATER,
        since=8,
        drift=_money(equity=12_800, unrealized_pnl=-7_550),
        note="Helio: margin usage of Tidewater passes 85%",
    ),
    Step(
        32,
        helio.VENUE,
        TIDEWATER,
        drift=_money(equity=10_900, unrealized_pnl=-9_450),
        change={"in_margin_call": True},
        note="Helio: Tidewater is in a margin call",
    ),
    Step(
        38,
        helio.VENUE,
        TIDEWATER,
        change={"status": "TRADE_STATUS_CLOSE_ONLY"},
        note="Helio: Tidewater may only close positions",
    ),
    Step(
        42,
        helio.VENUE,
        TIDEWATER,
        drift=_money(equity=5_200, unrealized_pnl=-15_150),
        change={"in_stop_out": True},
        note="Helio: Tidewater is stopped out",
    ),
    Step(
        50,
        helio.VENUE,
        TIDEWATER,
        since=45,
        drift=_money(margin_used=0, unrealized_pnl=0),
        change={"in_stop_out": False, "positions": ()},
        note="Helio: the positions of Tidewater are closed",
    ),
    Step(
        66,
        helio.VENUE,
        TIDEWATER,
        since=56,
        drift=_money(equity=25_200),
        change={"in_margin_call": False, "status": "TRADE_STATUS_FULL"},
        note="Helio: new money arrives, Tidewater is free to trade",
    ),
)

DEMO: Final = Scenario(
    accounts=_ACCOUNTS,
    steps=tuple(sorted((*_FUTURES, *_CLEARING, *_FX), key=lambda step: step.at)),
    seconds=90,
)
"""Ends with every account healthy and every venue answering. Played at seven times its speed it takes 13 seconds."""

"""StoneX Clearing's API as a local server: https://docs.clearing.stonex.com/docs/accounts-api."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec

from marginwatch.core.fields import Unit
from marginwatch.simulator.httpserver import HttpServer, Reply, Request, json_reply
from marginwatch.simulator.tokens import Tokens
from marginwatch.simulator.world import with_gaps
from marginwatch.venues.stonex import documented

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marginwatch.simulator.faults import Faults
    from marginwatch.simulator.world import Json, SimAccount, SimPosition, World
    from marginwatch.venues.vendor import Documented

VENUE: Final = "stonex"
"""What accounts of this venue carry in `SimAccount.venue`."""
CLIENT_ID: Final = "demo-client"
CLIENT_SECRET: Final = "demo-client-secret"  # noqa: S105  (because it opens a simulator only)

_TOKEN_PATHS: Final = ("/auth/token", "/identity/connect/token")
_CALL: Final = re.compile(r"/account-api/v1/(position-summary|balance-summary)")
_CENT: Final = Decimal("0.01")


class StonexApi:
    """Answers as the vendor's pages describe."""

    def __init__(self, world: World, *, secret: str = CLIENT_SECRET, life: timedelta = timedelta(hours=10)) -> None:
        self._world = world
        self._secret = secret
        self._tokens = Tokens(world, life)

    def named(self, request: Request) -> tuple[str, str]:
        """`login`, or the last part of the path and the account number in the body."""
        if request.path in _TOKEN_PATHS:
            return "login", ""
        call = _CALL.fullmatch(request.path)
        return (call[1], _account_number(request)) if call else ("", "")

    def answer(self, request: Request) -> Reply:
        """The right answer."""
        call, number = self.named(request)
        if request.method != "POST" or not call:
            return self.error(404 if not call else 405, "no such call")
        if call == "login":
            return self._log_in(request)
        if not self._tokens.good(request.token):
            return Reply(401, b"", {"WWW-Authenticate": "Bearer"})
        account = self._world.find(VENUE, number)
        if account is None or not account.listed or not account.answered:
            return _unknown()
        data = _positions(account, self._today()) if call == "position-summary" else _balances(account)
        return json_reply(with_gaps(_envelope(data), account, call))

    def error(self, status: int, message: str) -> Reply:
        """An error with its status in both places."""
        return json_reply(_envelope(None, status, message), status)

    def has_errors(self, message: str) -> Reply:
        """HTTP 200 around an error."""
        return json_reply(_envelope(None, 500, "An error occurred", [_error("E500", None, message)]))

    def revoke(self) -> None:
        """Refuse every token given out so far."""
        self._tokens.revoke()

    def _log_in(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != self._secret:
            return json_reply({"error": "invalid_client"}, 400)
        token, _ = self._tokens.give()
        seconds = int(self._tokens.life.total_seconds())
        return json_reply({"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    def _today(self) -> str:
        return f"{self._world.now():%Y-%m-%d}T00:00:00.000Z"


class StonexSimulator(HttpServer):
    """A server of this API; its faults' calls are `login`, `position-summary` and `balance-summary`."""

    def __init__(self, world: World, faults: Faults, *, secret: str = CLIENT_SECRET) -> None:
        super().__init__(StonexApi(world, secret=secret), world, faults)


def _account_number(request: Request) -> str:
    try:
        return msgspec.json.decode(request.body, type=dict[str, str]).get("accountNumber", "")
    except msgspec.DecodeError:
        return ""


def _envelope(
    data: Json, status: int = 200, message: str = "Success", errors: list[Json] | None = None
) -> dict[str, Json]:
    failed = data is None
    return {
        "statusCode": status,
        "message": message,
        "data": data,
        "errors": errors or [],
        "traceId": str(uuid4()),
        "hasErrors": failed,
    }


def _error(code: str, field: str | None, reason: str) -> dict[str, Json]:
    return {"code": code, "field": field, "reason": reason}


def _unknown() -> Reply:
    errors: list[Json] = [_error("NotFound", "accountNumber", "Account not found")]
    return json_reply(_envelope(None, 404, "Not found", errors))


def _blank(table: Iterable[Documented], today: str) -> dict[str, Json]:
    """Every key the vendor documents, with the values of an account that has nothing."""
    blanks: dict[Unit, Json] = {Unit.TEXT: "", Unit.FLAG: False, Unit.TIME: today}
    return {field.name: blanks.get(field.unit, 0) for field in table}


def _positions(account: SimAccount, today: str) -> dict[str, Json]:
    held = sum((position.market_value for position in account.positions), Decimal(0))
    return _blank(documented.POSITION_SUMMARY, today) | {
        "acctNo": account.id,
        "totalLongMarket": held,
        "totalCash": account.balance,
        "netMarket": account.equity,
        "netCustodied": held,
        "totalAccountValue": account.equity,
        "freeCash": account.withdrawable,
        "industrySummary": [],
        "assetSummary": [],
        "accountTypeSummary": [],
        "currencyTypeSummary": [],
        "portfolios": [_portfolio(account, position, today) for position in account.positions],
        "gainLoss": account.unrealized_pnl,
        "fundsAvailable": account.withdrawable,
        "fedCallAmount": account.fed_call,
        "maintCallAmount": account.maintenance_call,
        "marginCashAvailable": account.withdrawable,
        "buyingPower": account.withdrawable * 2,
        "accumFedAmount": account.fed_call,
        "totalCashUsdOnly": account.balance,
    }


def _portfolio(account: SimAccount, position: SimPosition, today: str) -> dict[str, Json]:
    unrealized = _blank(documented.UNREALIZED, today) | {
        "symbolId": position.symbol,
        "description": position.symbol,
        "longShortInd": "SHORT" if position.quantity < 0 else "LONG",
        "quantity": position.quantity,
        "unitCost": position.open_price,
        "value": position.market_value,
        "gainLoss": position.unrealized_pnl,
        "currentPrice": position.price,
        "totalValue": position.market_value,
        "totalUnrealizedAmount": position.unrealized_pnl,
        "transferType": "FullTransfer",
    }
    return _blank(documented.PORTFOLIO, today) | {
        "acctType": "Margin",
        "acctNo": account.id,
        "accountName": account.name,
        "currency": account.currency,
        "marketValue": position.market_value,
        "marketUsdeValue": position.market_value,
        "quantity": position.quantity,
        "gainLoss": position.unrealized_pnl,
        "fxRate": 1,
        "price": position.price,
        "priceType": "CurrentSnap",
        "symbolId": position.symbol,
        "symbol": position.symbol,
        "description": position.symbol,
        "unrealizedGainLoss": unrealized,
    }


def _balances(account: SimAccount) -> dict[str, Json]:
    excess = account.equity - account.margin_used
    return {
        "marginBalance": _blank(documented.MARGIN_BALANCE, "")
        | {
            "marginBuyingPower": account.withdrawable * 2,
            "nyseExcess": excess,
            "equity": account.equity,
            "houseExcess": excess,
        },
        "availableWithdrawal": _blank(documented.AVAILABLE_WITHDRAWAL, "") | {"freeCash": account.withdrawable},
        "marginRequirements": _requirements(account),
        "openCall": {
            "federalCall": account.fed_call,
            "maintenanceCall": account.maintenance_call,
            "dayTradeCall": account.day_trade_call,
            "accumFedAmount": account.fed_call,
        },
    }


def _requirements(account: SimAccount) -> list[Json]:
    """One row a position, by its share of the margin; together exactly the margin in use."""
    if not account.positions:
        return [] if not account.margin_used else [_requirement("OTHER", Decimal(0), account.margin_used)]
    rows: list[Json] = []
    whole = sum((position.margin for position in account.positions), Decimal(0))
    left = account.margin_used
    for position in account.positions[1:]:
        share = position.margin / whole if whole else Decimal(0)
        part = (account.margin_used * share).quantize(_CENT)
        left -= part
        rows.append(_requirement(position.symbol, position.market_value, part))
    first = account.positions[0]
    return [_requirement(first.symbol, first.market_value, left), *rows]


def _requirement(symbol: str, value: Decimal, required: Decimal) -> dict[str, Json]:
    return {
        "symbol": symbol,
        "quantity": 0,
        "description": symbol,
        "price": 0,
        "marketValue": value,
        "housePercent": 0,
        "houseRequirement": required,
        "regTPercent": 0,
        "regTRequirement": required,
    }

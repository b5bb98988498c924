"""Helio's Trader API as a local server: https://docs.helio.trade/trader/api."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from marginwatch.simulator.httpserver import HttpServer, Reply, Request, json_reply
from marginwatch.simulator.tokens import Tokens
from marginwatch.simulator.world import with_gaps
from marginwatch.venues.helio.documented import BUY, SELL

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.simulator.faults import Faults
    from marginwatch.simulator.world import Json, SimAccount, SimPosition, World

VENUE: Final = "helio"
"""What accounts of this venue carry in `SimAccount.venue`."""
EMAIL: Final = "demo@example.com"
PASSWORD: Final = "demo-password"  # noqa: S105  (because it opens a simulator only)

_BASE: Final = "/api/v1"
_CALL: Final = re.compile(rf"{_BASE}/accounts/([^/]+)/(portfolio|metrics)")
_PER_LOT: Final = 100_000
_TYPES: Final = {400: "VALIDATION_ERROR", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND"}


class HelioApi:
    """Answers as the vendor's pages describe."""

    def __init__(self, world: World, *, secret: str = PASSWORD, life: timedelta = timedelta(hours=1)) -> None:
        self._world = world
        self._secret = secret
        self._tokens = Tokens(world, life)

    def named(self, request: Request) -> tuple[str, str]:
        """`login`, or the last part of the path and the account in it."""
        if request.path == f"{_BASE}/login":
            return "login", ""
        call = _CALL.fullmatch(request.path)
        return (call[2], unquote(call[1])) if call else ("", "")

    def answer(self, request: Request) -> Reply:
        """The right answer."""
        call, account_id = self.named(request)
        if not call or request.method != ("POST" if call == "login" else "GET"):
            return self.error(405 if call else 404, "no such call")
        if call == "login":
            return self._log_in(request)
        if not self._tokens.good(request.token):
            return self.error(401, "invalid or expired token")
        return self._account(call, self._world.find(VENUE, account_id))

    def _account(self, call: str, account: SimAccount | None) -> Reply:
        if account is not None and not account.listed:
            return self.error(403, "account access denied")
        if account is None or not account.answered:
            return self.error(404, "Account not found")
        body = _portfolio(account, self._world.now()) if call == "portfolio" else _metrics(account, self._world.now())
        return json_reply(with_gaps(body, account, call))

    def error(self, status: int, message: str) -> Reply:
        """An error object."""
        return json_reply({"error": {"type": _TYPES.get(status, "INTERNAL_ERROR"), "message": message}}, status)

    def has_errors(self, message: str) -> Reply:
        """Helio has no such thing: a plain server error."""
        return self.error(500, message)

    def revoke(self) -> None:
        """Refuse every token given out so far."""
        self._tokens.revoke()

    def _log_in(self, request: Request) -> Reply:
        try:
            login = msgspec.json.decode(request.body, type=dict[str, str])
        except msgspec.DecodeError:
            return self.error(400, "malformed body")
        if login.get("email") != EMAIL or login.get("password") != self._secret:
            return self.error(401, "invalid credentials")
        token, until = self._tokens.give()
        accounts: list[Json] = [{"id": account.id, "gid": "standard"} for account in self._world.accounts(VENUE)]
        return json_reply({"access_token": token, "expires_at": int(until.timestamp()), "accounts": accounts})


class HelioSimulator(HttpServer):
    """A server of this API; its faults' calls are `login`, `portfolio` and `metrics`."""

    def __init__(self, world: World, faults: Faults, *, secret: str = PASSWORD) -> None:
        super().__init__(HelioApi(world, secret=secret), world, faults, _BASE)


def _portfolio(account: SimAccount, now: datetime) -> dict[str, Json]:
    return {
        "account_id": account.id,
        "currency": account.currency,
        "balance": account.balance,
        "unrealized_pnl": account.unrealized_pnl,
        "used_margin": account.margin_used,
        "in_margin_call": account.in_margin_call,
        "in_stop_out": account.in_stop_out,
        "status": account.status,
        "positions": [_position(account, position, now) for position in account.positions],
        "orders": [],
    }


def _position(account: SimAccount, position: SimPosition, now: datetime) -> dict[str, Json]:
    today = f"{now:%Y-%m-%d}T00:00:00Z"
    return {
        "id": position.id,
        "symbol_id": position.symbol,
        "account_id": account.id,
        "order_id": f"ord_{position.id}",
        "symbol_name": position.symbol,
        "open_price": position.open_price,
        "close_price": position.price,
        "side": SELL if position.quantity < 0 else BUY,
        "status": "POSITION_STATUS_OPEN",
        "is_closing": False,
        "commission": 0,
        "swap": 0,
        "profit": position.unrealized_pnl,
        "units": abs(position.quantity),
        "qty": abs(position.quantity) / _PER_LOT,
        "qty_closed": 0,
        "comment": "",
        "created_at": today,
        "updated_at": today,
        "funding_accrued": 0,
    }


def _metrics(account: SimAccount, now: datetime) -> dict[str, Json]:
    level = account.equity / account.margin_used * 100 if account.margin_used else Decimal(0)
    return {
        "account_id": account.id,
        "timestamp": int((account.as_of or now).timestamp() * 1000),
        "pnl": account.unrealized_pnl,
        "equity": account.equity,
        "balance": account.balance,
        "used_margin": account.margin_used,
        "free_margin": account.equity - account.margin_used,
        "margin_level": level,
        "position_pnl_by_id": {position.id: position.unrealized_pnl for position in account.positions},
    }

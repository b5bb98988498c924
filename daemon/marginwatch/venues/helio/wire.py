"""The messages of the Helio Trader API as they come; whatever is not listed here is not looked at.

Scalars are read with the tables of `documented`. https://docs.helio.trade/trader/api
"""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003  (because msgspec reads the annotations)
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from marginwatch.venues.answer import Parser, Reader, wire_type
from marginwatch.venues.helio.documented import MARGIN_LEVEL, METRICS, PORTFOLIO, POSITION, TIMESTAMP


class Login(Struct):
    """Reply of the login (https://docs.helio.trade/llms/trader/api/authentication/client-login.md)."""

    access_token: str
    expires_at: Decimal | None = None
    """Unix time in seconds."""
    accounts: msgspec.Raw | UnsetType = UNSET


class LoginAccount(Struct):
    """One account of the login's list; `gid`, its group, is no part of its identity."""

    id: str | int


class ErrorInside(Struct):
    """What an error says."""

    type: str | None = None
    message: str | None = None
    field: str | None = None


class Error(Struct):
    """Body of an error answer."""

    error: ErrorInside


Position: Final = wire_type("Position", POSITION)
"""One position."""
Portfolio: Final = wire_type("Portfolio", PORTFOLIO, {"positions": list[Position]})  # type: ignore[valid-type]  # made from the vendor's table
"""Reply of the portfolio call."""
Metrics: Final = wire_type("Metrics", (*METRICS, TIMESTAMP, MARGIN_LEVEL))
"""Reply of the metrics call."""

parse_login: Final = Parser(Login)
parse_accounts: Final = Parser(list[LoginAccount])
parse_error: Final = Parser(Error)
parse_portfolio: Final[Parser[Any]] = Parser(Portfolio)
parse_metrics: Final[Parser[Any]] = Parser(Metrics)

read_portfolio: Final = Reader(PORTFOLIO)
read_position: Final = Reader(POSITION)
read_metrics: Final = Reader((*METRICS, TIMESTAMP, MARGIN_LEVEL))

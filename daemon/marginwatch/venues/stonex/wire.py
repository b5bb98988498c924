"""The messages of the StoneX Clearing API as they come; whatever is not listed here is not looked at.

Scalars are read with the tables of `documented`. https://docs.clearing.stonex.com/docs/accounts-api
"""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003  (because msgspec reads the annotations)
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from marginwatch.venues.answer import Parser, Reader, wire_type
from marginwatch.venues.stonex.documented import PORTFOLIO, POSITION_SUMMARY, REQUIREMENT, UNREALIZED
from marginwatch.venues.stonex.fields import BLOCKS, NESTED


class Token(Struct):
    """Reply of the token call (https://docs.clearing.stonex.com/docs/getting-started/authentication)."""

    access_token: str
    expires_in: Decimal | None = None
    """Seconds; the vendor's example has ten hours."""


class TokenRefused(Struct):
    """What the token call says when it refuses, as RFC 6749 has it; the vendor documents nothing."""

    error: str | None = None
    error_description: str | None = None


class Envelope(Struct):
    """Around every reply. `hasErrors` decides: HTTP 200 and `statusCode` say nothing about success."""

    hasErrors: bool  # noqa: N815  (because the vendor writes it so)
    statusCode: int | None = None  # noqa: N815  (because the vendor writes it so)
    message: str | None = None
    traceId: str | None = None  # noqa: N815  (because the vendor writes it so)
    data: msgspec.Raw | UnsetType = UNSET
    errors: msgspec.Raw | UnsetType = UNSET


class Error(Struct):
    """One of the envelope's `errors`."""

    code: str | int | None = None
    field: str | None = None
    reason: str | None = None


Portfolio: Final = wire_type("Portfolio", PORTFOLIO, {NESTED: wire_type("UnrealizedGainLoss", UNREALIZED)})
"""One position."""
PositionSummary: Final = wire_type("PositionSummary", POSITION_SUMMARY, {"portfolios": list[Portfolio]})  # type: ignore[valid-type]  # made from the vendor's table
"""`data` of a position summary."""
BalanceSummary: Final = wire_type(
    "BalanceSummary",
    (),
    {
        **{block: wire_type(block, table) for block, table in BLOCKS.items()},
        "marginRequirements": list[wire_type("MarginRequirement", REQUIREMENT)],  # type: ignore[misc]  # made from the vendor's table
    },
)
"""`data` of a balance summary."""

parse_token: Final = Parser(Token)
parse_token_refused: Final = Parser(TokenRefused)
parse_envelope: Final = Parser(Envelope)
parse_errors: Final = Parser(list[Error])
parse_position_summary: Final[Parser[Any]] = Parser(PositionSummary)
parse_balance_summary: Final[Parser[Any]] = Parser(BalanceSummary)
parse_account_numbers: Final = Parser(list[str])

read_position_summary: Final = Reader(POSITION_SUMMARY)
read_portfolio: Final = Reader(PORTFOLIO)
read_unrealized: Final = Reader(UNREALIZED)
read_requirement: Final = Reader(REQUIREMENT)
read_block: Final = {block: Reader(table) for block, table in BLOCKS.items()}

"""The messages of the Architect API as they come: JSON documents, every field that may be left out marked so.

Field names and types are the vendor's (https://docs.architect.co/sdk-reference/portfolio-management). A list is taken
row by row, so that one malformed account does not blind the others.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from marginwatch.venues.answer import Parser, sane

ACCOUNTS: Final = "Accounts/Accounts"
LAST_ACCOUNTS: Final = "Accounts/Accounts (last good)"
"""Not a call: an earlier answer to one."""
SUMMARIES: Final = "Folio/AccountSummaries"
SUMMARY: Final = "Folio/AccountSummary"
HISTORY: Final = "Folio/AccountHistory"
MARGIN_CALLS: Final = "Boss/MarginCalls"
CREATE_JWT: Final = "Auth/CreateJwt"

_SHORT: Final = 20
"""Characters of a number that can only be sane when it is written without an exponent."""
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(?P<exponent>[eE][+-]?\d{1,4})?", re.ASCII)


class Amount(Decimal):
    """A finite number of sane size, from a JSON string or number, digit for digit."""


class AccountRef(Struct):
    """`AccountWithPermissions.account`."""

    id: str
    name: str


class Permissions(Struct):
    """`AccountWithPermissions.permissions`: what this login may do with the account."""

    list: bool | UnsetType | None = UNSET
    view: bool | UnsetType | None = UNSET
    trade: bool | UnsetType | None = UNSET
    reduce_or_close: bool | UnsetType | None = UNSET
    set_limits: bool | UnsetType | None = UNSET


class ListedAccount(Struct):
    """One account of the listing; `trading_enabled` is missing from servers older than its introduction."""

    account: AccountRef
    permissions: Permissions | UnsetType | None = UNSET
    trader: str | UnsetType | None = UNSET
    trading_enabled: bool | UnsetType | None = UNSET


class ListedName(Struct):
    """The part of a listed account that says which one it is."""

    account: AccountRef


class Accounts(Struct):
    """Reply of `Accounts/Accounts`."""

    accounts: list[msgspec.Raw]


class AccountPosition(Struct):
    """One lot; the venue does not aggregate them."""

    quantity: Amount
    cost_basis: Amount | UnsetType | None = UNSET
    break_even_price: Amount | UnsetType | None = UNSET
    liquidation_price: Amount | UnsetType | None = UNSET
    unrealized_pnl: Amount | UnsetType | None = UNSET
    trade_time: datetime | UnsetType | None = UNSET


class AccountSummary(Struct):
    """Reply of `Folio/AccountSummary` and row of the summaries and of the history."""

    account: str
    timestamp: datetime
    positions: dict[str, list[AccountPosition]] | UnsetType | None = UNSET
    equity: Amount | UnsetType | None = UNSET
    yesterday_equity: Amount | UnsetType | None = UNSET
    cash_excess: Amount | UnsetType | None = UNSET
    available_margin: Amount | UnsetType | None = UNSET
    excess_liquidity: Amount | UnsetType | None = UNSET
    purchasing_power: Amount | UnsetType | None = UNSET
    position_margin: Amount | UnsetType | None = UNSET
    total_margin: Amount | UnsetType | None = UNSET
    realized_pnl: Amount | UnsetType | None = UNSET
    unrealized_pnl: Amount | UnsetType | None = UNSET


class SummaryAccount(Struct):
    """The part of a summary that says whose it is."""

    account: str


class AccountSummaries(Struct):
    """Reply of `Folio/AccountSummaries`."""

    account_summaries: list[msgspec.Raw]


class AccountHistory(Struct):
    """Reply of `Folio/AccountHistory`, newest first."""

    history: list[msgspec.Raw]


class MarginCall(Struct):
    """One margin call of a US-equities account; the vendor documents no list of its `status` values."""

    account_number: str
    call_amount: Amount
    satisfied_amount: Amount
    due_date: datetime | UnsetType | None = UNSET


class MarginCalls(Struct):
    """Reply of `Boss/MarginCalls`."""

    margin_calls: list[MarginCall]


class Jwt(Struct):
    """Reply of `Auth/CreateJwt`."""

    jwt: str


def utc(at: datetime | UnsetType | None) -> datetime | None:
    """A time as aware UTC; None where there is none, or one without a zone, whose meaning the vendor documents not."""
    if not isinstance(at, datetime) or at.tzinfo is None:
        return None
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return None


def _digits(text: str) -> str:
    """A JSON number with a fraction or exponent, untouched: `_amount` judges it with its place."""
    return text


def _amount(wanted: type, value: object) -> Amount:
    """Read a number; msgspec adds the place to a ValueError.

    Raises:
        ValueError: it is none, or one no account can hold.
    """
    assert wanted is Amount
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        msg = f"Expected a number, got {_KINDS.get(type(value), 'something else')}"
        raise ValueError(msg)  # noqa: TRY004  (because msgspec wants a ValueError or TypeError alike)
    text = str(value)
    written = _NUMBER.fullmatch(text)
    if not written:
        msg = "Expected a number, got a text that is none"
        raise ValueError(msg)
    number = Amount(text)
    if (written["exponent"] or len(text) > _SHORT) and not sane(number):
        msg = "Expected a number of sane size, got one with an absurd exponent"
        raise ValueError(msg)
    return number


_KINDS: Final = {bool: "a flag", dict: "an object", list: "a list"}

parse_accounts: Final = Parser(Accounts, _amount, _digits)
parse_listed_account: Final = Parser(ListedAccount, _amount, _digits)
parse_listed_name: Final = Parser(ListedName, _amount, _digits)
parse_summaries: Final = Parser(AccountSummaries, _amount, _digits)
parse_summary: Final = Parser(AccountSummary, _amount, _digits)
parse_summary_account: Final = Parser(SummaryAccount, _amount, _digits)
parse_history: Final = Parser(AccountHistory, _amount, _digits)
parse_margin_calls: Final = Parser(MarginCalls, _amount, _digits)
parse_jwt: Final = Parser(Jwt, _amount, _digits)

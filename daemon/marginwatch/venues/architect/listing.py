"""From the listing to our accounts and what this login may do with them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from marginwatch.core.model import Account, AccountKey, VenueFailure
from marginwatch.venues.answer import Malformed, plain_text, wrong_id
from marginwatch.venues.architect.fields import PERMISSIONS
from marginwatch.venues.architect.wire import (
    ACCOUNTS,
    parse_accounts,
    parse_listed_account,
    parse_listed_name,
)
from marginwatch.venues.protocol import Part

if TYPE_CHECKING:
    import msgspec

    from marginwatch.core.model import Value
    from marginwatch.venues.architect.wire import ListedAccount, Permissions


@dataclass(frozen=True, slots=True)
class Listed:
    """One account of the listing."""

    account: Account
    fields: dict[str, Value]
    """Permissions, `trading_enabled` and `trader`; empty when they could not be read."""
    failure: VenueFailure | None = None
    """Why they could not be read."""


def read_listing(venue: str, part: Part) -> tuple[Listed, ...] | VenueFailure:
    """Every account of an answer to `Accounts/Accounts`.

    A row that does not say which account it is spoils the listing, for that account would seem to have vanished; a
    row that is malformed otherwise, or stands twice with different content, costs its own permissions only.
    """
    reply = parse_accounts(part.body)
    if isinstance(reply, Malformed):
        return reply.of(venue, ACCOUNTS, part)
    found: dict[str, Listed] = {}
    for index, row in enumerate(reply.accounts):
        listed = _read_row(venue, part, f"accounts[{index}]", row)
        if isinstance(listed, VenueFailure):
            return listed
        before = found.get(listed.account.key.id, listed)
        found[listed.account.key.id] = listed if before == listed else _twice(venue, part, f"accounts[{index}]", listed)
    return tuple(found.values())


def _read_row(venue: str, part: Part, place: str, row: msgspec.Raw) -> Listed | VenueFailure:
    own = Part(bytes(row), part.received_at)
    named = parse_listed_name(row)
    if isinstance(named, Malformed):
        return named.inside(place).of(venue, ACCOUNTS, own)
    wrong = wrong_id(named.account.id, f"{place}.account.id")
    if wrong is not None:
        return wrong.of(venue, ACCOUNTS, own)
    key = AccountKey(venue, named.account.id)
    account = Account(key, plain_text(named.account.name) or named.account.id)
    whole = parse_listed_account(row)
    if isinstance(whole, Malformed):
        return Listed(account, {}, whole.inside(place).of(venue, ACCOUNTS, own, key))
    viewable = not (whole.permissions and whole.permissions.view is False)
    return Listed(Account(key, account.name, viewable), _fields(whole))


def _twice(venue: str, part: Part, place: str, listed: Listed) -> Listed:
    what = Malformed("the account stands in the listing twice, with different content", place)
    return Listed(listed.account, {}, what.of(venue, ACCOUNTS, part, listed.account.key))


def _fields(row: ListedAccount) -> dict[str, Value]:
    fields: dict[str, Value] = _permission_fields(row.permissions)
    if row.trading_enabled is not UNSET:
        fields["trading_enabled"] = row.trading_enabled
    if row.trader is not UNSET:
        fields["trader"] = None if row.trader is None else plain_text(row.trader)
    return fields


def _permission_fields(permissions: Permissions | UnsetType | None) -> dict[str, Value]:
    """The five flags and their set, which is known only when all five are."""
    if permissions is UNSET:
        return {}
    flags: dict[str, Value] = {
        f"permissions.{name}": flag for name in PERMISSIONS if (flag := getattr(permissions, name, None)) is not UNSET
    }
    if len(flags) < len(PERMISSIONS):
        return flags
    known = None not in flags.values()
    granted = _permissions(tuple(name for name in PERMISSIONS if flags[f"permissions.{name}"]))
    return {"permissions": granted if known else None, **flags}


@cache
def _permissions(names: tuple[str, ...]) -> frozenset[str]:
    """Their set; one for all accounts that have the same."""
    return frozenset(names)

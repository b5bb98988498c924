"""`[[groups]]`: accounts of one or several venues that rules look at as one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic import field_validator as validates

from marginwatch.config.calendars import Day  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.durations import Duration  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.keys import Name, Table, wrong
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import ValidationInfo

    from marginwatch.config.places import Loc

_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{2,9}")
_RATE = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)
_LIKE = 'write it like "fx/ACC-1" or "fx/*"'


def _currency(code: str) -> str:
    if not _CURRENCY.fullmatch(code):
        what = 'must be the code of a currency, like "USD"'
        raise wrong(what)
    return code


def _rate(value: object) -> Decimal:
    """From text or a number, whose digits the file's reader keeps."""
    rate = Decimal(str(value)) if _RATE.fullmatch(str(value)) else Decimal(0)
    if not rate:
        what = 'must be a number above 0, like "1.08"'
        raise wrong(what)
    return rate


def _entry(text: str) -> str:
    venue, slash, account = text.partition("/")
    if not (venue and slash and account):
        what = f"must name accounts as venue/account; {_LIKE}"
        raise wrong(what)
    return text


Currency = Annotated[str, AfterValidator(_currency), Field(json_schema_extra={"pattern": f"^{_CURRENCY.pattern}$"})]
Rate = Annotated[
    Decimal,
    BeforeValidator(_rate),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,12}(?:\.[0-9]{1,12})?$"}),
]
Entry = Annotated[str, AfterValidator(_entry), Field(json_schema_extra={"pattern": "^[^/]+/.+$"})]


class GroupSettings(Table):
    """One `[[groups]]`."""

    name: Name
    """Yours, unique. It appears in messages, and rules choose by it."""
    accounts: tuple[Entry, ...]
    """`venue/account`, both globs; the account by its id or name."""
    currency: Currency
    """What its money is reckoned in."""
    rates: dict[Currency, Rate] = Field(default_factory=dict)
    """What one unit of another currency is worth in it."""
    rates_of: Day | None = Field(default=None, validate_default=True)
    """The day the rates are of."""
    within: Duration | None = None
    """Numbers older than its newest by more do not go together with them; the longest `stale_after` of its venues."""

    @validates("accounts")
    @classmethod
    def _some(cls, accounts: tuple[str, ...]) -> tuple[str, ...]:
        if not accounts:
            what = f"must name an account at least; {_LIKE}"
            raise wrong(what)
        return accounts

    @validates("rates")
    @classmethod
    def _of_others(cls, rates: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        if info.data.get("currency") in rates:
            what = f"names {info.data['currency']}, which is the group's own currency"
            raise wrong(what)
        return rates

    @validates("rates_of")
    @classmethod
    def _with_rates(cls, day: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  (it is passed on as it came, a day or nothing)
        if day is None and info.data.get("rates"):
            what = 'is missing; say of which day the `rates` are, like "2026-03-02"'
            raise wrong(what)
        return day

    @validates("within")
    @classmethod
    def _some_time(cls, within: timedelta | None) -> timedelta | None:
        if within is not None and within < timedelta(seconds=1):
            what = "must be at least 1s"
            raise wrong(what)
        return within


@dataclass(frozen=True, slots=True)
class GroupSketch:
    """As much of a group as rules are judged by."""

    venues: tuple[str, ...]
    """That its accounts are at."""
    definition: str = ""
    """All of it as a text, equal for equal ones."""


def sketched(tables: Iterable[Mapping[str, Any]], venues: Iterable[str]) -> dict[str, GroupSketch]:
    """The groups by name; of tables that may be written in any way, those that have one."""
    known = list(venues)
    named = {table["name"]: table for table in tables if isinstance(table.get("name"), str)}
    return {
        name: GroupSketch(venues_of(table, known), json.dumps(table, sort_keys=True, default=str))
        for name, table in named.items()
    }


def members(accounts: Iterable[str], venues: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(venue, glob of its accounts) for each entry at each venue that it names."""
    known = list(venues)
    for entry in accounts:
        venue, _, account = entry.partition("/")
        for name in known:
            if fnmatchcase(name, venue):
                yield name, account


def venues_of(table: Mapping[str, Any], venues: Iterable[str]) -> tuple[str, ...]:
    """The venues of a group that may be written in any way, each once."""
    return tuple(dict.fromkeys(venue for venue, _ in members(_entries(table), venues)))


def misnamed(tables: Iterable[Mapping[str, Any]], venues: Iterable[str]) -> Iterator[tuple[Loc, str, str]]:
    """Each entry that names no venue of the config, and a venue that has the name of all groups.

    Where, what is wrong, and what to do. Tables may be written in any way.
    """
    known = list(venues)
    if GROUPS in known:
        what = f"`{GROUPS}` stands for groups of accounts in messages, so no venue can have this name"
        yield ("venues", known.index(GROUPS), "name"), what, "choose another name"
    for number, table in enumerate(tables):
        for at, entry in enumerate(_entries(table)):
            venue, _, account = entry.partition("/")
            if venue and account and not any(fnmatchcase(name, venue) for name in known):
                hint = did_you_mean(venue, known) or f"the venues are {', '.join(known)}"
                yield ("groups", number, "accounts", at), f"no venue in the config is named `{venue}`", hint


def _entries(table: Mapping[str, Any]) -> list[str]:
    accounts = table.get("accounts")
    return [entry for entry in accounts if isinstance(entry, str)] if isinstance(accounts, list) else []

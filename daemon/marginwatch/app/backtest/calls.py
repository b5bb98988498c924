"""Margin calls as the data tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from marginwatch.app.backtest.episodes import Episode
    from marginwatch.core.model import AccountKey, Observation, Value

FIELDS: Final = ("in_margin_call", "call_amount", "fed_call", "maintenance_call", "day_trade_call")
"""A call is on while one of them is true or above zero."""


@dataclass(frozen=True, slots=True)
class Call:
    """The moment at which an account got into a call."""

    account: AccountKey
    at: datetime
    field: str
    """The first of `FIELDS` that said so."""


class CallWatch:
    """Sees observations of all accounts, and notes when each gets into a call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.known: set[AccountKey] = set()
        """Accounts whose data say whether there is a call."""
        self.from_the_start: set[AccountKey] = set()
        """Accounts in a call at their first observation: when it came is not in the data."""
        self._on: dict[AccountKey, bool] = {}

    def see(self, observation: Observation) -> None:
        """Note the call that begins with it, if one does."""
        said = _said(observation.fields)
        if said is None:
            return
        account = observation.account
        before = self._on.get(account)
        if before is None:
            self.known.add(account)
            if said:
                self.from_the_start.add(account)
        elif said and not before:
            self.calls.append(Call(account, observation.fetched_at, said))
        if bool(said) is not before:
            self._on[account] = bool(said)


def lead(call: Call, episodes: Iterable[Episode]) -> timedelta | None:
    """How long before the call the rule's alert of its account had fired, the one that was open then; None: missed."""
    told = [each.fired_at for each in episodes if each.key.account == call.account and each.open_at(call.at)]
    return call.at - min(told) if told else None


def _said(fields: Mapping[str, Value]) -> str | None:
    """The field by which a call is on, empty when none is; None when the data do not say."""
    known = False
    for name in FIELDS:
        value = fields.get(name)
        if value is not None:
            known = True
            if value is True or (isinstance(value, Decimal) and value > 0):
                return name
    return "" if known else None

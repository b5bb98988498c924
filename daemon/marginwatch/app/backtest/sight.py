"""What the data can show: how close together observations are, where there are none, and which fields they have."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.model import AccountKey, Observation

_FINE: Final = 5
"""Seconds from which on tenths of them do not matter."""
_MOST_GAPS: Final = 10_000
"""Gaps remembered one by one; the longest of more would hardly be read."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A stretch without an observation of an account."""

    since: datetime
    until: datetime
    account: AccountKey

    @property
    def length(self) -> timedelta:
        """How long nothing was seen."""
        return self.until - self.since


class Sight:
    """Sees every observation of the span."""

    def __init__(self, bounds: Mapping[str, timedelta]) -> None:
        """`bounds`: by venue, how far apart observations may be before the time between counts as not seen."""
        self.observations = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.gaps: list[Gap] = []
        self.gaps_left_out = 0
        self.fields: dict[str, set[str]] = defaultdict(set)
        """By venue, the names that had a value at least once."""
        self.accounts: dict[AccountKey, datetime] = {}
        """When each account was seen last."""
        self._bounds = bounds
        self._distance = timedelta(0), 0.0
        """The latest between two observations, and how many seconds that is."""
        self._apart: dict[str, Counter[float]] = defaultdict(Counter)
        """By venue, how often two observations of an account were how many seconds apart."""

    def see(self, observation: Observation) -> None:
        """Take it in."""
        account, at = observation.account, observation.fetched_at
        self.observations += 1
        if self.first is None:
            self.first = at
        self.last = at
        before = self.accounts.get(account)
        self.accounts[account] = at
        if before is not None:
            apart = at - before
            if apart != self._distance[0]:
                self._distance = apart, round(apart.total_seconds(), 1)
            self._apart[account.venue][self._distance[1]] += 1
            if apart > self._bounds.get(account.venue, apart):
                self._gap(Gap(before, at, account))
        names = self.fields[account.venue]
        if not observation.fields.keys() <= names:
            names.update(name for name, value in observation.fields.items() if value is not None)

    def resolution(self, venue: str) -> timedelta | None:
        """The median time between two observations of an account there; None when there are no two."""
        apart = self._apart.get(venue)
        if not apart:
            return None
        left = apart.total() / 2
        for seconds in sorted(apart):
            left -= apart[seconds]
            if left <= 0:
                break
        return timedelta(seconds=seconds if seconds < _FINE else round(seconds))

    def _gap(self, gap: Gap) -> None:
        if len(self.gaps) < _MOST_GAPS:
            self.gaps.append(gap)
        else:
            self.gaps_left_out += 1

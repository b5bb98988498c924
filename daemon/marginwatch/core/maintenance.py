"""Maintenance windows: planned times in which nobody is told of certain alerts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.groups import Groups
from marginwatch.core.hours import WeekHours
from marginwatch.core.labels import Labels
from marginwatch.core.rule import Selector
from marginwatch.core.selecting import described

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marginwatch.core.model import Account


@dataclass(frozen=True, slots=True)
class Once:
    """One stretch of time, in UTC."""

    first: datetime
    last: datetime
    """When it is over."""

    def ends(self, now: datetime) -> datetime | None:
        """When it is over; None where `now` is not in it."""
        return self.last if self.first <= now < self.last else None

    def begins(self, now: datetime) -> datetime | None:
        """When it begins; None where it has begun."""
        return self.first if now < self.first else None


When: TypeAlias = Once | WeekHours
"""Once, or again and again."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """One window of the config."""

    name: str
    when: When
    selector: Selector = field(default_factory=Selector)
    """Whose alerts it holds back; of its venue too, where it names no account, label or group."""
    rules: tuple[str, ...] = ()
    """Globs on the rule's id; empty means all."""
    note: str = ""


class Maintenances:
    """Every window there is; false when there is none."""

    def __init__(
        self, windows: Iterable[Maintenance] = (), labels: Labels | None = None, groups: Groups | None = None
    ) -> None:
        self.all = tuple(windows)
        self._labels = labels or Labels()
        self._groups = groups or Groups()
        self._of: dict[tuple[Account, str], tuple[Maintenance, ...]] = {}

    def __bool__(self) -> bool:
        """Whether there is any window."""
        return bool(self.all)

    def of(self, account: Account, rule: str) -> tuple[Maintenance, ...]:
        """The windows that mean the rule's alerts on the account, whenever they are."""
        if not self.all:
            return ()
        found = self._of.get((account, rule))
        if found is None:
            known = described(account, self._labels, self._groups)
            found = self._of[account, rule] = tuple(
                each
                for each in self.all
                if (not each.rules or any(fnmatchcase(rule, glob) for glob in each.rules)) and known.fits(each.selector)
            )
        return found

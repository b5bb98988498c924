"""Routes: who is to hear of which alerts, within which hours. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.calendar import LONGEST, Calendar
from marginwatch.core.hours import WeekHours
from marginwatch.core.labels import Labels
from marginwatch.core.model import Severity
from marginwatch.core.rule import Selector
from marginwatch.core.selecting import selects

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime, timedelta

    from marginwatch.core.groups import Groups
    from marginwatch.core.model import Account

Hours: TypeAlias = WeekHours | Calendar
"""Hours of the week, or the sessions of a calendar."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: who is called when nobody acknowledged for so long."""

    after: timedelta
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One way of alerts to receivers."""

    name: str
    receivers: tuple[str, ...]
    selector: Selector = field(default_factory=Selector)
    """Whose alerts take it."""
    rules: tuple[str, ...] = ()
    """Globs on the rule's id; empty means all."""
    severities: frozenset[Severity] = frozenset(Severity)
    """Of alerts that take it."""
    hours: Hours | None = None
    """Outside of them its receivers are told later; None: they are told at any time."""
    escalate: tuple[Rung, ...] = ()
    """The soonest first."""


class Routes:
    """All routes there are; false when there is none, and everybody hears of everything."""

    def __init__(
        self,
        routes: Iterable[Route] = (),
        labels: Labels | None = None,
        groups: Groups | None = None,
        plain: Callable[[str], str] = str,
    ) -> None:
        """`plain` gives the name that routes know a rule by."""
        self.all = tuple(routes)
        self.climb = any(route.escalate for route in self.all)
        """Whether any of them has a ladder."""
        self._labels = labels or Labels()
        self._groups = groups
        self._plain = plain
        self._of: dict[tuple[Account, str], tuple[Route, ...]] = {}

    def known_as(self, plain: Callable[[str], str]) -> Routes:
        """The same for rules that are tried under other names."""
        return Routes(self.all, self._labels, self._groups, plain)

    def __bool__(self) -> bool:
        """Whether there is any route."""
        return bool(self.all)

    def of(self, account: Account, rule: str) -> tuple[Route, ...]:
        """The routes of the rule's alerts on the account, of whatever severity."""
        found = self._of.get((account, rule))
        if found is None:
            known, labels = self._plain(rule), self._labels.of(account)
            groups = self._groups.of(account) if self._groups else ()
            found = self._of[account, rule] = tuple(
                route
                for route in self.all
                if _matches(route.rules, known) and selects(route.selector, account, labels, groups)
            )
        return found


def until(routes: Collection[Route], now: datetime) -> tuple[datetime, Route] | None:
    """When the hours of one of the routes begin that all are outside of now, and whose; None when one tells now.

    Hours that do not begin again in sight hold nothing back.
    """
    begins = []
    for route in routes:
        begin = None if route.hours is None or _within(route.hours, now) else _next(route.hours, now)
        if begin is None:
            return None
        begins.append((begin, route))
    return min(begins, key=lambda each: (each[0], each[1].name), default=None)


def leave_time(hours: Hours, quiet: WeekHours, now: datetime) -> bool:
    """Whether some of the hours are not quiet, as far as a calendar is looked ahead."""
    at: datetime | None = now
    while at is not None and at - now <= LONGEST:
        if _within(hours, at):
            ends = quiet.ends(at)
            if ends is None:
                return True
            at = ends
        else:
            at = _next(hours, at)
    return False


def _matches(globs: tuple[str, ...], word: str) -> bool:
    return not globs or any(fnmatchcase(word, glob) for glob in globs)


def _within(hours: Hours, now: datetime) -> bool:
    if isinstance(hours, WeekHours):
        return hours.contains(now)
    session = hours.at(now)
    return session is not None and now < session.closes


def _next(hours: Hours, now: datetime) -> datetime | None:
    if isinstance(hours, WeekHours):
        return hours.begins(now)
    session = hours.after(now)
    return None if session is None else session.opens

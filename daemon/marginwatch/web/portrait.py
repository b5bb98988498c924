"""What an account's page shows, put together from the engine's memory and the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.fields import COMMON_UNITS, Unit
from marginwatch.notify.words import amount, clean, plural, span, value_of
from marginwatch.web.chart import Chart, Spell, Subject, draw
from marginwatch.web.levels import limits_of
from marginwatch.web.shown import AlertLine, alert_line, currency_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.core.model import AccountKey, Value
    from marginwatch.store.course import Course
    from marginwatch.store.store import Store
    from marginwatch.web.snapshot import Snapshot

CHARTED: Final = ("margin_usage", "equity", "margin_excess", "margin_used", "unrealized_pnl", "day_pnl", "cash")
"""Fields offered for the chart, in this order, where the account has them."""
_MOST_POSITIONS = 200
_MOST_ALERTS = 50
_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Fact:
    """One field as it was known last."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Positions:
    """A table of them."""

    at: datetime
    """When they were answered first as they still are."""
    fields: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """The course of one number."""

    field: str
    chart: Chart
    note: str
    """What it does not show; empty when it shows all."""


class Portrait:
    """One account at the moment of a snapshot, over the span of time before it."""

    def __init__(self, store: Store, now: Snapshot, key: AccountKey, reach: timedelta) -> None:
        self.state = now.accounts[key]
        self.currency = currency_of(self.state)
        self._store = store
        self._now = now
        self._key = key
        self._since = now.at - reach
        watch = now.ruling.venues.get(key.venue)
        self._fields = {} if watch is None else watch.rules.catalogue.fields

    def charted(self) -> list[str]:
        """Fields that can be drawn."""
        return [name for name in CHARTED if isinstance(self.state.known.get(name), Decimal)]

    def drawing(self, wanted: str) -> Drawing:
        """The course of that field, or of the first that can be drawn."""
        field = wanted if isinstance(self.state.known.get(wanted), Decimal) else next(iter(self.charted()), "equity")
        course = self._store.courses.course(self._key, field, self._since, self._now.at)
        return Drawing(field, draw(self._subject(field, course)), self._note(course))

    def facts(self) -> Iterator[Fact]:
        """Every field: common names first, in their own order; then the venue's own."""
        order = {name: number for number, name in enumerate(COMMON_UNITS)}
        for name in sorted(self.state.known, key=lambda name: (order.get(name, len(order)), name)):
            field = self._fields.get(name)
            yield Fact(clean(name), self._worded(name, self.state.known[name]), "" if field is None else field.meaning)

    def positions(self) -> Positions | None:
        """None where there are none."""
        held = self._store.courses.holding(self._key)
        if held is None or not held.positions:
            return None
        names = tuple(dict.fromkeys(name for position in held.positions for name in position))
        rows = tuple(
            tuple(self._worded(name, position.get(name)) for name in names)
            for position in held.positions[:_MOST_POSITIONS]
        )
        return Positions(held.fetched_at, tuple(map(clean, names)), rows, max(0, len(held.positions) - len(rows)))

    def open_alerts(self) -> list[AlertLine]:
        """The worst first."""
        now = self._now
        found = (alert for alert in now.alerts if alert.key.account == self._key)
        return [
            alert_line(each, now.acknowledgements.get(each.alert_id), now.ruling, now.accounts, now.at)
            for each in sorted(found, key=lambda alert: (-alert.severity, alert.active_at))
        ]

    def past_alerts(self) -> list[AlertLine]:
        """Those of this time that are over, the latest first."""
        now = self._now
        found = self._store.history.alerts(open_only=False, account=self._key, since=self._since, limit=_MOST_ALERTS)
        return [
            alert_line(each, None, now.ruling, now.accounts, now.at)
            for each in sorted(found, key=lambda alert: alert.active_at, reverse=True)
            if not each.is_open
        ]

    def unknown(self) -> str:
        """What cannot be judged now; empty when all can."""
        blind = self.state.blind
        if not blind:
            return ""
        rules, since = plural(len(blind), "rule"), min(blind.values())
        return f"{rules} cannot be judged now; data are unknown since {since:%Y-%m-%d %H:%M:%S} UTC."

    def _subject(self, name: str, course: Course) -> Subject:
        field = self._fields.get(name)
        unit = COMMON_UNITS.get(name, Unit.QUANTITY) if field is None else field.unit
        limits = limits_of(self._now.ruling, self.state.account, name)
        spells = [*self._gaps(), *self._fired({limit.rule for limit in limits})]
        # A chart does not begin long before there is anything to show.
        first = course.points[0][0] if course.points else self._since
        begins = max(self._since, min(first, self._now.at - _SHORTEST))
        return Subject(course.points, begins, self._now.at, unit, self.currency, limits, spells)

    def _gaps(self) -> Iterator[Spell]:
        for run in self._store.history.failures(self._since):
            if run.venue == self._key.venue and run.account in {None, self._key}:
                yield Spell(run.first_at, run.last_at, "gap", clean(run.detail))

    def _fired(self, rules: set[str]) -> Iterator[Spell]:
        for alert in self._store.history.alerts(open_only=False, account=self._key, since=self._since):
            if alert.key.rule in rules and alert.fired_at is not None:
                ends = alert.ended_at or self._now.at
                yield Spell(alert.fired_at, ends, alert.severity.label, clean(alert.title))

    def _note(self, course: Course) -> str:
        if not course.sampled:
            return ""
        apart = span((self._now.at - self._since) / len(course.points))
        return f"One observation every {apart} is drawn; between them it may have been higher or lower."

    def _worded(self, name: str, value: Value) -> str:
        if not isinstance(value, Decimal):
            return "not known" if value is None else value_of(value, self._now.at)
        field = self._fields.get(name)
        unit = COMMON_UNITS.get(name, Unit.QUANTITY) if field is None else field.unit
        return amount(value, unit, "" if field is not None and field.converted else self.currency)

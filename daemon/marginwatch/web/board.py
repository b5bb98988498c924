"""The overview, drawn once for everybody: pieces of HTML by the id of the element they replace.

What did not change is not drawn again: a row is kept as long as the account says the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.fields import Unit
from marginwatch.core.model import GROUPS
from marginwatch.notify.words import amount, clean
from marginwatch.web.levels import limits_of
from marginwatch.web.sections import PIECES, alerts_of
from marginwatch.web.shown import currency_of, mark_of, money, path_of
from marginwatch.web.sparks import METRIC, Sparks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from jinja2 import Environment

    from marginwatch.core.model import Account, AccountKey
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import AccountState
    from marginwatch.store.course import Courses
    from marginwatch.web.levels import Limit
    from marginwatch.web.snapshot import Snapshot
    from marginwatch.web.spark import Spark

MOST_ACCOUNTS = 1_000
"""Rows; the calmest are left out beyond."""
_FULL = Decimal(1)
_UNKNOWN_RANK = 9_999_999
_SCALE = 10_000_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """The overview at one moment."""

    number: int
    """Rises with every drawing that differs from the one before."""
    at: datetime
    """When what it shows was so."""
    pieces: Mapping[str, str] = field(default_factory=dict)
    """HTML of each section, by the id of its element."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """HTML of each account's row, by its id, the worst first."""
    alerts: Mapping[str, str] = field(default_factory=dict)
    """Ids of the alerts that fire, and each in a few words."""
    left_out: int = 0
    """Accounts for which there is no room."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of the margin is used, and where levels begin: in percent of the bar."""

    width: float
    tone: str
    """`calm`, or the severity whose level is crossed."""
    label: str
    ticks: tuple[tuple[float, str], ...]
    """Place and severity."""


@dataclass(slots=True)
class _Row:
    """One account's row as it was drawn last."""

    state: AccountState
    firing: tuple[str, int]
    spark: Spark | None
    html: str
    rank: int
    name: str


class Board:
    """Draws overviews, one after the other and on one thread at a time."""

    def __init__(self, templates: Environment, courses: Courses) -> None:
        self._row = templates.get_template("row.html")
        self._pieces = {name: templates.get_template(f"{name}.html") for name in PIECES}
        self._rows: dict[AccountKey, _Row] = {}
        self._limits: dict[Account, tuple[Limit, ...]] = {}
        self._ruling: Ruling | None = None
        self._last: Drawn | None = None
        self._sparks = Sparks(courses)

    def draw(self, now: Snapshot) -> Drawn:
        """The overview of that moment."""
        if now.ruling is not self._ruling:
            self._ruling = now.ruling
            self._limits.clear()
            self._rows.clear()
        self.sample(now)
        firing = _firing(now)
        rows = sorted(
            (self._draw_row(state, firing.get(key, ("", 0))) for key, state in now.accounts.items()),
            key=lambda row: (-row.rank, row.state.account.key.venue, row.name),
        )
        for gone in self._rows.keys() - now.accounts.keys():
            del self._rows[gone]
        pieces = {name: self._pieces[name].render(each=make(now)) for name, make in PIECES.items()}
        shown = {mark_of("a", str(row.state.account.key)): row.html for row in rows[:MOST_ACCOUNTS]}
        alerts = {line.alert_id: f"{line.severity}: {line.account}, {line.title}" for line in alerts_of(now).firing}
        drawn = Drawn(0, now.at, pieces, shown, alerts, len(rows) - len(shown))
        return self._numbered(drawn)

    def sample(self, now: Snapshot) -> None:
        """Go on with the small lines."""
        self._sparks.sample(now)

    def _numbered(self, drawn: Drawn) -> Drawn:
        last = self._last
        same = last is not None and (last.pieces, last.rows) == (drawn.pieces, drawn.rows)
        number = 1 if last is None else last.number + (not same)
        self._last = Drawn(number, drawn.at, drawn.pieces, drawn.rows, drawn.alerts, drawn.left_out)
        return self._last

    def _draw_row(self, state: AccountState, firing: tuple[str, int]) -> _Row:
        key = state.account.key
        old, spark = self._rows.get(key), self._sparks.line(key)
        if old is not None and old.state is state and old.firing == firing and old.spark is spark:
            return old
        usage = state.known.get(METRIC)
        row = self._rows[key] = _Row(state, firing, spark, "", _rank(firing, usage), clean(state.account.name))
        row.html = self._row.render(row=self._cells(row))
        return row

    def _cells(self, row: _Row) -> AccountCells:
        state, key = row.state, row.state.account.key
        usage = state.known.get(METRIC)
        currency = currency_of(state)
        return AccountCells(
            mark=mark_of("a", str(key)),
            rank=row.rank,
            path=path_of(key),
            name=row.name or clean(key.id),
            venue="group" if key.venue == GROUPS else clean(key.venue),
            severity=row.firing[0],
            firing=row.firing[1],
            usage=amount(usage, Unit.RATIO) if isinstance(usage, Decimal) else "",
            bar=self._bar(state.account, usage) if isinstance(usage, Decimal) else None,
            equity=money(state.known.get("equity"), currency),
            excess=money(state.known.get("margin_excess"), currency),
            seen_at=state.observed_at,
            blind=bool(state.blind),
            line="" if row.spark is None else row.spark.line(),
            line_since=None if row.spark is None else row.spark.since,
        )

    def _bar(self, account: Account, usage: Decimal) -> Bar:
        limits = self._limits.get(account)
        if limits is None:
            limits = self._limits[account] = limits_of(self._ruling, account, METRIC) if self._ruling else ()
        crossed = [limit.severity.label for limit in limits if limit.crossed(usage)]
        told = [f"{limit.severity.label} {limit.operator} {amount(limit.value, Unit.RATIO)}" for limit in limits]
        return Bar(
            width=float(100 * max(Decimal(0), min(usage, _FULL))),
            tone=crossed[-1] if crossed else "calm",
            label=", ".join([f"margin usage {amount(usage, Unit.RATIO)}", *told]),
            ticks=tuple(
                (float(100 * limit.value), limit.severity.label) for limit in limits if 0 < limit.value < _FULL
            ),
        )


@dataclass(frozen=True, slots=True)
class AccountCells:
    """One account's row."""

    mark: str
    rank: int
    """Larger is worse."""
    path: str
    name: str
    venue: str
    severity: str
    """Of the worst alert that fires; empty for none."""
    firing: int
    usage: str
    bar: Bar | None
    equity: str
    excess: str
    seen_at: datetime | None
    blind: bool
    """Some rule cannot be judged now."""
    line: str
    line_since: datetime | None


def _rank(firing: tuple[str, int], usage: object) -> int:
    worst = {"": 0, "info": 1, "warning": 2, "critical": 3}[firing[0]]
    if not isinstance(usage, Decimal):
        return worst * _SCALE + (_UNKNOWN_RANK if not worst else 0)
    return worst * _SCALE + int(max(Decimal(0), min(usage, Decimal(9))) * 1_000_000)


def _firing(now: Snapshot) -> dict[AccountKey, tuple[str, int]]:
    counts: Counter[AccountKey] = Counter()
    worst: dict[AccountKey, int] = {}
    labels: dict[AccountKey, str] = {}
    for alert in now.alerts:
        if alert.fired_at is not None:
            key = alert.key.account
            counts[key] += 1
            if alert.severity > worst.get(key, 0):
                worst[key], labels[key] = alert.severity, alert.severity.label
    return {key: (labels[key], number) for key, number in counts.items()}

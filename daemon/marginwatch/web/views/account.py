"""One account: what its venue says of it, its positions, and the course of its numbers with the levels that apply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from marginwatch.core.fields import COMMON_UNITS, Unit
from marginwatch.core.model import AccountKey
from marginwatch.notify.words import amount, clean, span, value_of
from marginwatch.web.chart import Chart, Spell, Subject, draw
from marginwatch.web.levels import limits_of
from marginwatch.web.refusals import NotFoundError
from marginwatch.web.sections import plural
from marginwatch.web.shown import AlertLine, alert_line, currency_of, mark_of, path_of
from marginwatch.web.site import site_of, to_login

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value
    from marginwatch.core.state import AccountState
    from marginwatch.store.course import Course
    from marginwatch.store.store import Store
    from marginwatch.web.snapshot import Snapshot

RANGES: Final[Mapping[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
CHARTED: Final = ("margin_usage", "equity", "margin_excess", "margin_used", "unrealized_pnl", "day_pnl", "cash")
"""Fields offered for the chart, in this order, where the account has them."""
_MOST_POSITIONS = 200
_SHORTEST = timedelta(minutes=1)
_MOST_ALERTS = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that shows the chart otherwise."""

    label: str
    path: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One field as it was known last."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What the template is given."""

    name: str
    id: str
    venue: str
    seen_at: datetime | None
    fetched_at: datetime | None
    unknown: str
    """Why nothing is known as of now, or what is not; empty when all is."""
    chart: Chart
    charted: str
    fields: tuple[Choice, ...]
    ranges: tuple[Choice, ...]
    note: str
    alerts: tuple[AlertLine, ...]
    past: tuple[AlertLine, ...]
    facts: tuple[Fact, ...]
    position_fields: tuple[str, ...]
    positions: tuple[tuple[str, ...], ...]
    positions_at: datetime | None
    left_out: int
    marks: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for."""

    key: AccountKey
    field: str
    reach: str


async def account(request: Request) -> Response:
    """Show it."""
    site = site_of(request)
    session = site.session(request)
    if not site.may_read(session):
        return to_login(request)
    now = site.live.snapshot
    key = AccountKey(request.path_params["venue"], request.path_params["account"])
    if now is None or key not in now.accounts:
        what = "There is no such account: it was not seen yet, or was forgotten."
        raise NotFoundError(what)
    reach = request.query_params.get("range", "6h")
    asked = _Asked(key, request.query_params.get("field", ""), reach if reach in RANGES else "6h")
    page = await site.read(lambda: _page(site.store, now, asked))
    return await site.page(request, "account.html", session, here="", page=page)


def _page(store: Store, now: Snapshot, asked: _Asked) -> AccountPage:
    state = now.accounts[asked.key]
    offered = [name for name in CHARTED if isinstance(state.known.get(name), Decimal)]
    field = asked.field if isinstance(state.known.get(asked.field), Decimal) else next(iter(offered), "equity")
    asked = _Asked(asked.key, field, asked.reach)
    since = now.at - RANGES[asked.reach]
    course = store.courses.course(asked.key, field, since, now.at)
    fields = _fields(now, asked.key)
    holding = store.courses.holding(asked.key)
    positions = () if holding is None else holding.positions
    names = tuple(dict.fromkeys(name for position in positions for name in position))
    open_alerts = [alert for alert in now.alerts if alert.key.account == asked.key]
    past = store.history.alerts(open_only=False, account=asked.key, since=since, limit=_MOST_ALERTS)
    currency = currency_of(state)
    return AccountPage(
        name=clean(state.account.name),
        id=clean(asked.key.id),
        venue=clean(asked.key.venue),
        seen_at=state.observed_at,
        fetched_at=state.fetched_at,
        unknown=_unknown(state),
        chart=draw(_subject(store, now, asked, course, since)),
        charted=field,
        fields=tuple(_choices(asked, offered, "field")),
        ranges=tuple(_choices(asked, RANGES, "range")),
        note=_note(course, asked),
        alerts=tuple(
            alert_line(each, now.acknowledgements.get(each.alert_id), now.ruling, now.accounts, now.at)
            for each in sorted(open_alerts, key=lambda alert: (-alert.severity, alert.active_at))
        ),
        past=tuple(
            alert_line(each, None, now.ruling, now.accounts, now.at)
            for each in sorted(past, key=lambda alert: alert.active_at, reverse=True)
            if not each.is_open
        ),
        facts=tuple(_facts(state, fields, now, currency)),
        position_fields=tuple(map(clean, names)),
        positions=tuple(
            tuple(_worded(position.get(name), name, fields, now, currency) for name in names)
            for position in positions[:_MOST_POSITIONS]
        ),
        positions_at=None if holding is None else holding.fetched_at,
        left_out=max(0, len(positions) - _MOST_POSITIONS),
        marks=f"{mark_of('a', str(asked.key))} alerts",
    )


def _subject(store: Store, now: Snapshot, asked: _Asked, course: Course, since: datetime) -> Subject:
    state = now.accounts[asked.key]
    field = _fields(now, asked.key).get(asked.field)
    unit = COMMON_UNITS.get(asked.field, Unit.QUANTITY) if field is None else field.unit
    limits = limits_of(now.ruling, state.account, asked.field)
    told = {limit.rule for limit in limits}
    alerts = store.history.alerts(open_only=False, account=asked.key, since=since)
    spells = [
        Spell(alert.fired_at, alert.ended_at or now.at, alert.severity.label, clean(alert.title))
        for alert in alerts
        if alert.key.rule in told and alert.fired_at is not None
    ]
    gaps = [
        Spell(run.first_at, run.last_at, "gap", clean(run.detail))
        for run in store.history.failures(since)
        if run.venue == asked.key.venue and run.account in {None, asked.key}
    ]
    begins = _begins(course, since, now.at)
    return Subject(course.points, begins, now.at, unit, currency_of(state), limits, [*gaps, *spells])


def _begins(course: Course, since: datetime, until: datetime) -> datetime:
    """A chart does not begin long before there is anything to show."""
    first = course.points[0][0] if course.points else since
    return max(since, min(first, until - _SHORTEST))


def _choices(asked: _Asked, offered: Mapping[str, object] | list[str], what: str) -> Iterator[Choice]:
    for each in offered:
        query = {"field": asked.field, "range": asked.reach, what: each}
        chosen = each == (asked.field if what == "field" else asked.reach)
        yield Choice(
            each.replace("_", " ") if what == "field" else each, f"{path_of(asked.key)}?{urlencode(query)}", chosen
        )


def _note(course: Course, asked: _Asked) -> str:
    if not course.sampled:
        return ""
    apart = span(RANGES[asked.reach] / max(1, len(course.points)))
    return f"One observation every {apart} is drawn; between them it may have been higher or lower. Alerts are exact."


def _fields(now: Snapshot, key: AccountKey) -> Mapping[str, Field]:
    watch = now.ruling.venues.get(key.venue)
    return {} if watch is None else watch.rules.catalogue.fields


def _facts(state: AccountState, fields: Mapping[str, Field], now: Snapshot, currency: str) -> Iterator[Fact]:
    """Common names first, in their own order; then the venue's own."""
    order = {name: number for number, name in enumerate(COMMON_UNITS)}
    for name in sorted(state.known, key=lambda name: (order.get(name, len(order)), name)):
        field = fields.get(name)
        shown = _worded(state.known[name], name, fields, now, currency)
        yield Fact(clean(name), shown, "" if field is None else field.meaning)


def _worded(value: Value, name: str, fields: Mapping[str, Field], now: Snapshot, currency: str) -> str:
    if not isinstance(value, Decimal):
        return value_of(value, now.at) if value is not None else "not known"
    field = fields.get(name)
    unit = COMMON_UNITS.get(name, Unit.QUANTITY) if field is None else field.unit
    return amount(value, unit, "" if field is not None and field.converted else currency)


def _unknown(state: AccountState) -> str:
    if not state.blind:
        return ""
    since = min(state.blind.values())
    number = len(state.blind)
    return f"{plural(number, 'rule')} cannot be judged now; data are unknown since {since:%Y-%m-%d %H:%M:%S} UTC."

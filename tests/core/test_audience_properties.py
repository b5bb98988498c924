"""Properties of routes: nothing critical is silent, what was told is closed, and their order is nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.alert import Alert, State, Transition
from marginwatch.core.audience import Audience
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.model import Account, Severity
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes, Rung
from marginwatch.core.rule import Selector
from support.alerting import ACCOUNT, Timeline, ladder
from support.zones import CALENDARS

NAMES = ("a", "b", "c", "d")
SOME = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(tuple)
HOURS = st.sampled_from(
    [
        None,
        WeekHours(ZoneInfo("Europe/London"), parse_hours("Mon-Fri 08:00-18:00")),
        WeekHours(ZoneInfo("Asia/Tokyo"), parse_hours("Sat 22:00-07:00, Wed 12:00-12:30")),
        WeekHours(ZoneInfo("America/New_York"), parse_hours("00:00-24:00")),
        *CALENDARS.values(),
    ]
)
ROUTES = st.lists(
    st.builds(
        Route,
        name=st.sampled_from(["one", "two", "three", "four"]),
        receivers=SOME,
        selector=st.sampled_from([Selector(), Selector(venues=("futures",)), Selector(accounts=("B-*",))]),
        rules=st.sampled_from([(), ("margin-*",), ("pnl-*",)]),
        severities=st.frozensets(st.sampled_from(Severity), min_size=1),
        hours=HOURS,
        escalate=st.lists(st.builds(Rung, after=st.just(timedelta(minutes=5)), receivers=SOME), max_size=1).map(tuple),
    ),
    max_size=4,
    unique_by=lambda route: route.name,
)
RECEIVERS = st.lists(st.sampled_from(Severity), min_size=len(NAMES), max_size=len(NAMES)).map(
    lambda least: tuple(Receiver(name, severity) for name, severity in zip(NAMES, least, strict=True))
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001  (Hypothesis wants them so)
TOLD = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3))

LIFE = Timeline(ladder())
FIRED = LIFE.value(0, "95")[0]


def audience(routes: list[Route], receivers: tuple[Receiver, ...], now: datetime) -> Audience:
    """Everybody."""
    return Audience(receivers, now, Routes(routes), {ACCOUNT: Account(ACCOUNT, "Main desk")})


def alert(told: dict[str, int], climbed: list[str] | None = None) -> Alert:
    """One of which these were told."""
    return replace(LIFE.open(), told=told, climbed=tuple(climbed or ()))


def step(state: State, severity: Severity = Severity.CRITICAL) -> Transition:
    """What happens to it."""
    return replace(FIRED, state=state, severity=severity)


@given(ROUTES, RECEIVERS, MOMENTS, TOLD, st.sampled_from([State.FIRING, State.WORSENED, State.EVENT]))
def test_the_critical_is_never_silent(
    routes: list[Route], receivers: tuple[Receiver, ...], now: datetime, told: dict[str, int], state: State
) -> None:
    """Somebody hears of it at once, whatever the routes and hours are."""
    found = audience(routes, receivers, now).verdicts(step(state), alert(told))

    assert any(verdict.hears_now for verdict in found.values())


@given(ROUTES, RECEIVERS, MOMENTS, TOLD, st.sampled_from(Severity))
def test_nothing_is_heard_by_nobody_but_for_their_own_severity(
    routes: list[Route], receivers: tuple[Receiver, ...], now: datetime, told: dict[str, int], severity: Severity
) -> None:
    """Now or later, if any of those it goes to asks for it; what waits, waits for a time that comes."""
    watching = audience(routes, receivers, now)
    found = watching.verdicts(step(State.FIRING, severity), alert(told))
    leading = [route for route in watching.taken(FIRED.key) if severity in route.severities]
    named = {name for route in leading for name in route.receivers} or set(NAMES)
    wanting = {each.name for each in receivers if each.name in named and each.min_severity <= severity}

    assert wanting <= {name for name, verdict in found.items() if verdict.why.tells}
    waiting = [verdict.until for verdict in found.values() if verdict.until is not None]
    assert all(now < until <= now + timedelta(days=31) for until in waiting)


@given(ROUTES, RECEIVERS, MOMENTS, TOLD, st.sampled_from([State.RESOLVED, State.CLOSED, State.EASED]))
def test_what_was_told_is_closed_for_everybody_told(
    routes: list[Route], receivers: tuple[Receiver, ...], now: datetime, told: dict[str, int], state: State
) -> None:
    """Whatever the routes say by now; and for nobody else."""
    found = audience(routes, receivers, now).verdicts(step(state, Severity.INFO), alert(told))

    assert {name for name, verdict in found.items() if verdict.why.tells} == set(told)


@given(ROUTES, RECEIVERS, MOMENTS, TOLD, st.data())
def test_the_order_of_routes_is_nothing(
    routes: list[Route], receivers: tuple[Receiver, ...], now: datetime, told: dict[str, int], data: st.DataObject
) -> None:
    """Any order gives the same verdicts, those of who was called by a ladder included."""
    state, severity = data.draw(st.sampled_from(State)), data.draw(st.sampled_from(Severity))
    shuffled = data.draw(st.permutations(routes))
    called = alert(told, data.draw(st.lists(st.sampled_from(["one@300", "two@300"]), max_size=2, unique=True)))

    first = audience(routes, receivers, now).verdicts(step(state, severity), called)
    assert audience(shuffled, receivers, now).verdicts(step(state, severity), called) == first

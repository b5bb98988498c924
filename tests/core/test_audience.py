"""Who hears by which route, within which hours, and that nothing critical is heard by nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from marginwatch.core.alert import Reason, State
from marginwatch.core.audience import Audience
from marginwatch.core.groups import Group, Groups, Member
from marginwatch.core.health import OURSELVES, RECEIVER_FAILING
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.labels import Labelled, Labels
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.route import Receiver, Verdict, Why
from marginwatch.core.routing import Route, Routes, Rung
from marginwatch.core.rule import Selector
from support.alerting import ACCOUNT, START, Timeline, condition, ladder
from support.zones import CALENDARS

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
DESK, LEAD, PAGER = Receiver("desk", INFO), Receiver("lead", INFO), Receiver("pager", CRITICAL)
RECEIVERS = (DESK, LEAD, PAGER)
DAY = WeekHours(ZoneInfo("Europe/London"), parse_hours("Mon-Fri 08:00-18:00"))
NIGHT = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
"""A Monday."""
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)

LIFE = Timeline(ladder())
FIRED = LIFE.value(0, "85")[0]
ALERT = LIFE.open()
WARNED = replace(FIRED, severity=WARNING)
PAGED = replace(FIRED, severity=CRITICAL)
ENDED = replace(FIRED, state=State.RESOLVED, reason=Reason.CLEARED)


def audience(*routes: Route, now: datetime = START, receivers: tuple[Receiver, ...] = RECEIVERS) -> Audience:
    """Everybody, by these routes."""
    labels = Labels([Labelled("futures", lambda account: account.key.id == "A-1", {"desk": "rates"})])
    group = Group("family", (Member("futures", "futures/*", lambda _: True),), "USD", timedelta(minutes=1))
    return Audience(
        receivers,
        now,
        Routes(routes, labels, Groups([group], {"futures": None})),  # type: ignore[dict-item]  # no rule asks a field
        {ACCOUNT: Account(ACCOUNT, "Main desk")},
    )


def route(name: str = "one", *receivers: str, **options: object) -> Route:
    """One route, to the desk if nobody is named."""
    return Route(name, receivers or ("desk",), **options)  # type: ignore[arg-type]  # options are the route's own


def hears(found: dict[str, Verdict]) -> list[str]:
    """Who hears now."""
    return [name for name, verdict in found.items() if verdict.hears_now]


def test_without_routes_everybody_hears() -> None:
    """Each from its own severity on, as if routes had never been thought of."""
    assert hears(audience().verdicts(WARNED, ALERT)) == ["desk", "lead"]
    assert hears(audience().verdicts(PAGED, ALERT)) == ["desk", "lead", "pager"]


def test_every_route_that_takes_it_counts() -> None:
    """Two routes fit and a third does not: the receivers of both hear, in whatever order they stand."""
    fit = (route("a", "desk"), route("b", "pager", severities=frozenset({CRITICAL})), route("c", "lead", rules=("x",)))

    found = audience(*fit).verdicts(PAGED, ALERT)
    assert hears(found) == ["desk", "pager"]
    assert found["lead"] == Verdict(Why.NOT_ROUTED)
    assert audience(*reversed(fit)).verdicts(PAGED, ALERT) == found


def test_what_no_route_takes_goes_to_everybody() -> None:
    """A warning where routes take only what is critical; a worsening then goes by the route."""
    watching = audience(route("a", "pager", severities=frozenset({CRITICAL})))

    assert hears(watching.verdicts(WARNED, ALERT)) == ["desk", "lead"]
    assert hears(watching.verdicts(PAGED, ALERT)) == ["pager"]


@pytest.mark.parametrize(
    ("options", "takes"),
    [
        ({"selector": Selector(venues=("fut*",))}, True),
        ({"selector": Selector(venues=("fx",))}, False),
        ({"selector": Selector(accounts=("A-*",))}, True),
        ({"selector": Selector(accounts=("Main *",))}, True),
        ({"selector": Selector(accounts=("B-*",))}, False),
        ({"selector": Selector(labels={"desk": "rates"})}, True),
        ({"selector": Selector(labels={"desk": "fx"})}, False),
        ({"selector": Selector(groups=("family",))}, True),
        ({"selector": Selector(groups=("other",))}, False),
        ({"rules": ("margin-*",)}, True),
        ({"rules": ("pnl-*", "margin-usage")}, True),
        ({"rules": ("pnl-*",)}, False),
        ({"severities": frozenset({WARNING})}, True),
        ({"severities": frozenset({INFO, CRITICAL})}, False),
    ],
)
def test_a_route_takes_what_all_of_its_choices_fit(options: dict[str, object], takes: bool) -> None:
    """By venue, account, label, group, rule and severity."""
    others = route("others", "lead")

    found = audience(route("one", "desk", **options), others).verdicts(WARNED, ALERT)
    assert hears(found) == (["desk", "lead"] if takes else ["lead"])


def test_out_of_hours_it_is_told_when_they_begin() -> None:
    """Held back until the morning, with the route that does it; the other route's receiver hears at once."""
    found = audience(route("day", "desk", hours=DAY), route("all", "lead"), now=NIGHT).verdicts(WARNED, ALERT)

    assert hears(found) == ["lead"]
    assert found["desk"] == Verdict(Why.SEVERE_ENOUGH, MORNING, "day")
    assert found["desk"].hears_later


def test_the_hours_that_begin_first_count() -> None:
    """A receiver of several routes hears when one of them tells, and waits for the next one to begin."""
    early = WeekHours(UTC, parse_hours("06:00-07:00"))
    now = audience(route("day", hours=DAY), route("night", hours=WeekHours(UTC, parse_hours("21:00-23:00"))), now=NIGHT)
    later = audience(route("day", hours=DAY), route("early", hours=early), now=NIGHT)

    assert hears(now.verdicts(WARNED, ALERT)) == ["desk"]
    assert later.verdicts(WARNED, ALERT)["desk"] == Verdict(Why.SEVERE_ENOUGH, MORNING.replace(hour=6), "early")


def test_a_calendar_opens_and_closes_a_route() -> None:
    """Between the close at 22:00 and the open at 23:00 UTC of that day nothing is told."""
    way = route("sessions", "desk", hours=CALENDARS["us-futures"])

    assert hears(audience(way, now=NIGHT - timedelta(minutes=1)).verdicts(WARNED, ALERT)) == ["desk"]
    held = audience(way, now=NIGHT).verdicts(WARNED, ALERT)["desk"]
    assert held == Verdict(Why.SEVERE_ENOUGH, NIGHT + timedelta(hours=1), "sessions")


def test_hours_that_never_begin_again_hold_nothing_back() -> None:
    """A calendar without a session in sight: told at once rather than never."""
    closed = replace(
        CALENDARS["us-futures"], holidays=frozenset(NIGHT.date() + timedelta(days=day) for day in range(-60, 60))
    )

    assert hears(audience(route(hours=closed), now=NIGHT).verdicts(WARNED, ALERT)) == ["desk"]


def test_the_critical_is_heard_whatever_the_hours() -> None:
    """If all are out of their hours, all hear of it at once; if somebody is on duty, the others wait."""
    day = route("day", "desk", "lead", hours=DAY)

    found = audience(day, now=NIGHT).verdicts(PAGED, ALERT)
    assert hears(found) == ["desk", "lead"]
    assert found["desk"] == Verdict(Why.NOBODY_ON_DUTY, None, "day")
    assert hears(audience(day, route("all", "pager"), now=NIGHT).verdicts(PAGED, ALERT)) == ["pager"]


def test_an_end_wakes_nobody_but_who_was_woken() -> None:
    """Told by day, ended by night: heard in the morning; told by night for being critical: heard at once."""
    told = replace(ALERT, told={"desk": 1})
    by_night = audience(route("day", hours=DAY), now=NIGHT)
    ended = replace(ENDED, severity=CRITICAL)

    assert by_night.verdicts(ended, told)["desk"] == Verdict(Why.WAS_TOLD, MORNING, "day")
    assert hears(by_night.verdicts(ended, replace(told, roused=("desk",)))) == ["desk"]


def test_what_was_told_is_closed_whatever_the_routes_say() -> None:
    """Told by routes of before an edit: it hears how things go on and that they end."""
    told = replace(ALERT, told={"desk": 2})
    others = audience(route("others", "lead"))

    for step in (ENDED, replace(FIRED, state=State.WORSENED), replace(FIRED, state=State.UNKNOWN), FIRED):
        assert others.verdicts(step, told)["desk"] == Verdict(Why.WAS_TOLD)


def test_an_alert_about_a_receiver_reaches_somebody_else() -> None:
    """The only route leads to the receiver that fails: everybody else hears."""
    key = AlertKey(RECEIVER_FAILING, OURSELVES, "desk")
    timeline = Timeline(condition(id=RECEIVER_FAILING), key=key)
    (failing,) = timeline.holds(0)

    found = audience(route("one", "desk")).verdicts(failing, timeline.open())
    assert found["desk"] == Verdict(Why.ITS_OWN_FAILURE)
    assert hears(found) == ["lead", "pager"]


def test_an_account_that_is_not_known_goes_by_its_id() -> None:
    """Also the alerts about a venue as a whole, and about marginwatch itself."""
    watching = audience(route("one", "desk", selector=Selector(venues=("fx",))), route("two", "lead"))
    key = AlertKey("venue-unreachable", AccountKey("fx", ""))

    assert hears(watching.verdicts(replace(WARNED, key=key), ALERT)) == ["desk", "lead"]


def test_a_ladder_calls_whom_it_names_and_nobody_else() -> None:
    """Whatever hours and severity they have; a receiver is not called for its own failure."""
    step = replace(WARNED, state=State.REMINDER, reason=Reason.ESCALATED)
    calls = replace(audience(route("day", hours=DAY), now=NIGHT), called={ALERT.alert_id: ("pager",)})

    assert calls.verdicts(step, ALERT) == {
        "desk": Verdict(Why.NOT_ROUTED),
        "lead": Verdict(Why.NOT_ROUTED),
        "pager": Verdict(Why.ESCALATED),
    }
    own = replace(step, key=AlertKey(RECEIVER_FAILING, OURSELVES, "pager"))
    assert hears(calls.verdicts(own, ALERT)) == []


def test_who_was_called_hears_on() -> None:
    """Also what is milder than it asks for and where no route leads to it, as long as the step counts."""
    way = route("one", "desk", escalate=(Rung(timedelta(minutes=10), ("pager",)),))
    climbed = replace(ALERT, climbed=("one@600",))

    assert audience(way).verdicts(WARNED, climbed)["pager"] == Verdict(Why.ESCALATED)
    assert audience(way).verdicts(WARNED, ALERT)["pager"] == Verdict(Why.TOO_MILD)


def test_labels_of_two_tables_are_laid_over_each_other() -> None:
    """Of a label given twice the later counts, of another venue's none."""
    labels = Labels(
        [
            Labelled("futures", lambda _: True, {"desk": "rates", "trader": "ann"}),
            Labelled("futures", lambda _: True, {"desk": "fx"}),
            Labelled("fx", lambda _: True, {"trader": "bob"}),
        ]
    )

    assert labels.of(Account(ACCOUNT, "Main")) == {"desk": "fx", "trader": "ann"}
    assert Labels().of(Account(ACCOUNT, "Main")) == {}


def test_a_rule_tried_under_another_name_takes_the_routes_of_its_own() -> None:
    """As backtests try several values of one rule at once."""
    routes = Routes([route("one", rules=("margin-usage",))])
    account = Account(ACCOUNT, "Main desk")

    assert routes.of(account, "margin-usage#2") == ()
    assert routes.known_as(lambda rule: rule.partition("#")[0]).of(account, "margin-usage#2") == routes.all
    assert Routes().of(account, "margin-usage") == ()
    assert not Routes()

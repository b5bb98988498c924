"""Properties of what is held back: whatever is held back when, everybody ends up knowing what is so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.alert import Alert, Silence, State, Status
from marginwatch.core.audience import Audience
from marginwatch.core.desk import Desk
from marginwatch.core.fields import Catalogue
from marginwatch.core.groups import Group, Groups, Member
from marginwatch.core.hold import Holds
from marginwatch.core.holding import route, settle
from marginwatch.core.hours import EVERY_DAY, Span, WeekHours
from marginwatch.core.labels import Labelled, Labels
from marginwatch.core.machine import Policy, advance
from marginwatch.core.maintenance import Maintenance, Maintenances, Once
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.result import AlertKey, Difference, Known, Occurred, Result, Unknown
from marginwatch.core.route import Receiver, Routed
from marginwatch.core.rule import Level, Rule, RuleKind, Selector
from marginwatch.core.selecting import described
from marginwatch.core.state import Withheld
from marginwatch.core.withheld import Rows, Waiting
from marginwatch.store import codec
from support.alerting import STALE_AFTER, after, compare, ladder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Transition

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
RULES = {
    rule.id: rule
    for rule in (
        ladder({INFO: "70", WARNING: "80", CRITICAL: "90"}, id="usage", worsens_by=Decimal(5)),
        ladder({WARNING: "80"}, id="slow", hold=timedelta(seconds=20), clear_for=timedelta(seconds=20)),
        Rule("changed", "Changed", RuleKind.EVENT, (Level(WARNING),)),
    )
}
ACCOUNTS = (AccountKey("futures", "A-1"), AccountKey("fx", "B-1"))
NAMED = {ACCOUNTS[0]: Account(ACCOUNTS[0], "Main")}
LABELS = Labels([Labelled("futures", lambda _: True, {"book": "rates"})])
MEMBERS = tuple(Member(key.venue, f"{key.venue}/*", lambda _: True) for key in ACCOUNTS)
GROUPS = Groups(
    (Group(name, members, "USD", STALE_AFTER) for name, members in (("all", MEMBERS), ("desk", MEMBERS[1:]))),
    {key.venue: Catalogue("any", {}, {}) for key in ACCOUNTS},
)
RECEIVERS = tuple(Receiver(severity.label, severity) for severity in Severity)


@dataclass(frozen=True)
class Turn:
    """A result for one rule and account."""

    rule: str
    account: AccountKey
    gap: int
    value: int | None


@dataclass(frozen=True)
class Windows:
    """All that may hold back."""

    silences: tuple[Silence, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    quiet: Mapping[str, Quiet] = field(default_factory=dict)

    def hold(self, receiver: str, now: datetime) -> bool:
        """Whether any of it may hold anything back from the receiver."""
        quiet = self.quiet.get(receiver)
        return (
            any(silence.covers(now) for silence in self.silences)
            or any(window.when.ends(now) for window in self.maintenance)
            or (quiet is not None and quiet.hours.contains(now))
        )


@dataclass
class World:
    """Alerts, receivers and what holds back, with what each receiver knows."""

    windows: Windows = field(default_factory=Windows)
    open: dict[AlertKey, Alert] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=Waiting)
    knows: dict[str, dict[str, Severity]] = field(default_factory=lambda: {r.name: {} for r in RECEIVERS})
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    routed: list[Routed] = field(default_factory=list)
    anew: bool = False

    def turn(self, turn: Turn, seconds: int) -> None:
        """One tick: end what is over, then take the result."""
        now = after(seconds)
        self.settle(now)
        key = AlertKey(turn.rule, turn.account)
        step = advance(
            RULES[turn.rule],
            self.open.get(key),
            Result(key, outcome_of(turn), now, now),
            now,
            Policy(STALE_AFTER, acknowledged=False, revision="r"),
        )
        if step.alert is not None:
            self.keep(step.alert)
            rows, alerts = Rows(self.waiting), {step.alert.alert_id: step.alert}
            audience = Audience(RECEIVERS, now, accounts=NAMED)
            self.take(route(step.transitions, alerts, audience=audience, holds=self.holds(now), rows=rows), rows)

    def settle(self, now: datetime) -> None:
        """Let go what nothing holds back any more."""
        alerts = {alert.alert_id: alert for alert in self.open.values()}
        rows = Rows(self.waiting)
        desk = Desk(alerts, Audience(RECEIVERS, now, accounts=NAMED), self.holds(now), rows)
        due = self.waiting.alerts if self.anew else self.waiting.due(now)
        self.anew = False
        self.take(settle(due, alerts, RULES, desk=desk, revision="r"), rows)

    def holds(self, now: datetime) -> Holds:
        """What holds back at that time."""
        maintenance = Maintenances(self.windows.maintenance, LABELS, GROUPS)
        known = partial(described, labels=LABELS, groups=GROUPS)
        return Holds(now, NAMED, self.windows.silences, maintenance, self.windows.quiet, described=known)

    def restart(self, windows: Windows) -> None:
        """A new process finds what was stored, and perhaps another config."""
        stored = [codec.decode(Withheld, codec.encode(row)) for row in self.waiting.rows]
        assert tuple(stored) == self.waiting.rows
        self.windows, self.waiting, self.anew = windows, Waiting(stored), True

    def keep(self, alert: Alert) -> None:
        """Remember an open alert, drop one that ended."""
        if alert.is_open:
            self.open[alert.key] = alert
        elif self.open.get(alert.key, alert).alert_id == alert.alert_id:
            self.open.pop(alert.key, None)

    def take(self, routed: Routed, rows: Rows) -> None:
        """Deliver everything at once."""
        self.routed.append(routed)
        self.waiting.take(rows.released, rows.withheld)
        for alert in routed.alerts.values():
            self.keep(alert)
        for notice in routed.notices:
            row = (notice.alert.alert_id, notice.receiver)
            assert notice.number == self.numbers.get(row, 0) + 1
            assert notice.alert.told[notice.receiver] == notice.number
            self.numbers[row] = notice.number
            self.learn(notice.receiver, notice.transition)

    def learn(self, receiver: str, transition: Transition) -> None:
        """What a receiver knows after a message."""
        if transition.state is State.EVENT:
            self.events[receiver, transition.alert_id] += 1
        elif transition.state in {State.RESOLVED, State.CLOSED}:
            del self.knows[receiver][transition.alert_id]
        else:
            self.knows[receiver][transition.alert_id] = transition.severity

    def firing(self) -> dict[str, Severity]:
        """The alerts that fire, as they are."""
        return {alert.alert_id: alert.severity for alert in self.open.values() if alert.status is Status.FIRING}


def outcome_of(turn: Turn) -> Known | Unknown | Occurred:
    """What evaluating the turn gives."""
    if turn.value is None:
        return Unknown("no answer")
    if RULES[turn.rule].kind is RuleKind.EVENT:
        return Occurred((Difference("permissions", None, str(turn.value)),))
    return compare(RULES[turn.rule], Decimal(turn.value))


TURNS = st.lists(
    st.builds(
        Turn,
        rule=st.sampled_from(list(RULES)),
        account=st.sampled_from(ACCOUNTS),
        gap=st.sampled_from([1, 10, 20, 70]),
        value=st.one_of(st.none(), *[st.integers(60, 100)] * 3),
    ),
    max_size=30,
)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    """Any time within the test."""
    start = draw(st.integers(0, 300))
    return start, start + draw(st.integers(1, 300))


GROUP_CHOICES: st.SearchStrategy[tuple[str, ...]] = st.sampled_from([(), (), ("desk",), ("all", "desk"), ("none",)])
LABEL_CHOICES: st.SearchStrategy[dict[str, str]] = st.sampled_from([{}, {}, {"book": "rates"}, {"book": "fx"}])


@st.composite
def silences(draw: st.DrawFn) -> Silence:
    """A silence of anything."""
    start, end = draw(spans())
    return Silence(
        id=draw(st.integers(1, 9)),
        by="me",
        note="",
        starts_at=after(start),
        ends_at=after(end),
        rule=draw(st.sampled_from(["*", "usage", "s*", "changed"])),
        venue=draw(st.sampled_from(["*", "futures"])),
        account=draw(st.sampled_from(["*", "*", "Main", "B-?"])),
        groups=draw(GROUP_CHOICES),
        labels=draw(LABEL_CHOICES),
    )


@st.composite
def maintenances(draw: st.DrawFn) -> Maintenance:
    """Maintenance of anything."""
    start, end = draw(spans())
    venues, accounts = draw(st.sampled_from([(), ("fx",)])), draw(st.sampled_from([(), ("Main",)]))
    selector = Selector(venues, accounts, draw(LABEL_CHOICES), draw(GROUP_CHOICES))
    rules = draw(st.sampled_from([(), ("usage", "changed")]))
    return Maintenance(draw(st.sampled_from(["patch", "move"])), Once(after(start), after(end)), selector, rules)


@st.composite
def quiet_hours(draw: st.DrawFn) -> Quiet:
    """Quiet hours of a receiver, one stretch or two."""
    found = [draw(spans()) for _ in range(draw(st.integers(1, 2)))]
    clock = after(0) - after(0).replace(hour=0)
    days = tuple(Span(EVERY_DAY, clock + after(a) - after(0), clock + after(b) - after(0)) for a, b in found)
    return Quiet(WeekHours(UTC, days), draw(st.sampled_from([WARNING, CRITICAL])))


WINDOWS = st.builds(
    Windows,
    st.lists(silences(), max_size=3, unique_by=lambda silence: silence.id).map(tuple),
    st.lists(maintenances(), max_size=2, unique_by=lambda window: window.name).map(tuple),
    st.dictionaries(st.sampled_from([receiver.name for receiver in RECEIVERS]), quiet_hours(), max_size=2),
)
EDITS = st.dictionaries(st.integers(0, 29), st.one_of(st.none(), WINDOWS), max_size=3)
"""Before which turns a new process begins, and by what config; None: by the same."""


@given(TURNS, WINDOWS, EDITS)
def test_at_the_end_of_every_window_everybody_knows_what_they_would_have_known(
    turns: list[Turn], windows: Windows, edits: dict[int, Windows | None]
) -> None:
    """Whenever nothing is held back from it, a receiver knows the same open alerts as without any window.

    Whatever overlaps, at restarts in the middle and at edits of the windows; at a level at least as true. It is spared
    those that became milder within the window than what it asked for, if it never heard of them.
    """
    held, plain = World(windows), World()
    seconds = 0
    for number, turn in enumerate([*turns, Turn("usage", ACCOUNTS[0], 1000, None)]):
        seconds += turn.gap
        if number in edits:
            held.restart(edits[number] or held.windows)
        held.turn(turn, seconds)
        plain.turn(turn, seconds)
        assert held.firing() == plain.firing()
        for receiver in RECEIVERS:
            if not held.windows.hold(receiver.name, after(seconds)):
                assert not any(receiver.name in row.receivers for row in held.waiting.rows)
                know_the_same(receiver, held, plain)
    assert held.events == plain.events
    assert not held.waiting


def know_the_same(receiver: Receiver, held: World, plain: World) -> None:
    """Of the alerts that fire, and none that ended."""
    known, expected = held.knows[receiver.name], plain.knows[receiver.name]
    for alert_id, severity in plain.firing().items():
        if alert_id in known or severity >= receiver.min_severity:
            assert (alert_id in known) == (alert_id in expected)
            assert known.get(alert_id) in {expected.get(alert_id), severity if alert_id in expected else None}
    assert set(expected) <= {alert.alert_id for alert in plain.open.values()}
    assert set(known) <= {alert.alert_id for alert in held.open.values()}


@given(TURNS, WINDOWS)
def test_what_is_critical_never_waits_for_quiet_hours(turns: list[Turn], windows: Windows) -> None:
    """With quiet hours alone, whoever hears of critical alerts knows of them at once, and of how bad they are."""
    held, plain = World(replace(windows, silences=(), maintenance=())), World()
    seconds = 0
    for turn in turns:
        seconds += turn.gap
        held.turn(turn, seconds)
        plain.turn(turn, seconds)
        critical = {alert_id for alert_id, severity in plain.firing().items() if severity is CRITICAL}
        for receiver in RECEIVERS:
            assert {held.knows[receiver.name].get(alert_id) for alert_id in critical} <= {CRITICAL}


@given(TURNS, WINDOWS)
def test_a_window_only_ever_spares_messages(turns: list[Turn], windows: Windows) -> None:
    """No receiver gets more messages of an alert with windows than without, but for one at each window's end."""
    held, plain = World(windows), World()
    ends = len(windows.silences) + len(windows.maintenance) + sum(len(q.hours.spans) for q in windows.quiet.values())
    seconds = 0
    for turn in turns:
        seconds += turn.gap
        held.turn(turn, seconds)
        plain.turn(turn, seconds)
    for row, count in held.numbers.items():
        assert count <= plain.numbers.get(row, 0) + ends


@given(TURNS)
def test_what_was_told_is_closed(turns: list[Turn]) -> None:
    """Without windows nobody is left believing in an alert that ended, and nobody hears an end out of the blue."""
    world = World()
    seconds = 0
    for turn in turns:
        seconds += turn.gap
        world.turn(turn, seconds)
        still = {alert.alert_id for alert in world.open.values()}
        assert all(set(known) <= still for known in world.knows.values())


@given(TURNS, WINDOWS, st.sets(st.integers(0, 29), max_size=4))
def test_a_restart_changes_nothing_of_what_is_told(turns: list[Turn], windows: Windows, restarts: set[int]) -> None:
    """The same turns and windows give the same notices, and what is held back is so still, whatever restarts there are.

    A start looks at everything, and drops at once what is to be told to nobody any more; so both look in the end.
    """
    first, second = World(windows), World(windows)
    seconds = 0
    for number, turn in enumerate(turns):
        seconds += turn.gap
        if number in restarts:
            second.restart(windows)
        first.turn(turn, seconds)
        second.turn(turn, seconds)
    for world in (first, second):
        world.restart(windows)
        world.settle(after(seconds))

    assert first.routed == second.routed
    assert first.waiting.rows == second.waiting.rows

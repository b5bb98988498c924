"""Properties of routing and silences: whatever is silenced when, everybody ends up knowing what is so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.alert import Alert, Silence, State, Status
from marginwatch.core.audience import Audience
from marginwatch.core.holding import route, settle
from marginwatch.core.machine import Policy, advance
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.result import AlertKey, Difference, Known, Occurred, Result, Unknown
from marginwatch.core.route import Receiver, Routed
from marginwatch.core.rule import Level, Rule, RuleKind
from support.alerting import STALE_AFTER, after, compare, ladder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.core.alert import Transition
    from marginwatch.core.state import Withheld

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
RECEIVERS = tuple(Receiver(severity.label, severity) for severity in Severity)


@dataclass(frozen=True)
class Turn:
    """A result for one rule and account."""

    rule: str
    account: AccountKey
    gap: int
    value: int | None


@dataclass
class World:
    """Alerts, receivers and silences, with what each receiver knows."""

    silences: Sequence[Silence]
    open: dict[AlertKey, Alert] = field(default_factory=dict)
    withheld: list[Withheld] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    knows: dict[str, dict[str, Severity]] = field(default_factory=lambda: {r.name: {} for r in RECEIVERS})
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    routed: list[Routed] = field(default_factory=list)

    def turn(self, turn: Turn, seconds: int) -> None:
        """One tick: end silences, then take the result."""
        self.end_silences(seconds)
        now = after(seconds)
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
            alerts = {step.alert.alert_id: step.alert}
            self.take(
                route(
                    step.transitions, alerts, audience=Audience(RECEIVERS, now, accounts=NAMED), silences=self.silences
                )
            )

    def end_silences(self, seconds: int) -> None:
        """Settle what ended since the last tick."""
        now = after(seconds)
        ended = {silence.id for silence in self.silences if silence.ends_at <= now} - self.settled
        alerts = {alert.alert_id: alert for alert in self.open.values()}
        routed = settle(
            ended,
            self.withheld,
            alerts,
            audience=Audience(RECEIVERS, now, accounts=NAMED),
            silences=self.silences,
            revision="r",
        )
        self.withheld = [row for row in self.withheld if row.silence not in ended]
        self.settled |= ended
        self.take(routed)

    def keep(self, alert: Alert) -> None:
        """Remember an open alert, drop one that ended."""
        if alert.is_open:
            self.open[alert.key] = alert
        elif self.open.get(alert.key, alert).alert_id == alert.alert_id:
            self.open.pop(alert.key, None)

    def take(self, routed: Routed) -> None:
        """Deliver everything at once."""
        self.routed.append(routed)
        self.withheld += routed.withheld
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
def silence_sets(draw: st.DrawFn) -> list[Silence]:
    """Up to four silences of anything, at any time, overlapping as they like."""
    silences = []
    for number in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, 300))
        silences.append(
            Silence(
                id=number,
                by="me",
                note="",
                starts_at=after(start),
                ends_at=after(start + draw(st.integers(1, 300))),
                rule=draw(st.sampled_from(["*", "usage", "s*", "changed"])),
                venue=draw(st.sampled_from(["*", "futures"])),
                account=draw(st.sampled_from(["*", "Main", "B-?"])),
            )
        )
    return silences


@given(TURNS, silence_sets())
def test_after_every_silence_everybody_knows_what_they_would_have_known(
    turns: list[Turn], silences: list[Silence]
) -> None:
    """Whenever no silence holds, each receiver knows the same open alerts as without any, at a level at least as true.

    It is spared those that became milder within the silence than what it asked for, if it never heard of them.
    """
    silenced, plain = World(silences), World(())
    seconds = 0
    for turn in [*turns, Turn("usage", ACCOUNTS[0], 1000, None)]:
        seconds += turn.gap
        silenced.turn(turn, seconds)
        plain.turn(turn, seconds)
        if any(silence.covers(after(seconds)) for silence in silences):
            continue
        assert silenced.firing() == plain.firing()
        for receiver in RECEIVERS:
            known, expected = silenced.knows[receiver.name], plain.knows[receiver.name]
            for alert_id, severity in plain.firing().items():
                spared = alert_id not in known and severity < receiver.min_severity
                assert spared or (alert_id in known) == (alert_id in expected)
                assert spared or known.get(alert_id) in {
                    expected.get(alert_id),
                    severity if alert_id in expected else None,
                }
            ended = set(plain.knows[receiver.name]) - {alert.alert_id for alert in plain.open.values()}
            assert ended == set()
            assert set(known) <= {alert.alert_id for alert in silenced.open.values()}
    assert silenced.events == plain.events
    assert silenced.withheld == []


@given(TURNS, silence_sets())
def test_a_silence_only_ever_spares_messages(turns: list[Turn], silences: list[Silence]) -> None:
    """No receiver gets more messages of an alert with silences than without, but for one at each silence's end."""
    silenced, plain = World(silences), World(())
    seconds = 0
    for turn in turns:
        seconds += turn.gap
        silenced.turn(turn, seconds)
        plain.turn(turn, seconds)
    for row, count in silenced.numbers.items():
        assert count <= plain.numbers.get(row, 0) + len(silences)


@given(TURNS)
def test_what_was_told_is_closed(turns: list[Turn]) -> None:
    """Without silences nobody is left believing in an alert that ended, and nobody hears an end out of the blue."""
    world = World(())
    seconds = 0
    for turn in turns:
        seconds += turn.gap
        world.turn(turn, seconds)
        still = {alert.alert_id for alert in world.open.values()}
        assert all(set(known) <= still for known in world.knows.values())


@given(TURNS, silence_sets())
def test_routing_is_the_same_every_time(turns: list[Turn], silences: list[Silence]) -> None:
    """The same turns and silences give the same notices, withheld messages and alerts."""
    first, second = World(silences), World(tuple(replace(silence) for silence in silences))
    seconds = 0
    for turn in turns:
        seconds += turn.gap
        first.turn(turn, seconds)
        second.turn(turn, seconds)

    assert first.routed == second.routed

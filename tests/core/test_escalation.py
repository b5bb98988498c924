"""Ladders: who is called when nobody acknowledges, when, and that no step is taken twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import Acknowledgement, Reason, Silence
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.model import Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes, Rung
from marginwatch.core.seen import left_by
from marginwatch.store.types import OperatorInput
from support.desk import Desk, Paper, after, ruling, steps, usage_rule

if TYPE_CHECKING:
    from marginwatch.core.ruling import Ruling

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
RECEIVERS = (Receiver("desk", Severity.INFO), Receiver("lead", CRITICAL), Receiver("boss", CRITICAL))
LADDER = (Rung(timedelta(minutes=1), ("lead",)), Rung(timedelta(minutes=3), ("boss",)))
ROUTE = Route("margin", ("desk",), escalate=LADDER)
QUICK = Route(
    "critical", ("desk",), severities=frozenset({CRITICAL}), escalate=(Rung(timedelta(seconds=30), ("boss",)),)
)


def rules(*routes: Route) -> Ruling:
    """One rule, by these routes."""
    return replace(ruling(usage_rule(), receivers=RECEIVERS), routes=Routes(routes or (ROUTE,)))


class Night:
    """Values every ten seconds, and what operators do."""

    def __init__(self, *routes: Route) -> None:
        self.paper = Paper()
        self.desk = Desk(rules(*routes), self.paper)
        self.second = 0

    def until(self, second: int, usage: str = "0.85") -> None:
        """Pass time with that value, and tick for every timer between two answers."""
        while self.second < second:
            self.second += 10
            while (due := self.desk.ticker.next_timer()) is not None and due < after(self.second):
                self.desk.ticker.tick([], due)
            self.desk.see(self.second, usage)

    def acknowledge(self, until: int | None = None) -> None:
        """Somebody is on it."""
        alert_id = self.desk.transitions[0].alert_id
        end = None if until is None else after(until)
        given = Acknowledgement(alert_id, "ann", "", after(self.second), end)
        self.write(acknowledgements={alert_id: given})

    def silence(self, number: int, start: int, end: int) -> None:
        """Nobody is to hear for a while."""
        self.write(silences=(Silence(number, "ann", "", after(start), after(end)),))

    def write(self, **what: object) -> None:
        """What operators write, read at the next tick."""
        wishes = self.paper.wishes
        self.paper.wishes = replace(OperatorInput(wishes.changes + 1, (), {}, ()), **what)  # type: ignore[arg-type]  # its own fields

    def calls(self) -> list[tuple[int, str]]:
        """When who was called."""
        return [
            (int((commit.at - after(0)).total_seconds()), message.receiver)
            for commit in self.paper.commits
            for message in commit.messages
            if message.payload["reason"] == Reason.ESCALATED
        ]


def test_each_step_is_taken_once_and_in_time() -> None:
    """A minute and three after it was told, whatever `min_severity` those called have, and never again."""
    night = Night()
    night.until(600)

    assert night.calls() == [(70, "lead"), (190, "boss")]
    assert night.desk.told("lead") == ["usage:reminder:warning"]
    assert night.desk.told("desk") == ["usage:firing:warning"]
    called = [step for step in night.desk.transitions if step.reason is Reason.ESCALATED]
    assert [step.at for step in called] == [after(70), after(190)]
    assert called[0].limit == usage_rule().levels[0].limit


def test_who_was_called_hears_the_end() -> None:
    """And how it goes on; that nobody acknowledged shortens no other message."""
    night = Night()
    night.until(100)
    night.until(110, "0.95")
    night.until(120, "0.5")

    assert night.desk.told("lead") == ["usage:reminder:warning", "usage:worsened:critical", "usage:resolved:critical"]
    night.until(600, "0.5")
    assert night.calls() == [(70, "lead")]


def test_what_is_over_as_its_step_is_due_calls_nobody() -> None:
    """The answer that ends it comes in the very tick."""
    night = Night()
    night.until(60)
    night.until(300, "0.5")

    assert night.desk.told("desk") == ["usage:firing:warning", "usage:resolved:warning"]
    assert night.calls() == []


def test_an_acknowledgement_stops_the_ladder() -> None:
    """For good, if it has no end."""
    night = Night()
    night.until(50)
    night.acknowledge()
    night.until(900)

    assert night.calls() == []


def test_the_clock_starts_anew_when_an_acknowledgement_is_over() -> None:
    """From its end on, and from the first step, although that was taken before."""
    night = Night()
    night.until(80)
    night.acknowledge(until=203)
    night.until(900)

    assert night.calls() == [(70, "lead"), (263, "lead"), (383, "boss")]


def test_the_end_of_an_acknowledgement_counts_though_no_process_saw_it() -> None:
    """What has become overdue since is called at once by the next process."""
    night = Night()
    night.until(80)
    night.acknowledge(until=120)
    night.until(100)
    night.paper.prior = left_by(night.desk.ticker.memory)
    night.desk.start(200)
    night.desk.see(200, "0.85")

    assert night.calls() == [(70, "lead"), (200, "lead")]


def test_the_clock_starts_anew_when_an_acknowledgement_lapses() -> None:
    """Things got worse, so somebody is to look again."""
    night = Night()
    night.until(50)
    night.acknowledge()
    night.until(100)
    night.until(600, "0.95")

    assert night.calls() == [(170, "lead"), (290, "boss")]


def test_a_silenced_alert_calls_nobody_and_its_clock_starts_when_that_ends() -> None:
    """Also if somebody ends the silence early."""
    night = Night()
    night.until(50)
    night.silence(1, 50, 300)
    night.until(420)
    assert night.calls() == [(360, "lead")]

    early = Night()
    early.until(50)
    early.silence(1, 50, 10_000)
    early.until(100)
    early.silence(1, 50, 100)
    early.until(500)
    assert early.calls() == [(170, "lead"), (290, "boss")]


def test_the_end_of_a_silence_starts_the_clock_though_no_answer_comes() -> None:
    """Also if somebody ends it early: a venue that is down must not keep the ladder waiting."""
    night = Night()
    night.until(50)
    night.silence(1, 50, 10_000)
    night.until(100)
    night.silence(1, 50, 105)
    night.desk.tick(105)
    while (due := night.desk.ticker.next_timer()) is not None and due <= after(200):
        night.desk.ticker.tick([], due)

    assert night.calls() == [(165, "lead")]


def test_a_worse_level_takes_its_own_ladder_on_the_same_clock() -> None:
    """What is overdue by the routes of the new severity is called at once, and what is not in its time."""
    night = Night(ROUTE, QUICK)
    night.until(20)
    night.until(300, "0.95")
    assert night.calls() == [(40, "boss"), (70, "lead"), (190, "boss")]

    late = Night(ROUTE, QUICK)
    late.until(50)
    late.until(300, "0.95")
    assert late.calls() == [(60, "boss"), (70, "lead"), (190, "boss")]


def test_what_nobody_was_told_of_calls_nobody() -> None:
    """A warning that all receivers of the route think too mild; it begins when something worse is told."""
    night = Night(Route("margin", ("lead",), escalate=(Rung(timedelta(minutes=1), ("boss",)),)))
    night.until(200)
    assert night.calls() == []

    night.until(300, "0.95")
    assert night.calls() == [(270, "boss")]


def test_a_ladder_added_by_a_reload_goes_by_the_clock_that_runs() -> None:
    """Who was told waits since then; a ladder that is gone calls nobody."""
    night = Night(Route("margin", ("desk",)))
    night.until(100)
    night.desk.reload(100, rules(ROUTE))
    night.until(150)
    assert night.calls() == [(100, "lead")]

    night.desk.reload(150, rules(Route("margin", ("desk",))))
    night.until(900)
    assert [who for _, who in night.calls()] == ["lead"]


def test_an_alert_of_an_older_version_starts_its_clock_at_the_start() -> None:
    """A row without a clock."""
    night = Night()
    night.until(50)
    (alert,) = night.desk.ticker.memory.alerts()
    night.paper.prior = replace(
        night.paper.prior,
        alerts=(replace(alert, waiting_since=None),),
        accounts=dict(night.desk.ticker.memory.accounts),
        venues=dict(night.desk.ticker.memory.venues),
    )
    night.desk.start(60)
    night.until(400)

    assert night.calls() == [(120, "lead"), (240, "boss")]
    assert "usage:firing>firing:escalated" in steps(night.desk.transitions)


def test_who_is_called_in_quiet_hours_hears_when_they_end() -> None:
    """A warning can wait for that; if somebody is on it by then, it need not be heard any more."""
    quiet = {"lead": Quiet(WeekHours(UTC, parse_hours("13:00-14:03")))}
    night = Night()
    night.desk.start(0, replace(rules(), quiet=quiet))
    night.until(400)
    assert night.desk.told("lead") == ["usage:firing:warning"]
    assert night.calls() == [(190, "boss")]

    taken = Night()
    taken.desk.start(0, replace(rules(), quiet=quiet))
    taken.until(100)
    taken.acknowledge()
    taken.until(400)
    assert taken.desk.told("lead") == []

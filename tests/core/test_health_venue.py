"""Whether a whole venue can be seen: what a cycle proves, and how the alerts about it live."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core import health
from marginwatch.core.alert import State, Status
from marginwatch.core.machine import Policy, advance
from marginwatch.core.model import AccountKey, CycleEnd, FailureKind, Severity, VenueFailure
from marginwatch.core.result import AlertKey, Known
from marginwatch.core.rule import RuleKind
from marginwatch.core.state import VenueState
from support.alerting import after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.result import Result

UNREACHABLE = [FailureKind.UNREACHABLE, FailureKind.TIMED_OUT, FailureKind.SERVER_ERROR, FailureKind.RATE_LIMITED]


MINUTE = timedelta(minutes=1)


def cycle(seconds: float, kind: FailureKind | None = None) -> CycleEnd:
    """A cycle that ended then, good or failed as a whole."""
    cause = None if kind is None else VenueFailure("futures", kind, after(seconds), f"it was {kind}.")
    return CycleEnd("futures", after(seconds - 1), after(seconds), 3, 0 if kind is None else 3, cause)


def told(cycles: Sequence[CycleEnd]) -> list[Transition]:
    """What a run of cycles tells, through the machine."""
    venue = VenueState("futures")
    alerts: dict[AlertKey, Alert] = {}
    transitions: list[Transition] = []
    for each in cycles:
        venue = health.next_venue_state(venue, each, MINUTE)
        for result in health.venue_results(venue, each):
            policy = Policy(MINUTE, acknowledged=False, revision="")
            rule = health.RULES[result.key.rule]
            step = advance(rule, alerts.pop(result.key, None), result, each.ended_at, policy)
            if step.alert is not None and step.alert.is_open:
                alerts[result.key] = step.alert
            transitions += [transition for transition in step.transitions if transition.state is not None]
    return transitions


def held(results: list[Result]) -> dict[str, bool]:
    """Which rules hold."""
    known = {result.key.rule: result.outcome for result in results}
    return {rule: outcome.held[0] for rule, outcome in known.items() if isinstance(outcome, Known)}


def test_a_good_cycle_proves_every_trouble_false() -> None:
    """A venue that answers is reachable, takes the login and says what it documents."""
    results = health.venue_results(VenueState("futures"), cycle(0))

    assert held(results) == dict.fromkeys(
        (health.VENUE_UNREACHABLE, health.LOGIN_REFUSED, health.ANSWER_MALFORMED, health.NOTHING_WATCHED), False
    )
    assert {result.key.account for result in results} == {AccountKey("futures", "")}


def test_an_answer_for_all_accounts_that_cannot_be_read_is_a_warning() -> None:
    """While accounts answer it is told for the venue; the other troubles are proved false all the same."""
    unread = VenueFailure("futures", FailureKind.BAD_ANSWER, after(0), "it is no JSON.", "accounts", where="[0]")
    results = health.venue_results(VenueState("futures"), cycle(0), unread)

    (told,) = (result for result in results if result.key.rule == health.ANSWER_MALFORMED)
    assert told.outcome == Known((True, False), (True, False))
    assert told.detail == "accounts: it is no JSON (at [0])"
    assert [rule for rule, holds in held(results).items() if holds] == [health.ANSWER_MALFORMED]
    assert len(results) == len(health.venue_results(VenueState("futures"), cycle(0)))


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        *((kind, health.VENUE_UNREACHABLE) for kind in UNREACHABLE),
        (FailureKind.REFUSED, health.LOGIN_REFUSED),
        (FailureKind.BAD_ANSWER, health.ANSWER_MALFORMED),
    ],
)
def test_a_failed_cycle_speaks_of_one_trouble_only(kind: FailureKind, rule: str) -> None:
    """The rule of its cause holds; of the others it says nothing."""
    failed = cycle(0, kind)

    assert held(health.venue_results(health.next_venue_state(VenueState("futures"), failed, MINUTE), failed)) == {
        rule: True
    }


def test_every_failure_kind_is_mapped_or_left_to_the_accounts() -> None:
    """Every kind of failure is a venue's trouble, except that it does not know the accounts."""
    well = [
        kind
        for kind in FailureKind
        if not health.venue_down(health.next_venue_state(VenueState("futures"), cycle(0, kind), MINUTE))
    ]

    assert well == [FailureKind.ACCOUNT_UNKNOWN]
    assert set(held(health.venue_results(VenueState("futures"), cycle(0, FailureKind.ACCOUNT_UNKNOWN))).values()) == {
        False
    }


def test_the_venue_remembers_how_long_it_fails() -> None:
    """Cycles are counted from the first failed one and forgotten with the first good one."""
    first = health.next_venue_state(VenueState("futures", listed=True), cycle(10, FailureKind.TIMED_OUT), MINUTE)
    second = health.next_venue_state(first, cycle(20, FailureKind.REFUSED), MINUTE)
    good = health.next_venue_state(second, cycle(30), MINUTE)

    assert (second.failed_cycles, second.failing_since, second.last_cycle_at) == (2, after(10), after(20))
    assert second.last_failure is not None
    assert second.last_failure.kind is FailureKind.REFUSED
    assert (good.failed_cycles, good.failing_since, good.last_good_at) == (0, None, after(30))
    assert good.listed
    assert health.venue_down(second)
    assert not health.venue_down(good)


def test_the_venue_remembers_since_when_it_is_watched() -> None:
    """From the begin of the first cycle after none ended for `stale_after`; a shorter pause is none."""
    begun = health.next_venue_state(VenueState("futures"), cycle(10), MINUTE)
    paused = health.next_venue_state(begun, cycle(70), MINUTE)
    again = health.next_venue_state(paused, cycle(131), MINUTE)
    on = health.next_venue_state(again, cycle(140, FailureKind.TIMED_OUT), MINUTE)

    assert [each.watched_since for each in (begun, paused, again, on)] == [None, None, after(130), after(130)]


@pytest.mark.parametrize(
    ("every", "fires_at"), [(1, 31), (10, 31), (15, 31), (30, 61), (50, 101)], ids=lambda given: f"{given}s"
)
def test_three_failed_cycles_or_thirty_seconds_whichever_is_later(every: int, fires_at: int) -> None:
    """The alert fires at the cycle by which both have passed."""
    transitions = told([cycle(1 + number * every, FailureKind.UNREACHABLE) for number in range(40)])

    assert [(each.state, each.at) for each in transitions] == [(State.FIRING, after(fires_at))]
    assert transitions[0].severity is Severity.CRITICAL


def test_a_failed_cycle_says_by_what_id_its_venue_knows_it() -> None:
    """Who calls the venue's support desk is asked for it."""
    failure = VenueFailure("futures", FailureKind.SERVER_ERROR, after(0), "it failed.", trace_id="7f31")
    end = CycleEnd("futures", after(0), after(1), 3, 3, failure)
    (result,) = health.venue_results(health.next_venue_state(VenueState("futures"), end, MINUTE), end)

    assert result.detail.startswith("it failed (trace id 7f31); 1 cycle failed")


def test_the_first_good_cycle_resolves() -> None:
    """Recovery is told at once, and the sentence says what was the matter until then."""
    transitions = told([*(cycle(10 * number, FailureKind.REFUSED) for number in range(5)), cycle(60)])

    assert [each.state for each in transitions] == [State.FIRING, State.RESOLVED]
    assert transitions[0].detail == "it was refused; 4 cycles in a row failed since 2026-03-02 14:00:00 UTC"
    assert transitions[1].detail == "the venue answers"


def test_two_failed_cycles_are_nobodys_business() -> None:
    """A blip is recorded and not told."""
    assert told([cycle(0, FailureKind.UNREACHABLE), cycle(40, FailureKind.UNREACHABLE), cycle(80)]) == []


def test_changing_causes_neither_hide_an_outage_nor_flap() -> None:
    """An outage that shows another face every cycle is still told, and nothing resolves before a good cycle."""
    faces = [FailureKind.SERVER_ERROR, FailureKind.BAD_ANSWER, FailureKind.SERVER_ERROR, FailureKind.REFUSED]
    transitions = told([*(cycle(10 * number, faces[number % 4]) for number in range(40)), cycle(500)])

    assert [each.state for each in transitions if each.key.rule == health.VENUE_UNREACHABLE] == [
        State.FIRING,
        State.RESOLVED,
    ]
    assert all(each.at == after(500) for each in transitions if each.state is State.RESOLVED)


@given(st.lists(st.tuples(st.sampled_from([1, 10, 40]), st.sampled_from([None, None, *FailureKind])), max_size=40))
def test_nothing_resolves_while_the_venue_fails(steps: list[tuple[int, FailureKind | None]]) -> None:
    """Only a cycle in which the venue was well ends an alert about it; none fires before its time."""
    seconds, cycles = 0, []
    for gap, kind in steps:
        seconds += gap
        cycles.append(cycle(seconds, kind))
    good = {each.ended_at for each in cycles if each.cause is None or each.cause.kind is FailureKind.ACCOUNT_UNKNOWN}
    for transition in told(cycles):
        if transition.state is State.RESOLVED:
            assert transition.at in good
        else:
            assert transition.after is Status.FIRING
            since = max((at for at in good if at < transition.at), default=None)
            failed = [
                each for each in cycles if each.ended_at <= transition.at and (not since or each.ended_at > since)
            ]
            assert len(failed) >= 3
            assert failed[-1].ended_at - failed[0].ended_at >= timedelta(seconds=30)


def test_the_built_in_rules_are_data_health_rules_with_titles() -> None:
    """Each has an id, a title and a severity, needs no file, and stands under its own id."""
    for rule_id, rule in health.RULES.items():
        assert rule.id == rule_id
        assert rule.kind is RuleKind.HEALTH
        assert rule.title
        assert rule.levels
        assert str(rule.place) == "built in"
    assert len(health.RULES) == 11

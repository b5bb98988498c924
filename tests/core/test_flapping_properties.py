"""Properties of alerts that come and go, over any rule and any sequence of results, silence and time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core import levels
from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.result import Known
from marginwatch.core.rule import Flapping
from support.lives import FLAPPING, TURNS, Lived, Turn, live, rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal

    from marginwatch.core.alert import Transition
    from marginwatch.core.rule import Rule

FLAPPY = st.builds(
    lambda rule, flapping: replace(rule, flapping=flapping, clear_for=min(rule.clear_for, timedelta(seconds=30))),
    rules(),
    st.sampled_from([each for each in FLAPPING if each is not None]),
)
SWINGING = st.one_of(
    TURNS,
    st.lists(
        st.builds(
            Turn,
            gap=st.sampled_from([1, 10, 30, 60]),
            what=st.sampled_from([60, 60, 60, 75, 85, 95, 99, "unknown", "time"]),
            lag=st.just(0),
            acknowledged=st.booleans(),
        ),
        min_size=10,
        max_size=60,
    ),
)
"""Any turns, and turns that swing about the limits."""


def steps_of(lived: list[Lived]) -> Iterator[tuple[Lived, Transition]]:
    """Each transition with its turn."""
    return ((each, transition) for each in lived for transition in each.step.transitions)


@given(FLAPPY, SWINGING)
def test_nothing_is_over_before_the_calm_time(rule: Rule, turns: list[Turn]) -> None:
    """What flapped is over, or a level left, only after every level above was seen clear for the calm time."""
    assert rule.flapping is not None
    for each, transition in steps_of(live(rule, turns)):
        if transition.flapping_since is None or transition.reason not in {Reason.CLEARED, Reason.LOWER_LEVEL}:
            continue
        assert each.before is not None
        assert each.step.alert is not None
        lowest = 0 if transition.reason is Reason.CLEARED else each.step.alert.level + 1
        for timer in each.step.alert.timers[lowest : each.before.level + 1]:
            assert timer.clear is not None
            assert timer.clear >= max(rule.flapping.calm, rule.clear_for)


@given(FLAPPY, SWINGING)
def test_what_was_calm_for_long_enough_is_over(rule: Rule, turns: list[Turn]) -> None:
    """No alert is still open once all its levels have been clear for the calm time; so it ends, and ends once."""
    assert rule.flapping is not None
    ends: dict[str, int] = defaultdict(int)
    for each in live(rule, turns):
        alert = each.step.alert
        if alert is not None and alert.status is Status.FIRING and each.step.transitions == ():
            calm = max(rule.flapping.calm, rule.clear_for)
            if each.result is not None and isinstance(each.result.outcome, Known):
                assert levels.highest_kept(alert.timers, alert.level, calm) is not None
        for transition in each.step.transitions:
            ends[transition.alert_id] += transition.state is State.RESOLVED
    assert all(times <= 1 for times in ends.values())


@given(FLAPPY, SWINGING)
def test_no_worsening_is_hidden(rule: Rule, turns: list[Turn]) -> None:
    """After every known result it was told at the highest level that has held, and within a step of the value."""
    told: dict[str, list[Decimal]] = defaultdict(list)
    sign = 1 if rule.levels[0].operator == ">" else -1
    for each in live(rule, turns):
        for transition in each.step.transitions:
            if transition.state is not None and transition.value is not None:
                told[transition.alert_id].append(sign * transition.value)
        alert = each.step.alert
        known = each.result is not None and isinstance(each.result.outcome, Known)
        if alert is None or alert.status is not Status.FIRING or not known:
            continue
        held = levels.highest_held(alert.timers, rule.hold)
        assert held is None or rule.levels[held].severity <= alert.severity
        if rule.worsens_by is not None and alert.value is not None:
            assert sign * alert.value < max(told[alert.alert_id]) + rule.worsens_by


@given(FLAPPY, SWINGING)
def test_how_often_it_is_told_is_bounded(rule: Rule, turns: list[Turn]) -> None:
    """In any `within` it fires at most twice `times`, and each alert is called flapping once in that time at most."""
    assert rule.flapping is not None
    fired: list[datetime] = []
    begun: dict[str, list[datetime]] = defaultdict(list)
    for _, transition in steps_of(live(rule, turns)):
        if transition.state is State.FIRING:
            fired.append(transition.observed_at)
        if transition.reason is Reason.FLAPPING:
            assert transition.state is State.REMINDER
            assert transition.times_fired == rule.flapping.times
            begun[transition.alert_id].append(transition.observed_at)
        assert (transition.reason is Reason.FIRED_AGAIN) <= (transition.state is None)
    for number, first in enumerate(fired):
        among = [at for at in fired[number:] if at - first <= rule.flapping.within]
        assert len(among) <= 2 * rule.flapping.times
    for times in begun.values():
        assert all(later - earlier > rule.flapping.calm for earlier, later in pairwise(times))


@given(rules(), SWINGING)
def test_what_never_flaps_is_as_it_is_without(rule: Rule, turns: list[Turn]) -> None:
    """Firings that are counted and never too many change no transition."""
    without = replace(rule, flapping=None)
    never = replace(rule, flapping=Flapping(10_000))

    plain, counted = live(without, turns), live(never, turns)
    assert [each.step.transitions for each in plain] == [each.step.transitions for each in counted]
    assert all(each.step.alert is None or each.step.alert.flaps is None for each in plain)

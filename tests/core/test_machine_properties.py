"""Properties of the alert machine over any rule and any sequence of results, silence and time."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.machine import Policy, Step, due, elapse
from marginwatch.core.result import Known, Result, Unknown
from support.alerting import STALE_AFTER
from support.lives import SECONDS, TURNS, Lived, Turn, live, rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import Severity
    from marginwatch.core.rule import Rule


def transitions_of(lived: Sequence[Lived]) -> list[Transition]:
    """All transitions in order."""
    return [transition for each in lived for transition in each.step.transitions]


def seen_to_hold(history: Sequence[Result], level: int) -> timedelta:
    """For how long the level was seen to hold without a plain false in between, told from the results alone."""
    false_at = [
        index
        for index, result in enumerate(history)
        if isinstance(result.outcome, Known) and not result.outcome.held[level]
    ]
    since = history[false_at[-1] + 1 :] if false_at else history
    gaps = [
        later.observed_at - earlier.observed_at
        for earlier, later in pairwise(since)
        if isinstance(earlier.outcome, Known) and isinstance(later.outcome, Known)
    ]
    return sum((gap for gap in gaps if gap <= STALE_AFTER), timedelta(0))


def seen_to_be_clear(history: Sequence[Result], level: int) -> timedelta | None:
    """For how long the level has been seen clear without interruption; None when it is not clear now."""

    def clear(result: Result) -> bool:
        return isinstance(result.outcome, Known) and not result.outcome.kept[level]

    if not clear(history[-1]):
        return None
    total = timedelta(0)
    for earlier, later in reversed(list(pairwise(history))):
        gap = later.observed_at - earlier.observed_at
        if not clear(earlier) or gap > STALE_AFTER:
            break
        total += gap
    return total


@given(rules(), TURNS)
def test_a_level_is_told_only_after_holding_for_that_long(rule: Rule, turns: list[Turn]) -> None:
    """Every level fired or raised to held now, and was seen to hold for `for` and as often as `count` asks."""
    history: list[Result] = []
    for each in live(rule, turns):
        history += [each.result] if each.result is not None else []
        for transition in each.step.transitions:
            if transition.reason not in {Reason.HELD, Reason.HIGHER_LEVEL}:
                continue
            level = [level.severity for level in rule.levels].index(transition.severity)
            assert each.result is not None
            assert isinstance(each.result.outcome, Known)
            assert each.result.outcome.held[level]
            assert seen_to_hold(history, level) >= rule.hold
            if transition.reason is Reason.HELD:
                true = [result for result in history if isinstance(result.outcome, Known) and any(result.outcome.held)]
                assert len(true) >= rule.count


@given(rules(), TURNS)
def test_a_level_is_left_only_after_being_seen_clear(rule: Rule, turns: list[Turn]) -> None:
    """Easing and resolving take a known result, and `clear_for` of it, at every level that is left."""
    history: list[Result] = []
    for each in live(rule, turns):
        history += [each.result] if each.result is not None else []
        for transition in each.step.transitions:
            if transition.reason not in {Reason.CLEARED, Reason.LOWER_LEVEL}:
                continue
            assert each.before is not None
            left = range(len(rule.levels))[: each.before.level + 1]
            if transition.reason is Reason.LOWER_LEVEL:
                left = range([level.severity for level in rule.levels].index(transition.severity) + 1, left.stop)
            for level in left:
                clear = seen_to_be_clear(history, level)
                assert clear is not None
                assert clear >= rule.clear_for


@given(rules(), TURNS)
def test_unknown_and_silence_only_ever_tell_of_themselves(rule: Rule, turns: list[Turn]) -> None:
    """Whatever bursts of unknown come: no firing, no worsening, no easing and no resolving on them."""
    for each in live(rule, turns):
        if each.result is None or isinstance(each.result.outcome, Unknown):
            reasons = {transition.reason for transition in each.step.transitions}
            assert reasons <= {Reason.DATA_LOST, Reason.REMIND}
            assert (each.step.alert is None) == (each.before is None)


@given(rules(), TURNS)
def test_every_episode_is_a_proper_story(rule: Rule, turns: list[Turn]) -> None:
    """An episode begins once, fires at most once, and resolves at most once and only after it fired or was told."""
    told: dict[str, list[str]] = {}
    steps: dict[str, list[tuple[Status, Status]]] = {}
    for transition in transitions_of(live(rule, turns)):
        steps.setdefault(transition.alert_id, []).append((transition.before, transition.after))
        if transition.state is not None:
            told.setdefault(transition.alert_id, []).append(transition.state.value)
    for story in told.values():
        pending = r"(unknown |reminder )*"
        firing = r"firing (worsened |eased |unknown |reminder )*"
        assert re.fullmatch(f"{pending}({firing})?(resolved )?", "".join(f"{word} " for word in story))
        assert story != ["resolved"]
    for chain in steps.values():
        assert chain[0][0] is Status.INACTIVE
        assert all(earlier[1] is later[0] for earlier, later in pairwise(chain))
        assert all(before is Status.FIRING for before, now in chain if now is Status.RESOLVED)


@given(rules(), TURNS)
def test_what_was_told_last_is_how_it_stands(rule: Rule, turns: list[Turn]) -> None:
    """While firing, the severity of the last message is the alert's; worse means higher and eased lower."""
    severity: Severity | None = None
    for each in live(rule, turns):
        for transition in each.step.transitions:
            if transition.reason is Reason.HIGHER_LEVEL:
                assert severity is not None
                assert transition.severity > severity
            if transition.state is State.EASED:
                assert severity is not None
                assert transition.severity < severity
            severity = transition.severity
        if each.step.alert is not None and each.step.alert.status is Status.FIRING:
            assert each.step.alert.severity is severity
            assert rule.levels[each.step.alert.level].severity is severity


@given(rules(), TURNS)
def test_a_turn_tells_at_most_one_thing(rule: Rule, turns: list[Turn]) -> None:
    """One result or one passing of time makes at most one transition."""
    assert all(len(each.step.transitions) <= 1 for each in live(rule, turns))


@given(rules(), TURNS)
def test_restarts_change_nothing(rule: Rule, turns: list[Turn]) -> None:
    """An alert stored and loaded before every turn makes the same transitions as one kept in memory."""

    def store_and_load(alert: Alert) -> Alert:
        loaded: Alert = pickle.loads(pickle.dumps(alert))
        assert loaded == alert
        assert loaded is not alert
        return replace(loaded, timers=tuple(replace(timer) for timer in loaded.timers), told=dict(loaded.told))

    assert transitions_of(live(rule, turns, store_and_load)) == transitions_of(live(rule, turns))


@given(rules(), TURNS)
def test_an_acknowledgement_lapses_only_when_things_get_worse(rule: Rule, turns: list[Turn]) -> None:
    """It lapses exactly with firing and worsening while it holds."""
    for each in live(rule, turns):
        worse = any(transition.state in {State.FIRING, State.WORSENED} for transition in each.step.transitions)
        assert each.step.lapsed == (worse and each.acknowledged)


@given(rules(), TURNS)
def test_lost_data_are_told_once_and_in_time(rule: Rule, turns: list[Turn]) -> None:
    """Told as unknown exactly when `stale_after` has passed since the last known result, once until data are back."""
    told = False
    for each in live(rule, turns):
        lost = [transition for transition in each.step.transitions if transition.state is State.UNKNOWN]
        silent = each.result is None or isinstance(each.result.outcome, Unknown)
        if each.before is None or not silent:
            assert lost == []
            told = False
        else:
            over = each.now - each.before.known_at >= STALE_AFTER
            assert bool(lost) == (over and not told)
            told = told or bool(lost)


@given(rules(), TURNS, SECONDS)
def test_time_does_something_exactly_when_it_is_due(rule: Rule, turns: list[Turn], more: int) -> None:
    """`elapse` leaves the alert alone before `due`, and makes one transition at it or after it."""
    for each in live(rule, turns):
        alert = each.step.alert
        if alert is None:
            continue
        policy = Policy(STALE_AFTER, each.acknowledged, "rules-1")
        later = each.now + timedelta(seconds=more)
        step = elapse(rule, alert, later, policy)
        at = due(rule, alert, policy)
        if at is None or later < at:
            assert step == Step(alert)
        else:
            assert len(step.transitions) == 1


@given(rules(), TURNS)
def test_reminders_keep_their_distance(rule: Rule, turns: list[Turn]) -> None:
    """No reminder comes sooner than `remind_every` after any earlier message of the alert, nor while acknowledged."""
    told_at: dict[str, datetime] = {}
    for each in live(rule, turns):
        for transition in each.step.transitions:
            if transition.reason is Reason.REMIND:
                assert rule.remind_every is not None
                assert transition.at - told_at[transition.alert_id] >= rule.remind_every
                assert not each.acknowledged
            if transition.state is not None:
                told_at[transition.alert_id] = transition.at

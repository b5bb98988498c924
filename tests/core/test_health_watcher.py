"""Whether marginwatch itself is well: receivers, rules and the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marginwatch.core import health
from marginwatch.core.health import ReceiverState, ReloadState
from marginwatch.core.result import AlertKey, Difference, Known, Occurred
from support.alerting import ACCOUNT, after


@pytest.mark.parametrize(
    ("state", "held", "kept"),
    [
        (ReceiverState("desk"), False, False),
        (ReceiverState("desk", failures=2), False, True),
        (ReceiverState("desk", failures=3), True, True),
        (ReceiverState("desk", failures=1, dead=1), True, True),
        (ReceiverState("desk", waiting=1, oldest=after(1)), False, False),
        (ReceiverState("desk", waiting=1, oldest=after(0)), True, True),
    ],
    ids=["well", "two failures", "three failures", "a dead letter", "a young wait", "a long wait"],
)
def test_a_receiver_fails_by_attempts_dead_letters_or_waiting(state: ReceiverState, held: bool, kept: bool) -> None:
    """Three failures in a row, a message given up or one five minutes late; only a delivered one ends it."""
    result = health.receiver_result(state, after(300))

    assert result.key == AlertKey(health.RECEIVER_FAILING, health.OURSELVES, "desk")
    assert result.outcome == Known((held,), (kept,))


def test_the_sentence_about_a_receiver_counts_what_is_wrong() -> None:
    """Failures, dead letters, what waits and the latest error are named; a well receiver's are not."""
    state = ReceiverState("desk", failures=3, dead=1, waiting=12, oldest=after(0), error="HTTP 500.")

    assert health.receiver_result(state, after(1)).detail == (
        "attempts failed in a row: 3; messages given up: 1; "
        "messages waiting: 12, the oldest since 2026-03-02 14:00:00 UTC; HTTP 500"
    )
    assert health.receiver_result(ReceiverState("desk", error="old"), after(1)).detail == "messages are delivered"


def test_a_broken_rule_is_told_of_per_account_until_it_works() -> None:
    """The alert names rule and fault, and ends when the rule can be evaluated again."""
    broken = health.broken_result("margin-usage", ACCOUNT, "ZeroDivisionError", after(0))
    works = health.broken_result("margin-usage", ACCOUNT, None, after(1))

    assert broken.key == works.key == AlertKey(health.RULE_BROKEN, ACCOUNT, "margin-usage")
    assert (broken.outcome, works.outcome) == (Known((True,), (True,)), Known((False,), (False,)))
    assert broken.detail == "the rule margin-usage cannot be evaluated: ZeroDivisionError"
    assert works.detail == "the rule margin-usage works"


def test_a_rejected_reload_is_told_with_its_first_problem_until_a_good_one() -> None:
    """How many more there are is said, and where they stand is in the log."""
    one, two, good = (ReloadState(problems) for problems in (("a.toml:1:2: odd",), ("a.toml:1:2: odd", "b"), ()))
    results = [health.reload_result(state, after(0)) for state in (one, two, good)]

    assert {result.key for result in results} == {AlertKey(health.RELOAD_REJECTED, health.OURSELVES)}
    assert [result.outcome for result in results] == [Known((bad,), (bad,)) for bad in (True, True, False)]
    assert [result.detail for result in results] == [
        "what is on disk is not in force, the rules of before are: a.toml:1:2: odd",
        "what is on disk is not in force, the rules of before are: a.toml:1:2: odd (and 1 more)",
        "the rules on disk are in force",
    ]


@pytest.mark.parametrize(("wall", "passed"), [(10, 10), (15, 10), (5, 10)], ids=["none", "5 s forward", "5 s back"])
def test_a_clock_that_agrees_within_five_seconds_has_not_jumped(wall: int, passed: int) -> None:
    """Small corrections are no news."""
    assert health.clock_result(after(0), after(wall), timedelta(seconds=passed)) is None


@pytest.mark.parametrize(
    ("wall", "words"), [(70, "forward by 60 s"), (-3590, "back by 3600 s")], ids=["forward", "back"]
)
def test_a_clock_that_was_set_is_an_event(wall: int, words: str) -> None:
    """A jump is told with its direction and size, as the difference between expected and found."""
    result = health.clock_result(after(0), after(wall), timedelta(seconds=10))

    assert result is not None
    assert result.key == AlertKey(health.CLOCK_JUMPED, health.OURSELVES)
    assert result.outcome == Occurred((Difference("clock", after(10), after(wall)),))
    assert result.detail == f"this machine's clock went {words}"

"""When a message that was not taken is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.outbox import AttemptOutcome
from marginwatch.notify.backoff import GIVE_UP_AFTER, LEAST_ATTEMPTS, LONGEST_GAP, URGENT, URGENT_GAP, next_try

T0 = datetime(2026, 8, 3, 14, 0, tzinfo=UTC)
ages = st.timedeltas(timedelta(0), timedelta(days=10))
attempts = st.integers(1, 5000)
jitters = st.floats(0, 1)
not_taken = st.sampled_from([AttemptOutcome.RETRYABLE, AttemptOutcome.AMBIGUOUS])


@pytest.mark.parametrize(
    ("made", "age", "seconds"),
    [
        (1, timedelta(0), 1),
        (2, timedelta(seconds=1), 2),
        (5, timedelta(seconds=15), 16),
        (6, timedelta(seconds=31), 30),
        (99, timedelta(minutes=59), 30),
        (130, timedelta(hours=1), 180),
        (1, timedelta(hours=10), 1800),
        (200, timedelta(days=2), 3600),
    ],
)
def test_gaps_grow_to_half_a_minute_and_after_an_hour_with_the_age(made: int, age: timedelta, seconds: int) -> None:
    """Soon after the first failure, at least twice a minute for an hour, then ever more seldom."""
    now = T0 + age

    assert next_try(made, T0, now, AttemptOutcome.RETRYABLE, 1.0) == now + timedelta(seconds=seconds)


@given(
    made=attempts,
    age=st.timedeltas(timedelta(0), URGENT - timedelta(microseconds=1)),
    outcome=not_taken,
    jitter=jitters,
)
def test_attempts_are_at_most_half_a_minute_apart_in_the_first_hour(
    made: int, age: timedelta, outcome: AttemptOutcome, jitter: float
) -> None:
    """Whatever failed and however often."""
    due = next_try(made, T0, T0 + age, outcome, jitter)

    assert due is not None
    assert timedelta(0) < due - (T0 + age) <= URGENT_GAP


@given(made=attempts, age=ages, outcome=not_taken, jitter=jitters)
def test_only_an_old_message_with_many_attempts_is_given_up(
    made: int, age: timedelta, outcome: AttemptOutcome, jitter: float
) -> None:
    """Neither a long pause of ours nor a clock that was set costs a message."""
    due = next_try(made, T0, T0 + age, outcome, jitter)

    assert (due is None) == (age >= GIVE_UP_AFTER and made >= LEAST_ATTEMPTS)
    assert due is None or due - (T0 + age) <= LONGEST_GAP


@given(made=attempts, age=ages, jitter=jitters)
def test_what_is_settled_is_not_tried_again(made: int, age: timedelta, jitter: float) -> None:
    """Neither what was delivered nor what can never be."""
    for outcome in (AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT):
        assert next_try(made, T0, T0 + age, outcome, jitter) is None


def test_a_clock_set_back_does_not_stop_attempts() -> None:
    """A message from the future is as urgent as a new one."""
    assert next_try(1, T0, T0 - timedelta(hours=5), AttemptOutcome.RETRYABLE, 0.0) == T0 - timedelta(
        hours=5
    ) + timedelta(seconds=0.5)

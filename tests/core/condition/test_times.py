"""Times in expressions: compared, and one taken from another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import check, compile_value
from marginwatch.core.condition.interpret import Scene, interpret
from marginwatch.core.fields import Unit
from support.expressions import NAMES, SMALL, checked, parsed, right

if TYPE_CHECKING:
    from marginwatch.core.model import Value

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (because: the strategy adds the zone)


def come_to(text: str, now: Value, before: Value = None) -> Value:
    fields, known = {"timestamp": now}, {"timestamp": before}
    node = right(text)
    value = compile_value(node)(fields, known, None)
    assert value == interpret(node, Scene(fields, known))
    return value


@given(TIMES, TIMES)
def test_one_time_less_another_is_the_seconds_between_them(now: datetime, before: datetime) -> None:
    """Exact to the microsecond, negative when the other is later."""
    assert (
        come_to("timestamp - prior(timestamp)", now, before)
        == Decimal((now - before) // timedelta(microseconds=1)) / 10**6
    )


@pytest.mark.parametrize(("minutes", "said"), [(14, False), (15, False), (16, True)])
def test_what_is_between_is_a_duration(minutes: int, said: bool) -> None:
    """It compares with durations, and takes part in sums of them."""
    then = NOON - timedelta(minutes=minutes)

    assert checked("timestamp - prior(timestamp)").unit is Unit.DURATION
    assert come_to('timestamp - prior(timestamp) > "15m"', NOON, then) is said
    assert come_to('timestamp - prior(timestamp) - "5m" > "10m"', NOON, then) is said


def test_a_time_that_is_not_known_gives_nothing() -> None:
    """Nor does one before it."""
    assert come_to("timestamp - prior(timestamp)", None, NOON) is None
    assert come_to("timestamp - prior(timestamp)", NOON) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("timestamp + timestamp > 5", "a time cannot be added to a time"),
        ('timestamp - "1h" > timestamp', "a time cannot be reduced by a duration"),
        ("timestamp * 2 > 5", "a time cannot be multiplied by a plain number"),
        ("equity - timestamp > 5", "money cannot be reduced by a time"),
    ],
)
def test_nothing_else_is_reckoned_with_times(text: str, what: str) -> None:
    """The report says what can be."""
    (fault,) = check(parsed(text), SMALL, NAMES).faults

    assert (fault.what, fault.hint) == (
        what,
        'a time less another is a duration, as in due_date - timestamp < "1d"',
    )

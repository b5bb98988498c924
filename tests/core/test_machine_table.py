"""The alert machine's table: every state crossed with every kind of result."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.model import Severity
from support.alerting import Timeline, condition, ladder

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = timedelta(minutes=1)
RULE = ladder(hold=MINUTE, clear_for=MINUTE)

Expected = tuple[Status, Reason, State | None, Severity] | None
W, C = Severity.WARNING, Severity.CRITICAL


def inactive() -> Timeline:
    """Nothing is wrong; the clock stands at 100 s."""
    return Timeline(RULE)


def pending() -> Timeline:
    """Above the warning limit for 40 s at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(60, "85")
    timeline.value(100, "85")
    return timeline


def pending_unknown_told() -> Timeline:
    """Pending, then without data for a minute, which was told at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(40, "85")
    timeline.unknown(100)
    return timeline


def firing_warning() -> Timeline:
    """Firing a warning, the critical level not yet held, at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(0, "85")
    timeline.value(60, "85")
    timeline.value(100, "85")
    return timeline


def firing_nearly_clear() -> Timeline:
    """Firing critical, past every clear value for 40 s at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(0, "95")
    timeline.value(60, "95")
    timeline.value(61, "50")
    timeline.value(100, "50")
    return timeline


def firing_nearly_eased() -> Timeline:
    """Firing critical, past the critical level's clear value only, for 40 s at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(0, "95")
    timeline.value(60, "95")
    timeline.value(61, "85")
    timeline.value(100, "85")
    return timeline


def firing_nearly_worse() -> Timeline:
    """Firing a warning, above the critical limit for 40 s at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(0, "85")
    timeline.value(60, "95")
    timeline.value(100, "95")
    return timeline


def firing_unknown() -> Timeline:
    """Firing a warning, without data for 40 s at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(0, "85")
    timeline.value(60, "85")
    timeline.unknown(100)
    return timeline


def firing_unknown_told() -> Timeline:
    """Firing a warning, without data for a minute, which was told at 100 s."""
    timeline = Timeline(RULE)
    timeline.value(0, "85")
    timeline.value(40, "85")
    timeline.value(60, "85")
    timeline.unknown(120)
    return timeline


STATES: dict[str, Callable[[], Timeline]] = {
    state.__name__: state
    for state in (
        inactive,
        pending,
        pending_unknown_told,
        firing_warning,
        firing_nearly_clear,
        firing_nearly_eased,
        firing_nearly_worse,
        firing_unknown,
        firing_unknown_told,
    )
}

P, F, R, N = Status.PENDING, Status.FIRING, Status.RESOLVED, Status.INACTIVE
BACK = Reason.DATA_BACK, State.REMINDER

# Each result comes 21 s after the last one of its state: `for` and `clear_for` of a minute have then just passed
# where the state says "nearly". None: no transition.
TABLE: dict[str, dict[str, Expected]] = {
    "critical": {
        "inactive": (P, Reason.BECAME_TRUE, None, C),
        "pending": (F, Reason.HELD, State.FIRING, W),
        "pending_unknown_told": (P, *BACK, C),
        "firing_warning": None,
        "firing_nearly_clear": None,
        "firing_nearly_eased": None,
        "firing_nearly_worse": (F, Reason.HIGHER_LEVEL, State.WORSENED, C),
        "firing_unknown": None,
        "firing_unknown_told": (F, *BACK, W),
    },
    "warning": {
        "inactive": (P, Reason.BECAME_TRUE, None, W),
        "pending": (F, Reason.HELD, State.FIRING, W),
        "pending_unknown_told": (P, *BACK, W),
        "firing_warning": None,
        "firing_nearly_clear": (F, Reason.LOWER_LEVEL, State.EASED, W),
        "firing_nearly_eased": (F, Reason.LOWER_LEVEL, State.EASED, W),
        "firing_nearly_worse": None,
        "firing_unknown": None,
        "firing_unknown_told": (F, *BACK, W),
    },
    "inside the warning's band": {
        "inactive": None,
        "pending": (N, Reason.PENDING_CLEARED, None, W),
        "pending_unknown_told": (N, Reason.PENDING_CLEARED, State.RESOLVED, W),
        "firing_warning": None,
        "firing_nearly_clear": (F, Reason.LOWER_LEVEL, State.EASED, W),
        "firing_nearly_eased": (F, Reason.LOWER_LEVEL, State.EASED, W),
        "firing_nearly_worse": None,
        "firing_unknown": None,
        "firing_unknown_told": (F, *BACK, W),
    },
    "clear": {
        "inactive": None,
        "pending": (N, Reason.PENDING_CLEARED, None, W),
        "pending_unknown_told": (N, Reason.PENDING_CLEARED, State.RESOLVED, W),
        "firing_warning": None,
        "firing_nearly_clear": (R, Reason.CLEARED, State.RESOLVED, C),
        "firing_nearly_eased": (F, Reason.LOWER_LEVEL, State.EASED, W),
        "firing_nearly_worse": None,
        "firing_unknown": None,
        "firing_unknown_told": (F, *BACK, W),
    },
    "unknown": {
        "inactive": None,
        "pending": None,
        "pending_unknown_told": None,
        "firing_warning": None,
        "firing_nearly_clear": None,
        "firing_nearly_eased": None,
        "firing_nearly_worse": None,
        "firing_unknown": (F, Reason.DATA_LOST, State.UNKNOWN, W),
        "firing_unknown_told": None,
    },
}
VALUES = {"critical": "95", "warning": "85", "inside the warning's band": "78", "clear": "50"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("result", TABLE)
def test_every_state_meets_every_result(state: str, result: str) -> None:
    """A result makes of each state exactly what the table says, at most one transition at a time."""
    timeline = STATES[state]()
    before = timeline.alert
    at = timeline.last + 21
    transitions = timeline.unknown(at) if result == "unknown" else timeline.value(at, VALUES[result])

    expected = TABLE[result][state]
    if expected is None:
        assert transitions == []
        assert (timeline.alert is None) == (before is None)
    else:
        (transition,) = transitions
        assert (transition.after, transition.reason, transition.state, transition.severity) == expected
        assert transition.before is (Status.INACTIVE if before is None else before.status)


def test_without_for_a_true_result_fires_at_once() -> None:
    """With `for` of zero there is one transition, from inactive to firing."""
    timeline = Timeline(condition())

    (fired,) = timeline.holds(0)

    assert (fired.before, fired.after, fired.reason) == (Status.INACTIVE, Status.FIRING, Reason.HELD)
    assert fired.fired_at == fired.at


def test_a_jump_of_two_levels_is_one_message() -> None:
    """From nothing to critical and back again, two messages are told."""
    timeline = Timeline(ladder())

    timeline.value(0, "99")
    timeline.value(10, "10")

    assert timeline.told() == ["firing", "resolved"]
    assert [transition.severity for transition in timeline.transitions] == [C, C]

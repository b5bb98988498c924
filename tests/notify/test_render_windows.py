"""What a message says of windows of time that were not seen in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marginwatch.core.alert import Reason, State
from marginwatch.core.windows import Coverage
from marginwatch.notify.render import render
from support.notices import NOW, about, notice, transition

DAY = timedelta(days=1)


def seen(window: str, length: timedelta, known: timedelta) -> Coverage:
    return Coverage(f'max(equity, "{window}")', window, length, known, NOW - known)


def lines(*windows: Coverage, state: State = State.FIRING, reason: Reason = Reason.HELD) -> list[str]:
    """Those about windows."""
    told = transition(state, reason, unknown_since=NOW - timedelta(minutes=5) if state is State.UNKNOWN else None)
    body = render(notice(told), replace(about(), windows=windows), NOW).body
    return [line for line in body.splitlines() if line.startswith("Window")]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (timedelta(hours=3, minutes=20), ["Window 1d: 3 h 20 min seen."]),
        (timedelta(0), ["Window 1d: 0 s seen."]),
        (DAY * 0.98, ["Window 1d: 23 h 31 min seen."]),
        (DAY * 0.99, []),
        (DAY, []),
    ],
)
def test_how_much_was_seen_is_said_until_it_is_all(known: timedelta, said: list[str]) -> None:
    """A hundredth may be missing: no answer comes without a pause."""
    assert lines(seen("1d", DAY, known)) == said


def test_each_window_is_told_once() -> None:
    """However many functions look over it."""
    hour = timedelta(hours=1)
    windows = (seen("1d", DAY, hour), seen("1d", DAY, hour), seen("session", 2 * hour, hour), seen("1h", hour, hour))
    assert lines(*windows) == ["Window 1d: 1 h seen.", "Window session: 1 h seen."]


def test_nothing_is_said_of_windows_while_nothing_is_known() -> None:
    """A message about data that are unknown has other worries."""
    assert lines(seen("1d", DAY, timedelta(hours=1)), state=State.UNKNOWN, reason=Reason.DATA_LOST) == []

"""The words of a message that goes to somebody else than usual."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marginwatch.core.alert import Reason, State
from marginwatch.core.route import Why
from marginwatch.notify.render import render
from support.notices import NOW, about, notice, transition

LOST = "desk cannot be reached since 2026-08-03 13:58:00 UTC"


@pytest.mark.parametrize(
    ("state", "reason", "because", "says"),
    [
        (State.REMINDER, Reason.ESCALATED, "", "Why: nobody has acknowledged it in time. Alert"),
        (State.FIRING, Reason.FALLBACK, LOST, f"Why: {LOST}. Alert"),
        (State.FIRING, Reason.FALLBACK, "", "Why: somebody who was to hear of it cannot be reached. Alert"),
        (State.RESOLVED, Reason.CLEARED, LOST, f"shows that it is over; {LOST}. Alert"),
    ],
)
def test_it_says_why_it_comes_to_this_receiver(state: State, reason: Reason, because: str, says: str) -> None:
    """Called by a ladder, or for somebody who cannot be reached, and since when."""
    told = replace(notice(transition(state, reason)), why=Why.FALLBACK, because=because)

    assert says in render(told, about(), NOW).body

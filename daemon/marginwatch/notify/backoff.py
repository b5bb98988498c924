"""When a message that was not taken is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.outbox import AttemptOutcome

if TYPE_CHECKING:
    from datetime import datetime

URGENT = timedelta(hours=1)
"""So long attempts come at most `URGENT_GAP` apart."""
URGENT_GAP = timedelta(seconds=30)
LONGEST_GAP = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
LEAST_ATTEMPTS = 100
"""Before a message is given up, however old it is: the machine may have been off, or its clock set."""

_FIRST_GAP = timedelta(seconds=1)
_SHARE_OF_AGE = 20
_MOST_DOUBLINGS = 5


def next_try(
    attempts: int, created_at: datetime, now: datetime, outcome: AttemptOutcome, jitter: float
) -> datetime | None:
    """When to send again after the attempt just made; None: never, it is delivered or given up.

    Args:
        attempts: Made so far, the one just made included.
        created_at: When the message was committed.
        now: The end of the attempt.
        outcome: How it ended.
        jitter: From 0 to 1; spreads messages that failed together over half of the gap.
    """
    if outcome in {AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT}:
        return None
    age = now - created_at
    if age >= GIVE_UP_AFTER and attempts >= LEAST_ATTEMPTS:
        return None
    if age < URGENT:
        gap = min(_FIRST_GAP * (1 << min(attempts - 1, _MOST_DOUBLINGS)), URGENT_GAP)
    else:
        gap = min(max(age / _SHARE_OF_AGE, URGENT_GAP), LONGEST_GAP)
    return now + gap * (0.5 + jitter / 2)

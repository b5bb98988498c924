"""What became of an attempt to send: the words that sending and the store share."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Outcome(enum.StrEnum):
    """How one attempt to send ended."""

    DELIVERED = "delivered"
    """The receiver said that it has it."""
    RETRYABLE = "retryable"
    """It was not taken; another attempt may succeed."""
    PERMANENT = "permanent"
    """It was refused in a way that no further attempt can change."""
    AMBIGUOUS = "ambiguous"
    """It was sent and no answer came: the receiver may have it. It is sent again, with the same id."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What is recorded after an attempt."""

    outcome: Outcome
    detail: str
    """One sentence for a person, without secrets; empty when delivered."""
    next_try: datetime | None
    """None: no further attempt. With any outcome but delivered, the message is then a dead letter."""

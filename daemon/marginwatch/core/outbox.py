"""What became of an attempt to send: the words that sending and the store share."""

from __future__ import annotations

import enum


class AttemptOutcome(enum.StrEnum):
    """How one attempt to send ended."""

    DELIVERED = "delivered"
    """The receiver said that it has it."""
    RETRYABLE = "retryable"
    """It was not taken; another attempt may succeed."""
    PERMANENT = "permanent"
    """It was refused in a way that no further attempt can change."""
    AMBIGUOUS = "ambiguous"
    """It may have arrived: no answer came after it was sent, or the process ended meanwhile. It is sent again, with the
    same id."""

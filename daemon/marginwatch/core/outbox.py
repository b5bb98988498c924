"""What a message is, and what became of an attempt to send it: the words that sending and the store share."""

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


class Kind(enum.StrEnum):
    """What a message is about."""

    ALERT = "alert"
    """One step of one alert."""
    DIGEST = "digest"
    """Steps of many alerts, which have rows of their own that name it."""
    SUMMARY = "summary"
    """What is open and what ended after a time in which nobody watched; may be the digest of some steps as well."""
    REPORT = "report"
    """That marginwatch is alive, asked for or by the clock."""

"""The set phrases of messages: one for every state and every reason. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State

if TYPE_CHECKING:
    from collections.abc import Mapping

WHY: Mapping[Reason, str] = {
    Reason.BECAME_TRUE: "the condition became true",
    Reason.HELD: "the condition held for as long as the rule asks",
    Reason.ALREADY_TRUE: "it was already true when first seen",
    Reason.PENDING_CLEARED: "it stopped holding before it was due to be told",
    Reason.HIGHER_LEVEL: "a higher level was reached",
    Reason.WORSENED_BY: "it is worse than last told by at least the step the rule sets",
    Reason.LOWER_LEVEL: "it came back from the higher level",
    Reason.CLEARED: "a fresh and complete answer shows that it is over",
    Reason.SUBJECT_GONE: "what it was about is in no complete answer any more",
    Reason.REMIND: "it is still true and this is a reminder",
    Reason.DATA_LOST: "no good answer came for longer than the venue is allowed",
    Reason.DATA_BACK: "good answers arrive again",
    Reason.FLAPPING: "it is good once more, and came and went so often that it is kept open for now",
    Reason.FIRED_AGAIN: "it holds once more and is kept open for flapping",
    Reason.OTHER_TROUBLE: "what is wrong is another matter than was told",
    Reason.OCCURRED: "it changed against the last known value",
    Reason.RULE_REMOVED: "its rule was removed",
    Reason.SCOPE_CHANGED: "its rule no longer covers this account",
    Reason.ACCOUNT_REMOVED: "the account was removed from the config",
    Reason.RECEIVER_REMOVED: "the receiver was removed from the config",
    Reason.FORGOTTEN: "an operator told marginwatch to forget it",
    Reason.SILENCE_ENDED: "the silence that held it back has ended",
    Reason.MAINTENANCE_ENDED: "the maintenance that held it back has ended",
    Reason.QUIET_ENDED: "the quiet hours that held it back have ended",
    Reason.HOURS_BEGAN: "the hours have begun that it waited for",
    Reason.STILL_UNKNOWN: "its venue answers again and its own data are still missing",
    Reason.ESCALATED: "nobody has acknowledged it in time",
    Reason.FALLBACK: "somebody who was to hear of it cannot be reached",
}
"""Every reason as half a sentence."""

TITLE: Mapping[State, str] = {
    State.FIRING: "{severity}",
    State.WORSENED: "{severity}, WORSE",
    State.EASED: "EASED to {severity}",
    State.REMINDER: "STILL {severity}",
    State.UNKNOWN: "DATA UNKNOWN, was {severity}",
    State.RESOLVED: "RESOLVED",
    State.CLOSED: "CLOSED",
    State.EVENT: "{severity} event",
}
"""How a title begins."""

WHEN: Mapping[State, str] = {
    State.FIRING: "since",
    State.WORSENED: "since",
    State.EASED: "since",
    State.REMINDER: "since",
    State.UNKNOWN: "unknown since",
    State.RESOLVED: "at",
    State.CLOSED: "at",
    State.EVENT: "at",
}
"""What comes before the time at a title's end."""

STANDING: Mapping[State, str] = {
    State.FIRING: "{severity} since {since}",
    State.WORSENED: "it got worse and is {severity}; it began at {since}",
    State.EASED: "eased to {severity} at {at}; it began at {since}",
    State.REMINDER: "still {severity}, since {since}",
    State.UNKNOWN: "it was {severity} since {since} and cannot be checked now",
    State.RESOLVED: "resolved at {at}; it was {severity} since {since}",
    State.CLOSED: "closed at {at} without being seen to end; it was {severity} since {since}",
    State.EVENT: "it happened at {at}",
}
"""What a body says of the state beyond the title: how bad, and since when."""

FLAPPING = "flapping: fired {times} times since {since}"
"""What is said beside it of an alert that comes and goes."""
FLAPPING_REMINDER = "it keeps coming and going and this is a reminder"
"""Why such a one is told of again: whether it is true at that moment says nothing."""

LASTING: Mapping[State, str] = {
    State.FIRING: " ({})",
    State.WORSENED: " ({} ago)",
    State.EASED: " ({} ago)",
    State.REMINDER: " ({})",
    State.UNKNOWN: "",
    State.RESOLVED: " ({})",
    State.CLOSED: " ({})",
    State.EVENT: "",
}
"""How long that is, behind since when."""

SINCE_THEN: Mapping[State, str] = {
    State.FIRING: "fired",
    State.WORSENED: "worse",
    State.EASED: "eased",
    State.REMINDER: "still open",
    State.UNKNOWN: "data unknown",
    State.RESOLVED: "resolved",
    State.CLOSED: "closed",
    State.EVENT: "changed again",
}
"""What became of an alert after the transition that a late message tells of."""

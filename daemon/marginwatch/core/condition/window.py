"""Windows of time as they are written, and what can be wrong with one."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from marginwatch.core.calendar import LONGEST
from marginwatch.core.condition.amounts import parse_duration
from marginwatch.core.condition.nodes import Fault

if TYPE_CHECKING:
    from marginwatch.core.condition.nodes import Text, Windowed

SESSION: Final = "session"
"""The window from the open of the session that is on, or of the last one."""

_LIKE: Final = 'write it like "30m", "1d" or "session"'
_LOOSE: Final = re.compile(r"\s*(\d{1,6})\s*(s|m|h|d|w)[a-z]*\s*", re.ASCII | re.IGNORECASE)
_MICROSECOND: Final = Decimal("0.000001")


def length(node: Windowed) -> timedelta | None:
    """How long a checked window is; None for a session."""
    return None if node.window.value == SESSION else _length(node.window.value)


def window_fault(function: str, window: Text) -> Fault | None:
    """Why the text is no window that the function can look over; None when it is one."""
    offset, size, text = window.at.offset, window.at.length, window.value
    if text == SESSION:
        if function != "rate":
            return None
        hint = 'for the change since the session began write delta(…, "session")'
        return Fault(offset, size, "rate needs a window of a fixed length", hint)
    span = _length(text)
    if span is None:
        return Fault(offset, size, f'"{text[:40]}" is no window of time', _meant(text) or _LIKE)
    if not span:
        return Fault(offset, size, "a window must be longer than nothing", _LIKE)
    if span > LONGEST:
        return Fault(offset, size, f"a window is at most {LONGEST.days}d long")
    return None


def _length(text: str) -> timedelta | None:
    seconds = parse_duration(text)
    if seconds is None:
        return None
    # One that no timedelta could hold is as long as one that is too long.
    return timedelta(microseconds=int(min(seconds, Decimal(10**9)) / _MICROSECOND))


def _meant(text: str) -> str:
    loose = _LOOSE.fullmatch(text)
    if loose is not None:
        return f'did you mean "{loose[1]}{loose[2].lower()}"?'
    return f'did you mean "{SESSION}"?' if get_close_matches(text.lower(), [SESSION], n=1) else ""

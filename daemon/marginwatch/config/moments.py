"""Moments of the past as people write them on the command line: `14:03`, `2h ago`, `2026-03-02T14:03Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Final

from marginwatch.config.durations import BadDurationError, parse_duration
from marginwatch.errors import MarginwatchError

_AGO: Final = re.compile(r"(\w+)\s+ago")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_DAY: Final = timedelta(days=1)


class BadMomentError(MarginwatchError, ValueError):
    """The text is no moment of the past."""

    def __init__(self, text: str, why: str = "is no time") -> None:
        super().__init__(f"{text[:60]} {why}; write 14:03, 2h ago, or 2026-03-02T14:03 (UTC unless it names a zone)")


def read_moment(text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """The moment that `text` names, in UTC; a time of day is the latest one that has been.

    Raises:
        BadMomentError: It is written in no such way, or lies ahead where it may not.
    """
    at = _read(text.strip(), now)
    if at is None:
        raise BadMomentError(text)
    if at > now and not ahead:
        raise BadMomentError(text, "lies ahead")
    return at


def _read(text: str, now: datetime) -> datetime | None:
    try:
        if ago := _AGO.fullmatch(text):
            return now - parse_duration(ago[1])
        if _CLOCK.fullmatch(text):
            today = datetime.combine(now.astimezone(UTC), time.fromisoformat(text.rjust(5, "0")), tzinfo=UTC)
            return today if today <= now else today - _DAY
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (BadDurationError, ValueError, OverflowError):
        return None

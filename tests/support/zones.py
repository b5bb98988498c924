"""Calendars with real zones."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from marginwatch.core.calendar import Calendar, Sessions, built_in

CALENDARS: dict[str, Calendar] = built_in(ZoneInfo)


def sessions() -> dict[str, Sessions]:
    """One of each, with nothing remembered."""
    return {name: Sessions(calendar) for name, calendar in CALENDARS.items()}

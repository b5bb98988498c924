"""Durations as people write them in files and on the command line: `10s`, `5m`, `2h`, `1d`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from marginwatch.errors import MarginwatchError

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]{1,9})([dhms])")
_WHOLE = re.compile(r"(?:[0-9]{1,9}[dhms])+")
_LOOSE = re.compile(
    r"\s*([0-9]{1,9})\s*(?:(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?|(h)(?:rs?|ours?)?|(d)(?:ays?)?)\s*", re.IGNORECASE
)
"""How people write one where nobody reads it."""
_LONGEST = timedelta(days=36_500)
PATTERN = f"^(?=.){''.join(f'(?:[0-9]{{1,9}}{unit})?' for unit in _SECONDS)}$"
"""What a duration looks like, for editors."""


class BadDurationError(MarginwatchError, ValueError):
    """The text is no duration. A ValueError too, which is what a pydantic validator may raise."""

    def __init__(self, text: object) -> None:
        hint = ""
        if str(text).strip().isdecimal():
            hint = f'; did you mean "{text}s"?'
        elif meant := _meant(str(text)):
            hint = f'; did you mean "{meant}"?'
        super().__init__(f"a duration is written like 10s, 5m, 2h, 1d or 1h30m{hint}")


def _meant(text: str) -> str:
    """The duration that is written loosely; empty for none."""
    loose = _LOOSE.fullmatch(text)
    unit = "" if loose is None else str(loose[loose.lastindex or 0]).lower()
    if loose is None or int(loose[1]) * _SECONDS[unit] > _LONGEST.total_seconds():
        return ""
    return f"{loose[1]}{unit}"


def parse_duration(text: str) -> timedelta:
    """The length of time that `text` names.

    Raises:
        BadDurationError: It is not written as a duration, names a unit twice, or is longer than a century.
    """
    if not _WHOLE.fullmatch(text):
        raise BadDurationError(text)
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if units != sorted(set(units), key="dhms".index):
        raise BadDurationError(text)
    seconds = sum(int(count) * _SECONDS[unit] for count, unit in parts)
    if seconds > _LONGEST.total_seconds():
        raise BadDurationError(text)
    return timedelta(seconds=seconds)


def format_duration(span: timedelta) -> str:
    """The shortest text `parse_duration` reads back as `span`, whole seconds: `1h30m`."""
    left, parts = int(span.total_seconds()), []
    for unit, size in _SECONDS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _validate(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise BadDurationError(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
"""A timedelta in a settings model, written as text in the file."""

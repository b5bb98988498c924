"""The body of a message as lines of which each has a part to play, for every service to show its own way. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from marginwatch.notify.words import clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from marginwatch.core.state import Message


class Role(enum.StrEnum):
    """What a line of a body says."""

    LATE = "late"
    """That the message comes late, and what happened since; put in front when it is sent."""
    NAME = "name"
    """Account and rule in full, where the title had no room for them."""
    VALUE = "value"
    """The value against its limit."""
    DISTANCE = "distance"
    """How far equity may fall before it no longer covers margin."""
    MOVED = "moved"
    """How far the value went since the last message."""
    CHANGE = "change"
    """What changed, a line for each difference, or what a built-in alert found."""
    UNKNOWN = "unknown"
    """Since when data are unknown, and why."""
    SUMMARY = "summary"
    """The rule's own words."""
    SEEN = "seen"
    """The fields that the rule reads."""
    NOTE = "note"
    """Anything else: how much was seen of a window, what a name stands for, that the rule was edited."""
    STANDING = "standing"
    """How bad, since when."""
    DATA = "data"
    """How old the data are."""
    LINK = "link"
    """The alert's own page."""
    RUNBOOK = "runbook"
    """Where to read what to do."""
    WHY = "why"
    """Why it is told now, and the alert's id."""


class Line(NamedTuple):
    """One line of a body."""

    role: Role
    text: str


DISPENSABLE: Final = (
    Role.NOTE,
    Role.SEEN,
    Role.WHY,
    Role.RUNBOOK,
    Role.NAME,
    Role.STANDING,
    Role.SUMMARY,
    Role.MOVED,
    Role.UNKNOWN,
    Role.CHANGE,
    Role.DISTANCE,
    Role.DATA,
    Role.LINK,
)
"""What goes first where there is no room for all; the value and the word that it is late stay."""

_ROLES: Final = {role.value: role for role in Role}


def lines_of(message: Message) -> list[Line]:
    """The lines of a message; those whose part is not known, as of a message of an older version, are notes."""
    texts = message.body.split("\n")
    roles = [_ROLES.get(role, Role.NOTE) for role in message.roles]
    roles += [Role.NOTE] * (len(texts) - len(roles))
    return [Line(role, text) for role, text in zip(roles, texts, strict=False)]


def text_of(lines: Iterable[Line]) -> str:
    """The lines as plain text."""
    return "\n".join(line.text for line in lines)


def fitted(front: Sequence[Line], middle: Sequence[Line], tail: Sequence[Line], length: int) -> list[Line]:
    """All of them in at most so many characters: what is too long is cut off the end of the middle."""
    room = length - sum(len(line.text) + 1 for line in (*front, *tail))
    if not middle or room <= 0:
        return [*front, *tail]
    kept = clip(text_of(middle), room).split("\n")
    return [*front, *(Line(line.role, text) for line, text in zip(middle, kept, strict=False)), *tail]

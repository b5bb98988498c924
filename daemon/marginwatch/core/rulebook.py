"""Rules as they are written: kept beside what was decided by them, so that a later set can be compared key by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """One rule, key by key, in one spelling however its file spells it."""

    id: str
    file: str
    """The file it stands in."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key to value as one would write it, `levels.warning` for a level; keys that were left out are not there."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A whole set of rules."""

    revision: str
    """Hash of all that decides; two sets that differ in words alone share it."""
    rules: tuple[WrittenRule, ...]
    """In the order written."""
    since: datetime | None = None
    """From when on it was in force; None when it is not."""
    hearers: str = ""
    """Who hears of its alerts, as the config said it; empty where that is not on record."""

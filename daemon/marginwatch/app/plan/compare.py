"""Two sets of rules, compared key by key. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marginwatch.core.rulebook import Rulebook, WrittenRule


class Change(enum.StrEnum):
    """What became of a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """To another file, and nothing else."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of a rule."""

    key: str
    old: str | None
    """None: it was not there."""
    new: str | None
    """None: it is not there any more."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule."""

    rule: str
    change: Change
    file: str
    """Where it stands now, or stood."""
    old_file: str
    keys: tuple[KeyChange, ...] = ()
    """Those that differ; every key of a rule that was added, none of one that was removed."""


def compare(old: Rulebook | None, new: Rulebook) -> tuple[RuleChange, ...]:
    """Every rule that differs: in the order of the new ones, those removed at the end. All are new without old ones."""
    before = {} if old is None else {rule.id: rule for rule in old.rules}
    after = {rule.id for rule in new.rules}
    found = [change for rule in new.rules if (change := _change(before.get(rule.id), rule)) is not None]
    gone = (rule for rule in before.values() if rule.id not in after)
    return (*found, *(RuleChange(rule.id, Change.REMOVED, rule.file, rule.file) for rule in gone))


def _change(old: WrittenRule | None, new: WrittenRule) -> RuleChange | None:
    if old is None:
        added = (KeyChange(key, None, value) for key, value in new.keys.items())
        return RuleChange(new.id, Change.ADDED, new.file, new.file, tuple(added))
    keys = tuple(_keys(old, new))
    if keys or old.file != new.file:
        return RuleChange(new.id, Change.CHANGED if keys else Change.MOVED, new.file, old.file, keys)
    return None


def _keys(old: WrittenRule, new: WrittenRule) -> Iterator[KeyChange]:
    for key in dict.fromkeys((*new.keys, *old.keys)):
        before, after = old.keys.get(key), new.keys.get(key)
        if before != after:
            yield KeyChange(key, before, after)

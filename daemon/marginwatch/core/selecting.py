"""Which accounts a rule looks at."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from marginwatch.core.model import Account
    from marginwatch.core.rule import Selector


def selects(selector: Selector, account: Account, labels: Mapping[str, str], groups: Collection[str]) -> bool:
    """True when every part of the selector that is given matches; an account's venue and name match as globs."""
    return (
        _matches(selector.venues, account.key.venue)
        and _matches(selector.accounts, account.key.id, account.name)
        and all(labels.get(name) == value for name, value in selector.labels.items())
        and (not selector.groups or any(group in groups for group in selector.groups))
    )


def selects_venue(selector: Selector, venue: str) -> bool:
    """True when the rule can apply to some account of the venue."""
    return _matches(selector.venues, venue)


def picks_accounts(selector: Selector) -> bool:
    """True when the rule may select one account of a venue and not another."""
    return bool(selector.accounts or selector.labels or selector.groups)


def _matches(globs: tuple[str, ...], *words: str) -> bool:
    return not globs or any(fnmatchcase(word, glob) for glob in globs for word in words)

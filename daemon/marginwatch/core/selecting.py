"""Which accounts a rule looks at, a window or a silence holds back, or a route takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from marginwatch.core.alert import Silence
    from marginwatch.core.groups import Groups
    from marginwatch.core.labels import Labels
    from marginwatch.core.model import Account
    from marginwatch.core.rule import Selector


@dataclass(frozen=True, slots=True)
class Described:
    """An account with all that it may be chosen by."""

    account: Account
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: Collection[str] = ()

    def fits(self, selector: Selector) -> bool:
        """Whether the selector chooses it."""
        return selects(selector, self.account, self.labels, self.groups)


def described(account: Account, labels: Labels, groups: Groups) -> Described:
    """The account; what stands for a venue itself has no label and is in no group."""
    return Described(account, labels.of(account), groups.of(account)) if account.key.id else Described(account)


def stranger(silence: Silence, labels: Labels, groups: Groups) -> tuple[str, str, tuple[str, ...]] | None:
    """The first group or label of the silence that is not there: what it is, its name, and those there are."""
    wanted = [("group", name, tuple(groups.named)) for name in silence.groups]
    wanted += [("label", f"{key}={value}", labels.written) for key, value in silence.labels.items()]
    return next((each for each in wanted if each[1] not in each[2]), None)


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

"""What can be told of rules that are not wrong: accounts nobody named, data that never came."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marginwatch.app.routing import labels_of
from marginwatch.config.suggest import did_you_mean
from marginwatch.core import condition
from marginwatch.core.fields import Unit
from marginwatch.core.selecting import selects, selects_venue
from marginwatch.errors import Problem
from marginwatch.venues.selection import is_glob

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from marginwatch.app.build import Configured
    from marginwatch.config.settings import Settings, VenueSettings
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.labels import Labels
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import AccountState
    from marginwatch.venues.protocol import VenueKind


def unnamed_accounts(settings: Settings, rules: Iterable[Rule]) -> Iterator[Problem]:
    """A note for each pattern of accounts that fits none, where the config names all accounts of the rule's venues."""
    for rule in rules:
        venues = (venue for venue in settings.venues if selects_venue(rule.selector, venue.name))
        for _, what, hint in misses(rule.selector.accounts, venues):
            yield Problem(rule.place, f"`{rule.id}`: {what}", hint)


def misses(
    wanted: Iterable[str], venues: Iterable[VenueSettings], groups: Iterable[str] = ()
) -> Iterator[tuple[int, str, str]]:
    """Which of the patterns fits no account and none of the groups, what is to be said, and what was probably meant.

    None where a venue lists its accounts itself, or is asked for those of a pattern: that shows only when it answers.
    """
    there = list(venues)
    named = [*groups, *(account for venue in there for account in venue.accounts)]
    if not all(venue.accounts for venue in there) or any(map(is_glob, named)):
        return
    for number, pattern in enumerate(wanted):
        if not any(fnmatchcase(account, pattern) for account in named):
            what = f"the config names no account like `{pattern}`, unless it is another name of one"
            yield number, what, did_you_mean(pattern, named)


def with_history(configured: Configured, states: Collection[AccountState]) -> Configured:
    """The same with notes of what the store knows of its rules, `states` being every account that is remembered."""
    settings, kinds = configured.settings, configured.kinds
    known = without_data(configured.rules.rules, catalogues_of(settings, kinds), states, labels_of(settings))
    found = tuple(Problem(rule.place, f"`{rule.id}` {why}") for rule, why in known)
    return replace(configured, notes=(*configured.notes, *found), brief=(*configured.brief, *found))


def catalogues_of(settings: Settings, kinds: Mapping[str, VenueKind]) -> dict[str, Catalogue]:
    """What each configured venue may answer, by the venue's name."""
    return {venue.name: kinds[venue.kind].catalogue for venue in settings.venues}


def without_data(
    rules: Iterable[Rule], catalogues: Mapping[str, Catalogue], states: Collection[AccountState], labels: Labels
) -> Iterator[tuple[Rule, str]]:
    """Each rule that selects no account seen so far, or reads fields that none of its accounts ever had, and why.

    Args:
        rules: Those of the config.
        catalogues: Of the configured venues, by their names.
        states: Every account that is remembered. Without any there is nothing to say yet.
        labels: Those that the config gives to accounts.
    """
    for rule in rules if states else ():
        if rule.of_group or rule.selector.groups:
            continue  # who is in a group shows while it runs, and a group that lacks data is told of
        chosen = [state for state in states if selects(rule.selector, state.account, labels.of(state.account), ())]
        read = {venue: _fields(rule, catalogue) for venue, catalogue in catalogues.items()}
        missing: dict[str, bool] = {}
        for state in chosen:
            for name in read.get(state.account.key.venue, ()):
                missing[name] = missing.get(name, True) and state.known.get(name) is None
        lacking = [name for name, never in missing.items() if never]
        if not chosen:
            yield rule, "looks at none of the accounts seen so far"
        elif lacking:
            never = f"{' and '.join(lacking)} {'was' if len(lacking) == 1 else 'were'} never known"
            yield rule, f"has never had data: {never} at any account it looks at"


def _fields(rule: Rule, catalogue: Catalogue) -> tuple[str, ...]:
    """The fields of an account that the rule reads there, where it applies, without ages, which nobody remembers."""
    node = condition.parse(rule.expression)
    assert not isinstance(node, condition.Fault)  # it is loaded
    names = condition.names(node)
    scope: condition.Scope = "position" if rule.each else "account"
    checked = condition.check(node, catalogue, names, scope=scope, kind=rule.kind).node
    found = (catalogue.get(name) for name in (() if checked is None else condition.names(checked)))
    return tuple(field.name for field in found if field is not None and field.unit is not Unit.DURATION)

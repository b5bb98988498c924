"""Notes on choices of the config that nothing fits, as far as loading can know, and on windows that are over."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marginwatch.app.foresight import misses
from marginwatch.app.routing import concerns, matches, unknown_rule
from marginwatch.config.maintenance import over_since
from marginwatch.core.health import RULES
from marginwatch.core.model import GROUPS
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from marginwatch.config.load import Loaded
    from marginwatch.config.maintenance import MaintenanceSettings
    from marginwatch.config.places import Loc
    from marginwatch.config.routes import RouteSettings
    from marginwatch.config.settings import Settings
    from marginwatch.core.rule import Rule


def unmatched(loaded: Loaded, rules: Sequence[Rule], now: datetime) -> Iterator[Problem]:
    """A note at the place of each choice that nothing fits, and of each window that is over."""
    assert loaded.settings is not None  # there were no problems
    assert loaded.places is not None
    yield from _windows(loaded, (*RULES.values(), *rules), now)
    for loc, what, hint in _accounts(loaded.settings):
        yield Problem(loaded.places.value(loc), what, hint)


def _windows(loaded: Loaded, rules: Sequence[Rule], now: datetime) -> Iterator[Problem]:
    assert loaded.settings is not None
    assert loaded.places is not None
    ids = [rule.id for rule in rules]
    venues = [venue.name for venue in loaded.settings.venues]
    for number, window in enumerate(loaded.settings.maintenance):
        at: Loc = ("maintenance", number)
        over = over_since(window, now)
        if over is not None:
            what = f"maintenance {window.name} has been over since {over:%Y-%m-%d %H:%M} UTC"
            yield Problem(loaded.places.value((*at, "ends")), what, "take it out, or give it another time")
        unknown = [
            problem
            for place, glob in enumerate(window.rules)
            for problem in unknown_rule((*at, "rules", place), glob, ids, loaded.places)
        ]
        yield from unknown
        if not unknown and not any(concerns(window, rule, venues) for rule in rules):
            what = f"maintenance {window.name} holds nothing back, for none of its `rules` applies at its `venues`"
            yield Problem(loaded.places.value(at), what)


def _accounts(settings: Settings) -> Iterator[tuple[Loc, str, str]]:
    """Where patterns of accounts stand that fit none, what is to be said, and what was probably meant."""
    choices: tuple[tuple[str, Sequence[RouteSettings | MaintenanceSettings]], ...] = (
        ("routes", settings.routes),
        ("maintenance", settings.maintenance),
    )
    for kind, tables in choices:
        for number, table in enumerate(tables):
            there = (each for each in settings.venues if matches(table.venues, each.name))
            groups = [each.name for each in settings.groups if matches(table.venues, GROUPS)]
            for at, what, hint in misses(table.accounts, there, groups):
                yield (kind, number, "accounts", at), what, hint
    for loc, entry in _entries(settings):
        venue, _, account = entry.partition("/")
        there = (each for each in settings.venues if fnmatchcase(each.name, venue))
        yield from ((loc, what, hint) for _, what, hint in misses((account,), there))


def _entries(settings: Settings) -> Iterator[tuple[Loc, str]]:
    """Every `venue/account` with its place."""
    for number, group in enumerate(settings.groups):
        yield from ((("groups", number, "accounts", at), entry) for at, entry in enumerate(group.accounts))
    for number, labelled in enumerate(settings.accounts):
        yield from ((("accounts", number, "match", at), entry) for at, entry in enumerate(labelled.match))

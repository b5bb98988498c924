"""From the config file to the parts of the daemon: settings, rules, venues and receivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.app.files import read_rules, read_settings
from marginwatch.core import health
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.route import Receiver as Hearer
from marginwatch.core.ruling import Ruling, Watch
from marginwatch.errors import InvalidInputError, Problem
from marginwatch.notify.receiver import BadReceiverUrlError, Receiver
from marginwatch.store.errors import MemoryDatabaseError, UnknownDatabaseKindError
from marginwatch.venues.protocol import VenueCommon
from marginwatch.venues.registry import venue_kinds
from marginwatch.venues.selection import Selection, is_glob

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from marginwatch.config.load import Loaded as LoadedSettings
    from marginwatch.config.rulefile import Loaded as LoadedRules
    from marginwatch.config.settings import Settings, VenueSettings
    from marginwatch.store.errors import BadStoreUrlError
    from marginwatch.venues.protocol import Venue, VenueKind

LEAST_DEADLINE = timedelta(seconds=20)
"""A cycle may take this long even when polling is faster: a slow venue is not a dead one."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A config and rules without a problem. Nothing is opened yet."""

    file: Path
    settings: Settings
    """With secrets resolved."""
    rules: LoadedRules
    kinds: Mapping[str, VenueKind]
    notes: tuple[str, ...]
    """Worth a word, not wrong."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs."""

    settings: Settings
    ruling: Ruling
    venues: tuple[Venue, ...]
    receivers: tuple[Receiver, ...]


def configure(path: Path | None, environ: Mapping[str, str], *, need_secrets: bool = True) -> Configured:
    """Read the config and the rules, and check all of both.

    `need_secrets` false checks a config away from its service, where its secrets are not: it cannot be run then.

    Raises:
        InvalidInputError: With every problem of every file.
        NoConfigError: There is no config file.
    """
    kinds = venue_kinds()
    loaded = read_settings(path, environ, kinds, need_secrets=need_secrets)
    rules = None if loaded.sketch is None else read_rules(loaded.sketch, kinds)
    if loaded.settings is None or rules is None:
        raise InvalidInputError((*loaded.problems, *(rules.problems if rules else ())))
    problems = (
        *_store_problems(loaded),
        *rules.problems,
        *_account_problems(loaded, kinds),
        *_receiver_problems(loaded),
    )
    if problems:
        raise InvalidInputError(problems)
    return Configured(loaded.file, loaded.settings, rules, kinds, (*map(str, loaded.notes), *rules.notes))


def assemble(configured: Configured) -> Parts:
    """Build venues and receivers. No I/O happens before the first poll."""
    settings = configured.settings
    return Parts(
        settings=settings,
        ruling=ruling_of(settings, configured.rules, configured.kinds),
        venues=tuple(_connect(venue, configured.kinds[venue.kind]) for venue in settings.venues),
        receivers=tuple(Receiver(receiver.name, receiver.url) for receiver in settings.receivers),
    )


def ruling_of(settings: Settings, rules: LoadedRules, kinds: Mapping[str, VenueKind]) -> Ruling:
    """Everything that decides."""
    return Ruling(
        revision=rules.revision,
        rules={**health.RULES, **{rule.id: rule for rule in rules.rules}},
        venues={
            venue.name: Watch(
                venue=venue.name,
                rules=VenueRules(venue.name, kinds[venue.kind].catalogue, rules.rules),
                every=venue.every,
                stale_after=venue.stale_after,
                max_age=venue.max_age,
                selects=Selection(venue.accounts),
            )
            for venue in settings.venues
        },
        receivers=tuple(Hearer(receiver.name, receiver.min_severity) for receiver in settings.receivers),
    )


def deadline_of(every: timedelta) -> timedelta:
    """How long one cycle may take."""
    return max(every, LEAST_DEADLINE)


def _connect(venue: VenueSettings, kind: VenueKind) -> Venue:
    common = VenueCommon(venue.name, venue.accounts, venue.every, deadline_of(venue.every))
    return kind.connect(common, venue.options, clock.now)


def _store_problems(loaded: LoadedSettings) -> Iterator[Problem]:
    """What shows without opening it; importing the database's library would take a check longer than all the rest."""
    assert loaded.settings is not None  # there were no problems
    assert loaded.places is not None
    scheme, _, rest = loaded.settings.store.url.get_secret_value().partition("://")
    kind = scheme.partition("+")[0]
    error: BadStoreUrlError | None = None
    if kind not in {"sqlite", "postgresql", "postgres"}:
        error = UnknownDatabaseKindError(kind)
    elif kind == "sqlite" and rest.lstrip("/") in {"", ":memory:"}:
        error = MemoryDatabaseError()
    if error is not None:
        what, _, hint = str(error).partition("; ")
        yield Problem(loaded.places.value(("store", "url")), what, hint)


def _account_problems(loaded: LoadedSettings, kinds: Mapping[str, VenueKind]) -> Iterator[Problem]:
    """Patterns for accounts at a venue that lists none to match them with."""
    assert loaded.settings is not None  # there were no problems
    assert loaded.places is not None
    for number, venue in enumerate(loaded.settings.venues):
        if not getattr(kinds[venue.kind].settings, "accounts_required", False):
            continue
        for at, account in enumerate(venue.accounts):
            if is_glob(account):
                place = loaded.places.value(("venues", number, "accounts", at))
                hint = "write each account in full"
                yield Problem(
                    place, f"`accounts`: a venue of kind {venue.kind} lists none to match a pattern with", hint
                )


def _receiver_problems(loaded: LoadedSettings) -> Iterator[Problem]:
    assert loaded.settings is not None  # there were no problems
    assert loaded.places is not None
    for number, receiver in enumerate(loaded.settings.receivers):
        if "${" in receiver.url.get_secret_value():
            continue  # its secret is not here, which was noted
        try:
            Receiver(receiver.name, receiver.url)
        except BadReceiverUrlError as error:
            what, _, hint = str(error).partition("; ")
            yield Problem(loaded.places.value(("receivers", number, "url")), what, hint)

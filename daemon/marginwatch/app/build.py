"""From the config file to the parts of the daemon: settings, rules, venues and receivers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.app.files import read_rules, read_settings
from marginwatch.app.foresight import unnamed_accounts
from marginwatch.app.grouping import currency_problems, groups_of
from marginwatch.app.judge import judge
from marginwatch.app.phrasing import own_words
from marginwatch.app.routing import hearer_of, labels_of, quiet_notes, route_notes, route_problems, routes_of
from marginwatch.app.unmatched import unmatched
from marginwatch.config.calendars import calendars_of
from marginwatch.config.digests import digests_of
from marginwatch.config.horizon import beyond_the_store
from marginwatch.config.maintenance import maintenance_of
from marginwatch.config.quiet import quiet_of
from marginwatch.core import health
from marginwatch.core.defined import defined_names
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.model import GROUPS
from marginwatch.core.pace import Pacing
from marginwatch.core.ruling import Ruling, Watch, group_watch
from marginwatch.errors import InvalidInputError, Problem
from marginwatch.venues.protocol import Paged, VenueCommon
from marginwatch.venues.registry import calendar_of, venue_kinds
from marginwatch.venues.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from marginwatch.config.load import Loaded as LoadedSettings
    from marginwatch.config.rulefile import Inapplicable
    from marginwatch.config.rulefile import Loaded as LoadedRules
    from marginwatch.config.settings import ReceiverSettings, Settings, VenueSettings
    from marginwatch.core.calendar import Calendar
    from marginwatch.core.rule import Rule
    from marginwatch.notify.receiver import Receiver
    from marginwatch.notify.templates import Templates
    from marginwatch.tick import Normalisers
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
    notes: tuple[Problem, ...]
    """Worth a word, not wrong."""
    brief: tuple[Problem, ...]
    """The same with the rules of the packs that do not apply in one note for each venue."""
    templates: Templates | None = None
    """The operator's own words."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs."""

    settings: Settings
    ruling: Ruling
    venues: tuple[Venue, ...]
    receivers: tuple[Receiver, ...]
    templates: Templates | None = None

    @property
    def normalisers(self) -> Normalisers:
        """What reads each venue's answers."""
        return {venue.name: venue.pages if isinstance(venue, Paged) else venue.normalise for venue in self.venues}


def configure(
    path: Path | None, environ: Mapping[str, str], *, need_secrets: bool = True, rule_files: tuple[str, ...] = ()
) -> Configured:
    """Read the config and the rules, and check all of both.

    `need_secrets` false checks a config away from its service, where its secrets are not: it cannot be run then.
    `rule_files` are read in place of those that the config names.

    Raises:
        InvalidInputError: With every problem of every file.
        NoConfigError: There is no config file.
    """
    kinds = venue_kinds()
    loaded = read_settings(path, environ, kinds, need_secrets=need_secrets)
    sketch = replace(loaded.sketch, files=rule_files, written=()) if loaded.sketch and rule_files else loaded.sketch
    rules = None if sketch is None else read_rules(sketch, kinds)
    # In the order of the file: a mistake that only a venue or a service knows is to be mended in the same round.
    ways = () if rules is None or rules.problems else route_problems(loaded, rules.rules)
    judged = loaded.quote((*judge(loaded, kinds), *currency_problems(loaded, kinds), *ways))
    unread, unruly = _parted(loaded, rules)
    found = sorted((*loaded.problems, *judged, *loaded.quote(unread)), key=lambda problem: problem.place)
    templates, wordless = own_words(loaded)
    problems = (*found, *wordless, *unruly)
    if problems or loaded.settings is None or rules is None:
        raise InvalidInputError(problems)
    foreseen = (
        *unnamed_accounts(loaded.settings, rules.rules),
        *beyond_the_store(rules.rules, loaded.settings.store.keep_observations),
        *route_notes(loaded, rules.rules),
        *quiet_notes(loaded, clock.now()),
        *sorted(unmatched(loaded, rules.rules, clock.now()), key=lambda note: note.place),
    )
    notes = (*loaded.notes, *rules.notes, *foreseen, *_worked_out(loaded, rules.rules, kinds))
    every = (*notes, *(each.note for each in rules.inapplicable))
    brief = (*notes, *_in_brief(rules.inapplicable, loaded))
    return Configured(loaded.file, loaded.settings, rules, kinds, every, brief, templates)


def _parted(loaded: LoadedSettings, rules: LoadedRules | None) -> tuple[list[Problem], list[Problem]]:
    """What is wrong with rule files as wholes, told where the config names them, and with what stands in them."""
    problems = rules.problems if rules else ()
    named = [problem for problem in problems if problem.place.file == str(loaded.file)]
    return named, [problem for problem in problems if problem not in named]


def assemble(configured: Configured, before: Parts | None = None) -> Parts:
    """Build venues and receivers. No I/O happens before the first poll.

    Those of `before` whose settings are the same are the very same.
    """
    settings = configured.settings
    venues: dict[str, Venue] = {}
    receivers: dict[str, Receiver] = {}
    if before is not None:
        same = _unchanged(before.settings.venues, settings.venues)
        venues = {venue.name: venue for venue in before.venues if venue.name in same}
        same = _unchanged(before.settings.receivers, settings.receivers)
        receivers = {receiver.name: receiver for receiver in before.receivers if receiver.name in same}
    return Parts(
        settings=settings,
        ruling=ruling_of(settings, configured.rules, configured.kinds),
        venues=tuple(venues.get(each.name) or connect(each, configured.kinds[each.kind]) for each in settings.venues),
        receivers=tuple(receivers.get(each.name) or _receiver(each) for each in settings.receivers),
        templates=configured.templates,
    )


def _receiver(settings: ReceiverSettings) -> Receiver:
    from marginwatch.notify.receiver import Receiver  # noqa: PLC0415  (Apprise takes long to import, and a check may need it for nothing)

    return Receiver(settings.name, settings.url, chart=settings.chart)


def _unchanged(
    before: Iterable[VenueSettings | ReceiverSettings], now: Iterable[VenueSettings | ReceiverSettings]
) -> set[str]:
    """Names of those whose settings are as before."""
    known = {each.name: each for each in before}
    return {each.name for each in now if known.get(each.name) == each}


def ruling_of(settings: Settings, rules: LoadedRules, kinds: Mapping[str, VenueKind]) -> Ruling:
    """Everything that decides."""
    calendars = calendars_of(settings.calendars)
    groups, labels = groups_of(settings, rules.rules, kinds), labels_of(settings)
    venues = {venue.name: _watch(venue, kinds[venue.kind], rules, calendars) for venue in settings.venues}
    return Ruling(
        revision=rules.revision,
        rules={**health.RULES, **{rule.id: rule for rule in rules.rules}},
        venues={**venues, GROUPS: group_watch(groups, calendars, venues)} if groups else venues,
        receivers=tuple(map(hearer_of, settings.receivers)),
        labels=labels,
        routes=routes_of(settings, calendars, labels, groups),
        groups=groups,
        maintenance=maintenance_of(settings.maintenance, labels, groups),
        quiet=quiet_of(settings.receivers),
        digests=digests_of(settings.receivers),
    )


def _watch(venue: VenueSettings, kind: VenueKind, rules: LoadedRules, calendars: Mapping[str, Calendar]) -> Watch:
    calendar = venue.calendar or calendar_of(kind)
    return Watch(
        venue=venue.name,
        rules=VenueRules(venue.name, kind.catalogue, rules.rules, calendars, calendar),
        every=venue.every,
        stale_after=venue.stale_after,
        max_age=venue.max_age,
        selects=Selection(venue.accounts),
        selection="\n".join(sorted(venue.accounts)),
        pacing=pacing_of(venue, calendars.get(calendar)),
    )


def pacing_of(venue: VenueSettings, calendar: Calendar | None) -> Pacing | None:
    """The paces the config allows, with the calendar of the venue's sessions; None where there is but one."""
    if venue.fastest == venue.every == venue.slowest:
        return None
    return Pacing(venue.every, venue.fastest, venue.slowest, calendar)


def _worked_out(loaded: LoadedSettings, rules: Iterable[Rule], kinds: Mapping[str, VenueKind]) -> Iterator[Problem]:
    """A note for each name in rules that a venue does not answer and that is worked out from what it does."""
    assert loaded.settings is not None  # there were no problems
    assert loaded.places is not None
    for number, venue in enumerate(loaded.settings.venues):
        found: dict[str, list[str]] = {}
        for rule in rules:
            for name in defined_names(rule, venue.name, kinds[venue.kind].catalogue):
                found.setdefault(name, []).append(rule.id)
        for name, ids in found.items():
            meaning = kinds[venue.kind].catalogue.defined[name].meaning
            what = f"{name} at {venue.name} is {meaning[0].lower()}{meaning[1:].rstrip('.')}"
            yield Problem(loaded.places.value(("venues", number)), what, f"it is read by {', '.join(ids)}")


def _in_brief(inapplicable: Iterable[Inapplicable], loaded: LoadedSettings) -> Iterator[Problem]:
    """One note for each venue that lacks what shipped rules read."""
    assert loaded.settings is not None  # there were no problems
    assert loaded.places is not None
    for number, venue in enumerate(loaded.settings.venues):
        rules = [each.rule for each in inapplicable if venue.name in each.venues]
        if rules:
            counted = "1 rule of the packs does" if len(rules) == 1 else f"{len(rules)} rules of the packs do"
            what = f"{counted} not apply at {venue.name}, which lacks what they read: {', '.join(rules)}"
            yield Problem(loaded.places.value(("venues", number)), what, "`check --verbose` says what that is")


def deadline_of(every: timedelta) -> timedelta:
    """How long one cycle may take."""
    return max(every, LEAST_DEADLINE)


def connect(venue: VenueSettings, kind: VenueKind) -> Venue:
    """Build the adapter of a venue. No I/O happens before the first poll."""
    common = VenueCommon(venue.name, venue.accounts, venue.every, deadline_of(venue.every))
    return kind.connect(common, venue.options, clock.now)

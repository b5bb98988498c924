"""From the config's routes and labels to those the engine knows, and what of them only the rules show."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from marginwatch.config.calendars import calendars_of
from marginwatch.config.groups import members
from marginwatch.config.quiet import quiet_of
from marginwatch.config.suggest import glob_meant, listed
from marginwatch.core.health import RULES
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.labels import Labelled, Labels
from marginwatch.core.model import GROUPS
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes, Rung, leave_time
from marginwatch.core.rule import RuleKind, Selector
from marginwatch.core.selecting import selects_venue
from marginwatch.errors import Problem
from marginwatch.venues.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.config.load import Loaded
    from marginwatch.config.maintenance import MaintenanceSettings
    from marginwatch.config.places import Loc, Places
    from marginwatch.config.routes import RouteSettings
    from marginwatch.config.settings import ReceiverSettings, Settings
    from marginwatch.core.calendar import Calendar
    from marginwatch.core.groups import Groups
    from marginwatch.core.model import Severity
    from marginwatch.core.routing import Hours
    from marginwatch.core.rule import Rule

_MOST_NAMED = 5


def labels_of(settings: Settings) -> Labels:
    """The labels of accounts."""
    venues = [venue.name for venue in settings.venues]
    return Labels(
        Labelled(venue, Selection((account,)), table.labels)
        for table in settings.accounts
        for venue, account in members(table.match, venues)
    )


def routes_of(settings: Settings, calendars: Mapping[str, Calendar], labels: Labels, groups: Groups) -> Routes:
    """The routes, in the order of the file, which does not matter."""
    return Routes((_route(each, calendars) for each in settings.routes), labels, groups)


def hearer_of(receiver: ReceiverSettings) -> Receiver:
    """A receiver as far as deciding goes."""
    if receiver.fallback is None:
        return Receiver(receiver.name, receiver.min_severity)
    return Receiver(receiver.name, receiver.min_severity, receiver.fallback.receivers, receiver.fallback.after)


def route_problems(loaded: Loaded, rules: Sequence[Rule]) -> Iterator[Problem]:
    """Routes that name rules there are not, and routes that no alert of any rule can take."""
    if loaded.places is None:
        return
    every = (*RULES.values(), *rules)
    ids, misnamed = [rule.id for rule in every], set()
    for written in loaded.unjudged.rules:
        for problem in unknown_rule(written.loc, written.text.get_secret_value(), ids, loaded.places):
            misnamed.add(written.loc[1])
            yield problem
    if loaded.settings is None:
        return
    venues = [venue.name for venue in loaded.settings.venues]
    for number, route in enumerate(loaded.settings.routes):
        if number not in misnamed and not any(_takes(route, rule, venues) for rule in every):
            what = f"route {route.name}: no alert can take it, for no rule it is for is told at such a severity there"
            hint = "look at its `severities`, `venues` and `rules`"
            yield Problem(loaded.places.value(("routes", number)), what, hint)


def route_notes(loaded: Loaded, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Receivers that no route leads to, and rules whose alerts no route takes."""
    settings, places = loaded.settings, loaded.places
    if settings is None or places is None or not settings.routes:
        return
    named = {name for route in settings.routes for name in _everybody(route)}
    named |= {name for each in settings.receivers if each.fallback for name in each.fallback.receivers}
    for number, receiver in enumerate(settings.receivers):
        if receiver.name not in named:
            what = f"no route leads to receiver {receiver.name}: it hears only of what no route takes"
            yield Problem(places.value(("receivers", number, "name")), what)
    venues = [venue.name for venue in settings.venues]
    passed = [rule.id for rule in rules if not _taken(settings.routes, rule, venues)]
    if passed:
        more = f" and {len(passed) - _MOST_NAMED} more" if len(passed) > _MOST_NAMED else ""
        what = f"no route takes every alert of {', '.join(passed[:_MOST_NAMED])}{more}"
        yield Problem(places.value(("routes", 0)), what, "what no route takes goes to every receiver")


def quiet_notes(loaded: Loaded, now: datetime) -> Iterator[Problem]:
    """Routes whose hours are all quiet for a receiver: what is mild enough would wait for ever."""
    settings, places = loaded.settings, loaded.places
    if settings is None or places is None:
        return
    quiet, calendars = quiet_of(settings.receivers), calendars_of(settings.calendars)
    for number, route in enumerate(settings.routes):
        hours = _hours(route, calendars)
        for at, name in enumerate(route.receivers):
            asleep = quiet.get(name)
            if hours is None or asleep is None or min(route.taken) >= asleep.below:
                continue
            if not leave_time(hours, asleep.hours, now):
                what = f"route {route.name}: all of its hours are quiet for receiver {name}"
                hint = f"what is milder than {asleep.below.label} would wait for ever; let one of them leave some time"
                yield Problem(places.value(("routes", number, "receivers", at)), what, hint)


def unknown_rule(loc: Loc, glob: str, ids: Sequence[str], places: Places) -> Iterator[Problem]:
    """That no rule's id fits the pattern there, if so."""
    if not any(fnmatchcase(each, glob) for each in ids):
        hint = glob_meant(glob, ids) or f"the rules are {listed(ids)}"
        yield Problem(places.value(loc), f"no rule is named `{glob}`", hint)


def _everybody(route: RouteSettings) -> tuple[str, ...]:
    return (*route.receivers, *(name for rung in route.escalate for name in rung.receivers))


def _route(route: RouteSettings, calendars: Mapping[str, Calendar]) -> Route:
    return Route(
        name=route.name,
        receivers=route.receivers,
        selector=Selector(route.venues, route.accounts, route.labels, route.groups),
        rules=route.rules,
        severities=route.taken,
        hours=_hours(route, calendars),
        escalate=tuple(Rung(each.after, each.receivers) for each in route.escalate),
    )


def _hours(route: RouteSettings, calendars: Mapping[str, Calendar]) -> Hours | None:
    if route.calendar:
        return calendars[route.calendar]
    if route.hours is None or route.zone is None:
        return None
    return WeekHours(ZoneInfo(route.zone), parse_hours(route.hours))


def _takes(route: RouteSettings, rule: Rule, venues: Iterable[str]) -> bool:
    """Whether an alert of the rule may take the route, whoever's it is."""
    return any(level.severity in route.taken for level in rule.levels) and concerns(route, rule, venues)


def concerns(chosen: RouteSettings | MaintenanceSettings, rule: Rule, venues: Iterable[str]) -> bool:
    """Whether an alert of the rule may be among what is chosen, its account aside."""
    return matches(chosen.rules, rule.id) and any(matches(chosen.venues, venue) for venue in _venues(rule, venues))


def _taken(routes: Iterable[RouteSettings], rule: Rule, venues: Iterable[str]) -> bool:
    """Whether every alert of the rule takes a route that asks for no certain accounts."""
    return all(_surely(routes, rule, level.severity, venue) for venue in _venues(rule, venues) for level in rule.levels)


def _surely(routes: Iterable[RouteSettings], rule: Rule, severity: Severity, venue: str) -> bool:
    return any(
        severity in route.taken
        and not (route.accounts or route.labels or route.groups)
        and matches(route.rules, rule.id)
        and matches(route.venues, venue)
        for route in routes
    )


def _venues(rule: Rule, venues: Iterable[str]) -> list[str]:
    """The venues, as routes know them, that alerts of the rule may be of."""
    if rule.of_group:
        return [GROUPS]
    if rule.kind is RuleKind.HEALTH:
        return [*venues, ""]
    return [venue for venue in venues if selects_venue(rule.selector, venue)]


def matches(globs: tuple[str, ...], name: str) -> bool:
    """Whether one of the patterns fits, or there is none."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs)

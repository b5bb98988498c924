"""What tables of a config, written in any way, say of each other: names taken twice, and names that are nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.calendars import calendar_names
from marginwatch.config.groups import misnamed
from marginwatch.config.labels import label_values, misplaced_labels
from marginwatch.config.reports import misreported
from marginwatch.config.routecheck import misled, misplanned, misrouted, names_of
from marginwatch.config.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from marginwatch.config.places import Places
    from marginwatch.config.routecheck import Found, Tables
    from marginwatch.errors import Place

_NAMED = ("venues", "calendars", "groups", "receivers", "routes", "maintenance", "reports")


def mismatches(tables: Callable[[str], Tables], places: Places) -> Found:
    """Where, what is wrong, and what to do. `tables` gives those of a kind."""
    venues = names_of(tables("venues"))
    calendars, labels = calendar_names(tables("calendars")), label_values(tables("accounts"))
    for kind in _NAMED:
        yield from _same_names(kind, tables(kind), places)
    yield from _unknown_calendars(tables("venues"), calendars)
    yield from misnamed(tables("groups"), venues)
    yield from misplaced_labels(tables("accounts"), venues)
    yield from misrouted(tables, calendars, labels)
    yield from misplanned(tables, labels)
    yield from misled(tables("receivers"))
    yield from misreported(tables("reports"), tables("receivers"))


def _same_names(kind: str, tables: Tables, places: Places) -> Found:
    seen: dict[str, Place] = {}
    for number, table in enumerate(tables):
        loc, name = (kind, number, "name"), table.get("name")
        if isinstance(name, str) and name in seen:
            kinds = "maintenance windows" if kind == "maintenance" else kind
            yield loc, f"there are two {kinds} named `{name}`; the first is in line {seen[name].line}", ""
        elif isinstance(name, str):
            seen[name] = places.value(loc)


def _unknown_calendars(venues: Tables, calendars: frozenset[str]) -> Found:
    for number, table in enumerate(venues):
        name = table.get("calendar")
        if isinstance(name, str) and name and name not in calendars:
            hint = did_you_mean(name, calendars) or f"there are {', '.join(sorted(calendars))}"
            yield ("venues", number, "calendar"), f"there is no calendar `{name}`", hint

"""What is wrong with routes, fallbacks and maintenance that another table shows: names that are nobody's, circles."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from marginwatch.config.places import Loc

    Found = Iterator[tuple[Loc, str, str]]
    Tables = Sequence[Mapping[str, Any]]


def misrouted(
    tables: Callable[[str], Tables], calendars: Collection[str], labels: Mapping[str, Collection[str]]
) -> Found:
    """Where, what is wrong, and what to do, of routes that may be written in any way.

    `tables` gives those of a kind.
    """
    receivers, groups, venues = (names_of(tables(kind)) for kind in ("receivers", "groups", "venues"))
    for number, route in enumerate(tables("routes")):
        at: Loc = ("routes", number)
        yield from _unknown((*at, "receivers"), route.get("receivers"), receivers, "receiver")
        for step, rung in enumerate(_tables(route.get("escalate"))):
            yield from _unknown((*at, "escalate", step, "receivers"), rung.get("receivers"), receivers, "receiver")
        yield from _misselected(at, route, groups, venues, labels)
        name = route.get("calendar")
        if isinstance(name, str) and name and name not in calendars:
            hint = did_you_mean(name, calendars) or f"there are {', '.join(sorted(calendars))}"
            yield (*at, "calendar"), f"there is no calendar `{name}`", hint


def misplanned(tables: Callable[[str], Tables], labels: Mapping[str, Collection[str]]) -> Found:
    """The same of maintenance windows."""
    groups, venues = (names_of(tables(kind)) for kind in ("groups", "venues"))
    for number, window in enumerate(tables("maintenance")):
        yield from _misselected(("maintenance", number), window, groups, venues, labels)


def misled(receivers: Tables) -> Found:
    """The same of receivers' fallbacks, those included that lead back to where they began."""
    names = names_of(receivers)
    leads = {str(table.get("name")): _texts(_table(table.get("fallback")).get("receivers")) for table in receivers}
    for number, table in enumerate(receivers):
        at: Loc = ("receivers", number, "fallback", "receivers")
        name = str(table.get("name"))
        yield from _unknown(at, _table(table.get("fallback")).get("receivers"), names, "receiver")
        circle = _circle(name, leads)
        if circle and min(circle) == name:
            alone = circle == [name, name]
            what = "itself, so nobody would hear when it fails" if alone else ""
            what = what or f"{' falls back to '.join(circle[1:])}, so nobody would hear when all of them fail"
            hint = "name another" if alone else "let the last of them fall back to nobody, or to somebody else"
            yield at, f"{name} falls back to {what}", hint


def _misselected(
    at: Loc,
    table: Mapping[str, Any],
    groups: Collection[str],
    venues: Collection[str],
    labels: Mapping[str, Collection[str]],
) -> Found:
    yield from _unknown((*at, "groups"), table.get("groups"), groups, "group")
    yield from _no_venue((*at, "venues"), table.get("venues"), [*venues, *([GROUPS] if groups else [])])
    yield from _no_label((*at, "labels"), table.get("labels"), labels)


def _circle(name: str, leads: Mapping[str, Collection[str]]) -> list[str]:
    """The way from the receiver back to itself; empty where there is none."""
    ways, seen = [[name]], {name}
    while ways:
        way = ways.pop(0)
        for following in leads.get(way[-1], ()):
            if following == name:
                return [*way, name]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _unknown(loc: Loc, named: object, known: Collection[str], what: str) -> Found:
    for at, name in _placed(named):
        if name not in known:
            hint = did_you_mean(name, known) or (f"the {what}s are {', '.join(known)}" if known else "")
            yield (*loc, at), f"no {what} in the config is named `{name}`", hint


def _no_venue(loc: Loc, globs: object, known: Collection[str]) -> Found:
    for at, glob in _placed(globs):
        if not any(fnmatchcase(name, glob) for name in known):
            hint = did_you_mean(glob, known) or f"the venues are {', '.join(known)}"
            yield (*loc, at), f"no venue in the config is named `{glob}`", hint


def _no_label(loc: Loc, labels: object, known: Mapping[str, Collection[str]]) -> Found:
    for key, value in _table(labels).items():
        if not isinstance(value, str):
            continue  # which is a mistake of another kind
        if key not in known:
            yield (*loc, key), f"no account in the config has the label `{key}`", did_you_mean(key, known)
        elif value not in known[key]:
            hint = did_you_mean(value, known[key])
            yield (*loc, key), f"no account in the config has {key} = `{value}`", hint


def names_of(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names that tables of any shape have; without those that are none, a mistake of another kind."""
    found = (table.get("name") for table in tables)
    return [name for name in found if isinstance(name, str) and name.strip()]


def _texts(value: object) -> list[str]:
    return [text for _, text in _placed(value)]


def _placed(value: object) -> list[tuple[int, str]]:
    """The texts of a list, each with its place in it; without empty ones, which are a mistake of another kind."""
    found = enumerate(value) if isinstance(value, list) else ()
    return [(at, each) for at, each in found if isinstance(each, str) and each.strip()]


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [_table(each) for each in value] if isinstance(value, list) else []

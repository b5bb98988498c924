"""As much of a config as rules are judged by, whatever else is wrong with it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from marginwatch.config.calendars import CalendarSettings, calendar_names, calendars_of, in_words
from marginwatch.config.groups import GroupSketch, sketched
from marginwatch.config.labels import label_definitions, label_values
from marginwatch.config.rulepacks import PREFIX
from marginwatch.config.settings import RulesSettings
from marginwatch.core.calendar import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from marginwatch.config.places import Places
    from marginwatch.config.routecheck import Tables
    from marginwatch.errors import Place


@dataclass(frozen=True, slots=True)
class Sketch:
    """What rule files are judged by: as much of a config as must be right for that."""

    files: tuple[str, ...]
    """As in `[rules]`, relative ones made absolute."""
    written: tuple[Place, ...]
    """Where each of these stands."""
    venues: Mapping[str, str]
    """Name to kind."""
    calendars: frozenset[str] = frozenset(BUILT_IN)
    """Names, the built-in ones included."""
    runbook_base: str = ""
    """As in `[rules]`."""
    groups: Mapping[str, GroupSketch] = field(default_factory=dict)
    sessions: Mapping[str, str] = field(default_factory=dict)
    """By the name of a venue that names a calendar, its name."""
    hours: Mapping[str, str] = field(default_factory=dict)
    """By the name of a calendar, when its sessions are; without those that are wrong themselves."""
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Those that the config gives to accounts, key to values."""
    labelled: str = ""
    """Who has them, as a text that is equal for equal ones."""


def sketch_of(
    tables: Callable[[str], Tables], rules: object, kinds: Collection[str], places: Places, folder: Path
) -> Sketch | None:
    """The sketch of a config that may have any shape; None when what rules need of it is wrong itself.

    Args:
        tables: Gives those of a kind.
        rules: The table `[rules]`.
        kinds: The kinds of venue there are.
        places: Where each key was written.
        folder: The config file's.
    """
    venues = _kinds_of(tables("venues"), kinds)
    try:
        found = RulesSettings.model_validate(rules)
    except ValidationError:
        return None
    files = full_paths(found, folder)
    if not files or len(venues) != len(tables("venues")):
        return None
    return Sketch(
        files,
        tuple(places.value(("rules", "files", number)) for number in range(len(files))),
        venues,
        calendar_names(tables("calendars")),
        found.runbook_base,
        sketched(tables("groups"), venues),
        {each["name"]: each["calendar"] for each in tables("venues") if isinstance(each.get("calendar"), str)},
        _hours(tables("calendars")),
        labels=label_values(tables("accounts")),
        labelled=label_definitions(tables("accounts")),
    )


def full_paths(rules: RulesSettings, folder: Path) -> tuple[str, ...]:
    """The files of the rules, relative ones made absolute from that folder."""
    files = (file if file.startswith(PREFIX) else os.path.join(folder, file) for file in rules.files)  # noqa: PTH118  (a glob is no path yet)
    return tuple(files)


def _kinds_of(venues: Tables, kinds: Collection[str]) -> dict[str, str]:
    """Name to kind, of those that have both."""
    found: dict[str, str] = {}
    for table in venues:
        name, kind = table.get("name"), table.get("kind")
        if isinstance(name, str) and isinstance(kind, str) and kind in kinds:
            found[name] = kind
    return found


def _hours(calendars: Tables) -> dict[str, str]:
    good: list[CalendarSettings] = []
    for table in calendars:
        with suppress(ValidationError):
            good.append(CalendarSettings.model_validate(table))
    return {name: in_words(calendar) for name, calendar in calendars_of(good).items()}

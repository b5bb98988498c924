"""The config and the rule files it names, read against the kinds of venue that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.load import load_settings
from marginwatch.config.rulefile import load_rules
from marginwatch.notify.render import check_template
from marginwatch.venues.registry import calendar_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from marginwatch.config.load import Loaded as LoadedSettings
    from marginwatch.config.load import Sketch
    from marginwatch.config.rulefile import Loaded as LoadedRules
    from marginwatch.core.rule import Rule
    from marginwatch.venues.protocol import VenueKind


def read_settings(
    path: Path | None, environ: Mapping[str, str], kinds: Mapping[str, VenueKind], *, need_secrets: bool
) -> LoadedSettings:
    """The config file, or everything that is wrong with it.

    Raises:
        NoConfigError: There is no config file.
    """
    options = {name: kind.settings for name, kind in kinds.items()}
    return load_settings(path, environ, options, need_secrets=need_secrets)


def read_rules(sketch: Sketch, kinds: Mapping[str, VenueKind]) -> LoadedRules:
    """The rule files the config names, checked against its venues."""
    catalogues = {name: kind.catalogue for name, kind in kinds.items()}

    def try_template(rule: Rule, kind: str) -> str | None:
        return check_template(rule, kinds[kind].sample)

    return load_rules(
        sketch.files,
        catalogues,
        sketch.venues,
        try_template,
        groups=sketch.groups,
        labels=sketch.labels,
        labelled=sketch.labelled,
        calendars=sketch.calendars,
        sessions=sessions_of(sketch, kinds),
        hours=sketch.hours,
        runbook_base=sketch.runbook_base,
    )


def sessions_of(sketch: Sketch, kinds: Mapping[str, VenueKind]) -> dict[str, str]:
    """The name of each venue's calendar: its own, or that of its kind."""
    return {name: sketch.sessions.get(name) or calendar_of(kinds[kind]) for name, kind in sketch.venues.items()}

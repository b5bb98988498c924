"""The config and the rule files it names, read against the kinds of venue that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.load import load_settings
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import load_rules
from marginwatch.notify.render import check_template
from marginwatch.venues.registry import calendar_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from marginwatch.config.load import Loaded as LoadedSettings
    from marginwatch.config.rulefile import Loaded as LoadedRules
    from marginwatch.config.sketch import Sketch
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
    return load_rules(sketch.files, scene_of(sketch, kinds), written=sketch.written)


def scene_of(sketch: Sketch, kinds: Mapping[str, VenueKind]) -> Scene:
    """What rules are held against, by a config."""
    return Scene(
        {name: kind.catalogue for name, kind in kinds.items()},
        sketch.venues,
        templates_of(kinds),
        groups=sketch.groups,
        labels=sketch.labels,
        calendars=sketch.calendars,
        sessions={name: sketch.sessions.get(name) or calendar_of(kinds[kind]) for name, kind in sketch.venues.items()},
        hours=sketch.hours,
        runbook_base=sketch.runbook_base,
        labelled=sketch.labelled,
    )


def templates_of(kinds: Mapping[str, VenueKind]) -> Callable[[Rule, str], str | None]:
    """Tries a rule's summary on the sample of a kind of venue: what is wrong with it, as one sentence, else None."""
    return lambda rule, kind: check_template(rule, kinds[kind].sample)

"""The config and the rules of a backtest, and what decides with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING

from marginwatch.app.backtest.request import picks
from marginwatch.app.backtest.sweep import plain_name
from marginwatch.app.build import ruling_of
from marginwatch.app.files import read_rules, read_settings, scene_of
from marginwatch.config.calendars import calendars_of
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.model import GROUPS
from marginwatch.errors import InvalidInputError
from marginwatch.venues.registry import calendar_of, venue_kinds

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import timedelta, tzinfo
    from pathlib import Path

    from marginwatch.app.backtest.request import Request
    from marginwatch.config.load import Loaded as LoadedSettings
    from marginwatch.config.rulecheck import Scene
    from marginwatch.config.rulefile import Loaded as LoadedRules
    from marginwatch.config.settings import Settings
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling, Watch
    from marginwatch.venues.protocol import VenueKind


@dataclass(frozen=True, slots=True)
class Data:
    """What is known of the data before they are played."""

    stale_after: Mapping[str, timedelta]
    """By venue, where they are too coarse for that of the config."""
    columns: frozenset[str] | None
    """The fields that there are; None where any may come."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is configured."""

    settings: Settings
    rules: LoadedRules
    kinds: Mapping[str, VenueKind]
    scene: Scene
    """What variants are held against: what the rules themselves were."""
    loaded: LoadedSettings

    @property
    def store_url(self) -> str:
        """Of the store.

        Raises:
            InvalidInputError: It needs a secret that is not here.
        """
        url = self.settings.store.url.get_secret_value()
        if "${" in url:
            raise InvalidInputError(self.loaded.notes)
        return url

    @property
    def catalogues(self) -> Mapping[str, Catalogue]:
        """By name of the venue."""
        return {venue.name: self.kinds[venue.kind].catalogue for venue in self.settings.venues}

    def zones(self) -> Mapping[str, tzinfo]:
        """By venue, whose clock says what is day and night there: that of its calendar; UTC for groups."""
        calendars = calendars_of(self.settings.calendars)
        return {GROUPS: UTC, **{venue: calendars[name].zone for venue, name in self._calendars.items()}}

    def ruling(self, rules: Sequence[Rule], request: Request, data: Data) -> Ruling:
        """What decides, with some rules, on the accounts that are asked for."""
        whole = ruling_of(self.settings, replace(self.rules, rules=tuple(rules)), self.kinds)
        watches = {
            name: replace(
                watch,
                rules=self._tried(watch, rules, data.columns),
                stale_after=data.stale_after.get(name, watch.stale_after),
                selects=picks(request.accounts, watch.selects),
                pacing=None,  # nothing is asked
            )
            for name, watch in whole.venues.items()
        }
        return replace(whole, venues=watches, routes=whole.routes.known_as(plain_name))

    def _tried(self, watch: Watch, rules: Sequence[Rule], columns: Container[str] | None) -> VenueRules:
        """The rules at a venue, which has these fields alone where they are known."""
        if columns is None or watch.venue not in self._calendars:
            return watch.rules
        calendars, catalogue = calendars_of(self.settings.calendars), watch.rules.catalogue
        fields = {name: each for name, each in catalogue.fields.items() if name in columns}
        there = replace(catalogue, fields=fields, positions={})
        return VenueRules(watch.venue, there, rules, calendars, self._calendars[watch.venue])

    @property
    def _calendars(self) -> Mapping[str, str]:
        """By venue, the name of its calendar."""
        return {each.name: each.calendar or calendar_of(self.kinds[each.kind]) for each in self.settings.venues}


def read_setting(request: Request, config: Path | None, environ: Mapping[str, str]) -> Setting:
    """The config and the rules, checked as `check` does; secrets are not needed.

    Raises:
        InvalidInputError: Something is wrong with them.
    """
    kinds = venue_kinds()
    loaded = read_settings(config, environ, kinds, need_secrets=False)
    if loaded.settings is None or loaded.sketch is None:
        raise InvalidInputError(loaded.problems)
    sketch = loaded.sketch
    if request.rule_file is not None:
        sketch = replace(sketch, files=(str(request.rule_file),), written=())
    rules = read_rules(sketch, kinds)
    if rules.problems:
        raise InvalidInputError(rules.problems)
    return Setting(loaded.settings, rules, kinds, scene_of(sketch, kinds), loaded)

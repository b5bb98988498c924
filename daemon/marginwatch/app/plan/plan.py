"""The plan of an edit: rule files and routes as they are on disk, against those in force and what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.app.build import configure, ruling_of
from marginwatch.app.plan.compare import compare
from marginwatch.app.plan.forecast import Forecast, forecast
from marginwatch.app.plan.hearing import by_the_routes_of, hearings
from marginwatch.config.rulebook import rulebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from marginwatch.app.build import Configured
    from marginwatch.app.plan.compare import RuleChange
    from marginwatch.app.plan.hearing import Hearing
    from marginwatch.core.rulebook import Rulebook
    from marginwatch.store.store import Store

NOTHING = Forecast((), ())


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change."""

    in_force: Rulebook | None
    """The rules of the daemon that runs, or ran last; None when none ever ran on this store."""
    changes: tuple[RuleChange, ...]
    forecast: Forecast
    """Empty where no rule differs."""
    rerouted: bool | None = False
    """Whether routes, receivers or what they choose by differ; None where those in force are not on record."""
    hearings: tuple[Hearing, ...] = ()
    """The open alerts of which others would hear."""


def edited(path: Path | None, environ: Mapping[str, str], files: Sequence[Path] = ()) -> Configured:
    """The config and the rules on disk; `files` in place of those that the config names.

    Raises:
        InvalidInputError: With every problem of every file.
        NoConfigError: There is no config file.
    """
    named = tuple(str(file.absolute()) for file in files)
    return configure(path, environ, need_secrets=False, rule_files=named)


def plan(configured: Configured, store: Store, now: datetime) -> Plan:
    """Compare, and look what would come of it; nothing is written.

    Raises:
        StoreError: The store cannot be read.
    """
    in_force, edited = store.rulebooks.in_force(), rulebook(configured.rules, configured.settings)
    changes, hearers = compare(in_force, edited), "" if in_force is None else in_force.hearers
    if not changes and hearers == edited.hearers:
        return Plan(in_force, (), NOTHING)
    ruling, prior = ruling_of(configured.settings, configured.rules, configured.kinds), store.load_prior()
    before = by_the_routes_of(hearers, ruling, configured) if hearers else None
    return Plan(
        in_force,
        changes,
        forecast(ruling, prior, store.history.latest(), now, store.observations) if changes else NOTHING,
        None if before is None else hearers != edited.hearers,
        () if before is None else tuple(hearings(before, ruling, prior, now)),
    )

"""The plan of an edit: rule files as they are on disk, against the rules in force and what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.app.build import configure, ruling_of
from marginwatch.app.plan.compare import compare
from marginwatch.app.plan.forecast import Forecast, forecast
from marginwatch.config.rulebook import rulebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from marginwatch.app.build import Configured
    from marginwatch.app.plan.compare import RuleChange
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
    in_force = store.rulebooks.in_force()
    changes = compare(in_force, rulebook(configured.rules))
    if not changes:
        return Plan(in_force, (), NOTHING)
    ruling = ruling_of(configured.settings, configured.rules, configured.kinds)
    prior, latest = store.load_prior(), store.history.latest()
    return Plan(in_force, changes, forecast(ruling, prior, latest, now, store.observations))

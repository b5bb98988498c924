"""What decides: the rules in force, per venue, and who is to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from marginwatch.core.evaluate import VenueRules
    from marginwatch.core.model import Account
    from marginwatch.core.route import Receiver
    from marginwatch.core.rule import Rule


@dataclass(frozen=True, slots=True)
class Watch:
    """One configured venue."""

    venue: str
    rules: VenueRules
    every: timedelta
    stale_after: timedelta
    """No good answer for this long: unknown is told."""
    max_age: timedelta
    """An `as_of` older than this is unknown."""
    selects: Callable[[Account], bool]
    """True when the config's `accounts` selects it."""
    selection: str = ""
    """The config's `accounts` as a text, equal for equal ones."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Everything that decides, as one immutable value; a reload replaces it whole."""

    revision: str
    """Hash of the rule set; stored with every tick and transition."""
    rules: Mapping[str, Rule]
    """Every rule by id, the built-in data-health ones included."""
    venues: Mapping[str, Watch]
    receivers: tuple[Receiver, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels by account id or name, from the config."""

    @property
    def receiver_names(self) -> frozenset[str]:
        """Who is told, by name."""
        return frozenset(receiver.name for receiver in self.receivers)

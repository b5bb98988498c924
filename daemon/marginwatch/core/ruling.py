"""What decides: the rules in force, per venue, and who is to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from marginwatch.core.evaluate import AccountRules, VenueRules
    from marginwatch.core.model import Account, Observation
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

    def too_old(self, observation: Observation) -> str:
        """Why the venue's numbers are not to be trusted as of now; empty when they are."""
        if observation.as_of is None or observation.fetched_at - observation.as_of <= self.max_age:
            return ""
        return f"the venue's own time of these numbers is {observation.as_of:%Y-%m-%d %H:%M:%S} UTC, too long ago"


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

    def rules_of(self, watch: Watch, account: Account) -> AccountRules:
        """The rules that apply to the account, at its venue."""
        return watch.rules.for_account(account, self.labels.get(account.key.id, {}), ())

    @property
    def receiver_names(self) -> frozenset[str]:
        """Who is told, by name."""
        return frozenset(receiver.name for receiver in self.receivers)

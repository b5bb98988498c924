"""What decides: the rules in force, per venue, and who is to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marginwatch.core.applied import VenueRules
from marginwatch.core.groups import Groups
from marginwatch.core.labels import Labels
from marginwatch.core.maintenance import Maintenances
from marginwatch.core.model import GROUPS
from marginwatch.core.routing import Routes
from marginwatch.core.selecting import described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from marginwatch.core.calendar import Calendar
    from marginwatch.core.digest import Digesting
    from marginwatch.core.evaluate import AccountRules
    from marginwatch.core.model import Account, Observation
    from marginwatch.core.pace import Pacing
    from marginwatch.core.quiet import Quiet
    from marginwatch.core.route import Receiver
    from marginwatch.core.rule import Rule
    from marginwatch.core.selecting import Described


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
    pacing: Pacing | None = None
    """How the pace follows what is seen; None where it is always `every`."""

    @property
    def slowest(self) -> timedelta:
        """The longest time between the beginnings of two cycles, but for one that takes longer."""
        return self.every if self.pacing is None else self.pacing.slowest

    def too_old(self, observation: Observation) -> str:
        """Why the venue's numbers are not to be trusted as of now; empty when they are."""
        if observation.as_of is None or observation.fetched_at - observation.as_of <= self.max_age:
            return ""
        return f"the venue's own time of these numbers is {observation.as_of:%Y-%m-%d %H:%M:%S} UTC, too long ago"


def group_watch(groups: Groups, calendars: Mapping[str, Calendar], venues: Mapping[str, Watch]) -> Watch:
    """The groups as a venue of their own, with the bounds of those of `venues` that their accounts are at."""
    watches = [venues[name] for group in groups.named.values() for name in group.venues]
    return Watch(
        venue=GROUPS,
        rules=VenueRules(GROUPS, groups.catalogue, groups.rules, calendars),
        every=min(watch.every for watch in watches),
        stale_after=max(watch.stale_after for watch in watches),
        # How far apart a group's numbers may be is seen to before they are put together.
        max_age=max(watch.max_age for watch in watches) + max(group.within for group in groups.named.values()),
        selects=lambda account: account.key.id in groups.named,
        selection="\n".join(sorted(groups.named)),
    )


@dataclass(frozen=True, slots=True)
class Ruling:
    """Everything that decides, as one immutable value; a reload replaces it whole."""

    revision: str
    """Hash of the rule set; stored with every tick and transition."""
    rules: Mapping[str, Rule]
    """Every rule by id, the built-in data-health ones included."""
    venues: Mapping[str, Watch]
    receivers: tuple[Receiver, ...] = ()
    labels: Labels = field(default_factory=Labels)
    routes: Routes = field(default_factory=Routes)
    groups: Groups = field(default_factory=Groups)
    maintenance: Maintenances = field(default_factory=Maintenances)
    quiet: Mapping[str, Quiet] = field(default_factory=dict)
    """Quiet hours by receiver; one that is not named is told at any time."""
    digests: Mapping[str, Digesting] = field(default_factory=dict)
    """By receiver, when its messages become a digest; one that is not named hears of everything by itself."""

    def rules_of(self, watch: Watch, account: Account) -> AccountRules:
        """The rules that apply to the account, at its venue."""
        if watch.rules.shared is not None:
            return watch.rules.shared
        groups = self.groups.of(account) if self.groups else ()
        return watch.rules.for_account(account, self.labels.of(account), groups)

    def described(self, account: Account) -> Described:
        """The account with its labels and groups."""
        return described(account, self.labels, self.groups)

    @property
    def receiver_names(self) -> frozenset[str]:
        """Who is told, by name."""
        return frozenset(receiver.name for receiver in self.receivers)

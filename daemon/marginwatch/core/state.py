"""What one tick reads and writes: the shapes between the pure core and the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.core.outbox import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert, Silence, State, Transition
    from marginwatch.core.digest import Gathering
    from marginwatch.core.model import Account, AccountKey, CycleEnd, Observation, Severity, Value, VenueFailure
    from marginwatch.core.pace import Pace
    from marginwatch.core.seen import Seen
    from marginwatch.core.windows import AccountWindows


Said: TypeAlias = tuple[object, int | None, tuple[object, ...], frozenset[str]]
"""What an observation said beside what is known by it: its gaps, a hash of its positions, failures, calls not offered.

The hash is None where the account's numbers had changed: such an observation is seldom followed by the same one, and
hashing the positions of every account at every answer would cost more than the rules do.
"""

UNANSWERED: Final = ""
"""In `AccountState.gaps`: the latest fetch failed, so nothing is known as of now."""
TOO_OLD: Final = "as_of"
"""In `AccountState.gaps`: the latest numbers are too old, so nothing is known as of now."""


@dataclass(slots=True)
class AccountState:
    """What is remembered of one account between observations.

    Never changed once made; not frozen, for every observation makes one, and a frozen one takes five times as long.
    """

    account: Account
    first_seen: datetime
    known: Mapping[str, Value] = field(default_factory=dict)
    """The last known (not null, not missing, not stale) value of every field: what `prior` and `changed` compare
    with. Empty until the first observation: that one is the baseline."""
    observed_at: datetime | None = None
    """Observation time of the latest observation; never goes backwards."""
    fetched_at: datetime | None = None
    """When the latest observation was in."""
    blind: Mapping[str, datetime] = field(default_factory=dict)
    """Rules that are unknown now: rule id to the `fetched_at` of their last known result."""
    missing: int = 0
    """Good listings in a row that left it out."""
    gaps: Mapping[str, str] | None = None
    """Of an account of a group: why a field is not known as of now, by its name, or why none is. None where nothing
    was heard of it since it belongs to one."""
    holding: bool = False
    """The latest answer about positions named some."""
    said: Said | None = field(default=None, compare=False, metadata={"stored": False})
    """Of the latest stored observation, to see that the next one is the same; None when it is not known, as after a
    restart."""

    def next_time(self, observation: Observation) -> datetime:
        """The observation time of the next answer: never before the latest, unless our own clock was set back."""
        seen = observation.observed_at
        if self.observed_at is None or seen >= self.observed_at:
            return seen
        set_back = self.fetched_at is not None and observation.fetched_at < self.fetched_at
        return seen if set_back else self.observed_at


@dataclass(frozen=True, slots=True)
class VenueState:
    """What is remembered of one venue between cycles."""

    venue: str
    failed_cycles: int = 0
    """In a row, as a whole."""
    failing_since: datetime | None = None
    last_cycle_at: datetime | None = None
    """When the latest cycle ended, good or bad."""
    last_good_at: datetime | None = None
    last_failure: VenueFailure | None = None
    watched_since: datetime | None = None
    """When a cycle began after none had for `stale_after`: that no answer came before says nothing. None: never so."""
    listed: bool = False
    """A good listing was seen at least once; before that no account counts as having appeared."""
    selection: str = ""
    """What the config's `accounts` selected at the latest good listing."""
    limited_at: datetime | None = None
    """When a cycle ended in which the venue asked for fewer calls."""
    pace: Pace | None = None
    """How often it is asked since the latest cycle; None where the config knows one pace alone."""


@dataclass(frozen=True, slots=True)
class Message:
    """A notification with its words fixed: one outbox row."""

    alert_id: str
    receiver: str
    number: int
    """Counts from 1 within (alert, receiver)."""
    state: State
    severity: Severity
    title: str
    body: str
    payload: Mapping[str, str]
    """The machine-readable keys: alert_id rule state severity venue account subject value limit as_of
    fetched_at reason."""
    topic: str
    """Rule, account and subject: what all episodes of an alert share. Of one topic a receiver hears in the order in
    which things were committed."""
    roles: tuple[str, ...] = ()
    """What each line of the body says, `notify.body.Role`; a line beyond the last of them is a note."""
    forms: Mapping[str, str] = field(default_factory=dict)
    """The body as the operator's own templates have it, by form: `markdown`, `html`; elsewhere it follows from the
    body and its roles."""
    kind: Kind = Kind.ALERT
    line: str = ""
    """What a digest says of it; empty where none may hold it."""
    held_until: datetime | None = None
    """It is not sent by itself before a digest, at this time at the latest, has taken it in or let it go."""
    digest: str = ""
    """The `alert_id` of the digest that tells of it in its place."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A message held for a digest that is held no longer."""

    alert_id: str
    receiver: str
    number: int
    digest: str
    """The digest that tells of it; empty when it goes out by itself."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which nobody watched, and that is still to be told of."""

    since: datetime
    """The end of the last cycle before."""
    until: datetime
    """When a process began to watch again."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A transition that something kept from being told to some; settled when that ends."""

    transition: Transition
    alert: Alert
    """The alert just after the transition, with the counts of who had been told by then."""
    hold: str
    """What it waits for, `Hold.id`."""
    receivers: tuple[str, ...]
    """Who is to hear of it then."""
    until: datetime | None = None
    """When to look again; None: when the alert about the venue has ended that holds it back."""


@dataclass(slots=True)
class StoredObservation:
    """An observation as the store keeps it. Never changed once made; not frozen, for there is one of every answer."""

    observation: Observation
    unchanged: bool
    """Same fields and positions as the account's previous stored one: costs a few bytes."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything one tick writes, in ONE transaction."""

    at: datetime
    revision: str
    """Hash of the rule set that decided."""
    observations: tuple[StoredObservation, ...] = ()
    failures: tuple[VenueFailure, ...] = ()
    """Those that belong to no observation above."""
    cycles: tuple[CycleEnd, ...] = ()
    accounts: tuple[AccountState, ...] = ()
    """Account states that changed."""
    venues: tuple[VenueState, ...] = ()
    """Venue states that changed."""
    alerts: tuple[Alert, ...] = ()
    """Alerts that changed, ended ones included; keyed by alert_id."""
    transitions: tuple[Transition, ...] = ()
    messages: tuple[Message, ...] = ()
    moved: tuple[Moved, ...] = ()
    """Messages of earlier commits that were held for a digest."""
    absence: Absence | None = None
    """One that is to be told of once there is something to tell."""
    absence_told: bool = False
    """The one that was to be told of is."""
    released: tuple[str, ...] = ()
    """alert_ids of which nothing is withheld any more but what `withheld` repeats."""
    withheld: tuple[Withheld, ...] = ()
    """Newly withheld."""
    settled: tuple[int, ...] = ()
    """Silences that ended."""
    lapsed: tuple[str, ...] = ()
    """alert_ids whose acknowledgement a worsening voided."""
    forgotten: tuple[AccountKey, ...] = ()
    """Accounts an operator had forgotten: their remembered state is dropped, their history stays."""
    requests: tuple[int, ...] = ()
    """Ids of the operators' requests this tick carried out."""
    seen: Seen | None = None
    """The rest of what the tick was given; None when nobody is to repeat it."""

    @property
    def says_something(self) -> bool:
        """False for a tick in which nothing arrived and nothing happened: it leaves no row."""
        return any(
            (
                self.observations,
                self.failures,
                self.cycles,
                self.accounts,
                self.venues,
                self.alerts,
                self.released,
                self.withheld,
                self.settled,
                self.forgotten,
                self.requests,
                self.messages,
                self.moved,
                self.absence,
                self.absence_told,
                self.seen,
            )
        )


@dataclass(frozen=True, slots=True)
class Prior:
    """What the store hands the engine at start; afterwards the engine keeps it in memory, commit by commit."""

    accounts: Mapping[AccountKey, AccountState] = field(default_factory=dict)
    venues: Mapping[str, VenueState] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    """Open ones: pending and firing."""
    silences: tuple[Silence, ...] = ()
    """Those not yet settled."""
    acknowledgements: Mapping[str, Acknowledgement] = field(default_factory=dict)
    """By alert_id, those not lapsed."""
    withheld: tuple[Withheld, ...] = ()
    windows: Mapping[AccountKey, AccountWindows] = field(default_factory=dict)
    """Only of a process that is replayed: a store's are filled from its observations, see `core.seeding`."""
    gathered: Mapping[str, Gathering] = field(default_factory=dict)
    """By receiver, what it was told lately and what is held for its digest."""
    absence: Absence | None = None
    """That which is still to be told of."""
    ended: tuple[Alert, ...] = ()
    """Alerts that ended since then."""
    lately: tuple[Alert, ...] = ()
    """The latest alert of each key, ended not long ago, whose next firing may be one too many: see `core.flapping`.
    Oldest end first."""

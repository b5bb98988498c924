"""One tick's decisions in the making, laid over the memory without touching it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.core import fallback, flapping, health
from marginwatch.core.alert import Status
from marginwatch.core.audience import Audience
from marginwatch.core.hold import Holds, Outage
from marginwatch.core.machine import Policy, Step, advance
from marginwatch.core.memory import Tally
from marginwatch.core.model import GROUPS, Account, AccountKey
from marginwatch.core.state import AccountState, Commit, VenueState
from marginwatch.core.windows import AccountWindows, Pending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert, Silence, Transition
    from marginwatch.core.applied import AccountRules
    from marginwatch.core.memory import Listing, Memory
    from marginwatch.core.model import CycleEnd, Observation, Value, VenueFailure
    from marginwatch.core.result import AlertKey, Result
    from marginwatch.core.route import Routed
    from marginwatch.core.routing import Route
    from marginwatch.core.ruling import Ruling, Watch
    from marginwatch.core.state import StoredObservation
    from marginwatch.core.windows import Answers, Coverage

OURS = timedelta(minutes=1)
"""`stale_after` of alerts about marginwatch itself."""
_NONE: Final[Mapping[AlertKey, Alert]] = {}


@dataclass(slots=True)
class Draft:
    """Reads memory, collects what is new. Dropping it leaves no trace."""

    memory: Memory
    ruling: Ruling
    now: datetime
    silences: tuple[Silence, ...]
    acknowledgements: Mapping[str, Acknowledgement]
    accounts: dict[AccountKey, AccountState] = field(default_factory=dict)
    venues: dict[str, VenueState] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    """Changed alerts by id, ended ones included."""
    open: dict[AccountKey, dict[AlertKey, Alert]] = field(default_factory=dict)
    """Open alerts of the accounts touched so far."""
    lately: dict[AlertKey, Alert] = field(default_factory=dict)
    """Alerts that ended in this tick and whose firings count for the next of their key."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    windows: dict[AccountKey, Pending] = field(default_factory=dict)
    """Of the accounts whose rules look back and that were heard of."""
    coverage: dict[AlertKey, tuple[Coverage, ...]] = field(default_factory=dict)
    positions: dict[AlertKey, Mapping[str, Value]] = field(default_factory=dict)
    """Those that rules were decided on, by the alert that says it of them."""
    """How much was seen of the windows of rules that were judged."""
    heard: set[str] = field(default_factory=set)
    """The groups of which an account answered or failed to."""
    observations: list[StoredObservation] = field(default_factory=list)
    failures: list[VenueFailure] = field(default_factory=list)
    cycles: list[CycleEnd] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    receivers: dict[str, health.ReceiverState] = field(default_factory=dict)
    """How deliveries go, of those that were heard of."""
    lapsed: list[str] = field(default_factory=list)
    listings: dict[str, Listing | None] = field(default_factory=dict)
    """By venue; None where the next listing must be looked at, whatever it says."""
    blinded: bool = False
    """Some rule of some account could not be decided."""
    caught_up: list[Transition] = field(default_factory=list)
    """What the end of silences told of; routed already."""

    def account(self, key: AccountKey) -> AccountState | None:
        """The account as of now in this tick."""
        return self.accounts.get(key) or self.memory.accounts.get(key)

    def venue(self, name: str) -> VenueState:
        """The venue as of now in this tick; blank before its first cycle."""
        return self.venues.get(name) or self.memory.venues.get(name) or VenueState(name)

    def tally(self, venue: str) -> Tally:
        """The venue's cycle so far; the draft's own copy, to be counted on."""
        if venue not in self.tallies:
            kept = self.memory.tallies.get(venue, Tally())
            failed = dict(kept.failed)
            self.tallies[venue] = Tally(kept.good, failed, kept.cause, kept.listed, kept.shared, kept.limited)
        return self.tallies[venue]

    def listed(self, watch: Watch) -> tuple[Account, ...] | None:
        """What the venue listed when it listed just the accounts that are known; None when the latest was no such."""
        listed = self.listings.get(watch.venue, self.memory.listings.get(watch.venue))
        return None if listed is None or listed[0] is not watch else listed[1]

    def accounts_of(self, venue: str) -> list[tuple[AccountKey, AccountState]]:
        """Every account known at the venue, as of now in this tick."""
        known = {**self.memory.accounts, **self.accounts}
        return [each for each in known.items() if each[0].venue == venue]

    def troubled(self, venue: str) -> list[AccountKey]:
        """The venue's accounts that have an open alert."""
        return [key for key in {**self.memory.open, **self.open} if key.venue == venue and key.id and self.live(key)]

    def firing_at(self, venue: str) -> int:
        """How many alerts of the user's rules fire on the venue's accounts."""
        found = (alert for account in self.troubled(venue) for alert in self.live(account).values())
        return sum(alert.status is Status.FIRING and alert.key.rule not in health.RULES for alert in found)

    def watch(self, venue: str) -> Watch | None:
        """The configured venue, or None when it left the config."""
        return self.ruling.venues.get(venue)

    def live(self, account: AccountKey) -> Mapping[AlertKey, Alert]:
        """The account's open alerts as of now in this tick."""
        found = self.open.get(account) if self.open else None
        if found is None and self.memory.open:
            found = self.memory.open.get(account)
        return found or _NONE

    def live_rules(self, account: AccountKey) -> list[AlertKey]:
        """The account's open alerts of the user's rules."""
        return [key for key in self.live(account) if key.rule not in health.RULES]

    def live_of(self, account: AccountKey, rule: str) -> list[AlertKey]:
        """The account's open alerts of one rule."""
        return [key for key in self.live(account) if key.rule == rule]

    def enlist(self, account: Account) -> AccountState:
        """The state of an account that is seen for the first time."""
        self.listings[account.key.venue] = None
        state = self.accounts[account.key] = AccountState(account, first_seen=self.now)
        return state

    def look_back(self, watch: Watch, rules: AccountRules, state: AccountState, observation: Observation) -> Answers:
        """What the windows of the account's rules say as of the observation, which they see from now on."""
        account = state.account.key
        pending = self.windows.get(account)
        if pending is None:
            kept = self.memory.windows.get(account)
            if kept is None or kept.stale_after != watch.stale_after:
                kept = AccountWindows(watch.stale_after)
            pending = self.windows[account] = Pending(kept)
        return pending.see(rules.windows, rules.facts(observation), state.next_time(observation))

    def judge(self, result: Result, stale_after: timedelta) -> None:
        """Move the result's alert on."""
        if result.windows:
            self.coverage[result.key] = result.windows
        if result.position is not None:
            self.positions[result.key] = result.position
        alert = self.live(result.key.account).get(result.key)
        rule = self.ruling.rules[result.key.rule]
        policy = self.policy(alert, stale_after)
        if alert is None and rule.flapping is not None:
            before = self.lately.get(result.key) or self.memory.lately.get(result.key)
            policy = policy if before is None else replace(policy, before=before.flaps)
        self.follow(alert, advance(rule, alert, result, self.now, policy))

    def position(self, key: AlertKey) -> Mapping[str, Value]:
        """The position an alert is about, as it was last seen; empty for other alerts, and after a restart."""
        return self.positions.get(key) or self.memory.positions.get(key, {})

    def find(self, alert_id: str) -> Alert | None:
        """The open alert of that id."""
        key = self.memory.ids.get(alert_id)
        alert = self.alerts.get(alert_id) or (None if key is None else self.memory.open[key.account][key])
        return alert if alert is not None and alert.is_open else None

    def audience(self, accounts: Iterable[AccountKey]) -> Audience:
        """Everybody who may hear of these accounts."""
        states = {key: self.account(key) for key in accounts}
        known = {key: state.account for key, state in states.items() if state is not None}
        standing = fallback.stand_ins(self)
        return Audience(self.ruling.receivers, self.now, self.ruling.routes, known, stand_ins=standing)

    def routes(self, alert: Alert) -> tuple[Route, ...]:
        """The routes of an alert, of whatever severity."""
        key, state = alert.key.account, self.account(alert.key.account)
        account = Account(key, key.id) if state is None else state.account
        return self.ruling.routes.of(account, alert.key.rule)

    def held_from_all(self, alert: Alert) -> datetime | None:
        """Until when a silence or a maintenance window keeps the alert from everybody; None when none does."""
        hold = self.holds([alert.key.account]).from_all(alert.key)
        return None if hold is None else hold.until

    def receiver(self, name: str) -> health.ReceiverState | None:
        """How its deliveries go; None when this process has not heard of that yet."""
        return self.receivers.get(name) or self.memory.receivers.get(name)

    def holds(self, accounts: Iterable[AccountKey]) -> Holds:
        """Everything that may hold back messages about these accounts."""
        known = self.audience(accounts).accounts
        ruling = self.ruling
        windows = (self.silences, ruling.maintenance, ruling.quiet)
        return Holds(self.now, known, *windows, self._outages, ruling.described)

    def stale_after(self, alert: Alert) -> timedelta:
        """The bound of the alert's venue; a minute for alerts about marginwatch itself."""
        watch = self.watch(alert.key.account.venue)
        return OURS if watch is None else watch.stale_after

    def acknowledgement(self, alert: Alert | None) -> Acknowledgement | None:
        """The acknowledgement that holds for the alert now."""
        given = None if alert is None else self.acknowledgements.get(alert.alert_id)
        if given is None or given.alert_id in self.lapsed or not given.covers(self.now):
            return None
        return given

    def policy(self, alert: Alert | None, stale_after: timedelta) -> Policy:
        """What the machine needs to know besides rule, alert and result."""
        return Policy(
            stale_after=stale_after,
            acknowledged=self.acknowledgement(alert) is not None,
            revision=self.ruling.revision,
            watching_since=self.memory.watching_since,
        )

    def follow(self, alert: Alert | None, step: Step) -> None:
        """Note what the machine decided of `alert`; nothing when it decided nothing."""
        if step.alert is not None and step.alert is not alert:
            self.keep(step.alert)
            self.transitions.extend(step.transitions)
            if step.lapsed:
                self.lapsed.append(step.alert.alert_id)

    def _outages(self, account: AccountKey) -> Iterator[Outage]:
        """What explains why nothing is known of an account; of a group, of one of its accounts."""
        group = self.ruling.groups.named.get(account.id) if account.venue == GROUPS else None
        for venue in (account.venue,) if group is None else group.venues:
            for alert in self.live(AccountKey(venue, "")).values():
                if health.explains(alert.key, alert.severity):
                    watch = self.watch(venue)
                    yield Outage(alert, self.now + (OURS if watch is None else watch.every))

    def keep(self, alert: Alert) -> None:
        """Note a changed alert."""
        account = alert.key.account
        self.alerts[alert.alert_id] = alert
        if account not in self.open:
            self.open[account] = dict(self.memory.open.get(account, {}))
        alerts = self.open[account]
        if alert.is_open:
            alerts[alert.key] = alert
        elif alert.key in alerts and alerts[alert.key].alert_id == alert.alert_id:
            del alerts[alert.key]
            if flapping.counts(alert):
                self.lately[alert.key] = alert

    def ended(self) -> list[Alert]:
        """The alerts that ended in this tick; others that are over changed only in who was told."""
        return [alert for alert in self.alerts.values() if not alert.is_open and alert.ended_at == self.now]

    def told(self, routed: Routed) -> None:
        """Note who is told."""
        self.caught_up.extend(routed.transitions)
        for alert in routed.alerts.values():
            self.keep(alert)

    def ended_silences(self) -> list[Silence]:
        """Silences that are over and whose withheld messages are still to be settled."""
        return [silence for silence in self.silences if silence.ends_at <= self.now]

    def commit(self) -> Commit:
        """Everything decided, but for what routing withheld and the messages."""
        return Commit(
            at=self.now,
            revision=self.ruling.revision,
            observations=tuple(self.observations),
            failures=tuple(self.failures),
            cycles=tuple(self.cycles),
            accounts=tuple(self.accounts.values()),
            venues=tuple(self.venues.values()),
            alerts=tuple(self.alerts.values()),
            transitions=(*self.caught_up, *self.transitions),
            lapsed=tuple(self.lapsed),
        )

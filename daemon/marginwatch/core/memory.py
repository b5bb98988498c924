"""What the engine remembers between ticks, so that no tick needs to read the store."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core import flapping
from marginwatch.core.model import FailureKind
from marginwatch.core.withheld import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert, Silence
    from marginwatch.core.health import ReceiverState
    from marginwatch.core.model import Account, AccountKey, Observation, Value, VenueFailure
    from marginwatch.core.result import AlertKey
    from marginwatch.core.ruling import Watch
    from marginwatch.core.state import AccountState, Prior, VenueState
    from marginwatch.core.windows import AccountWindows

TimerKey: TypeAlias = "str | AccountKey"
"""Whose timer: an alert's id, or an account (for staleness)."""

Listing: TypeAlias = "tuple[Watch, tuple[Account, ...]]"
"""The accounts a venue listed, and what selected among them."""


@dataclass(slots=True)
class Tally:
    """A venue's cycle so far."""

    good: int = 0
    """Accounts that answered."""
    failed: dict[AccountKey, VenueFailure] = field(default_factory=dict)
    """Accounts that did not, and why."""
    cause: VenueFailure | None = None
    """What stands for the cycle if nothing answers: a failure of the whole venue, else the first of an account."""
    listed: bool = False
    """The venue listed its accounts."""
    shared: VenueFailure | None = None
    """An answer for all accounts that could not be read, beside those of accounts that did answer."""
    limited: bool = False
    """The venue asked for fewer calls."""

    def see(self, observation: Observation) -> None:
        """An account answered."""
        self.good += 1
        for failure in observation.failures:
            self.limited |= failure.kind is FailureKind.RATE_LIMITED
            if failure.of_venue:
                self.shared = failure

    @property
    def empty(self) -> bool:
        """True when nothing at all came."""
        return not (self.good or self.failed or self.listed) and self.cause is None


@dataclass(slots=True)
class Memory:
    """The latest committed state. Changed only after a commit succeeded, so a failed one changes nothing."""

    accounts: dict[AccountKey, AccountState] = field(default_factory=dict)
    venues: dict[str, VenueState] = field(default_factory=dict)
    open: dict[AccountKey, dict[AlertKey, Alert]] = field(default_factory=dict)
    """Pending and firing alerts by account."""
    lately: dict[AlertKey, Alert] = field(default_factory=dict)
    """Of keys without an open alert, the latest that ended, where its firings count for the next; oldest end first."""
    ids: dict[str, AlertKey] = field(default_factory=dict)
    """Keys of the open alerts by alert_id."""
    silences: tuple[Silence, ...] = ()
    acknowledgements: dict[str, Acknowledgement] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=Waiting)
    """What is held back."""
    look_again: bool = True
    """What is held back may be so no longer: the configuration may have changed."""
    receivers: dict[str, ReceiverState] = field(default_factory=dict)
    """How deliveries went when that was last heard of, in this process."""
    positions: dict[AlertKey, Mapping[str, Value]] = field(default_factory=dict)
    """What the open alerts on positions are about, as last seen; for their words alone."""
    windows: dict[AccountKey, AccountWindows] = field(default_factory=dict)
    """Of the accounts whose rules look back."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    listings: dict[str, Listing | None] = field(default_factory=dict, compare=False)
    """By venue, the latest where it listed just the accounts that are known: the same again says nothing."""
    watching_since: datetime | None = None
    """When polling began; None in a replay."""
    timers: list[tuple[datetime, int, TimerKey]] = field(default_factory=list)
    """A heap. An entry may be out of date: what is due is decided by the alert or account itself."""
    _timed: dict[TimerKey, datetime] = field(default_factory=dict)
    _serial: int = 0

    @classmethod
    def of(cls, prior: Prior) -> Memory:
        """Memory as the store left it."""
        memory = cls(
            accounts=dict(prior.accounts),
            venues=dict(prior.venues),
            silences=prior.silences,
            acknowledgements=dict(prior.acknowledgements),
            waiting=Waiting(prior.withheld),
            windows=dict(prior.windows),
        )
        for alert in (*prior.lately, *prior.alerts):
            memory.keep(alert)
        return memory

    def keep(self, alert: Alert) -> None:
        """Remember an open alert, or drop one that ended."""
        alerts = self.open.setdefault(alert.key.account, {})
        if alert.is_open:
            alerts[alert.key] = alert
            self.ids[alert.alert_id] = alert.key
            self.lately.pop(alert.key, None)
        elif self.ids.pop(alert.alert_id, None) is not None:
            alerts.pop(alert.key, None)
            self.acknowledgements.pop(alert.alert_id, None)
            self.positions.pop(alert.key, None)
        if not alerts:
            del self.open[alert.key.account]
        if flapping.counts(alert):
            self._remember_end(alert)

    def _remember_end(self, alert: Alert) -> None:
        self.lately.pop(alert.key, None)
        self.lately[alert.key] = alert
        since = _end(alert) - flapping.REMEMBERED
        while _end(oldest := next(iter(self.lately.values()))) < since:
            del self.lately[oldest.key]

    def alerts(self) -> Iterator[Alert]:
        """Every open alert."""
        for alerts in self.open.values():
            yield from alerts.values()

    def set_timer(self, key: TimerKey, due: datetime | None) -> None:
        """Wake for `key` at `due`, and no longer at any other time; None: not at all."""
        if due is None:
            self._timed.pop(key, None)
        elif self._timed.get(key) != due:
            self._timed[key] = due
            self._serial += 1
            heapq.heappush(self.timers, (due, self._serial, key))

    def untimed(self, accounts: Iterable[AccountKey]) -> list[AccountKey]:
        """Those of which no timer runs."""
        return [account for account in accounts if account not in self._timed]

    def has_timer(self, key: TimerKey) -> bool:
        """Whether a timer of `key` runs; one whose deadline every observation moves is left to run out first."""
        return key in self._timed

    def due(self, now: datetime) -> list[TimerKey]:
        """Whose timers have run out, each once; they stay until `set_timer` says otherwise.

        Their order depends on nothing but whose they are, so that neither a restart nor a replay changes it.
        """
        found: list[TimerKey] = []
        ahead = [0]
        while ahead:
            place = ahead.pop()
            if place < len(self.timers) and self.timers[place][0] <= now:
                at, _, key = self.timers[place]
                if self._timed.get(key) == at:
                    found.append(key)
                ahead += (2 * place + 1, 2 * place + 2)
        return sorted(found, key=str)

    def next_timer(self) -> datetime | None:
        """When the next timer runs out."""
        while self.timers and self._timed.get(self.timers[0][2]) != self.timers[0][0]:
            heapq.heappop(self.timers)
        return self.timers[0][0] if self.timers else None


def _end(alert: Alert) -> datetime:
    return alert.ended_at or alert.known_at

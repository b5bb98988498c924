"""What `marginwatch status` says, put together from the config and the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.app.foresight import catalogues_of, without_data
from marginwatch.app.heldback import HeldBack, held_back
from marginwatch.app.routing import labels_of
from marginwatch.app.ungranted import ungranted_now
from marginwatch.cli.output import age
from marginwatch.config.durations import format_duration
from marginwatch.core.fields import Unit
from marginwatch.core.health import RELOAD_REJECTED
from marginwatch.core.hold import HoldKind
from marginwatch.notify import words
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from marginwatch.app.reading import Reading
    from marginwatch.cli.rows import Row
    from marginwatch.config.settings import VenueSettings
    from marginwatch.core.alert import Alert
    from marginwatch.core.model import Value
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import AccountState, VenueState
    from marginwatch.store.types import ReceiverHealth

SILENT_AFTER = timedelta(seconds=60)
"""No cycle of a venue has ended for this long, beyond three of its turns: the daemon does not run, or is stuck."""
_MOST = 100_000
"""Open alerts looked at."""


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Open alerts, and what holds them back."""

    firing: int
    pending: int
    acknowledged: int
    """Of those that fire."""
    worst: str | None
    """Severity of the worst that fires."""
    silences: int
    """Silences in force."""
    flapping: int = 0
    """Of those that fire, the ones kept open because they come and go."""


@dataclass(frozen=True, slots=True)
class VenueLine:
    """One venue of the config."""

    venue: str
    kind: str
    health: str
    """`good`, `failing`, or `silent` when no cycle has ended lately."""
    last_cycle_at: datetime | None
    last_good_at: datetime | None
    failed_cycles: int
    """In a row."""
    failing_since: datetime | None
    trouble: str | None
    every: str
    """How often it is asked, as one writes it: `10s`."""
    pace_because: str | None
    """Why that is not as usual."""


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account that is remembered, with its last known numbers."""

    venue: str
    account: str
    name: str
    equity: Value
    margin_usage: Value
    margin_excess: Value
    currency: Value
    data_as_of: datetime | None
    fetched_at: datetime | None
    firing: int


@dataclass(frozen=True, slots=True)
class ReceiverLine:
    """One receiver of the config."""

    receiver: str
    health: str
    """`good`, `failing`, or `untried` before its first message."""
    waiting: int = 0
    oldest_waiting_at: datetime | None = None
    dead: int = 0
    """Messages given up."""
    failing_since: datetime | None = None
    last_good_at: datetime | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment."""

    now: datetime
    alerts: AlertCounts
    venues: tuple[VenueLine, ...]
    accounts: tuple[AccountLine, ...]
    """Those with alerts first, then by margin usage."""
    receivers: tuple[ReceiverLine, ...]
    limits: tuple[str, ...] = ()
    """What cannot be seen because a venue does not offer it to the login: no trouble, and worth knowing."""
    reload_rejected: str | None = None
    """Why what is on disk is not in force; None when it is, or was not looked at."""
    rules_without_data: tuple[str, ...] = ()
    """Ids of rules that have never had data, or look at no account seen so far."""
    holds: tuple[HeldBack, ...] = ()
    """What holds messages back."""

    @property
    def well(self) -> bool:
        """True when there is nothing to worry about."""
        return not self._trouble()

    @property
    def verdict(self) -> str:
        """All of it in one line."""
        counts = self.alerts
        others = (
            plural(counts.pending, "alert") + " pending" if counts.pending else "",
            plural(counts.silences, "silence") + " in force" if counts.silences else "",
            *(hold.in_words for hold in self.holds if hold.kind is HoldKind.MAINTENANCE),
        )
        return "; ".join([*(self._trouble() or ["all is well"]), *filter(None, others)])

    def document(self) -> Row:
        """For JSON."""
        return {"now": self.now, "well": self.well, "verdict": self.verdict, **asdict(self)}

    def _trouble(self) -> list[str]:
        found = []
        if self.alerts.firing:
            beside = {"acknowledged": self.alerts.acknowledged, "flapping": self.alerts.flapping}
            words = ", ".join(f"{number} {word}" for word, number in beside.items() if number)
            known = f" ({words})" if words else ""
            found.append(f"{plural(self.alerts.firing, 'alert')} firing{known}, the worst {self.alerts.worst}")
        if self.reload_rejected:
            found.append("the latest reload was rejected")
        silent = [line.venue for line in self.venues if line.health == "silent"]
        if silent:
            hint = " (is the daemon running?)" if len(silent) == len(self.venues) else ""
            found.append(f"no news of {', '.join(silent)}{hint}")
        found += [f"venue {line.venue} is failing" for line in self.venues if line.health == "failing"]
        return found + [f"receiver {line.receiver} is failing" for line in self.receivers if line.health == "failing"]


def overview(reading: Reading, now: datetime) -> Overview:
    """Look at everything once."""
    history = reading.store.history
    alerts = history.alerts(limit=_MOST)
    per_account = Counter(alert.key.account for alert in alerts if alert.fired_at)
    seen = {state.venue: state for state in history.venue_states()}
    health = reading.store.outbox.receivers()
    accounts = [_account(state, per_account[state.account.key]) for state in reading.accounts.values()]
    return Overview(
        now=now,
        alerts=_count(reading, alerts, now),
        venues=tuple(_venue(venue, seen.get(venue.name), now) for venue in reading.settings.venues),
        accounts=tuple(sorted(accounts, key=_worst_first)),
        receivers=tuple(_receiver(one.name, health.get(one.name)) for one in reading.settings.receivers),
        limits=tuple(ungranted_now(reading)),
        reload_rejected=next((alert.detail for alert in alerts if alert.key.rule == RELOAD_REJECTED), None),
        rules_without_data=tuple(rule.id for rule, _ in _without_data(reading)),
        holds=tuple(held_back(reading, now)),
    )


def hold_cells(hold: HeldBack) -> Row:
    """For the table of what holds messages back."""
    alerts = plural(hold.alerts, "alert") if hold.alerts else "nothing"
    who = ", ".join(hold.receivers) or "everybody"
    return {"what": hold.in_words, "until": hold.until, "who": who, "holds_back": alerts, "note": hold.note}


def venue_cells(line: VenueLine, now: datetime) -> Row:
    """For the table of venues."""
    pace = f"every {line.every}" + (f": {line.pace_because}" if line.pace_because else "")
    ages = {"cycle_age": age(line.last_cycle_at, now), "good_age": age(line.last_good_at, now)}
    return {**asdict(line), **ages, "pace": pace}


def account_cells(line: AccountLine, now: datetime) -> Row:
    """For the table of accounts."""
    return {
        **asdict(line),
        "equity": _amount(line.equity, Unit.MONEY),
        "margin_usage": _amount(line.margin_usage, Unit.RATIO),
        "margin_excess": _amount(line.margin_excess, Unit.MONEY),
        "data_age": age(line.data_as_of, now),
    }


def _without_data(reading: Reading) -> Iterator[tuple[Rule, str]]:
    catalogues = catalogues_of(reading.settings, reading.kinds)
    return without_data(reading.rules, catalogues, reading.accounts.values(), labels_of(reading.settings))


def _count(reading: Reading, alerts: Sequence[Alert], now: datetime) -> AlertCounts:
    firing = [alert for alert in alerts if alert.fired_at is not None]
    given: Iterable[bool] = (one.covers(now) for one in reading.store.history.acknowledgements().values())
    return AlertCounts(
        firing=len(firing),
        pending=len(alerts) - len(firing),
        acknowledged=sum(given),
        flapping=sum(alert.flapping_since is not None for alert in alerts),
        worst=max(alert.severity for alert in firing).label if firing else None,
        silences=sum(silence.covers(now) for silence in reading.store.operators.silences()),
    )


def _venue(venue: VenueSettings, state: VenueState | None, now: datetime) -> VenueLine:
    failure = None if state is None or not state.failed_cycles else state.last_failure
    last = None if state is None else state.last_cycle_at
    if last is None or now - last > 3 * venue.slowest + SILENT_AFTER:
        health = "silent"
    else:
        health = "good" if failure is None else "failing"
    pace = None if state is None else state.pace
    return VenueLine(
        venue=venue.name,
        kind=venue.kind,
        health=health,
        last_cycle_at=last,
        last_good_at=None if state is None else state.last_good_at,
        failed_cycles=0 if state is None else state.failed_cycles,
        failing_since=None if state is None else state.failing_since,
        trouble=None if failure is None else f"{failure.kind.value.replace('_', ' ')}: {failure.told}",
        every=format_duration(venue.every if pace is None else pace.every),
        pace_because=None if pace is None else pace.why or None,
    )


def _account(state: AccountState, firing: int) -> AccountLine:
    return AccountLine(
        venue=state.account.key.venue,
        account=state.account.key.id,
        name=state.account.name,
        equity=state.known.get("equity"),
        margin_usage=state.known.get("margin_usage"),
        margin_excess=state.known.get("margin_excess"),
        currency=state.known.get("currency"),
        data_as_of=state.observed_at,
        fetched_at=state.fetched_at,
        firing=firing,
    )


def _receiver(name: str, health: ReceiverHealth | None) -> ReceiverLine:
    if health is None:
        return ReceiverLine(name, "untried")
    failing = health.failing_since is not None
    return ReceiverLine(
        receiver=name,
        health="failing" if failing else "good",
        waiting=health.waiting,
        oldest_waiting_at=health.oldest,
        dead=health.dead,
        failing_since=health.failing_since,
        last_good_at=health.last_good_at,
        trouble=health.detail if failing else None,
    )


def _worst_first(line: AccountLine) -> tuple[int, Decimal, str, str]:
    usage = -line.margin_usage if isinstance(line.margin_usage, Decimal) else Decimal(1)
    return (-line.firing, usage, line.venue, line.name)


def _amount(value: Value, unit: Unit) -> str:
    return words.amount(value, unit) if isinstance(value, Decimal) else ""

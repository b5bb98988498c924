"""The sections of the overview as templates get them: whether to worry, alerts, venues, receivers, silences. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.core.health import RELOAD_REJECTED
from marginwatch.core.model import GROUPS
from marginwatch.notify.words import clean, plural
from marginwatch.web.shown import AlertLine, alert_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from marginwatch.core.alert import Silence
    from marginwatch.core.ruling import Watch
    from marginwatch.core.state import VenueState
    from marginwatch.store.types import ReceiverHealth
    from marginwatch.web.snapshot import Snapshot

MOST_ALERTS: Final = 200
"""In the list; the mildest are left out beyond."""
SILENT_AFTER: Final = timedelta(seconds=60)
"""No cycle of a venue has ended for this long, beyond three of its turns: something is stuck."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Whether to worry, in one line."""

    at: datetime
    tone: str
    """`calm`, or a severity."""
    verdict: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """What is wrong."""

    firing: tuple[AlertLine, ...]
    """The worst first, those acknowledged after those that are not."""
    pending: tuple[AlertLine, ...]
    left_out: int
    """Of those that fire."""


@dataclass(frozen=True, slots=True)
class VenueLine:
    """How one venue does."""

    name: str
    health: str
    """`good`, `failing`, or `silent` when no cycle has ended lately."""
    last_good_at: datetime | None
    last_cycle_at: datetime | None
    failing_since: datetime | None
    trouble: str
    every: timedelta
    """How often it is asked."""
    pace: str
    """Why that is not as usual; empty when it is."""


@dataclass(frozen=True, slots=True)
class ReceiverLine:
    """How delivery to one receiver goes."""

    name: str
    health: str
    """`good`, `failing`, or `untried` before its first message."""
    waiting: int
    oldest: datetime | None
    dead: int
    last_good_at: datetime | None
    failing_since: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """What is held back, and until when."""

    id: int
    rule: str
    venue: str
    account: str
    starts_at: datetime
    ends_at: datetime
    holds: bool
    by: str
    note: str
    choice: str
    """The groups and labels it is of; empty where it names none."""


@dataclass(frozen=True, slots=True)
class WindowLine:
    """A maintenance window that is in force."""

    name: str
    ends_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What keeps messages back."""

    silences: tuple[SilenceLine, ...]
    windows: tuple[WindowLine, ...]


def alerts_of(now: Snapshot) -> Alerts:
    """All that is open, as lists."""
    lines = [
        (alert, alert_line(alert, now.acknowledgements.get(alert.alert_id), now.ruling, now.accounts, now.at))
        for alert in sorted(now.alerts, key=lambda alert: (-alert.severity, alert.active_at, alert.alert_id))
    ]
    firing = sorted(
        (line for alert, line in lines if alert.fired_at is not None), key=lambda line: bool(line.acknowledged_by)
    )
    pending = tuple(line for alert, line in lines if alert.fired_at is None)
    return Alerts(tuple(firing[:MOST_ALERTS]), pending[:MOST_ALERTS], max(0, len(firing) - MOST_ALERTS))


def venues_of(now: Snapshot) -> tuple[VenueLine, ...]:
    """Every venue of the config."""
    watches = (watch for name, watch in now.ruling.venues.items() if name != GROUPS)
    return tuple(_venue(watch, now.venues.get(watch.venue), now.at) for watch in watches)


def receivers_of(now: Snapshot) -> tuple[ReceiverLine, ...]:
    """Every receiver of the config."""
    return tuple(_receiver(health) for _, health in sorted(now.receivers.items()))


def held_back(now: Snapshot) -> HeldBack:
    """Silences in force and to come, and maintenance windows in force."""
    return HeldBack(
        tuple(silence_line(silence, now.at) for silence in now.silences if now.at < silence.ends_at),
        tuple(
            WindowLine(clean(window.name), ends, clean(window.note))
            for window in now.ruling.maintenance.all
            if (ends := window.when.ends(now.at)) is not None
        ),
    )


def summary_of(now: Snapshot) -> Summary:
    """All of it in one line."""
    firing = [alert for alert in now.alerts if alert.fired_at is not None]
    given = (now.acknowledgements.get(alert.alert_id) for alert in firing)
    acknowledged = sum(one is not None and one.covers(now.at) for one in given)
    worst = max((alert.severity for alert in firing), default=None)
    found = []
    if worst is not None:
        known = f" ({acknowledged} acknowledged)" if acknowledged else ""
        found.append(f"{plural(len(firing), 'alert')} firing{known}, the worst {worst.label}")
    venues, receivers = venues_of(now), receivers_of(now)
    found += [f"venue {line.name} is {line.health}" for line in venues if line.health != "good"]
    found += [f"receiver {line.name} is failing" for line in receivers if line.health == "failing"]
    notes = [clean(alert.detail) for alert in now.alerts if alert.key.rule == RELOAD_REJECTED]
    tone = worst.label if worst is not None else "warning" if found or notes else "calm"
    return Summary(now.at, tone, "; ".join(found) or "all is well", tuple(notes))


def silence_line(silence: Silence, now: datetime) -> SilenceLine:
    """One silence."""
    return SilenceLine(
        id=silence.id,
        rule=clean(silence.rule),
        venue=clean(silence.venue),
        account=clean(silence.account),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        holds=silence.covers(now),
        by=clean(silence.by),
        note=clean(silence.note),
        choice=clean(silence.choice),
    )


def _venue(watch: Watch, state: VenueState | None, now: datetime) -> VenueLine:
    failure = None if state is None or not state.failed_cycles else state.last_failure
    last = None if state is None else state.last_cycle_at
    health = "good" if failure is None else "failing"
    if last is None or now - last > 3 * watch.slowest + SILENT_AFTER:
        health = "silent"
    pace = None if state is None else state.pace
    return VenueLine(
        name=clean(watch.venue),
        health=health,
        last_good_at=None if state is None else state.last_good_at,
        last_cycle_at=last,
        failing_since=None if state is None else state.failing_since,
        trouble="" if failure is None else f"{failure.kind.value.replace('_', ' ')}: {clean(failure.told)}",
        every=watch.every if pace is None else pace.every,
        pace="" if pace is None else clean(pace.why),
    )


def _receiver(health: ReceiverHealth) -> ReceiverLine:
    used = health.last_good_at is not None or health.failing_since is not None or health.waiting or health.dead
    failing = health.failing_since is not None
    return ReceiverLine(
        name=clean(health.receiver),
        health="failing" if failing else "good" if used else "untried",
        waiting=health.waiting,
        oldest=health.oldest,
        dead=health.dead,
        last_good_at=health.last_good_at,
        failing_since=health.failing_since,
        trouble=clean(health.detail) if failing else "",
    )


PIECES: Final[Mapping[str, Callable[[Snapshot], object]]] = {
    "summary": summary_of,
    "alerts": alerts_of,
    "venues": venues_of,
    "receivers": receivers_of,
    "silences": held_back,
}
"""By the name of its template and the id of its element, in the order of the page."""

"""The words of a report: that marginwatch is alive, how things stand, and what was sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.outbox import Kind
from marginwatch.core.state import Message
from marginwatch.notify.digest import counted, digest_id, ending, latest, listed, roles_of
from marginwatch.notify.render import TITLE_LENGTH
from marginwatch.notify.words import clip, iso, moment, plural, span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.notify.digest import Entry

MORE = "`marginwatch status`"
"""Where all of it is seen."""


@dataclass(frozen=True, slots=True)
class VenueStands:
    """How a venue does."""

    name: str
    accounts: int
    """Those that are watched."""
    last_good_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiverStands:
    """How a receiver does."""

    name: str
    last_good_at: datetime | None
    failing_since: datetime | None
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says."""

    name: str
    at: datetime
    since: datetime
    """What was sent is counted from here."""
    venues: Sequence[VenueStands]
    alerts: Sequence[Entry]
    """Those that are open and fired."""
    acknowledged: int
    silences: int
    """In force."""
    receivers: Sequence[ReceiverStands]
    delivered: int
    dead: int
    """Given up."""


def report_message(report: Report, receiver: str, page: str = "") -> Message:
    """The report as it is sent to one receiver; `page` is where people see how all stands."""
    name = digest_id(receiver, report.at, f"report {report.name}")
    worst = max((entry.severity for entry in report.alerts), default=None)
    keys = ("rule", "venue", "account", "subject", "value", "limit", "as_of", "reason", "runbook")
    payload = {
        **dict.fromkeys(keys, ""),
        "kind": Kind.REPORT.value,
        "alert_id": name,
        "state": State.EVENT.value,
        "severity": Severity.INFO.label,
        "fetched_at": iso(report.at),
        "link": page,
    }
    body = text_of(report, ending(f"Report {name}.", page))
    stands = f"{len(report.alerts):,} open, the worst {worst.label}" if worst is not None else "nothing open"
    return Message(
        alert_id=name,
        receiver=receiver,
        number=1,
        state=State.EVENT,
        severity=Severity.INFO,
        title=clip(f"Report {report.name}: marginwatch is alive, {stands}", TITLE_LENGTH),
        body=body,
        roles=roles_of(body, page),
        payload=payload,
        topic=f"report {report.name}",
        kind=Kind.REPORT,
    )


def text_of(report: Report, tail: str) -> str:
    """All of it, as far as a message has room."""
    entries = latest(report.alerts)
    parts = [
        f"As of {moment(report.at, report.at)}.",
        *(_venue(venue, report.at) for venue in report.venues),
        _alerts(report, entries),
        *(_receiver(receiver, report.at) for receiver in report.receivers),
        _sent(report),
    ]
    return listed("\n".join(parts), [entry.line for entry in entries], tail, MORE)


def _venue(venue: VenueStands, now: datetime) -> str:
    good = "no good answer yet" if venue.last_good_at is None else f"last good {_age(venue.last_good_at, now)}"
    return f"Venue {venue.name}: {plural(venue.accounts, 'account')}, {good}."


def _alerts(report: Report, entries: Sequence[Entry]) -> str:
    acknowledged = f", {report.acknowledged:,} acknowledged" if report.acknowledged else ""
    silences = f" {plural(report.silences, 'silence')} in force." if report.silences else ""
    return f"Open alerts: {counted(entries) or 'none'}{acknowledged}.{silences}"


def _sent(report: Report) -> str:
    delivered = plural(report.delivered, "message")
    return f"Since {moment(report.since, report.at)}: {delivered} delivered, {report.dead:,} given up."


def _receiver(receiver: ReceiverStands, now: datetime) -> str:
    if receiver.failing_since is not None:
        stands = f"failing since {moment(receiver.failing_since, now)}"
    else:
        good = receiver.last_good_at
        stands = "not used yet" if good is None else f"last message {_age(good, now)}"
    waiting = f", {receiver.waiting:,} waiting" if receiver.waiting else ""
    dead = f", {receiver.dead:,} given up" if receiver.dead else ""
    return f"Receiver {receiver.name}: {stands}{waiting}{dead}."


def _age(at: datetime, now: datetime) -> str:
    return f"at {moment(at, now)} ({span(now - at)} ago)"

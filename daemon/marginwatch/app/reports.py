"""Reports: put together from the store, and put in the outbox when they are due or asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from marginwatch.app.phrasing import page_of
from marginwatch.core import health
from marginwatch.notify.digest import about, entry_standing
from marginwatch.notify.report import ReceiverStands, Report, VenueStands, report_message
from marginwatch.store.types import unused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.config.reports import ReportSettings
    from marginwatch.config.settings import Settings
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import Message
    from marginwatch.store.store import Store

log = structlog.get_logger(__name__)

LATEST = timedelta(hours=12)
"""A report that was missed is sent when it is no later than this."""
ON_REQUEST = "on request"
_MOST = 100_000
"""Open alerts looked at."""


def report_of(store: Store, settings: Settings, rules: Mapping[str, Rule], now: datetime, name: str) -> Report:
    """How everything stands; what was sent is counted from the last report that was due, or for a day."""
    history = store.history
    accounts = {state.account.key: state for state in history.account_states()}
    good = {state.venue: state.last_good_at for state in history.venue_states()}
    alerts = [alert for alert in history.alerts(limit=_MOST) if alert.fired_at is not None]
    rules = {**health.RULES, **rules}
    found = store.outbox.receivers()
    since = store.outbox.last_report(now) or now - timedelta(days=1)
    delivered, dead = store.outbox.settled(since)
    open_ids = {alert.alert_id for alert in alerts}
    given = history.acknowledgements()
    return Report(
        name=name,
        at=now,
        since=since,
        venues=[
            VenueStands(venue.name, sum(key.venue == venue.name for key in accounts), good.get(venue.name))
            for venue in settings.venues
        ],
        alerts=[
            entry_standing(alert, about(alert.key, accounts.get(alert.key.account), rules.get(alert.key.rule)), now)
            for alert in alerts
        ],
        acknowledged=sum(one.covers(now) for alert_id, one in given.items() if alert_id in open_ids),
        silences=sum(silence.covers(now) for silence in store.operators.silences()),
        receivers=[
            ReceiverStands(each.name, one.last_good_at, one.failing_since, one.waiting, one.dead)
            for each in settings.receivers
            for one in (found.get(each.name) or unused(each.name),)
        ],
        delivered=delivered,
        dead=dead,
    )


class Reporting:
    """Sends the reports that are due."""

    def __init__(self, store: Store, in_force: Callable[[], tuple[Settings, Mapping[str, Rule]]]) -> None:
        """`in_force` gives the settings and the rules by their ids."""
        self._store = store
        self._in_force = in_force
        self._seen: dict[str, datetime] = {}
        """When each report was due that is dealt with."""

    def due(self, now: datetime) -> list[ReportSettings]:
        """Those to be dealt with."""
        reports = self._in_force()[0].reports
        return [each for each in reports if self._seen.get(each.name) != each.schedule.latest(now)]

    def messages(self, report: ReportSettings, now: datetime) -> list[Message]:
        """What is to be sent of a report; nothing of one that is too late by now, or that was never due before.

        One that is new in the config begins with its next time. May take a while; from any thread.
        """
        due, before = report.schedule.latest(now), self._store.outbox.reported(report.name)
        if before is None or before >= due or now - due >= LATEST:
            return []
        settings, rules = self._in_force()
        made = report_of(self._store, settings, rules, now, report.name)
        return [report_message(made, receiver, page_of(settings)) for receiver in report.receivers]

    def send(self, report: ReportSettings, messages: Sequence[Message], now: datetime) -> None:
        """Put it into the outbox, and keep that it is done; on the thread that writes.

        One that was sent stays so when the clock is set back before its time, unless that time was far off the mark.
        """
        due, before = report.schedule.latest(now), self._store.outbox.reported(report.name)
        if before is None or not due < before <= now + LATEST:
            self._store.outbox.report(report.name, due, messages, now)
        self._seen[report.name] = due
        if messages:
            log.info("report", name=report.name, due=str(due), receivers=list(report.receivers))

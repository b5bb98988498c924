"""Reports that are due, missed, new in the config, and asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from marginwatch.app.reports import Reporting
from marginwatch.config.reports import ReportSettings
from marginwatch.config.web import WebSettings
from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.store.types import AttemptResult, OutboxStatus
from support.records import NOON, after, commit, message
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from marginwatch.store.store import Store

HOUR = 3_600.0
DAY = 24 * HOUR
DAILY = ReportSettings(name="daily", receivers=("desk", "phone"), at="13:00")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of our own."""
    with owned(tmp_path, "m.db") as opened:
        yield opened


@dataclass
class Running:
    """A process that looks now and then."""

    store: Store
    reports: tuple[ReportSettings, ...] = (DAILY,)

    def __post_init__(self) -> None:
        """Begin."""
        receivers = [SimpleNamespace(name=name) for name in ("desk", "phone")]
        settings: Any = SimpleNamespace(reports=self.reports, receivers=receivers, venues=(), web=WebSettings())
        self.reporting = Reporting(self.store, lambda: (settings, {}))

    def look(self, seconds: float) -> None:
        """Look at that second, as the daemon does."""
        now: datetime = after(seconds)
        for report in self.reporting.due(now):
            self.reporting.send(report, self.reporting.messages(report, now), now)


def sent(store: Store) -> list[tuple[str, datetime]]:
    """Which receivers a report was made for, and when."""
    rows = store.outbox.rows()[::-1]
    return [(row.message.receiver, row.created_at) for row in rows if row.message.kind is Kind.REPORT]


def test_a_report_comes_once_each_time(store: Store) -> None:
    """Each receiver has it once a day, however often it is looked at; a new one begins with its next time."""
    running = Running(store)
    for minute in range(0, 3 * 24 * 60, 17):
        running.look(60 * minute)

    days = [at.date() for receiver, at in sent(store) if receiver == "desk"]
    assert days == [NOON.date() + timedelta(days=day) for day in range(3)]
    assert [receiver for receiver, _ in sent(store)] == ["desk", "phone"] * 3


@pytest.mark.parametrize(("late", "comes"), [(11.9, True), (12.1, False)])
def test_a_missed_report_is_sent_at_the_start(store: Store, late: float, *, comes: bool) -> None:
    """When no process ran at its time it is sent by the next one, unless it is twelve hours late; and only once."""
    Running(store).look(0)
    for _ in range(2):
        Running(store).look(HOUR + late * HOUR)

    assert sent(store) == ([("desk", after(HOUR + late * HOUR)), ("phone", after(HOUR + late * HOUR))] if comes else [])


def test_a_restart_sends_no_report_twice(store: Store) -> None:
    """What was sent is on record with its time."""
    Running(store).look(0)
    Running(store).look(HOUR)
    Running(store).look(HOUR + 1)

    assert len(sent(store)) == 2


@pytest.mark.parametrize(
    ("looks", "sent_at"),
    [
        ((0, HOUR, 1 - HOUR, 0, HOUR + 5, DAY + HOUR), [HOUR, DAY + HOUR]),
        ((0, 40 * DAY + HOUR, 0, HOUR, DAY + HOUR), [40 * DAY + HOUR, HOUR, DAY + HOUR]),
    ],
    ids=["by hours", "by days"],
)
def test_a_clock_that_is_set_back_sends_no_report_twice(
    store: Store, looks: tuple[float, ...], sent_at: list[float]
) -> None:
    """One that was sent is not due again, nor for another process; if the clock was days ahead, they begin anew."""
    for seconds in looks:
        Running(store).look(seconds)

    assert [at for receiver, at in sent(store) if receiver == "desk"] == [after(each) for each in sent_at]


def test_it_counts_what_was_sent_since_the_last(store: Store) -> None:
    """Messages delivered and given up since the report before, and when a report reached whom."""
    running = Running(store)
    running.look(0)
    running.look(HOUR)
    for row in store.outbox.claim_due(after(HOUR), {"desk": 9, "phone": 9}, timedelta(minutes=1)):
        store.outbox.record_attempt(row.id, AttemptResult(AttemptOutcome.DELIVERED, ""), after(HOUR + 5))
    store.commit(commit(2 * HOUR, messages=(message("x"), message("y"))))
    outcomes = iter([AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT])
    for row in store.outbox.claim_due(after(2 * HOUR), {"desk": 9}, timedelta(minutes=1)):
        store.outbox.record_attempt(row.id, AttemptResult(next(outcomes), ""), after(2 * HOUR))
    running.look(DAY + HOUR)

    body = store.outbox.rows(receiver="desk", statuses=[OutboxStatus.PENDING])[0].message.body
    assert "3 messages delivered, 1 given up." in body
    assert store.outbox.reports_reached() == {"desk": after(HOUR + 5), "phone": after(HOUR + 5)}

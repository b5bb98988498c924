"""What counts as well: for probes, the heartbeat and the watchdog."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from marginwatch.app.polling import VenuePolling
from marginwatch.app.pump import Pump, Writer
from marginwatch.app.vitals import STUCK, Vitals, receiver_state
from marginwatch.core.health import Missed, ReceiverState
from marginwatch.store.types import ReceiverHealth
from support.records import NOON, after
from support.scripted_venue import ScriptedVenue

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.tick import Ticker
    from marginwatch.web.health import Check

EVERY, DEADLINE = timedelta(seconds=10), timedelta(seconds=20)
GOOD = ReceiverHealth("desk", 0, None, 0, NOON, None, 0, "")
FAILING = replace(GOOD, failing_since=after(-60), failed_attempts=3, waiting=2, oldest=after(-600), detail="HTTP 503")
LATE = replace(GOOD, waiting=1, oldest=after(-300))


@pytest.fixture
def vitals() -> Vitals:
    """All is well at noon: one venue, two receivers."""
    pump = Pump(cast("Ticker", None), Writer(), lambda _: None)  # a pump that is looked at and never ticks
    polling = VenuePolling(ScriptedVenue(), EVERY, DEADLINE, lambda _: None)
    polling.last_end = after(-5)
    polling.since = after(-3600)
    return Vitals(pump, (polling,), lambda: "in force", {"desk": GOOD, "mail": replace(GOOD, receiver="mail")})


def no_tick(vitals: Vitals) -> None:
    vitals.pump.last_tick -= STUCK


def store_refuses(vitals: Vitals) -> None:
    vitals.pump.trouble = "the disk is full"


def venue_late(vitals: Vitals) -> None:
    vitals.pollings[0].last_end = after(-50)


def venue_never(vitals: Vitals) -> None:
    vitals.pollings[0].last_end = None


def venue_not_yet(vitals: Vitals) -> None:
    vitals.pollings[0].last_end = None
    vitals.pollings[0].since = after(-2)


def message_late(vitals: Vitals) -> None:
    vitals.receivers = {"desk": LATE}


def message_waiting(vitals: Vitals) -> None:
    vitals.receivers = {"desk": replace(LATE, oldest=after(-299))}


def one_failing(vitals: Vitals) -> None:
    vitals.receivers = {**vitals.receivers, "desk": FAILING}


def all_failing(vitals: Vitals) -> None:
    vitals.receivers = {"desk": FAILING}


def well(vitals: Vitals) -> None:
    del vitals


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (well, (True, True, True)),
        (no_tick, (False, False, False)),
        (store_refuses, (False, True, False)),
        (venue_late, (False, True, False)),
        (venue_never, (False, True, False)),
        (venue_not_yet, (False, True, True)),
        (message_late, (False, True, False)),
        (message_waiting, (True, True, True)),
        (one_failing, (True, True, False)),
        (all_failing, (False, True, False)),
    ],
)
def test_what_is_well(
    vitals: Vitals,
    state: Callable[[Vitals], None],
    expected: tuple[bool, bool, bool],
    snapshot: SnapshotAssertion,
) -> None:
    """Whether it beats, is alive and is ready.

    A heartbeat needs every venue attempted and nothing overdue to a healthy receiver; a probe says what is not.
    """
    state(vitals)
    health = vitals.health(NOON)

    assert (not vitals.worry(NOON), vitals.alive(), health.ready) == expected
    assert [shown(check) for check in health.checks] == snapshot
    assert vitals.worry(NOON) == snapshot


def test_a_clock_that_is_set_is_no_hang(vitals: Vitals) -> None:
    """The watchdog must not stop a machine whose time was put right."""
    assert vitals.health(NOON + timedelta(hours=1)).alive
    assert vitals.health(NOON - timedelta(hours=1)).alive


def shown(check: Check) -> str:
    """One check in a line."""
    return f"{check.name}: {'good' if check.good else 'bad'}: {check.detail}"


def test_a_venue_may_take_its_time(vitals: Vitals) -> None:
    """Three turns and one deadline may pass between two ends of its cycles."""
    vitals.pollings[0].last_end = after(-49.9)
    assert vitals.worry(NOON) == ""


def test_what_a_receivers_alert_is_decided_from() -> None:
    """Messages given up count while it fails; long ago they are history."""
    assert receiver_state(replace(GOOD, dead=5)) == ReceiverState("desk")
    assert receiver_state(replace(FAILING, dead=5), missed := (Missed("a1"),)) == ReceiverState(
        "desk", 3, 5, 2, after(-600), "HTTP 503", FAILING.failing_since, missed
    )

"""The small truths of the alert types: what is open, what still covers, and how keys read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marginwatch.core.alert import Acknowledgement, Status
from marginwatch.core.model import AccountKey
from marginwatch.core.result import AlertKey
from support.alerting import KEY, Timeline, after, condition


def test_only_pending_and_firing_alerts_are_open() -> None:
    """Every other status is an end."""
    timeline = Timeline(condition())
    timeline.holds(0)

    assert {status for status in Status if replace(timeline.open(), status=status).is_open} == {
        Status.PENDING,
        Status.FIRING,
    }


@pytest.mark.parametrize(("until", "covers"), [(None, True), (9, False), (10, False), (11, True)])
def test_an_acknowledgement_covers_until_it_expires(until: int | None, covers: bool) -> None:
    """Without an end it covers for good; at its end it covers no more."""
    given = Acknowledgement("id", "me", "", after(0), None if until is None else after(until))

    assert given.covers(after(10)) == covers


def test_an_alert_key_reads_as_its_parts() -> None:
    """Rule, account and subject, without what is empty."""
    assert str(KEY) == "margin-usage futures/A-1"
    assert str(AlertKey("receiver-failing", AccountKey("", ""), "desk")) == "receiver-failing marginwatch desk"
    assert str(AlertKey("venue-unreachable", AccountKey("fx", ""))) == "venue-unreachable fx"

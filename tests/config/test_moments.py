"""Moments of the past as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from marginwatch.config.moments import BadMomentError, read_moment

NOW = datetime(2026, 3, 2, 14, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:03", datetime(2026, 3, 2, 14, 3, tzinfo=UTC)),
        ("9:05", datetime(2026, 3, 2, 9, 5, tzinfo=UTC)),
        ("14:10:30", NOW),
        ("14:11", datetime(2026, 3, 1, 14, 11, tzinfo=UTC)),
        ("2h ago", NOW - timedelta(hours=2)),
        (" 1h30m  ago ", NOW - timedelta(minutes=90)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01 14:03", datetime(2026, 3, 1, 14, 3, tzinfo=UTC)),
        ("2026-03-01T14:03:05Z", datetime(2026, 3, 1, 14, 3, 5, tzinfo=UTC)),
        ("2026-03-01T14:03+01:00", datetime(2026, 3, 1, 13, 3, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, expected: datetime) -> None:
    """A time of day is the latest that has been; without a zone it is UTC."""
    read = read_moment(text, NOW)

    assert read == expected
    assert read.utcoffset() == timedelta(0)


def test_today_is_the_day_in_utc() -> None:
    """Wherever the clock of the machine stands, a time of day is meant in UTC."""
    late = datetime(2026, 3, 3, 1, 0, tzinfo=timezone(timedelta(hours=9)))

    assert read_moment("15:30", late) == datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ago",
        "now",
        "25:00",
        "2 hours ago",
        "2h",
        "9999d ago ago",
        "tomorrow",
        "14:3",
        "99999d ago",
        "x" * 99,
        "0001-01-01T00:00+23:00",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The sentence says how to write one, and is short whatever was typed."""
    with pytest.raises(BadMomentError, match="write 14:03, 2h ago, or 2026-03-02T14:03") as refused:
        read_moment(text, NOW)
    assert len(str(refused.value)) < 160


def test_the_future_is_not_known() -> None:
    """A moment ahead is refused as such."""
    with pytest.raises(BadMomentError, match="2026-03-03 lies ahead"):
        read_moment("2026-03-03", NOW)

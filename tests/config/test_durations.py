"""Durations are read as written, refused in a sentence, and written back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.config.durations import BadDurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("5m", 300), ("2h", 7_200), ("1d", 86_400), ("1h30m", 5_400), ("0s", 0), ("400d", 34_560_000)],
)
def test_reads_what_people_write(text: str, seconds: int) -> None:
    """Each unit counts as its name says, and units add up."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "-5m", "1.5h", "5 m", "5M", "30m1h", "5m5m", "1w", "999999d", "٣s"])
def test_refuses_what_is_no_duration(text: str) -> None:
    """Anything else is one sentence that shows how a duration is written."""
    with pytest.raises(BadDurationError, match="a duration is written like 10s"):
        parse_duration(text)


def test_a_bare_number_gets_a_suggestion() -> None:
    """A number without its unit is most often seconds."""
    with pytest.raises(BadDurationError, match='did you mean "30s"'):
        parse_duration("30")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1 min", "1m"), ("10 Sec", "10s"), ("2 hours", "2h"), ("5M", "5m"), ("3days", "3d")],
)
def test_a_duration_in_words_gets_a_suggestion(text: str, meant: str) -> None:
    """One number and one unit, as people say them."""
    with pytest.raises(BadDurationError, match=f'did you mean "{meant}"'):
        parse_duration(text)


@pytest.mark.parametrize("text", ["500ms", "2 weeks", "999999d", "99999999 days", "1 month", "soon"])
def test_what_cannot_be_meant_is_not_suggested(text: str) -> None:
    """A smaller unit than seconds, a longer one than days, and what no duration can be."""
    with pytest.raises(BadDurationError, match=r"1h30m$"):
        parse_duration(text)


@given(st.timedeltas(timedelta(0), timedelta(days=36_500)))
def test_what_is_written_is_read_back(span: timedelta) -> None:
    """Formatting and parsing agree to the second."""
    assert parse_duration(format_duration(span)) == timedelta(seconds=int(span.total_seconds()))

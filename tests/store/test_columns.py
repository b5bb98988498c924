"""Column types keep money and time exact on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from marginwatch.store.columns import DecText, Utc, Words, fits, from_micros, storable, to_micros

if TYPE_CHECKING:
    from marginwatch.store.store import Store

EXACT = ["1.10", "12345678901234.56", "123456789012345678.123456789012345678", "0.00", "-7", "0.000000001"]


def round_trip(store: Store, kind: Any, value: object) -> Any:  # noqa: ANN401  (any column type, any value)
    """Write the value to a table of its own and read it back."""
    table = sa.Table("sample", sa.MetaData(), sa.Column("value", kind))
    with store._database.write() as connection:
        table.create(connection)
        connection.execute(table.insert(), {"value": value})
        found = connection.scalar(sa.select(table.c.value))
        table.drop(connection)
    return found


@pytest.mark.parametrize("digits", EXACT)
def test_money_keeps_every_digit(store: Store, digits: str) -> None:
    """What would be rounded as a binary float comes back with the digits it had."""
    assert round_trip(store, DecText, Decimal(digits)).as_tuple() == Decimal(digits).as_tuple()


def test_nothing_comes_back_as_nothing(store: Store) -> None:
    """NULL is None in every type, not zero, not an epoch, not an empty text."""
    assert [round_trip(store, kind, None) for kind in (DecText, Utc, Words)] == [None, None, None]


@pytest.mark.parametrize("value", [1.1, 7, "1.1"])
def test_only_a_decimal_is_money(store: Store, value: object) -> None:
    """A float, an int or a text is refused before it reaches the database."""
    with pytest.raises(StatementError, match="a Decimal is needed"):
        round_trip(store, DecText, value)


@pytest.mark.parametrize("digits", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+2000", "1E-2000"])
def test_absurd_numbers_are_refused(store: Store, digits: str) -> None:
    """What is no number, or one that NUMERIC could not hold, is refused; `fits` tells beforehand."""
    assert fits(Decimal(digits)) is None
    with pytest.raises(StatementError, match="not a finite number"):
        round_trip(store, DecText, Decimal(digits))


def test_times_come_back_in_utc(store: Store) -> None:
    """A time written in any zone is read as the same instant in UTC, to the microsecond."""
    moment = datetime(2026, 3, 29, 2, 30, 1, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    found = round_trip(store, Utc, moment)

    assert (found, found.tzinfo) == (moment, UTC)


def test_a_naive_time_is_refused(store: Store) -> None:
    """Nobody could say which instant it means."""
    with pytest.raises(StatementError, match="has no time zone"):
        round_trip(store, Utc, datetime(2026, 1, 1))  # noqa: DTZ001  (that is the point)


def test_text_that_cannot_be_stored_is_replaced(store: Store) -> None:
    """NUL, which PostgreSQL refuses, and a lone surrogate become a visible replacement."""
    assert round_trip(store, Words, "a\0b\ud800cé") == "a\ufffdb\ufffdcé"


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(moment: datetime) -> None:
    """Every instant has a whole number of microseconds and comes back from it."""
    assert from_micros(to_micros(moment)) == moment


@given(st.text())
def test_storable_text_is_left_alone(text: str) -> None:
    """Only what cannot be stored changes, character for character."""
    assert storable(text) == text.replace("\0", "\ufffd")

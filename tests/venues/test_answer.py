"""Reading JSON answers never raises, keeps digits, and says where it went wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.model import AccountKey, FailureKind
from marginwatch.venues.answer import (
    BODY_KEPT,
    Malformed,
    Parser,
    Reader,
    each,
    full_time,
    plain_text,
    sane,
    wire_type,
    wrong_id,
)
from marginwatch.venues.protocol import Part
from marginwatch.venues.vendor import flag, money, text, time

TABLE = (money("amount", "An amount."), flag("on", "A flag."), text("word", "A word."), time("at", "A time."))
Message = wire_type("Message", TABLE, {"inner": list[int]})
parse: Parser[Any] = Parser(Message)
read = Reader(TABLE)


def good(body: bytes) -> Any:  # noqa: ANN401  (because its type is made from a table)
    """The message of a body that can be read."""
    message = parse(body)
    assert not isinstance(message, Malformed)
    return message


AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_message_is_value_null_or_missing() -> None:
    """The three stay apart, and numbers keep their digits."""
    message = good(b'{"amount": 1.10, "on": null, "inner": [1], "more": {}}')
    assert read(message, "") == {"amount": Decimal("1.10"), "on": None}
    assert str(message.amount) == "1.10"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b'{"word": "\xff"}', ""),
        (b'{"word": 5}', "word"),
        (b'{"inner": [1, "x"]}', "inner[1]"),
        (b'{"unknown": ' + b"[" * 100_000, ""),
    ],
)
def test_what_is_not_documented_is_malformed_with_its_place(body: bytes, where: str) -> None:
    """Wrong types, broken JSON, broken text and absurd nesting are values, not exceptions."""
    malformed = parse(body)
    assert isinstance(malformed, Malformed)
    assert malformed.where == where


@pytest.mark.parametrize("digits", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+21", "1E-31", "0E-99"])
def test_a_number_no_account_can_hold_is_malformed(digits: str) -> None:
    """Not finite, or an absurd exponent."""
    malformed = read(good(b'{"amount": "%s"}' % digits.encode()), "outer")
    assert isinstance(malformed, Malformed)
    assert malformed.where == "outer.amount"
    assert not sane(Decimal(digits))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=8))
def test_every_plausible_amount_is_read_exactly(amount: Decimal) -> None:
    """What the wire says is what the field holds."""
    assert read(good(msgspec.json.encode({"amount": str(amount)})), "") == {"amount": amount}


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-01-02T00:00:00Z", AT),
        ("2026-01-02T01:00:00+01:00", AT),
        ("2026-01-02T00:00:00", None),
        ("2026-01-02", None),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_only_a_time_with_its_zone_is_a_time(written: str | None, read_as: datetime | None) -> None:
    """Anything less is unknown."""
    assert full_time(written) == read_as


def test_texts_hold_no_control_characters() -> None:
    """What a database or a terminal cannot take is replaced; letters of any alphabet and odd spaces stay."""
    assert read(good(b'{"word": "a\\u0000b\\n\\u009f"}'), "") == {"word": "a\ufffdb\ufffd\ufffd"}
    assert plain_text("Z\u00fcrich\u00a0\u200b\u4e2d \U0001f600") == "Z\u00fcrich\u00a0\u200b\u4e2d \U0001f600"
    assert plain_text("\ud800") == "\ufffd"
    assert isinstance(parse(b'{"word": "\\ud800"}'), Malformed)


@pytest.mark.parametrize(
    ("account", "complaint"),
    [
        ("A 1", None),
        ("", "Expected an id, got an empty text"),
        ("a\0", "Expected an id, got one with a control character"),
        ("a\ud800", "Expected an id, got one with a control character"),
    ],
)
def test_an_id_is_taken_as_it_is_or_not_at_all(account: str, complaint: str | None) -> None:
    """A replaced character could make two ids one."""
    assert wrong_id(account, "x") == (None if complaint is None else Malformed(complaint, "x"))


def test_rows_are_read_until_one_is_malformed() -> None:
    """A list is read as a whole, or not at all, with the row's place."""

    def odd(row: int, where: str) -> int | Malformed:
        return row if row % 2 else Malformed("Expected an odd number", where)

    assert each([1, 3], odd, "rows") == [1, 3]
    assert each([1, 2, 4], odd, "rows") == Malformed("Expected an odd number", "rows[1]")


@pytest.mark.parametrize(("inner", "outer"), [("", "data"), ("x", "data.x"), ("[0]", "data[0]")])
def test_a_place_is_seen_from_the_whole_document(inner: str, outer: str) -> None:
    """The outer name comes in front."""
    assert Malformed("wrong", inner).inside("data").where == outer


def test_a_malformed_answer_is_a_failure_with_the_start_of_its_body() -> None:
    """Enough is kept for diagnosis, and no more."""
    failure = Malformed("Expected a number", "x").of("here", "call", Part(b"a" * 99_999, AT), AccountKey("here", "1"))
    assert (failure.kind, failure.where, failure.at) == (FailureKind.BAD_ANSWER, "x", AT)
    assert failure.detail == "the answer is not as documented: Expected a number"
    assert failure.body == b"a" * BODY_KEPT

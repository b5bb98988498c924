"""The codec gives back exactly what it was given."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.alert import Alert, Transition
from marginwatch.core.model import Account, AccountKey, VenueFailure
from marginwatch.core.state import AccountState, VenueState, Withheld
from marginwatch.store import codec
from support.records import alert

if TYPE_CHECKING:
    from marginwatch.core.result import Difference

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
OFFSETS = st.integers(-86399, 86399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
TIMES = st.datetimes(timezones=OFFSETS | st.just(UTC))
TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.none() | DECIMALS | st.booleans() | TEXTS | TIMES | st.frozensets(TEXTS, max_size=4)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    codec._Value: VALUES,
    str: TEXTS,
    int: st.integers(-(2**53), 2**53),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    Decimal: DECIMALS,
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(days=-1000), timedelta(days=1000)),
    types.NoneType: st.none(),
}


def anything(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  (a type hint has no type)
    """Any value of that hint, so that fields added later are covered too."""
    if hint in LEAVES:
        return LEAVES[hint]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(list(hint))
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, localns=codec._NAMES)
        stored = [field.name for field in dataclasses.fields(hint) if field.metadata.get("stored", True)]
        return st.builds(typing.cast("type", hint), **{name: anything(hints[name]) for name in stored})
    origin: Any = typing.get_origin(hint)
    inner = [anything(part) for part in typing.get_args(hint) if part is not ...]
    if origin is Mapping:
        return st.dictionaries(*inner, max_size=3)
    if origin is types.UnionType:
        return st.one_of(inner)
    return st.lists(inner[0], max_size=3).map(origin)


def same(left: Any, right: Any) -> bool:  # noqa: ANN401  (any two values)
    """Equal, and Decimals with the same digits: 1.10 is not 1.1 here."""
    if isinstance(left, Decimal):
        return isinstance(right, Decimal) and left.as_tuple() == right.as_tuple()
    if isinstance(left, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


@given(st.dictionaries(TEXTS, VALUES))
def test_field_values_come_back_exactly(values: dict[str, Any]) -> None:
    """Every kind of value, null, missing and zero included, is the same after a round trip through bytes."""
    assert same(codec.values(codec.loads(codec.dumps(codec.plain_values(values)))), values)


@pytest.mark.parametrize("cls", [Alert, Transition, AccountState, VenueState, Withheld, VenueFailure])
@given(data=st.data())
def test_what_is_stored_comes_back_equal(cls: type[Any], data: st.DataObject) -> None:
    """Every dataclass that is stored equals itself after a round trip, whatever its fields hold."""
    thing = data.draw(anything(cls))

    assert codec.decode(cls, codec.encode(thing)) == thing


def test_a_field_added_later_takes_its_default() -> None:
    """A row written before a field existed still reads, and one written by a later version does too."""
    written = json.loads(codec.encode(alert()))
    del written["known"]
    written["invented_later"] = [1, 2]

    assert codec.decode(Alert, json.dumps(written)) == alert(known=True)


@dataclasses.dataclass
class _Tagged:
    """Holds a set of words, which no stored dataclass does yet."""

    words: frozenset[str]


def test_what_is_remembered_in_memory_only_is_not_written() -> None:
    """A restart forgets what an account's latest stored observation said, and knows the rest of it."""
    state = AccountState(Account(AccountKey("fx", "1"), "one"), datetime(2026, 3, 2, tzinfo=UTC))
    written = codec.encode(state)
    state.said = ((), None, (), frozenset())

    assert codec.encode(state) == written
    assert codec.decode(AccountState, written).said is None


def test_a_set_of_words_is_written_as_a_list() -> None:
    """A dataclass may hold one, too."""
    assert codec.encode(_Tagged(frozenset({"a"}))) == '{"words":["a"]}'
    assert codec.decode(_Tagged, '{"words":["a","b"]}') == _Tagged(frozenset({"a", "b"}))


def test_text_that_utf8_cannot_hold_is_replaced() -> None:
    """A lone surrogate from a venue costs a character, not the commit."""
    key = AccountKey("futures", "A\ud800B")

    assert codec.decode(AccountKey, codec.encode(key)) == AccountKey("futures", "A\ufffdB")
    assert codec.loads(codec.dumps({"x": ["\ud800", {"\udc00": None}, key]})) == {
        "x": ["\ufffd", {"\ufffd": None}, {"venue": "futures", "id": "A\ufffdB"}]
    }


def test_a_read_only_mapping_is_written_like_any_other() -> None:
    """The core may hand out mappings that cannot be changed."""
    assert codec.dumps(types.MappingProxyType({"a": Decimal("1.10")})) == b'{"a":1.10}'


@dataclasses.dataclass
class _Unstorable:
    """Holds what the store has no form for."""

    thing: complex


@dataclasses.dataclass
class _UnstorableInside:
    """Holds field values in a set, which the store has no form for."""

    things: frozenset[Difference]


@pytest.mark.parametrize("thing", [_Unstorable(1j), _UnstorableInside(frozenset())])
def test_an_unknown_type_is_refused_by_name(thing: object) -> None:
    """A field of a type without a form is a programming error that says which."""
    with pytest.raises(TypeError, match="the store cannot keep a"):
        codec.encode(thing)

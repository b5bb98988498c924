"""Turns the core's values and dataclasses into JSON and back, exactly: pure, driven by the types' own hints."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import functools
import json
import types
import typing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from marginwatch.core import alert, model, pace, result, state
from marginwatch.store.columns import storable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from marginwatch.core.model import Value

T = TypeVar("T")
Json: TypeAlias = Any
"""What `json.loads` gives; a decoder checks it by building the type asked for."""
Decode: TypeAlias = "Callable[[Json], Any]"


class _Value:
    """Stands for `Value` in resolved hints: the alias is a string at run time."""


_NAMES: dict[str, Any] = {
    **{name: thing for module in (model, result, alert, pace, state) for name, thing in vars(module).items()},
    "Value": _Value,
    "Decimal": Decimal,
    "datetime": datetime,
    "timedelta": timedelta,
    "Mapping": collections.abc.Mapping,
}
"""The names the core's hints use; the core imports some of them for the type checker only."""

_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=dict)
_SILENT: tuple[object, ...] = (None, "", (), {}, 0, frozenset())
"""Defaults that say nothing (False is 0): a field holding its silent default is not written."""


def dumps(value: Json) -> bytes:
    """Compact JSON of what `plain` gives. Decimals are written with all their digits."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_storable(value))


def loads(data: bytes | str) -> Json:
    """The JSON again; every number a Decimal."""
    return json.loads(data, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)


def encode(thing: object) -> str:
    """A dataclass of the core as JSON text."""
    return dumps(plain(thing)).decode()


def decode(cls: type[T], data: bytes | str) -> T:
    """The dataclass again. Keys it does not know are ignored; fields not written take their default."""
    return build(cls, loads(data))


def build(cls: type[T], written: Json) -> T:
    """The dataclass of what `loads` gave."""
    return typing.cast("T", _plan(typing.cast("Hashable", cls)).decode(written))


def plain(thing: object) -> dict[str, Json]:
    """A dataclass as a mapping JSON can hold."""
    written: dict[str, Json] = {}
    for part in _plan(typing.cast("Hashable", type(thing))).parts:
        value = getattr(thing, part.name)
        if part.silent and value == part.default:
            continue
        written[part.name] = part.encode(value) if part.encode else value
    return written


def plain_values(values: Mapping[str, Value]) -> Mapping[str, Json]:
    """Field values as JSON can hold them, each kind distinct.

    Decimal is a number, text a string, a set a list, and a time `{"t": ISO 8601}`.
    """
    times = [name for name, value in values.items() if type(value) is datetime]
    return {**values, **{name: _plain_value(values[name]) for name in times}} if times else values


def values(written: Mapping[str, Json]) -> dict[str, Value]:
    """The field values again."""
    return {name: _value(value) for name, value in written.items()}


def _plain_value(value: Value) -> Json:
    if not isinstance(value, datetime):
        return value
    return {"t": value if value.tzinfo is UTC else value.isoformat()}  # the encoder is fast and rounds other zones


def _value(written: Json) -> Value:
    if isinstance(written, list):
        return frozenset(written)
    if isinstance(written, dict):
        return datetime.fromisoformat(written["t"])
    return typing.cast("Value", written)


def _storable(value: Json) -> Json:
    """The same with every text storable; the slow way, for the rare text UTF-8 cannot hold."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, (list, tuple, frozenset)):
        return [_storable(item) for item in value]
    if isinstance(value, collections.abc.Mapping):
        return {storable(key): _storable(item) for key, item in value.items()}
    return _storable(plain(value)) if dataclasses.is_dataclass(value) else value


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """How one field of a dataclass is written and read."""

    name: str
    encode: Callable[[Any], Json] | None
    """None: the JSON encoder writes it as it is."""
    decode: Decode
    silent: bool
    default: object


@dataclasses.dataclass(frozen=True, slots=True)
class _Plan:
    """How one dataclass is written and read."""

    cls: type
    parts: tuple[_Part, ...]

    def decode(self, written: Json) -> object:
        """Build it from what is written."""
        return self.cls(**{part.name: part.decode(written[part.name]) for part in self.parts if part.name in written})


@functools.cache
def _plan(cls: Hashable) -> _Plan:
    made = typing.cast("type", cls)
    hints = typing.get_type_hints(made, localns=_NAMES)
    stored = [field for field in dataclasses.fields(made) if field.metadata.get("stored", True)]
    return _Plan(made, tuple(_part(field, hints[field.name]) for field in stored))


def _part(field: dataclasses.Field[Any], hint: Json) -> _Part:
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    silent = not isinstance(default, enum.Enum) and any(default == nothing for nothing in _SILENT)
    return _Part(field.name, _encoder(hint), _decoder(hint), silent, default)


def _encoder(hint: Json) -> Callable[[Any], Json] | None:
    """What a value of this hint needs before the JSON encoder takes it; None when nothing."""
    if hint is _Value:
        return _plain_value
    if dataclasses.is_dataclass(hint):
        # What holds no field values the JSON encoder writes by itself, and faster.
        return plain if any(part.encode for part in _plan(typing.cast("Hashable", hint)).parts) else None
    origin: Json = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is collections.abc.Mapping and arguments[1] is _Value:
        return plain_values
    inner = next((encoder for encoder in map(_encoder, arguments) if encoder), None)
    if inner is None:
        return None
    if origin is tuple:
        return lambda items: [inner(item) for item in items]
    raise TypeError(_unsupported(hint))


_LEAVES: Mapping[Json, Decode] = {
    _Value: _value,
    str: str,
    bool: bool,
    int: int,
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    timedelta: lambda written: msgspec.convert(written, timedelta),
    bytes: lambda written: msgspec.convert(written, bytes),
}


def _decoder(hint: Json) -> Decode:
    if hint in _LEAVES:
        return _LEAVES[hint]
    if isinstance(hint, type) and issubclass(hint, enum.IntEnum):
        return lambda written: hint(int(written))
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return hint
    if dataclasses.is_dataclass(hint):
        return lambda written: _plan(typing.cast("Hashable", hint)).decode(written)
    return _container(hint)


def _container(hint: Json) -> Decode:
    origin: Json = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    inner = [_decoder(argument) for argument in arguments if argument not in {types.NoneType, ...}]
    if origin is types.UnionType and len(inner) == 1:
        return lambda written: None if written is None else inner[0](written)
    if origin is tuple and arguments[-1] is ...:
        return lambda written: tuple(inner[0](item) for item in written)
    if origin is frozenset:
        return lambda written: frozenset(inner[0](item) for item in written)
    if origin is collections.abc.Mapping and arguments[0] is str:
        return lambda written: {key: inner[1](item) for key, item in written.items()}
    raise TypeError(_unsupported(hint))


def _unsupported(hint: Json) -> str:
    return f"the store cannot keep a {hint}"

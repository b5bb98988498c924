"""JSON answers read into the types a venue documents, or into what is wrong with them and where. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from marginwatch.core.fields import Unit
from marginwatch.core.model import FailureKind, VenueFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from marginwatch.core.model import AccountKey, Value
    from marginwatch.venues.protocol import Part
    from marginwatch.venues.vendor import Documented

BODY_KEPT: Final = 4096
"""Bytes of a malformed answer that are kept for diagnosis."""

_SHORTEST_TOKEN: Final = 8
"""Characters. A shorter one is not looked for: it might be part of a number."""

_PLACE: Final = re.compile(r" - at `(?:key in )?\$\.?(.*)`$", re.DOTALL)
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs: no database takes all of them, and no terminal should."""
_LARGEST_EXPONENT: Final = 20
_SMALLEST_EXPONENT: Final = -30
_READ_AS: Final[Mapping[Unit, type]] = {Unit.FLAG: bool, Unit.TEXT: str, Unit.TIME: str}
"""How the wire holds a unit; all others are numbers."""

_ZEROS: Final[dict[str, Decimal]] = {}
"""Every zero there was, by its digits: most numbers of most accounts are zero, and each would take 100 bytes."""

Wire = TypeVar("Wire")
Row = TypeVar("Row")
Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True)
class Malformed:
    """An answer that is not what its venue documents."""

    what: str
    """For a person: `Expected a number, got a word`. Never holds a value of the answer."""
    where: str = ""
    """Path from the document's root, empty for the document itself."""

    def inside(self, outer: str) -> Malformed:
        """The same, seen from the document that holds this one at `outer`."""
        joint = "." if self.where and not self.where.startswith("[") else ""
        return Malformed(self.what, outer + joint + self.where)

    def of(self, venue: str, call: str, part: Part, account: AccountKey | None = None) -> VenueFailure:
        """The failure of the call that gave the answer."""
        return VenueFailure(
            venue=venue,
            kind=FailureKind.BAD_ANSWER,
            at=part.received_at,
            detail=f"the answer is not as documented: {self.what}",
            call=call,
            account=account,
            where=self.where or None,
            body=part.body[:BODY_KEPT],
        )


def unechoed(body: bytes, token: str) -> bytes:
    """An answer without the token it was asked with, should the venue repeat it: what is malformed is kept."""
    return body.replace(token.encode(), b"***") if len(token) >= _SHORTEST_TOKEN else body


class Parser(Generic[Wire]):
    """Turns bytes into one wire type, numbers digit by digit into Decimals; never raises.

    Args:
        wanted: the type.
        dec_hook: makes a value of a type of our own, or raises ValueError, to which its place is added.
        float_hook: makes a number with a fraction that no type asks for.
    """

    def __init__(
        self,
        wanted: type[Wire],
        dec_hook: Callable[[type, Any], Any] | None = None,
        float_hook: Callable[[str], Any] | None = None,
    ) -> None:
        self._decoder = msgspec.json.Decoder(wanted, dec_hook=dec_hook, float_hook=float_hook)

    def __call__(self, body: bytes | msgspec.Raw) -> Wire | Malformed:
        """The document, or what is wrong with it and where."""
        if not body:
            return Malformed("the answer is empty")
        try:
            return self._decoder.decode(body)
        except UnicodeDecodeError:
            return Malformed("the text is not UTF-8")
        except RecursionError:
            return Malformed("the document is nested too deep")
        except msgspec.DecodeError as error:
            text = str(error)
            place = _PLACE.search(text)
            return Malformed(text[: place.start()], place[1]) if place else Malformed(text)


def wire_type(name: str, table: Iterable[Documented], nested: Mapping[str, Any] | None = None) -> type[msgspec.Struct]:
    """A message with these scalars and these nested messages; each is a value, null (None) or missing (UNSET)."""
    kinds: dict[str, Any] = {field.name: _READ_AS.get(field.unit, Decimal) for field in table} | dict(nested or {})
    return msgspec.defstruct(name, [(key, kind | None | UnsetType, UNSET) for key, kind in kinds.items()])


class Reader:
    """Takes the scalars of one table out of a wire message."""

    def __init__(self, table: Iterable[Documented]) -> None:
        self._names = {field.name: field.unit is Unit.TIME for field in table}

    def __call__(self, message: msgspec.Struct, where: str) -> dict[str, Value] | Malformed:
        """The scalars that are there, by the vendor's names; `where` is the message's own place in the document.

        What a text must not hold is replaced, and a time without a zone is null.
        Malformed for a number that no account can hold: not finite, or with an absurd exponent.
        """
        found: dict[str, Value] = {}
        for name, is_time in self._names.items():
            value = getattr(message, name)
            if value is UNSET:
                continue
            if type(value) is Decimal:
                if not sane(value):
                    return Malformed("Expected a number of sane size", f"{where}.{name}" if where else name)
                if not value:
                    value = _ZEROS.setdefault(str(value), value)
            if type(value) is str:
                value = full_time(value) if is_time else plain_text(value)
            found[name] = value
        return found


def each(rows: Iterable[Row], read: Callable[[Row, str], Taken | Malformed], where: str) -> list[Taken] | Malformed:
    """All rows of a list read one by one, or the first that is malformed."""
    taken: list[Taken] = []
    for index, row in enumerate(rows):
        one = read(row, f"{where}[{index}]")
        if isinstance(one, Malformed):
            return one
        taken.append(one)
    return taken


def sane(number: Decimal) -> bool:
    """Whether an account can hold such a number: finite, and without an absurd exponent."""
    return number.is_finite() and _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT


def plain_text(text: str) -> str:
    """The text with every control character replaced by U+FFFD."""
    return text if text.isprintable() else _UNFIT.sub("\ufffd", text)


def wrong_id(text: str, where: str) -> Malformed | None:
    """Why an account cannot be called so; None when it can. Nothing is replaced: two ids could become one."""
    if not text:
        return Malformed("Expected an id, got an empty text", where)
    return Malformed("Expected an id, got one with a control character", where) if _UNFIT.search(text) else None


def full_time(text: str | None) -> datetime | None:
    """A time with its zone as aware UTC; None for anything less, whose meaning no venue documents."""
    try:
        at = datetime.fromisoformat(text or "")
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None

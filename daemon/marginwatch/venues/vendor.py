"""A vendor's documented fields as a table, from which both the catalogue and the wire types are made."""

from __future__ import annotations

from dataclasses import dataclass

from marginwatch.core.fields import Field, Unit


@dataclass(frozen=True, slots=True)
class Documented:
    """One scalar of a reply, as its vendor's page has it. Any may be missing or null: no page says otherwise."""

    name: str
    """The vendor's."""
    unit: Unit
    meaning: str
    values: tuple[str, ...] = ()
    """For a documented closed list."""
    converted: str = ""
    """For an amount in a currency of its own: the field that has it in the account's."""

    def field(self, prefix: str, *, name: str = "") -> Field:
        """Its place in a catalogue, read from `prefix` and its own name; `name` where rules call it otherwise."""
        return Field(
            name or self.name,
            self.unit,
            prefix + self.name,
            self.meaning,
            may_be_absent=True,
            documented=self.name if name not in ("", self.name) else "",
            values=self.values,
            converted=self.converted,
        )


def money(name: str, meaning: str, converted: str = "") -> Documented:
    """An amount in the account's currency; in another where `converted` names the field that is in the account's."""
    return Documented(name, Unit.MONEY, meaning, converted=converted)


def price(name: str, meaning: str) -> Documented:
    """An amount for one unit."""
    return Documented(name, Unit.PRICE, meaning)


def quantity(name: str, meaning: str) -> Documented:
    """How much of an instrument."""
    return Documented(name, Unit.QUANTITY, meaning)


def number(name: str, meaning: str) -> Documented:
    """A number without a unit, or with one that the vendor does not document."""
    return Documented(name, Unit.COUNT, meaning)


def flag(name: str, meaning: str) -> Documented:
    """True or false."""
    return Documented(name, Unit.FLAG, meaning)


def text(name: str, meaning: str, values: tuple[str, ...] = ()) -> Documented:
    """Words."""
    return Documented(name, Unit.TEXT, meaning, values)


def time(name: str, meaning: str) -> Documented:
    """A point in time; unknown when the vendor leaves its zone out."""
    return Documented(name, Unit.TIME, meaning)

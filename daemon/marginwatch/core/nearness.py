"""How near the numbers of accounts are to the levels of their rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.fields import Unit
from marginwatch.core.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from marginwatch.core.model import AccountKey, Severity, Value
    from marginwatch.core.rule import Rule

_PART: Final = Decimal("0.1")
"""Of a limit: a value that lies no further from it is near."""
_POINTS: Final = Decimal("0.05")
"""A ratio is near within so much at most: 80 % from 75 % to 85 %."""
_WIDER: Final = Decimal("1.5")
"""Who is near stays so a little further off, so that a number at the brink does not change everything each time."""

Zone = tuple[str, Decimal, Decimal]
"""A field, and from where to where its value is near some level."""


@dataclass(frozen=True, slots=True)
class Band:
    """The surroundings of one level."""

    field: str
    rule: str
    severity: Severity
    limit: Decimal
    margin: Decimal

    def zone(self, scale: Decimal) -> Zone:
        """Its bounds."""
        return self.field, self.limit - scale * self.margin, self.limit + scale * self.margin


@dataclass(frozen=True, slots=True)
class Near:
    """An account near a level."""

    distance: Decimal
    """0 at the limit, 1 at the end of its surroundings."""
    account: AccountKey
    rule: str
    severity: Severity

    @property
    def in_words(self) -> str:
        """For a person."""
        return f"{self.account} is near {self.rule} {self.severity.label}"


class Reach:
    """The surroundings of all levels of some rules: of ladders whose value is one field of the account.

    A limit of zero has none: there a field may stay for ever, as the amount of a call does while there is no call.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._bands = tuple(_bands(rules))
        self._narrow = _merged(band.zone(Decimal(1)) for band in self._bands)
        self._wide = _merged(band.zone(_WIDER) for band in self._bands)

    def zones(self, *, wide: bool) -> tuple[Zone, ...]:
        """Where values are near some level: few, and quickly asked."""
        return self._wide if wide else self._narrow

    def nearest(self, account: AccountKey, known: Mapping[str, Value]) -> Near | None:
        """The level that the account is nearest to; None when it has no value of their fields."""
        found = [
            Near(abs(value - band.limit) / band.margin, account, band.rule, band.severity)
            for band in self._bands
            if isinstance(value := known.get(band.field), Decimal)
        ]
        return min(found, key=_order, default=None)


def nearest(accounts: Iterable[tuple[AccountKey, Mapping[str, Value], Reach]], *, wide: bool) -> Iterator[Near]:
    """Those of the accounts, with their last known values, that are near a level; `wide` looks a little further."""
    for account, known, reach in accounts:
        for field, low, high in reach.zones(wide=wide):
            value = known.get(field)
            if isinstance(value, Decimal) and low <= value <= high:
                near = reach.nearest(account, known)
                assert near is not None  # it has a value of this field
                yield near
                break


def first(near: Iterable[Near]) -> Near | None:
    """The nearest of all; of equals always the same one."""
    return min(near, key=_order, default=None)


def _order(near: Near) -> tuple[Decimal, str, str, int]:
    return near.distance, str(near.account), near.rule, near.severity


def _bands(rules: Iterable[Rule]) -> Iterator[Band]:
    for rule in rules:
        if rule.kind is not RuleKind.LADDER or rule.each:
            continue
        for level in rule.levels:
            if level.limit:
                margin = _PART * abs(level.limit)
                if rule.unit is Unit.RATIO:
                    margin = min(margin, _POINTS)
                yield Band(rule.expression.strip(), rule.id, level.severity, level.limit, margin)


def _merged(zones: Iterable[Zone]) -> tuple[Zone, ...]:
    """The same without overlaps."""
    merged: list[Zone] = []
    for field, low, high in sorted(zones):
        if merged and merged[-1][0] == field and low <= merged[-1][2]:
            _, lowest, highest = merged.pop()
            merged.append((field, lowest, max(high, highest)))
        else:
            merged.append((field, low, high))
    return tuple(merged)

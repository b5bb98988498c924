"""How near the numbers of accounts are to the levels of their rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from marginwatch.core.fields import Unit
from marginwatch.core.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from marginwatch.core.model import AccountKey, Severity
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import AccountState

Counts: TypeAlias = "Callable[[AccountState], bool]"

_PART: Final = Decimal("0.1")
"""Of a limit: a value that lies no further from it is near."""
_POINTS: Final = Decimal("0.05")
"""A ratio is near within so much at most: 80 % from 75 % to 85 %."""
_WIDER: Final = Decimal("1.5")
"""Who is near stays so a little further off, so that a number at the brink does not change everything each time."""

Zone: TypeAlias = tuple[tuple[str, bool], Decimal, Decimal]
"""A field and whether larger is worse, and from where to where its value is near some level."""


@dataclass(frozen=True, slots=True)
class Band:
    """The surroundings of one level."""

    field: str
    upward: bool
    """Whether larger is worse."""
    rule: str
    severity: Severity
    limit: Decimal
    margin: Decimal

    def zone(self, scale: Decimal) -> Zone:
        """Its bounds."""
        return (self.field, self.upward), self.limit - scale * self.margin, self.limit + scale * self.margin


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
        self._bands: dict[str, list[Band]] = {}
        for band in _bands(rules):
            self._bands.setdefault(band.field, []).append(band)
        bands = [band for found in self._bands.values() for band in found]
        self._narrow = _merged(band.zone(Decimal(1)) for band in bands)
        self._wide = _merged(band.zone(_WIDER) for band in bands)

    def nearest(self, states: Sequence[AccountState], counts: Counts, *, wide: bool) -> Near | None:
        """The account whose last known values are nearest to a level, of those near one; `wide` looks further.

        `counts` is asked of those near a level alone: whether the account is to be looked at.
        """
        best: Near | None = None
        for (field, upward), low, high in self._wide if wide else self._narrow:
            found = _upwards(states, field, low, high) if upward else _downwards(states, field, low, high)
            for near in (self._near(field, state) for state in found if counts(state)):
                best = near if best is None else min(best, near, key=in_order)
        return best

    def _near(self, field: str, state: AccountState) -> Near:
        value = state.known[field]
        assert isinstance(value, Decimal)  # a ladder's value is a number
        away = ((abs(value - band.limit) / band.margin, band) for band in self._bands[field])
        distance, band = min(away, key=lambda each: (each[0], each[1].rule))
        return Near(distance, state.account.key, band.rule, band.severity)


def in_order(near: Near) -> tuple[Decimal, str, str, str]:
    """The nearest first; of equals always the same one."""
    return near.distance, str(near.account), near.rule, near.severity.label


# Written for speed: of ten thousand accounts hardly any is near, and one comparison shows it of nearly all.


def _upwards(states: Iterable[AccountState], field: str, low: Any, high: Any) -> list[AccountState]:  # noqa: ANN401  (a ladder's value is a number, as the bounds are)
    return [each for each in states if (value := each.known.get(field)) is not None and low <= value <= high]


def _downwards(states: Iterable[AccountState], field: str, low: Any, high: Any) -> list[AccountState]:  # noqa: ANN401  (a ladder's value is a number, as the bounds are)
    return [each for each in states if (value := each.known.get(field)) is not None and high >= value >= low]


def _bands(rules: Iterable[Rule]) -> Iterator[Band]:
    for rule in rules:
        if rule.kind is not RuleKind.LADDER or rule.each:
            continue
        for level in rule.levels:
            if level.limit:
                margin = _PART * abs(level.limit)
                if rule.unit is Unit.RATIO:
                    margin = min(margin, _POINTS)
                upward = level.operator.startswith(">")
                yield Band(rule.expression.strip(), upward, rule.id, level.severity, level.limit, margin)


def _merged(zones: Iterable[Zone]) -> tuple[Zone, ...]:
    """The same without overlaps."""
    merged: list[Zone] = []
    for which, low, high in sorted(zones):
        if merged and merged[-1][0] == which and low <= merged[-1][2]:
            _, lowest, highest = merged.pop()
            merged.append((which, lowest, max(high, highest)))
        else:
            merged.append((which, low, high))
    return tuple(merged)

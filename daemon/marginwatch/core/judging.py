"""One rule on one subject: from the value of its expression to what it says."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.because import Blame, Sight, blame
from marginwatch.core.condition import names
from marginwatch.core.condition.functions import TEMPORAL
from marginwatch.core.condition.nodes import Call, walk
from marginwatch.core.result import Difference, Known, Occurred
from marginwatch.core.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marginwatch.core.applied import Applied
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Value
    from marginwatch.core.rule import Level, Rule

_CROSSES: Final = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def judge(
    applied: Applied, sight: Sight, positions: Sequence[Mapping[str, Value]] | Mapping[str, Value] | None
) -> Known | Occurred | Blame:
    """What the rule says there; `positions` are the account's, or the position a rule with `each` looks at."""
    rule = applied.rule
    value = applied.evaluation(sight.observation.fields, sight.known, positions)
    if rule.kind is RuleKind.LADDER:
        return _climb(rule.levels, value) if isinstance(value, Decimal) else blame(applied.node, sight)
    if not isinstance(value, bool):
        return blame(applied.node, sight)
    if rule.kind is RuleKind.EVENT and value:
        return Occurred(tuple(_differences(applied, sight)))
    return Known((value,), (value,))


def false(rule: Rule) -> Known:
    """That no level of the rule holds."""
    none = (False,) * len(rule.levels)
    return Known(none, none)


def nameless(positions: Sequence[Mapping[str, Value]], catalogue: Catalogue) -> bool:
    """Whether some position does not say which one it is: it may be any that seems to be gone."""
    column = _column(catalogue)
    return any(position.get(column) is None for position in positions)


def subjects(
    positions: Sequence[Mapping[str, Value]], catalogue: Catalogue
) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """Each position with a name of its own: its id, or its symbol, further lots of which are numbered as listed."""
    column = _column(catalogue)
    taken: set[str] = set()
    for position in positions:
        value = position.get(column)
        name = "position" if value is None else str(value)
        subject, lot = name, 1
        while subject in taken:
            lot += 1
            subject = f"{name}#{lot}"
        taken.add(subject)
        yield subject, position


def _column(catalogue: Catalogue) -> str:
    return "id" if "id" in catalogue.positions else "symbol"


def _climb(levels: Sequence[Level], value: Decimal) -> Known:
    held = tuple(level.limit is not None and _CROSSES[level.operator](value, level.limit) for level in levels)
    kept = tuple(holds or _on_bad_side(level, value) for level, holds in zip(levels, held, strict=True))
    return Known(held, kept, value)


def _on_bad_side(level: Level, value: Decimal) -> bool:
    """Not yet at the value that must be reached to leave the level."""
    if level.clear is None:
        return False
    return value > level.clear if level.operator.startswith(">") else value < level.clear


def _differences(applied: Applied, sight: Sight) -> Iterator[Difference]:
    """Every field under a function of change that differs from its last known value, in the order written."""
    asked = (call for call in walk(applied.node) if isinstance(call, Call) and call.function in TEMPORAL)
    for name in dict.fromkeys(name for call in asked for name in names(call)):
        before, after = sight.known.get(name), sight.observation.fields.get(name)
        if before is not None and after is not None and before != after:
            yield Difference(name, before, after)

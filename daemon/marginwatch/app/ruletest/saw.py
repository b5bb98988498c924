"""What a rule saw, in words: the fields it reads with their values, and where its limits are."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.model import Gap
from marginwatch.core import condition
from marginwatch.core.condition.nodes import Arithmetic, Name, Negative, Number, walk
from marginwatch.core.judging import subjects
from marginwatch.core.model import TIMES
from marginwatch.core.rule import RuleKind
from marginwatch.notify.words import amount, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.app.ruletest.answers import Answers
    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.core.applied import Applied
    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value
    from marginwatch.core.rule import Level

_NO_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""For words that tell no time."""
_PLAIN: Final = {Arithmetic, Name, Negative, Number}
"""What an expression is made of that needs nothing but the present answer."""


def saw(bound: Bound, rule_id: str, answers: Answers, subject: str | None = None) -> tuple[str, ...]:
    """A line each: every field the rule reads, and where its levels are; nothing for a built-in alert."""
    site = bound.case.site
    applied = next((each for each in bound.ruling.venues[site.name].rules.applied if each.rule.id == rule_id), None)
    return () if applied is None else tuple(_Sight(bound, applied, answers, subject).lines())


class _Sight:
    """One rule and what it looked at."""

    def __init__(self, bound: Bound, applied: Applied, answers: Answers, subject: str | None) -> None:
        self._bound = bound
        self._rule = applied.rule
        self._node = applied.node
        self._catalogue = bound.case.site.catalogue
        self._answers = answers
        self._subject = subject

    def lines(self) -> Iterator[str]:
        """Fields, the value made of them, limits."""
        if self._answers.fails is not None:
            yield f"the account does not answer: {self._answers.fails.value.replace('_', ' ')}"
        names = condition.names(self._node)
        yield from (self._field(name) for name in names if not name.startswith(condition.POSITION))
        columns = [name.removeprefix(condition.POSITION) for name in names if name.startswith(condition.POSITION)]
        yield from self._positions(columns)
        yield from self._value()
        limits = (f"{each.severity.label} is {each.operator} {self._limit(each)}" for each in self._rule.levels)
        if self._rule.kind is RuleKind.LADDER:
            yield ", ".join(limits)

    def _field(self, name: str) -> str:
        said, field = self._answers.said(name), self._catalogue.fields.get(name)
        if name in TIMES or any(name in step.says for step in self._bound.case.steps):
            return f"{name} is missing from the answer" if isinstance(said, Gap) else f"{name} = {_words(said, field)}"
        return f"{name} was never given in this test"

    def _positions(self, columns: list[str]) -> Iterator[str]:
        seen = self._answers.latest
        if not columns or seen is None:
            return
        if seen.positions is None:
            yield "the positions are missing from the answer"
            return
        for subject, position in subjects(seen.positions, self._catalogue):
            if self._subject in {None, subject}:
                shown = (self._column(position, name) for name in columns)
                yield f"position {subject}: {', '.join(shown)}"
        if not seen.positions:
            yield "there are no positions"

    def _column(self, position: Mapping[str, Value], name: str) -> str:
        if name not in position:
            return f"{name} is missing"
        return f"{name} = {_words(position[name], self._catalogue.positions.get(name))}"

    def _value(self) -> Iterator[str]:
        """What the fields come to, where that is not one of them and can be worked out from this answer alone."""
        seen, kinds = self._answers.latest, set(map(type, walk(self._node)))
        if self._rule.kind is not RuleKind.LADDER or self._rule.each or seen is None or Arithmetic not in kinds:
            return
        if kinds <= _PLAIN:
            value = condition.interpret(self._node, condition.Scene(seen.fields))
            shown = amount(value, self._rule.unit) if isinstance(value, Decimal) else "unknown"
            yield f"{self._rule.expression} = {shown}"

    def _limit(self, level: Level) -> str:
        return "" if level.limit is None else amount(level.limit, self._rule.unit)


def _words(value: Value, field: Field | None) -> str:
    if isinstance(value, Decimal) and field is not None:
        return amount(value, field.unit)
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else value_of(value, _NO_TIME)

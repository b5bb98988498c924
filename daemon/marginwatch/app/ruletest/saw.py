"""What a rule saw, in words: the fields it reads with their values, and where its limits are."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.model import Gap
from marginwatch.core import condition
from marginwatch.core.condition.nodes import Name
from marginwatch.core.evaluate import evaluate
from marginwatch.core.judging import subjects
from marginwatch.core.model import TIMES
from marginwatch.core.result import AlertKey, Known, Unknown
from marginwatch.core.rule import RuleKind
from marginwatch.core.windows import AccountWindows, Pending
from marginwatch.notify.words import amount, span, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.app.ruletest.look import Look
    from marginwatch.core.applied import Applied
    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value
    from marginwatch.core.rule import Level
    from marginwatch.core.windows import Coverage

_NO_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""For words that tell no time."""


def saw(look: Look, rule_id: str, subject: str | None = None) -> tuple[str, ...]:
    """A line each: what the rule reads, what that comes to, and its levels; nothing for a built-in alert."""
    rules = look.bound.ruling.venues[look.bound.case.site.name].rules
    applied = next((each for each in rules.applied if each.rule.id == rule_id), None)
    return () if applied is None else tuple(_Sight(look, applied, subject).lines())


class _Sight:
    """One rule and what it looked at."""

    def __init__(self, look: Look, applied: Applied, subject: str | None) -> None:
        self._look = look
        self._case = look.bound.case
        self._answers = look.answers
        self._rule = applied.rule
        self._applied = applied
        self._catalogue = look.bound.case.site.catalogue
        self._subject = subject

    def lines(self) -> Iterator[str]:
        """Fields, the value made of them, limits."""
        if self._answers.fails is not None:
            yield f"the account does not answer: {self._answers.fails.value.replace('_', ' ')}"
        elif self._answers.latest is None:
            yield "the account has not answered yet"
        names = condition.names(self._applied.node)
        yield from (self._field(name) for name in names if not name.startswith(condition.POSITION))
        columns = [name.removeprefix(condition.POSITION) for name in names if name.startswith(condition.POSITION)]
        yield from self._positions(columns)
        yield from self._value()
        limits = (f"{each.severity.label} is {each.operator} {self._limit(each)}" for each in self._rule.levels)
        if self._rule.kind is RuleKind.LADDER:
            yield ", ".join(limits)

    def _field(self, name: str) -> str:
        said, field = self._answers.said(name), self._catalogue.fields.get(name)
        if name in TIMES or any(name in step.says for step in self._case.steps):
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
        """What the engine makes of it: windows, the value where that is not a field itself, why it is unknown."""
        seen, state = self._answers.latest, self._look.memory.accounts.get(self._case.account.key)
        if seen is None or state is None or self._answers.fails is not None:
            return
        watch = self._look.bound.ruling.venues[self._case.site.name]
        rules = watch.rules.for_account(self._case.account, {})
        kept = self._look.memory.windows.get(self._case.account.key) or AccountWindows(watch.stale_after)
        past = Pending(kept).see(rules.windows, rules.facts(seen), state.next_time(seen))
        yield from (self._window(each, past.values()) for each in past.coverage(self._applied.windows))
        key = AlertKey(self._rule.id, self._case.account.key, self._subject or "")
        for result in evaluate(rules, seen, state, {key}, past).results:
            if result.key == key and isinstance(result.outcome, Unknown):
                yield f"unknown: {result.outcome.because}"
            elif result.key == key and isinstance(result.outcome, Known):
                yield from self._worked_out(result.outcome)

    def _window(self, seen: Coverage, values: Mapping[str, Value]) -> str:
        part = "" if seen.whole else f", of which {span(seen.known)} were seen"
        return f"{seen.text} = {_words(values[seen.text], None)}{part}"

    def _worked_out(self, known: Known) -> Iterator[str]:
        if known.value is not None and not isinstance(self._applied.node, Name):
            yield f"{self._rule.expression} = {amount(known.value, self._rule.unit)}"

    def _limit(self, level: Level) -> str:
        return "" if level.limit is None else amount(level.limit, self._rule.unit)


def _words(value: Value, field: Field | None) -> str:
    if isinstance(value, Decimal) and field is not None:
        return amount(value, field.unit)
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else value_of(value, _NO_TIME)

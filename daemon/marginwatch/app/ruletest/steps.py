"""The steps of one test: when they are, what the account answers from then on, and what else happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.entry import Entry
from marginwatch.app.ruletest.expectations import read_expected
from marginwatch.app.ruletest.model import Acknowledge, Gap, Hush, Step
from marginwatch.app.ruletest.values import read_time, read_value
from marginwatch.config.durations import BadDurationError, parse_duration
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.fields import Unit
from marginwatch.core.model import FailureKind
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from marginwatch.app.ruletest.model import Case, Expected, Said
    from marginwatch.config.document import Node
    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Value

KEYS: Final = (
    *("at", "after", "set", "null", "unset", "positions", "fail", "repeat"),
    *("restart", "ack", "silence", "expect"),
)
_ANSWERS: Final = ("set", "null", "unset", "positions")
"""Keys that say what the account answers: each makes it answer at once."""
POSITIONS: Final = "positions"
_FAILURES: Final = {kind.value.replace("_", " "): kind for kind in FailureKind}
_SET_LIKE: Final = 'write it like set = { margin_usage = "85%" }'


class StepReader:
    """Reads the steps of one test at one venue, in order."""

    def __init__(self, case: Case, test: Entry, everywhere: Iterable[Catalogue]) -> None:
        """`everywhere` has the catalogues of all kinds of venue."""
        self._case = case
        self._test = test
        self._everywhere = tuple(everywhere)
        self._problems = test.problems
        self._now: datetime | None = None

    def steps(self) -> tuple[Step, ...]:
        """All of them, as far as they can be read."""
        nodes = self._test.items("step", "begin each step with [[test.step]]")
        if not nodes and "step" not in self._test:
            self._test.problem(self._test.node.place, "the test has no steps", "begin each step with [[test.step]]")
        found = tuple(self._step(node) for node in nodes)
        if nodes and not any(step.expect is not None for step in found):
            self._test.problem(self._test.node.place, "the test expects nothing", "give a step `expect`")
        return found

    def _step(self, node: Node) -> Step:
        step = Entry(node, self._problems)
        if not isinstance(node.value, dict):
            step.problem(node.place, f"a step must be a table, not {node.kind}")
        step.refuse_unknown(KEYS, "a step")
        self._now = at = self._at(step)
        answers = any(key in step for key in _ANSWERS)
        fails = self._fails(step)
        if "fail" in step and answers:
            key = next(key for key in _ANSWERS if key in step)
            what = f"a step either fails or answers, and this one has `fail` and `{key}`"
            step.problem(step.key_place("fail"), what, "make two steps of it")
        return Step(
            place=node.key_place if node.key >= 0 else node.place,
            at=at,
            says=self._says(step),
            positions=self._positions(step),
            answers=answers,
            fails=fails,
            pace=self._pace(step),
            restart=step.flag("restart"),
            acknowledge=tuple(Acknowledge(str(each.value), each.place) for each in step.words("ack") or ()),
            silence=self._silence(step),
            expect=self._expect(step),
        )

    def _at(self, step: Entry) -> datetime:
        """When the step is: `at` from the start, `after` the one before, else one answer later."""
        start = self._case.start
        if "at" in step and "after" in step:
            step.problem(step.key_place("after"), "a step has `at` or `after`, not both")
        if "after" in step:
            return (self._now or start) + (step.duration("after") or timedelta(0))
        if "at" not in step:
            return start if self._now is None else self._now + self._case.every
        at = self._moment(step)
        if self._now is not None and at < self._now:
            step.problem(step.place("at"), "the step lies before the one above it", "steps stand in the order of time")
        return at

    def _moment(self, step: Entry) -> datetime:
        item = step.text("at", hint='write it like "1m30s", from the start of the test')
        if item is None:
            return self._now or self._case.start
        text = str(item.value)
        try:
            return self._case.start + parse_duration(text)
        except BadDurationError as error:
            at = read_time(text)
            if at is not None and at >= self._case.start:
                return at
            what = str(error).partition("; ")[0] if at is None else "this is before the start of the test"
            step.problem(item.place, f"`at`: {what}", "" if at is None else "give the test a `start`")
        return self._now or self._case.start

    def _says(self, step: Entry) -> dict[str, Said]:
        says: dict[str, Said] = {}
        table = step.table("set", _SET_LIKE)
        catalogue = self._case.site.catalogue
        for name, node in _flattened(table.node) if table else ():
            field = self._field(name, catalogue.fields, node)
            if field is not None:
                value = self._value(field, node)
                says.update(_with_flags(field, value, catalogue) if isinstance(value, frozenset) else {name: value})
        for key, said in (("null", None), ("unset", Gap.MISSING)):
            for node in step.words(key) or ():
                name = str(node.value)
                if not (name == POSITIONS and said is Gap.MISSING) and self._field(name, catalogue.fields, node):
                    says[name] = said
        return _with_other_names(says, catalogue)

    def _field(self, name: str, fields: Mapping[str, Field], node: Node) -> Field | None:
        field = fields.get(name)
        if field is None:
            place = node.key_place if node.key >= 0 else node.place
            self._problems.append(
                self._stranger(name, place, of_positions=fields is not self._case.site.catalogue.fields)
            )
        return field

    def _stranger(self, name: str, place: Place, *, of_positions: bool) -> Problem:
        """No field of this venue; one of another, or most likely misspelt."""
        names = {each.kind: each.positions if of_positions else each.fields for each in self._everywhere}
        elsewhere = [kind for kind, fields in names.items() if name in fields]
        what = f"there is no field `{name}`" + (" of a position" if of_positions else "")
        if elsewhere:
            return Problem(place, f"{what} at {self._case.site.kind}", f"{' and '.join(elsewhere)} has it")
        return Problem(place, what, did_you_mean(name, [name for fields in names.values() for name in fields]))

    def _value(self, field: Field, node: Node) -> Value:
        value = read_value(field, node)
        if isinstance(value, Problem):
            self._problems.append(value)
            return None
        if isinstance(value, frozenset):
            self._check_words(field, node, value)
        return value

    def _check_words(self, field: Field, node: Node, words: frozenset[str]) -> None:
        """Where each word of a set has a flag of its own, no other word is ever in it."""
        known = _flags(field, self._case.site.catalogue)
        for word in sorted(words - known) if known else ():
            hint = did_you_mean(word, known) or f"the words are {', '.join(sorted(known))}"
            self._problems.append(Problem(node.place, f"the venue never says `{word}` in `{field.name}`", hint))

    def _positions(self, step: Entry) -> tuple[Mapping[str, Value], ...] | Gap | None:
        if any(node.value == POSITIONS for node in step.words("unset") or ()):
            return None
        if POSITIONS not in step:
            return Gap.MISSING
        rows = step.items(POSITIONS, 'write it like [{ symbol = "ES", quantity = 2 }]')
        return tuple(self._position(Entry(row, self._problems)) for row in rows)

    def _position(self, row: Entry) -> Mapping[str, Value]:
        if not isinstance(row.node.value, dict):
            row.problem(row.node.place, f"a position must be a table, not {row.node.kind}")
        values: dict[str, Value] = {}
        for name, node in _flattened(row.node):
            field = self._field(name, self._case.site.catalogue.positions, node)
            if field is not None:
                values[name] = self._value(field, node)
        return values

    def _fails(self, step: Entry) -> FailureKind | None:
        item = step.text("fail", hint=f"write one of {', '.join(_FAILURES)}")
        if item is None:
            return None
        word = str(item.value).replace("_", " ")
        if word not in _FAILURES:
            hint = did_you_mean(word, _FAILURES) or f"write one of {', '.join(_FAILURES)}"
            step.problem(item.place, f"no venue fails like `{word}`", hint)
        return _FAILURES.get(word)

    def _pace(self, step: Entry) -> timedelta | None:
        item = step.item("repeat")
        if item is None:
            return None
        if item.value is False:
            return timedelta(0)
        if isinstance(item.value, bool):
            return self._case.every
        span = step.duration("repeat")
        if span is not None and not span:
            step.problem(item.place, "`repeat` must be longer than nothing", "repeat = false ends the answers")
        return span

    def _silence(self, step: Entry) -> Hush | None:
        item = step.item("silence")
        if item is None:
            return None
        if not isinstance(item.value, dict):
            span = step.duration("silence")
            return None if span is None else Hush(span)
        table = Entry(item, self._problems)
        table.refuse_unknown(("for", "rule"), "`silence`")
        span, rule = table.duration("for"), table.text("rule")
        if "for" not in table:
            table.problem(item.place, "`silence` needs `for`", 'as in { for = "10m", rule = "margin-*" }')
        return Hush(span or timedelta(0), "*" if rule is None else str(rule.value))

    def _expect(self, step: Entry) -> tuple[Expected, ...] | None:
        table = step.table("expect", 'write it like expect = { "margin-usage" = "firing" }')
        if table is None:
            return None
        entry = Entry(table.node, self._problems)
        return tuple(read_expected(entry, name, self._case) for name in entry.keys)


def _flattened(table: Node, before: str = "") -> list[tuple[str, Node]]:
    """Names and their nodes; `permissions.trade = true` without quotes is a table in a table."""
    found: list[tuple[str, Node]] = []
    for name, node in table.value.items() if isinstance(table.value, dict) else ():
        inner = _flattened(node, f"{before}{name}.") if isinstance(node.value, dict) else [(f"{before}{name}", node)]
        found += inner
    return found


def _with_other_names(says: Mapping[str, Said], catalogue: Catalogue) -> dict[str, Said]:
    """What is said of a field, under each name that is read from the same place of the reply."""
    read = {(catalogue.fields[name].path, catalogue.fields[name].unit): said for name, said in says.items()}
    return {**{each.name: read[each.path, each.unit] for each in catalogue if (each.path, each.unit) in read}, **says}


def _flags(field: Field, catalogue: Catalogue) -> frozenset[str]:
    """The words of a set that have a flag of their own: `permissions.trade` is that of `trade`."""
    start = f"{field.name}."
    return frozenset(
        each.name.removeprefix(start) for each in catalogue if each.unit is Unit.FLAG and each.name.startswith(start)
    )


def _with_flags(field: Field, words: frozenset[str], catalogue: Catalogue) -> dict[str, Said]:
    """A set, and the flags that say the same one by one."""
    flags: dict[str, Said] = {f"{field.name}.{word}": word in words for word in _flags(field, catalogue)}
    return {**flags, field.name: words}

"""Sweeps: `--set margin-usage.levels.warning=70%..90%/5%` as rules that differ in one value each.

text -> values                     a single one, or all from A to B
values -> the rule's own table     with the value where the file has another, or none
table -> rule                      by the checker that rule files pass
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from marginwatch.config.document import Node, Source
from marginwatch.config.durations import BadDurationError, format_duration, parse_duration
from marginwatch.config.rulecheck import Scene, check_rule
from marginwatch.config.rulemodel import draft
from marginwatch.config.sourcefile import read_document
from marginwatch.config.suggest import did_you_mean
from marginwatch.config.tomlfile import parse_toml
from marginwatch.core.model import Severity
from marginwatch.errors import MarginwatchError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from marginwatch.core.rule import Rule

MOST: Final = 200
"""Variants in one backtest."""
_DURATIONS: Final = ("for", "clear_for", "remind_every")
_AMOUNTS: Final = ("clear_by", "worsens_by")
_LEVELS: Final = tuple(f"levels.{severity.label}" for severity in Severity)
KEYS: Final = (*_LEVELS, *_DURATIONS, *_AMOUNTS)
"""What can be set."""
MARK: Final = "#"
"""Stands in no id of a rule, but between it and the number of a variant."""
_RANGE: Final = re.compile(r"(?P<first>.+?)\.\.(?P<last>.+?)/(?P<step>.+)")
_NUMBER: Final = re.compile(r"(?P<digits>-?[\d_]+(?:\.\d+)?|-?\.\d+)(?P<sign>%?)", re.ASCII)
_OPERATOR: Final = re.compile(r"[<>]=?")
_RANGE_LIKE: Final = "write it like 70%..90%/5%"

Amount = TypeVar("Amount", Decimal, timedelta)


class BadSweepError(MarginwatchError):
    """What a `--set` says cannot be done."""

    def __init__(self, text: str, what: str, hint: str = "") -> None:
        super().__init__(f"--set {text}: {what}" + (f"; {hint}" if hint else ""))


class TooManyVariantsError(MarginwatchError):
    """More variants than anybody would compare."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the --set options make {number:,} combinations, and {MOST} are the most; take larger steps")


@dataclass(frozen=True, slots=True)
class Sweep:
    """One `--set`."""

    text: str
    rule: str
    key: str
    values: tuple[str, ...]
    """As a rule file would have them, without the operator of a level."""

    @property
    def is_range(self) -> bool:
        """More than one value."""
        return len(self.values) > 1


@dataclass(frozen=True, slots=True)
class Variant:
    """A rule with other values."""

    rule: Rule
    """Its id is the rule's with a number, so that all can be tried side by side."""
    of: Rule
    """The rule as it is."""
    values: Mapping[str, str]
    """By key."""
    current: bool
    """It decides as the rule does now."""


def plain_id(rule: Rule) -> str:
    """The id of the rule that a variant is of; that of a rule as it is."""
    return plain_name(rule.id)


def plain_name(rule: str) -> str:
    """The id of the rule that a rule of this id is tried for."""
    return rule.partition(MARK)[0]


def read_sweep(text: str, rules: Iterable[str]) -> Sweep:
    """What one `--set` says.

    Raises:
        BadSweepError: It cannot be read, or names no rule or key.
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not values:
        raise BadSweepError(text, "it must name a value", "write it like margin-usage.for=30s")
    known = sorted(rules, key=len, reverse=True)
    rule = next((each for each in known if name.startswith(f"{each}.")), None)
    if rule is None:
        wanted = name.split(".", maxsplit=1)[0]
        raise BadSweepError(text, f"there is no rule {wanted}", did_you_mean(wanted, known))
    key = name.removeprefix(f"{rule}.")
    if key not in KEYS:
        hint = did_you_mean(key, KEYS) or f"the keys are {', '.join(KEYS)}"
        raise BadSweepError(text, f"`{key}` cannot be set", hint)
    return Sweep(text, rule, key, tuple(_values(text, key, values)))


@dataclass(slots=True)
class Variants:
    """What sweeps make of rules."""

    tried: list[Variant] = field(default_factory=list)
    left_out: list[BadSweepError] = field(default_factory=list)
    """Values of ranges that make no good rule, and why."""


def variants(sweeps: Sequence[Sweep], rules: Iterable[Rule], scene: Scene) -> Variants:
    """Every rule that is set, with each combination of its values, and as it is where that is none of them.

    Of a range, the values that make no rule that could be in a file are left out, unless all are.

    Raises:
        BadSweepError: What is set makes no good rule.
        TooManyVariantsError: There are too many.
    """
    by_rule: dict[str, list[Sweep]] = {}
    for sweep in sweeps:
        if any(sweep.key == other.key for other in by_rule.get(sweep.rule, ())):
            raise BadSweepError(sweep.text, f"`{sweep.key}` of {sweep.rule} is set already")
        by_rule.setdefault(sweep.rule, []).append(sweep)
    number = sum(prod(len(each.values) for each in of_rule) for of_rule in by_rule.values())
    if number > MOST:
        raise TooManyVariantsError(number)
    found = Variants()
    for rule in rules:
        if rule.id in by_rule:
            _try_all(rule, by_rule[rule.id], scene, found)
    return found


def _try_all(rule: Rule, sweeps: Sequence[Sweep], scene: Scene, found: Variants) -> None:
    """Add the variants of one rule."""
    table = _table(rule)
    made: list[Variant] = []
    for combination in product(*(sweep.values for sweep in sweeps)):
        values = {sweep.key: value for sweep, value in zip(sweeps, combination, strict=True)}
        try:
            made.append(_variant(rule, f"{rule.id}{MARK}{len(made) + 1}", _with(table, sweeps, values), values, scene))
        except BadSweepError as error:
            found.left_out.append(error)
    if not made or (found.left_out and not any(sweep.is_range for sweep in sweeps)):
        raise found.left_out[0]
    if not any(each.current for each in made):
        named = {sweep.key: _written(table, sweep.key) for sweep in sweeps}
        made.insert(0, Variant(replace(rule, id=f"{rule.id}{MARK}0"), rule, named, current=True))
    found.tried += made


def _with(table: Node, sweeps: Sequence[Sweep], values: Mapping[str, str]) -> Node:
    for sweep in sweeps:
        table = _set(table, sweep, values[sweep.key])
    return table


def _variant(rule: Rule, named: str, table: Node, values: Mapping[str, str], scene: Scene) -> Variant:
    problems: list[Problem] = []
    drafted = draft(table, problems)
    text = " --set ".join(f"{rule.id}.{key}={value}" for key, value in values.items())
    if drafted is not None and not problems:
        verdict = check_rule(drafted, scene, shipped=True)
        problems = verdict.problems
        if verdict.rule is not None:
            same = verdict.rule.revision == rule.revision
            return Variant(replace(verdict.rule, id=named), rule, values, current=same)
    problem = problems[0] if problems else Problem(rule.place, "the rule applies nowhere")
    raise BadSweepError(text, problem.what, problem.hint)


def _table(rule: Rule) -> Node:
    """The rule as its file has it; it was loaded from there a moment ago."""
    document = read_document(Path(rule.place.file))
    root = document.root.value if document.root is not None else None
    tables = root["rule"].value if isinstance(root, dict) and "rule" in root else ()
    for table in tables if isinstance(tables, tuple) else ():
        if isinstance(table.value, dict) and table.value.get("id", table).value == rule.id:
            return table
    raise BadSweepError(rule.id, f"{rule.place.file} has changed meanwhile", "try again")


def _set(table: Node, sweep: Sweep, value: str) -> Node:
    """The table with another value under one key."""
    first, _, level = sweep.key.partition(".")
    assert isinstance(table.value, dict)
    if not level:
        return replace(table, value={**table.value, first: _node(sweep, f'{first} = "{value}"', first)})
    levels = table.value.get(first)
    if levels is None or not isinstance(levels.value, dict):
        raise BadSweepError(sweep.text, f"the rule {sweep.rule} has no levels")
    operators = [_OPERATOR.match(str(node.value).strip()) for node in levels.value.values()]
    own = levels.value.get(level)
    operator = _OPERATOR.match(str(own.value).strip()) if own is not None else next(filter(None, operators), None)
    written = f'{level} = "{operator[0] if operator else ">"} {value}"'
    changed = {**levels.value, level: _node(sweep, written, level)}
    return replace(table, value={**table.value, first: replace(levels, value=changed)})


def _node(sweep: Sweep, toml: str, key: str) -> Node:
    root = parse_toml(Source(f"--set {sweep.text}", toml)).root
    if root is None or not isinstance(root.value, dict):
        raise BadSweepError(sweep.text, "the value is not one that a rule file could have")
    return root.value[key]


def _written(table: Node, key: str) -> str:
    """The value that the file has under a key; empty where it has none."""
    node: Node | None = table
    for word in key.split("."):
        node = node.value.get(word) if node is not None and isinstance(node.value, dict) else None
    return "" if node is None else _OPERATOR.sub("", str(node.value), count=1).strip()


def _values(text: str, key: str, values: str) -> Iterator[str]:
    if key in _LEVELS:
        values = _OPERATOR.sub("", values, count=1).strip() if _OPERATOR.match(values) else values
    span = _RANGE.fullmatch(values)
    if span is None:
        if ".." in values:
            raise BadSweepError(text, "a range needs a step", _RANGE_LIKE)
        return iter((values,))
    parts = (span["first"].strip(), span["last"].strip(), span["step"].strip())
    return _lengths(text, parts) if key in _DURATIONS else _numbers(text, parts)


def _lengths(text: str, parts: tuple[str, str, str]) -> Iterator[str]:
    try:
        first, last, step = map(parse_duration, parts)
    except BadDurationError as error:
        what, _, hint = str(error).partition("; ")
        raise BadSweepError(text, what, hint) from None
    return (format_duration(each) for each in _steps(text, first, last, step))


def _numbers(text: str, parts: tuple[str, str, str]) -> Iterator[str]:
    read = [_NUMBER.fullmatch(part) for part in parts]
    first, last, step = (None if each is None else Decimal(each["digits"].replace("_", "")) for each in read)
    if first is None or last is None or step is None:
        try:
            return _lengths(text, parts)
        except BadSweepError:
            raise BadSweepError(text, "the range is not one of numbers", _RANGE_LIKE) from None
    signs = {each["sign"] for each in read if each is not None}
    if len(signs) > 1:
        raise BadSweepError(text, "some numbers of the range have a percent sign and some have none", _RANGE_LIKE)
    return (f"{each:f}{signs.copy().pop()}" for each in _steps(text, first, last, step))


def _steps(text: str, first: Amount, last: Amount, step: Amount) -> list[Amount]:
    nothing = step - step
    if step <= nothing or last < first:
        raise BadSweepError(text, "a range goes up in steps of more than nothing", _RANGE_LIKE)
    found = [first]
    while found[-1] + step <= last:
        found.append(found[-1] + step)
        if len(found) > MOST:
            raise TooManyVariantsError(int((last - first) / step) + 1)
    return found

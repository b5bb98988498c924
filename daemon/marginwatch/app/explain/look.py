"""What a rule makes of an answer: every field and window it reads, each part of its expression, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.app.explain.model import Input, Look, Seen, Window
from marginwatch.core import condition
from marginwatch.core.because import Blame, blame, no_positions
from marginwatch.core.because import Sight as Seeing
from marginwatch.core.condition import BREAKS, POSITION
from marginwatch.core.condition.functions import TEMPORAL
from marginwatch.core.condition.nodes import Call, Windowed, walk
from marginwatch.core.condition.trace import Ground, is_absent, trace
from marginwatch.core.condition.written import written
from marginwatch.core.judging import judge, subjects
from marginwatch.core.result import Known, Occurred

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marginwatch.app.explain.model import Outcome
    from marginwatch.app.explain.recall import Sight
    from marginwatch.core.applied import Applied
    from marginwatch.core.condition import Node
    from marginwatch.core.condition.trace import Part
    from marginwatch.core.condition.units import Measure
    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Severity, Value
    from marginwatch.core.rule import Rule

_NO_SUCH_FIELD = "absent: the venue has no such field"


@dataclass(frozen=True, slots=True)
class View:
    """A rule before an answer."""

    applied: Applied
    catalogue: Catalogue
    sight: Sight
    last: Mapping[str, Value]
    """The last known value of every field, as of the moment."""
    lost: str
    """Why nothing can be said although there was an answer; empty when it can."""

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.applied.rule

    @property
    def original(self) -> Node:
        """Its expression as written; of a group, with its questions to the accounts as names of their answers."""
        if self.rule.of_group:
            return self.applied.node
        node = condition.parse(self.rule.expression)
        assert not isinstance(node, condition.Fault), "it is loaded"
        return node

    @property
    def seeing(self) -> Seeing:
        """What it is judged on."""
        observation = replace(self.sight.observation, fields=self.sight.facts)
        return Seeing(observation, self.sight.before.known, self.catalogue)

    @property
    def positions(self) -> Sequence[tuple[str, Mapping[str, Value]]] | None:
        """The account's, each with its name; None when they are unknown."""
        rows = self.sight.observation.positions
        return None if rows is None else tuple(subjects(rows, self.catalogue))


def look(view: View, subject: str) -> Look:
    """All of it, for the position of that name in a rule that looks at each."""
    position = dict(view.positions or ()).get(subject) if view.rule.each else None
    blind = bool(view.rule.each) and position is None
    return Look(
        observation=view.sight.observation,
        inputs=tuple(_inputs(view, position)),
        windows=tuple(_windows(view)),
        tree=None if blind else _tree(view, position),
        outcome=_nothing(view, subject) if blind else _outcome(view, position),
        lost=view.lost,
        positions=tuple(_positions(view)) if view.rule.each else (),
    )


def worst(view: View) -> str:
    """The position that a rule which looks at each says the worst of; empty without one."""
    seen = list(_positions(view))
    return max(seen, key=lambda each: each.severity or 0).subject if seen else ""


def _nothing(view: View, subject: str) -> Outcome:
    """What a rule that looks at each position says where there is none to look at."""
    if view.positions is None:
        return no_positions(view.seeing)
    return Blame(f"there is no position {subject}" if subject else "there are no positions", excused=True)


def _outcome(view: View, position: Mapping[str, Value] | None) -> Outcome:
    seeing = view.seeing
    try:
        if position is not None:
            return judge(view.applied, seeing.on(position), position)
        return judge(view.applied, seeing, seeing.observation.positions)
    except BREAKS as error:
        return Blame(f"the rule failed ({type(error).__name__}: {error})", excused=False)


def _tree(view: View, position: Mapping[str, Value] | None) -> Part:
    seeing = view.seeing

    def why(node: Node, at: Mapping[str, Value] | None) -> str:
        return blame(node, seeing if at is None else seeing.on(at)).sentence

    ground = Ground(
        catalogue=view.catalogue,
        fields=seeing.observation.fields,
        known=seeing.known,
        positions=view.positions,
        why=why,
        position=position,
    )
    return trace(view.original, view.applied.node, ground)


def _positions(view: View) -> Iterator[Seen]:
    for subject, position in view.positions or ():
        outcome = _outcome(view, position)
        value: Value = None
        if isinstance(outcome, Known):
            value = outcome.held[0] if outcome.value is None else outcome.value
        elif isinstance(outcome, Occurred):
            value = True
        yield Seen(subject, value, highest(view.rule, outcome))


def highest(rule: Rule, outcome: Outcome) -> Severity | None:
    """The highest level that holds; None when none does, or when that is unknown."""
    if isinstance(outcome, Occurred):
        return rule.levels[-1].severity
    if isinstance(outcome, Blame):
        return None
    held = [level.severity for level, holds in zip(rule.levels, outcome.held, strict=True) if holds]
    return max(held, default=None)


def _inputs(view: View, position: Mapping[str, Value] | None) -> Iterator[Input]:
    compared = _compared(view.original)
    for name in condition.names(view.original):
        of_position = name.startswith(POSITION)
        if of_position and position is None:
            yield _column(view, name)
            continue
        values = view.sight.facts if position is None or not of_position else position
        plain = name.removeprefix(POSITION)
        field = (view.catalogue.positions if of_position else _fields(view)).get(plain)
        meant = view.applied.defined.get(name)
        value = values.get(plain) if meant is None else values.get(written(meant))
        yield _input(
            name,
            field,
            value=value,
            gap="" if value is not None else _gap(view, name, field, position),
            last=None if of_position or value is not None else view.last.get(name),
            before=view.sight.before.known.get(name) if name in compared else None,
        )


def _column(view: View, name: str) -> Input:
    """A field of positions that is read at each of them."""
    field = view.catalogue.positions.get(name.removeprefix(POSITION))
    rows = view.positions
    if field is None:
        gap = _NO_SUCH_FIELD
    else:
        gap = no_positions(view.seeing).sentence if rows is None else f"read at each of {len(rows):,} positions"
    return _input(name, field, gap=gap)


def _input(
    name: str, field: Field | None, *, gap: str, value: Value = None, last: Value = None, before: Value = None
) -> Input:
    unit: Measure = None if field is None else field.unit
    return Input(
        name=name,
        unit=unit,
        value=value,
        gap=gap,
        last=last,
        before=before,
        source="" if field is None else field.path,
        documented="" if field is None else field.documented,
        own_currency=field is not None and bool(field.converted),
    )


def _gap(view: View, name: str, field: Field | None, position: Mapping[str, Value] | None) -> str:
    if field is None:
        return _NO_SUCH_FIELD
    seeing = view.seeing if position is None else view.seeing.on(position)
    meant = view.applied.defined.get(name)
    return blame(meant or condition.nodes.Name(name), seeing).sentence.removeprefix(f"{name} is ")


def _fields(view: View) -> Mapping[str, Field]:
    """The fields of the account, and what stands for a field at its venue wherever the rule has it."""
    defined = {name: view.catalogue.defined[name] for name in view.applied.defined}
    return {**view.catalogue.fields, **defined}


def _compared(node: Node) -> frozenset[str]:
    """The fields whose last known values the rule reads."""
    calls = (part for part in walk(node) if isinstance(part, Call) and part.function in TEMPORAL)
    return frozenset(name for call in calls for name in condition.names(call))


def _windows(view: View) -> Iterator[Window]:
    node, facts = view.applied.node, view.sight.facts
    asked = {written(part): part for part in walk(node) if isinstance(part, Windowed)}
    for text, part in asked.items():
        unit = condition.check(part, view.catalogue, condition.names(part)).unit
        yield Window(text, unit, facts.get(text), view.sight.coverage.get(text))


def lacking(original: Node, catalogue: Catalogue) -> tuple[str, ...]:
    """The names that the rule reads and a venue with that catalogue does not have."""
    parts = (part for part in walk(original) if isinstance(part, condition.nodes.Name))
    return tuple(dict.fromkeys(part.name for part in parts if is_absent(part, catalogue)))

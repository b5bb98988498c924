"""Is an expression right for a venue's fields: existence, units and types; fields the venue lacks are pruned."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from marginwatch.core.condition.functions import AGGREGATES, QUANTIFIERS, TEMPORAL, WINDOWS
from marginwatch.core.condition.nodes import (
    Arithmetic,
    Call,
    Choices,
    Comparison,
    Constant,
    Fault,
    Logic,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Windowed,
    names,
)
from marginwatch.core.condition.purpose import compare_it, unfit
from marginwatch.core.condition.relations import (
    Typed,
    as_duration,
    chosen,
    compared,
    constant,
    contained,
    did_you_mean,
    reckoned,
)
from marginwatch.core.condition.syntax import parse
from marginwatch.core.condition.units import NUMBERS, ORDERED, Measure, described
from marginwatch.core.condition.window import SESSION, window_fault
from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.rule import RuleKind

Scope: TypeAlias = Literal["account", "position"]
"""What a rule is evaluated for: the account, or each of its positions."""

POSITION: Final = "position."
"""Before the name of a position's field."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking an expression against one catalogue gave."""

    node: Node | None
    """The tree without the parts absent at this venue; None when it is wholly absent, or has faults."""
    unit: Measure
    """FLAG for a condition; of a number its unit, None for a plain number. None without a node."""
    faults: tuple[Fault, ...] = ()
    """Everything wrong. A fault about a unit or a text shows only at venues that have the field."""
    fields: frozenset[str] = frozenset()
    """The names it reads at this venue."""

    @property
    def absent(self) -> bool:
        """True when nothing is wrong with it and it does not apply at this venue."""
        return self.node is None and not self.faults


def every_name(catalogues: Iterable[Catalogue]) -> frozenset[str]:
    """All names a rule may use at one of these venues, positions' fields with `position.` before them."""
    found: set[str] = set()
    for catalogue in catalogues:
        found.update(catalogue.fields, catalogue.defined)
        found.update(POSITION + name for name in catalogue.positions)
    return frozenset(found)


def check(
    node: Node,
    catalogue: Catalogue,
    every_name: Collection[str],
    *,
    scope: Scope = "account",
    kind: RuleKind | None = None,
    calendar: str = "",
) -> Checked:
    """Check a parsed expression against one venue's catalogue.

    `every_name` holds the names of all installed catalogues: a name outside it is a fault, a name this catalogue
    lacks is absent. With `kind`, also that the whole is what such a rule needs: a number, or true or false. `calendar`
    names the sessions that windows of a session are of.
    """
    checker = _Checker(catalogue, every_name, scope, calendar)
    found = checker.visit(node)
    if isinstance(found, Typed) and kind is not None:
        checker.faults.extend(unfit(found, kind))
    faults = tuple(dict.fromkeys(checker.faults))
    if faults or not isinstance(found, Typed):
        return Checked(None, None, faults)
    return Checked(found.node, found.unit, (), frozenset(names(found.node)))


class _Nothing(enum.Enum):
    """Why a part has no node; the worse one first."""

    FAULTY = enum.auto()
    ABSENT = enum.auto()


_Found: TypeAlias = Typed | _Nothing


class _Checker:
    """Visits a tree from the leaves up, collecting faults."""

    def __init__(self, catalogue: Catalogue, every_name: Collection[str], scope: Scope, calendar: str) -> None:
        self.faults: list[Fault] = []
        self._catalogue = catalogue
        self._every_name = every_name
        self._scope = scope
        self._calendar = calendar
        self._inside: str = ""

    def visit(self, node: Node) -> _Found:
        """The checked part, or why there is none."""
        found: _Found
        match node:
            case Name():
                found = self._name(node)
            case Logic():
                found = self._logic(node)
            case Not() | Negative():
                found = self._unary(node)
            case Arithmetic():
                found = self._arithmetic(node)
            case Comparison():
                found = self._comparison(node)
            case Membership():
                found = self._membership(node)
            case Call():
                found = self._call(node)
            case Windowed():
                found = self._windowed(node)
            case _:
                assert isinstance(node, Constant), "a list is read by the membership it stands in"
                found = constant(node)
        return found

    def _fault(self, node: Node, what: str, hint: str = "") -> _Nothing:
        self.faults.append(Fault(node.at.offset, node.at.length, what, hint))
        return _Nothing.FAULTY

    def _add(self, fault: Fault) -> _Nothing:
        self.faults.append(fault)
        return _Nothing.FAULTY

    def _name(self, node: Name) -> _Found:
        of_position = node.name.startswith(POSITION)
        fields = self._catalogue.positions if of_position else self._catalogue.fields
        found = fields.get(node.name.removeprefix(POSITION))
        if found is None and node.name not in self._every_name:
            return self._fault(node, f"there is no field {node.name}", did_you_mean(node.name, self._every_name))
        if of_position and self._inside in TEMPORAL | WINDOWS:
            return self._fault(node, f"{node.name} has no earlier value; one is kept only for the account's fields")
        if of_position and self._scope != "position" and self._inside not in QUANTIFIERS:
            hint = 'ask any(…) or all(…) of them, or give the rule each = "position"'
            return self._fault(node, f"{node.name} is a field of each position, not of the account", hint)
        if found is None and node.name in self._catalogue.defined:
            return self._defined(node)
        return _Nothing.ABSENT if found is None else Typed(node, found.unit, found.values)

    def _defined(self, node: Name) -> _Found:
        """What the name stands for; absent where a window cannot stand."""
        if self._inside in TEMPORAL | WINDOWS:
            return _Nothing.ABSENT
        meant = parse(self._catalogue.defined[node.name].path)
        assert not isinstance(meant, Fault), "a catalogue's definition can be read"
        found = self.visit(meant)
        return found if isinstance(found, _Nothing) else Typed(replace(found.node, at=node.at), found.unit)

    def _logic(self, node: Logic) -> _Found:
        parts = [self._boolean(operand) for operand in node.operands]
        typed = [part for part in parts if isinstance(part, Typed)]
        if _Nothing.FAULTY in parts:
            return _Nothing.FAULTY
        if not typed or (node.operator == "and" and len(typed) < len(parts)):
            return _Nothing.ABSENT
        if len(typed) == 1:
            return typed[0]
        return Typed(Logic(node.operator, tuple(part.node for part in typed), node.at), Unit.FLAG)

    def _boolean(self, node: Node) -> _Found:
        found = self.visit(node)
        if not isinstance(found, Typed) or found.unit is Unit.FLAG:
            return found
        what = f"something true or false is needed here, and this is {described(found.unit)}"
        return self._fault(node, what, compare_it(node, found.unit))

    def _number(self, node: Node, units: frozenset[Measure] = NUMBERS) -> _Found:
        found = self.visit(node)
        if isinstance(found, Typed):
            found = as_duration(found)
        if isinstance(found, _Nothing) or found.unit in units:
            return found
        return self._fault(node, f"a number is needed here, and this is {described(found.unit)}")

    def _unary(self, node: Not | Negative) -> _Found:
        found = self._boolean(node.operand) if isinstance(node, Not) else self._number(node.operand)
        return found if isinstance(found, _Nothing) else Typed(type(node)(found.node, node.at), found.unit)

    def _arithmetic(self, node: Arithmetic) -> _Found:
        operands = (node.first, *(operand for _, operand in node.rest))
        typed = _whole([self._number(operand, ORDERED) for operand in operands])
        if isinstance(typed, _Nothing):
            return typed
        so_far, operators = typed[0], [operator for operator, _ in node.rest]
        for operator, other in zip(operators, typed[1:], strict=True):
            unit = reckoned(operator, so_far, other)
            if isinstance(unit, Fault):
                return self._add(unit)
            so_far = Typed(node, unit[0])
        rest = tuple(zip(operators, (part.node for part in typed[1:]), strict=True))
        return Typed(Arithmetic(typed[0].node, rest, node.at), so_far.unit)

    def _comparison(self, node: Comparison) -> _Found:
        typed = _whole([self.visit(node.left), self.visit(node.right)])
        if isinstance(typed, _Nothing):
            return typed
        pair = compared(node.operator, typed[0], typed[1])
        if isinstance(pair, Fault):
            return self._add(pair)
        return Typed(Comparison(node.operator, pair[0].node, pair[1].node, node.at), Unit.FLAG)

    def _membership(self, node: Membership) -> _Found:
        listed = isinstance(node.among, Choices)
        typed = _whole([self.visit(node.item)] if listed else [self.visit(node.item), self.visit(node.among)])
        if isinstance(typed, _Nothing):
            return typed
        among = chosen(typed[0], node.among) if isinstance(node.among, Choices) else contained(typed[0], typed[1])
        if isinstance(among, Fault):
            return self._add(among)
        return Typed(Membership(typed[0].node, among, node.negated, node.at), Unit.FLAG)

    def _call(self, node: Call) -> _Found:
        if node.function == "abs":
            found = self._number(node.argument)
            return found if isinstance(found, _Nothing) else Typed(Call("abs", found.node, node.at), found.unit)
        if node.function in AGGREGATES - QUANTIFIERS:
            return self._add(_of_groups(node))
        if self._inside:
            return self._fault(node, f"{node.function} cannot stand inside {self._inside}")
        self._inside = node.function
        found = self._quantifier(node) if node.function in QUANTIFIERS else self._temporal(node)
        self._inside = ""
        return found

    def _quantifier(self, node: Call) -> _Found:
        if self._scope == "position":
            hint = "leave it out: the rule is asked of each position by itself"
            return self._fault(node, f'{node.function} cannot stand in a rule with each = "position"', hint)
        if not any(name.startswith(POSITION) for name in names(node)):
            return self._fault(node, f"{node.function} needs a condition on a field of positions, position.…")
        found = self._boolean(node.argument)
        return found if isinstance(found, _Nothing) else Typed(Call(node.function, found.node, node.at), Unit.FLAG)

    def _temporal(self, node: Call) -> _Found:
        if not names(node):
            return self._fault(node, f"{node.function} needs a field")
        found = self.visit(node.argument)
        if isinstance(found, _Nothing):
            return found
        if node.function in ("increased", "decreased") and found.unit not in ORDERED:
            return self._fault(node.argument, f"{described(found.unit)} cannot be less or more", "write changed(…)")
        unit, values = (found.unit, found.values) if node.function == "prior" else (Unit.FLAG, ())
        return Typed(Call(node.function, found.node, node.at), unit, values)

    def _windowed(self, node: Windowed) -> _Found:
        if self._inside in WINDOWS:
            return self._fault(node, f"{node.function} cannot stand inside {self._inside}: a window holds no other")
        if self._inside in TEMPORAL:
            return self._fault(node, f"{node.function} cannot stand inside {self._inside}: a window has no prior value")
        if not names(node):
            return self._fault(node, f"{node.function} needs a field")
        fault = window_fault(node.function, node.window)
        outside, self._inside = self._inside, node.function
        found = self._number(node.argument)
        self._inside = outside
        if fault is not None:
            return self._add(fault)
        if isinstance(found, _Nothing):
            return found
        calendar = self._calendar if node.window.value == SESSION else ""
        return Typed(Windowed(node.function, found.node, node.window, calendar, node.at), found.unit)


def _of_groups(node: Call) -> Fault:
    """Why a function of the accounts of a group cannot stand in a rule of an account."""
    name = node.function
    what, hint = f"{name} asks the accounts of a group", 'give the rule each = "group"'
    if name in WINDOWS:
        what, hint = f"{name} looks over a window of time, which is missing", f'for example {name}(equity, "1d")'
    return Fault(node.at.offset, len(name), what, hint)


def _whole(parts: list[_Found]) -> list[Typed] | _Nothing:
    """All parts, or the worst reason why one has no node."""
    typed = [part for part in parts if isinstance(part, Typed)]
    if len(typed) == len(parts):
        return typed
    return _Nothing.FAULTY if _Nothing.FAULTY in parts else _Nothing.ABSENT

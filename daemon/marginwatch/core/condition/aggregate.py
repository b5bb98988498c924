"""Rules about a group of accounts: `sum(equity)` read as one number of the group, and asked of each venue's fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from marginwatch.core.condition.check import POSITION, check
from marginwatch.core.condition.functions import AGGREGATES, QUANTIFIERS, TEMPORAL
from marginwatch.core.condition.nodes import Call, Fault, Name, Node, Windowed, children, names, rebuilt, walk
from marginwatch.core.condition.units import NUMBERS, Measure, described
from marginwatch.core.condition.written import written
from marginwatch.core.fields import Catalogue, Field, Unit, catalogue
from marginwatch.core.model import TIMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

CONDITIONS: Final = QUANTIFIERS | {"count"}
"""Those that ask a condition of every account; the others ask for a number."""
CURRENCY: Final = Field("currency", Unit.TEXT, "config:groups", "The currency the group is reckoned in.")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One question to the accounts of a group."""

    text: str
    """As `written`: the name its answer has among the group's fields."""
    function: str
    unit: Measure
    """Of the answer."""
    arguments: Mapping[str, Node]
    """What each venue's accounts are asked, by venue, without what the venue lacks."""


def lowered(node: Node) -> Node:
    """The expression with a name in place of each question to the accounts: the name of the answer."""
    if _asks(node):
        return Name(written(node), node.at)
    return rebuilt(node, [lowered(child) for child in children(node)])


def aggregates(
    node: Node, catalogues: Mapping[str, Catalogue], every_name: Collection[str]
) -> tuple[tuple[Aggregate, ...], tuple[Fault, ...]]:
    """The questions of an expression to accounts of these venues, and everything that is wrong with them.

    `catalogues` by the venue's name. Whether the answers fit each other says `check`, of the `lowered` expression and
    with the catalogue that `answers` gives.
    """
    found: dict[str, Aggregate] = {}
    faults: dict[Fault, None] = {}
    for call in _questions(node):
        if isinstance(call, Name):
            faults[_of_account(call, every_name)] = None
            continue
        aggregate = _read(call, catalogues, every_name)
        if isinstance(aggregate, Aggregate):
            found[aggregate.text] = aggregate
        else:
            faults.update(dict.fromkeys(aggregate))
    return tuple(found.values()), tuple(faults)


def answers(found: Iterable[Aggregate]) -> Catalogue:
    """The fields of a group: the answers to these questions, each named as it is written."""
    fields = {each.text: each for each in found}
    made = [Field(each.text, each.unit or Unit.QUANTITY, "", "Of all accounts.") for each in fields.values()]
    return catalogue("group", [CURRENCY, *made], [])


def _asks(node: Node) -> bool:
    return isinstance(node, Call) and node.function in AGGREGATES


def _questions(node: Node) -> Iterator[Call | Name]:
    """The questions to accounts, and the fields that stand outside of any."""
    if (isinstance(node, Call) and _asks(node)) or (isinstance(node, Name) and node.name != CURRENCY.name):
        yield node
    else:
        for child in children(node):
            yield from _questions(child)


def _of_account(name: Name, every_name: Collection[str]) -> Fault:
    if name.name not in every_name:
        return Fault(name.at.offset, name.at.length, f"there is no field {name.name}")
    what = f"{name.name} is a field of each account, not of their group"
    return Fault(name.at.offset, name.at.length, what, f"ask sum(…), max(…), any(…) or another of {name.name}")


def _read(call: Call, catalogues: Mapping[str, Catalogue], every_name: Collection[str]) -> Aggregate | list[Fault]:
    faults = list(_form_faults(call))
    if faults:
        return faults
    arguments: dict[str, Node] = {}
    units: dict[str, Measure] = {}
    for venue, fields in catalogues.items():
        checked = check(call.argument, replace(fields, defined={}), every_name)  # the past is of the whole group
        faults += checked.faults
        if checked.node is not None:
            arguments[venue], units[venue] = checked.node, checked.unit
            faults += _misfits(call, checked.node, checked.unit, fields)
        elif checked.absent:
            faults.append(_lacking(call, venue, fields))
    faults += _differing(call, units)
    if faults or not units:
        return faults
    unit = _unit(call.function, next(iter(units.values())))
    return Aggregate(written(call), call.function, unit, arguments)


def _form_faults(call: Call) -> Iterator[Fault]:
    """What no account could be asked, at whatever venue."""
    if not names(call):
        yield Fault(call.at.offset, call.at.length, f"{call.function} needs a field")
    for part in walk(call.argument):
        at = part.at
        if isinstance(part, Windowed) or (isinstance(part, Call) and part.function in TEMPORAL):
            what = f"{part.function} cannot stand inside {call.function}: the past is remembered of the whole group"
            hint = f"put it outside, as in {part.function}({call.function}(equity){_second(part)})"
            yield Fault(at.offset, at.length, what, hint)
        elif isinstance(part, Call) and part.function in AGGREGATES:
            yield Fault(at.offset, at.length, f"{part.function} cannot stand inside {call.function}")
        elif isinstance(part, Name) and part.name.startswith(POSITION):
            yield Fault(at.offset, at.length, f"{part.name} is a field of positions, and a group has only accounts")
        elif isinstance(part, Name) and part.name in TIMES:
            hint = "every message says how old the oldest numbers in it are"
            yield Fault(at.offset, at.length, f"{part.name} is of one answer, not of an account", hint)


def _second(part: Windowed | Call) -> str:
    return f', "{part.window.value}"' if isinstance(part, Windowed) else ""


def _misfits(call: Call, node: Node, unit: Measure, fields: Catalogue) -> Iterator[Fault]:
    """Why the function cannot be asked of what the argument is at a venue."""
    at = node.at
    if call.function in CONDITIONS:
        if unit is not Unit.FLAG:
            what = f"{call.function} needs something true or false, and this is {described(unit)}"
            yield Fault(at.offset, at.length, what)
    elif unit not in NUMBERS:
        yield Fault(at.offset, at.length, f"{call.function} needs a number, and this is {described(unit)}")
    elif call.function == "sum" and unit is Unit.RATIO:
        hint = "divide two sums, as in sum(margin_used) / sum(equity)"
        yield Fault(at.offset, at.length, "ratios of several accounts do not add up", hint)
    for part in walk(node):
        field = fields.get(part.name) if isinstance(part, Name) else None
        if field is not None and field.converted:
            what, hint = f"{field.name} is in a currency of its own", f"{field.converted} has it converted"
            yield Fault(part.at.offset, part.at.length, what, hint)


def _lacking(call: Call, venue: str, fields: Catalogue) -> Fault:
    lacking = " or ".join(name for name in names(call) if fields.get(name) is None)
    what = f"the group has accounts at {venue}, where {lacking} is absent"
    return Fault(call.at.offset, call.at.length, what, "ask for what all its venues have, or make another group")


def _differing(call: Call, units: Mapping[str, Measure]) -> Iterator[Fault]:
    """Two venues give one name to two kinds of number."""
    one, *others = units or ("",)
    for other in others:
        if units[other] != units[one]:
            what = f"this is {described(units[one])} at {one} and {described(units[other])} at {other}"
            yield Fault(call.argument.at.offset, call.argument.at.length, what)
            return


def _unit(function: str, of: Measure) -> Measure:
    if function == "count":
        return Unit.COUNT
    return Unit.FLAG if function in QUANTIFIERS else of

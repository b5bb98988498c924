"""Holds a rule with `each = "group"` against the groups it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core import condition
from marginwatch.core.condition.aggregate import aggregates, answers, lowered
from marginwatch.core.condition.nodes import Windowed, walk
from marginwatch.core.condition.window import SESSION
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from marginwatch.config.groups import GroupSketch
    from marginwatch.config.rulemodel import Draft
    from marginwatch.core.condition.units import Measure
    from marginwatch.core.fields import Catalogue

GROUP = "group"
"""The value of `each` in a rule about groups."""
_OWN = "the config says which accounts a group has"


def misplaced(draft: Draft) -> Iterator[Problem]:
    """Keys that choose accounts, in a rule that does not look at any by itself."""
    for name, nodes in (("venues", draft.venues), ("accounts", draft.accounts)):
        for node in nodes[:1]:
            yield Problem(node.place, f'`{name}` has no meaning in a rule with each = "group"', _OWN)
    for _, node in draft.labels[:1]:
        yield Problem(node.key_place, '`labels` has no meaning in a rule with each = "group"', _OWN)


def chosen(draft: Draft, groups: Mapping[str, GroupSketch]) -> dict[str, GroupSketch]:
    """The groups that the rule is for, by name."""
    wanted = {str(node.value) for node in draft.groups}
    return {name: group for name, group in groups.items() if name in wanted or not wanted}


def units_of(
    draft: Draft, node: condition.Node, groups: Mapping[str, Mapping[str, Catalogue]], every_name: Collection[str]
) -> tuple[dict[str, Measure], list[Problem]]:
    """The unit of the expression in every group, and everything that is wrong with it there.

    `groups` are those the rule is for, each with the catalogues of its venues by the venue's name.
    """
    units: dict[str, Measure] = {}
    faults: dict[condition.Fault, list[str]] = {}
    for name, catalogues in groups.items():
        found, wrong = aggregates(node, catalogues, every_name)
        if not wrong:
            low = lowered(node)
            checked = condition.check(low, answers(found), condition.names(low), kind=draft.kind)
            units[name], wrong = checked.unit, checked.faults
        for fault in wrong:
            faults.setdefault(fault, []).append(name)
    problems = [
        Problem(
            draft.expression.place_within(fault.offset, fault.length),
            fault.what if len(names) == len(groups) else f"in the group {' and '.join(names)}: {fault.what}",
            fault.hint,
        )
        for fault, names in faults.items()
    ]
    problems += _without_calendar(draft, node)
    return ({} if problems else units), problems


def _without_calendar(draft: Draft, node: condition.Node) -> Iterator[Problem]:
    for part in walk(node):
        if draft.calendar is None and isinstance(part, Windowed) and part.window.value == SESSION:
            place = draft.expression.place_within(part.window.at.offset, part.window.at.length)
            yield Problem(place, "a group has no sessions of its own", 'say whose, for example calendar = "us-futures"')

"""Checks a rule's summary: every name exists, every format suits its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.suggest import did_you_mean
from marginwatch.core import condition, template
from marginwatch.core.rule import RuleKind
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from marginwatch.config.document import Node
    from marginwatch.config.rulemodel import Draft
    from marginwatch.core.fields import Catalogue, Field, Unit
    from marginwatch.core.rule import Rule


def check_summary(
    draft: Draft, rule: Rule, kinds: Mapping[str, Catalogue], try_out: Callable[[Rule, str], str | None]
) -> Iterator[Problem]:
    """All that is wrong with the summary at the kinds of venue where the rule applies."""
    if draft.summary is None:
        return
    parsed = template.parse(str(draft.summary.value))
    if isinstance(parsed, template.TemplateFault):
        place = draft.summary.place_within(parsed.offset, parsed.length)
        yield Problem(place, f"`summary`: {parsed.what}", parsed.hint)
        return
    found = [
        problem
        for placeholder in parsed.placeholders
        if (problem := _check_name(draft.summary, placeholder, rule, kinds)) is not None
    ]
    yield from found
    if not found:
        yield from _tried(draft.summary, rule, kinds, try_out)


def _check_name(
    node: Node, placeholder: template.Placeholder, rule: Rule, kinds: Mapping[str, Catalogue]
) -> Problem | None:
    place = node.place_within(placeholder.offset, placeholder.length)
    name = placeholder.name
    if name in {"value", "limit"} and rule.kind is not RuleKind.LADDER:
        return Problem(
            place, f"`summary`: {{{name}}} has no meaning in a rule without `value`", "name the field instead"
        )
    if name.startswith(condition.POSITION) and not rule.each:
        return Problem(place, f"`summary`: {{{name}}} is a field of a position", 'the rule needs each = "position"')
    units = {name: template.NAMES[name]} if name in template.NAMES else _units(name, kinds)
    if not units:
        known = condition.every_name(kinds.values()) | set(template.NAMES)
        hint = did_you_mean(name, sorted(known)) or "the names are the fields of the venue, as in the expression"
        return Problem(place, f"`summary`: there is no field {name} at {' or '.join(kinds)}", hint)
    misfit = next((words for unit in units.values() if (words := template.misfit(placeholder, unit))), "")
    return Problem(place, f"`summary`: {misfit}") if misfit else None


def _units(name: str, kinds: Mapping[str, Catalogue]) -> dict[str, Unit]:
    """The unit the field has at every kind of venue that has it."""
    fields = {kind: _field(name, catalogue) for kind, catalogue in kinds.items()}
    return {kind: field.unit for kind, field in fields.items() if field is not None}


def _field(name: str, catalogue: Catalogue) -> Field | None:
    if name.startswith(condition.POSITION):
        return catalogue.positions.get(name.removeprefix(condition.POSITION))
    return catalogue.get(name)


def _tried(
    node: Node, rule: Rule, kinds: Mapping[str, Catalogue], try_out: Callable[[Rule, str], str | None]
) -> Iterator[Problem]:
    for kind in kinds:
        sentence = try_out(rule, kind)
        if sentence:
            yield Problem(node.place, f"`summary`: {sentence}")
            return

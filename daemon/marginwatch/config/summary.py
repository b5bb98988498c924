"""Checks a rule's summary: every name exists, every format suits its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.config.suggest import did_you_mean
from marginwatch.core import condition, template
from marginwatch.core.fields import COMMON_UNITS
from marginwatch.core.rule import RuleKind
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from marginwatch.config.document import Node
    from marginwatch.config.rulemodel import Draft
    from marginwatch.core.fields import Catalogue, Field, Unit
    from marginwatch.core.rule import Rule


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields a summary may name."""

    here: Mapping[str, Catalogue]
    """Catalogues of the kinds of venue where the rule applies."""
    anywhere: Mapping[str, Catalogue]
    """Those of every installed kind: a name one of them has is no mistake, and prints as unknown elsewhere."""

    def units(self, name: str) -> tuple[Unit, ...]:
        """The units the name has, here if it has any here; empty when no venue has the field."""
        if name in template.NAMES:
            return (template.NAMES[name],)
        common = (COMMON_UNITS[name],) if name in COMMON_UNITS else ()
        return _units(name, self.here.values()) or _units(name, self.anywhere.values()) or common

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return condition.every_name(self.anywhere.values()) | frozenset(template.NAMES) | frozenset(COMMON_UNITS)


def check_summary(
    draft: Draft, rule: Rule, fields: Fields, try_out: Callable[[Rule, str], str | None]
) -> Iterator[Problem]:
    """All that is wrong with the summary; `try_out` is asked for every kind of venue where the rule applies."""
    if draft.summary is None:
        return
    parsed = template.parse(str(draft.summary.value))
    if isinstance(parsed, template.TemplateFault):
        place = draft.summary.place_within(parsed.offset, parsed.length)
        yield Problem(place, f"`summary`: {parsed.what}", parsed.hint)
        return
    found = [
        Problem(draft.summary.place_within(placeholder.offset, placeholder.length), f"`summary`: {what}", hint)
        for placeholder in parsed.placeholders
        for what, hint in _faults(placeholder, rule, fields)
    ]
    yield from found or _tried(draft.summary, rule, fields, try_out)


def _faults(placeholder: template.Placeholder, rule: Rule, fields: Fields) -> Iterator[tuple[str, str]]:
    """What is wrong with one name, and what to do."""
    name = placeholder.name
    units = fields.units(name)
    if name in {"value", "limit"} and rule.kind is not RuleKind.LADDER:
        yield f"{{{name}}} has no meaning in a rule without `value`", "name the field instead"
    elif name.startswith(condition.POSITION) and not rule.each:
        yield f"{{{name}}} is a field of a position", 'the rule needs each = "position"'
    elif rule.of_group and name not in template.NAMES:
        yield f"{name} is a field of each account, not of their group", "a rule with `value` may name {value}"
    elif not units:
        yield f"there is no field {name}", did_you_mean(name, sorted(fields.names))
    elif misfit := next((words for unit in units if (words := template.misfit(placeholder, unit))), ""):
        yield misfit, ""


def _units(name: str, catalogues: Iterable[Catalogue]) -> tuple[Unit, ...]:
    found = (_field(name, catalogue) for catalogue in catalogues)
    return tuple(dict.fromkeys(field.unit for field in found if field is not None))


def _field(name: str, catalogue: Catalogue) -> Field | None:
    if name.startswith(condition.POSITION):
        return catalogue.positions.get(name.removeprefix(condition.POSITION))
    return catalogue.get(name)


def _tried(node: Node, rule: Rule, fields: Fields, try_out: Callable[[Rule, str], str | None]) -> Iterator[Problem]:
    sentence = next((found for kind in fields.here if (found := try_out(rule, kind))), None)
    if sentence:
        yield Problem(node.place, f"`summary`: {sentence}")

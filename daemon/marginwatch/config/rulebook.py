"""Loaded rules written out again, each value in the one spelling that all who mean the same share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.config.durations import format_duration
from marginwatch.config.hearers import hearers_written
from marginwatch.config.rulemodel import EXPRESSIONS, USUAL
from marginwatch.core.fields import Unit
from marginwatch.core.rule import RuleKind
from marginwatch.core.rulebook import Rulebook, WrittenRule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from marginwatch.config.rulefile import Loaded
    from marginwatch.config.settings import Settings
    from marginwatch.core.rule import Flapping, Rule

_WRITTEN = {kind: key for key, kind in EXPRESSIONS.items()}


def rulebook(loaded: Loaded, settings: Settings | None = None) -> Rulebook:
    """The rules of a good set of files, and who hears of their alerts by these settings."""
    rules = (WrittenRule(rule.id, rule.place.file, dict(written(rule))) for rule in loaded.rules)
    return Rulebook(loaded.revision, tuple(rules), hearers=hearers_written(settings) if settings else "")


def written(rule: Rule) -> Iterator[tuple[str, str]]:
    """Each key of the rule with its value, in the order of the guide; what says nothing is left out."""
    yield "title", rule.title
    yield _WRITTEN[rule.kind], " ".join(rule.expression.split())
    yield from _severities(rule)
    durations = {"for": rule.hold, "clear_for": rule.clear_for}
    yield from ((key, format_duration(span)) for key, span in durations.items() if span)
    if rule.remind_every is not None:
        yield "remind_every", ", ".join(map(format_duration, (rule.remind_every, *rule.remind_then)))
    if rule.kind is not RuleKind.EVENT and rule.flapping != USUAL:
        yield "flapping", flaps(rule.flapping)
    if rule.worsens_by is not None:
        yield "worsens_by", amount(rule.worsens_by, rule.unit)
    chosen = rule.selector
    texts = {
        "summary": rule.summary,
        "runbook": rule.runbook,
        "each": rule.each,
        "calendar": rule.calendar,
        "sessions": " | ".join(rule.sessions.splitlines()),
        "venues": ", ".join(chosen.venues),
        "accounts": ", ".join(chosen.accounts),
        "groups": ", ".join(chosen.groups),
        **{f"labels.{key}": value for key, value in sorted(chosen.labels.items())},
    }
    yield from ((key, text) for key, text in texts.items() if text)


def amount(value: Decimal, unit: Unit) -> str:
    """A limit as a rule file has it: `80%`, `5000`, `15m`."""
    if unit is Unit.RATIO:
        return f"{plain(value * 100)}%"
    if unit is Unit.DURATION:
        return format_duration(timedelta(seconds=float(value)))
    return plain(value)


def flaps(flapping: Flapping | None) -> str:
    """When an alert flaps: `4 times within 1h`."""
    return "false" if flapping is None else f"{flapping.times} times within {format_duration(flapping.within)}"


def plain(value: Decimal) -> str:
    """All digits that say something."""
    return f"{value.normalize():f}"


def _severities(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.kind is not RuleKind.LADDER:
        yield "severity", rule.levels[0].severity.label
        return
    for level in rule.levels:
        assert level.limit is not None  # a ladder's level
        yield f"levels.{level.severity.label}", f"{level.operator} {amount(level.limit, rule.unit)}"
    first = rule.levels[0]
    if first.clear is not None and first.limit is not None:
        yield "clear_by", amount(abs(first.limit - first.clear), rule.unit)

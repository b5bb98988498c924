"""What is the matter, in lines: the value against its limit, the distance to a call, what moved and changed. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from marginwatch.core import template
from marginwatch.core.alert import Reason
from marginwatch.core.fields import COMMON_UNITS, Unit
from marginwatch.core.rule import RuleKind
from marginwatch.notify.body import Line, Role
from marginwatch.notify.words import (
    UNCHANGED,
    against,
    amount,
    clean,
    clip,
    difference,
    moved,
    sentence,
    span,
    value_of,
)

if TYPE_CHECKING:
    from marginwatch.core.alert import Transition
    from marginwatch.core.model import Value
    from marginwatch.notify.draft import Draft

LONGEST_SUMMARY = 400
"""Characters of a rule's own summary that a message has room for."""
_LONGEST_DETAIL = 300
_MOST_SEEN = 8
_WATCHED = frozenset({RuleKind.LADDER, RuleKind.CONDITION})
_JUST_COVERED = "Equity just covers margin: nothing is left."
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def matter(draft: Draft) -> list[Line]:
    """What is the matter, in figures and words, most important first: what a phone shows beside the title."""
    edited = "The rule was edited since the last message about this." if draft.told.rule_changed else ""
    candidates = (
        Line(Role.VALUE, _value_line(draft)),
        Line(Role.DISTANCE, _distance_line(draft)),
        Line(Role.MOVED, _moved_line(draft)),
        *(Line(Role.CHANGE, text) for text in _difference_lines(draft)),
        Line(Role.UNKNOWN, _unknown_line(draft)),
        *(Line(Role.NOTE, text) for text in _window_lines(draft)),
        Line(Role.SUMMARY, _summary_line(draft)),
        Line(Role.SEEN, _seen_line(draft)),
        *(Line(Role.NOTE, text) for text in _meaning_lines(draft)),
        Line(Role.NOTE, "It was already true when first seen." if _already(draft.told) else ""),
        Line(Role.NOTE, edited),
    )
    return [line for line in candidates if line.text]


def _already(told: Transition) -> bool:
    return told.already_true and told.reason is not Reason.ALREADY_TRUE


def _value_line(draft: Draft) -> str:
    told, rule, value = draft.told, draft.about.rule, draft.told.value
    if value is None:
        return ""
    unit, currency = rule.unit if rule else Unit.QUANTITY, draft.about.currency
    text = amount(value, unit, currency)
    if told.limit is not None:
        shown, limit, gap = against(value, told.limit, unit, currency, told.operator)
        text = f"{shown}, {gap} the limit ({told.operator} {limit})"
    name = rule.expression if rule and _NAME.fullmatch(rule.expression) else "value"
    return f"{'Last known: ' if draft.past else ''}{name} {text}."


def _distance_line(draft: Draft) -> str:
    """How far the account is from a call, by the venue's own figures; nothing where one of them is not known now."""
    rule, current = draft.about.rule, draft.about.current
    if rule is None or rule.kind not in _WATCHED or rule.each or draft.past or draft.over:
        return ""
    excess, equity, used = (current.get(name) for name in ("margin_excess", "equity", "margin_used"))
    if not isinstance(excess, Decimal) or not isinstance(equity, Decimal) or _contradicts(excess, equity, used):
        return ""
    currency = draft.about.currency
    if excess <= 0:
        return f"Margin exceeds equity by {amount(-excess, Unit.MONEY, currency)}." if excess else _JUST_COVERED
    if equity <= 0 or used == 0:
        return ""
    part = amount(min(excess / equity, Decimal(1)), Unit.RATIO)
    return f"Equity may fall {amount(excess, Unit.MONEY, currency)} ({part}) before it no longer covers margin."


def _contradicts(excess: Decimal, equity: Decimal, used: Value) -> bool:
    """Whether the venue's excess and its other figures disagree about who is short; its sign may not be documented."""
    return isinstance(used, Decimal) and (excess > 0) is not (equity > used)


def _moved_line(draft: Draft) -> str:
    """Between the value last told and this one."""
    told, rule = draft.told, draft.about.rule
    if told.value is None or told.previous_value is None or draft.past:
        return ""
    way = moved(told.value, told.previous_value, rule.unit if rule else Unit.QUANTITY, draft.about.currency)
    before = f"told at {draft.at(told.previous_at)}" if told.previous_at else "told before"
    return sentence(f"{way} since {before}" if way == UNCHANGED else f"{way}, {before}")


def _difference_lines(draft: Draft) -> list[str]:
    """What changed, in words of a rule of our own or else field by field."""
    told = draft.told
    if told.detail:
        return [sentence(clip(clean(told.detail), _LONGEST_DETAIL))]
    return [difference(change, draft.now, draft.tz) for change in told.differences]


def _unknown_line(draft: Draft) -> str:
    if not draft.blind:
        return ""
    since, because = draft.told.unknown_since, clip(clean(draft.told.because), _LONGEST_DETAIL)
    words = f"Data unknown since {draft.at(since or draft.told.fetched_at)}"
    return f"{words}, because {because}." if because else f"{words}."


def _window_lines(draft: Draft) -> list[str]:
    """How much was seen of each window that was not seen in full: its peak may have been higher, its start another."""
    partly = {each.window: span(each.known) for each in draft.about.windows if not each.whole}
    return [f"Window {clean(window)}: {known} seen." for window, known in partly.items() if not draft.blind]


def _seen_line(draft: Draft) -> str:
    """The fields that the rule reads, where the value or the differences do not show them."""
    rule, fields = draft.about.rule, draft.about.fields
    if rule is None or draft.told.differences or rule.kind is RuleKind.HEALTH:
        return ""
    if rule.kind is RuleKind.LADDER and _NAME.fullmatch(rule.expression):
        return ""
    names = [name for name in dict.fromkeys(_NAME.findall(rule.expression)) if name in fields]
    seen = ", ".join(f"{name} {_seen(draft, name)}" for name in names[:_MOST_SEEN])
    return f"{'Last known' if draft.past else 'Seen'}: {seen}." if seen else ""


def _meaning_lines(draft: Draft) -> list[str]:
    """That the venue itself does not say such a thing, and what it is instead."""
    venue = clean(draft.told.key.account.venue)
    return [sentence(f"{name} at {venue} is {_inside(words)}") for name, words in draft.about.meanings.items()]


def _inside(words: str) -> str:
    return words[0].lower() + words[1:].rstrip(".")


def _seen(draft: Draft, name: str) -> str:
    value = draft.about.fields[name]
    if isinstance(value, Decimal):
        return amount(value, COMMON_UNITS.get(name, Unit.QUANTITY), draft.about.currency)
    return value_of(value, draft.now, draft.tz)


def _summary_line(draft: Draft) -> str:
    """The rule's own words; left out when the values they speak of are not current."""
    rule = draft.about.rule
    # A summary is written for the trouble; once that is over its words would say what is not so.
    if rule is None or not rule.summary or draft.past or draft.over:
        return ""
    parsed = _parse(rule.summary)
    if isinstance(parsed, template.TemplateFault):
        return f"(The rule's summary cannot be shown: {parsed.what}.)"
    return clip(clean(parsed.render({**draft.about.fields, **_names(draft)})), LONGEST_SUMMARY)


def _names(draft: Draft) -> dict[str, template.Printable]:
    """What a summary may name besides fields: `template.NAMES`."""
    told, tz = draft.told, draft.tz
    return {
        "account": draft.about.account.name or told.key.account.id,
        "venue": told.key.account.venue,
        "subject": told.key.subject,
        "rule": told.key.rule,
        "title": told.title,
        "severity": told.severity,
        "currency": draft.about.currency or None,
        "value": told.value,
        "limit": told.limit,
        "since": told.active_at and told.active_at.astimezone(tz),
        "as_of": told.as_of and told.as_of.astimezone(tz),
    }


@lru_cache(maxsize=1024)
def _parse(text: str) -> template.Template | template.TemplateFault:
    return template.parse(text)

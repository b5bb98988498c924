"""One message in the making: what is known, and the lines that can be said from it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from marginwatch.core import template
from marginwatch.core.alert import Reason, State
from marginwatch.core.fields import COMMON_UNITS, Unit
from marginwatch.core.rule import RuleKind
from marginwatch.notify.phrases import STANDING, WHY
from marginwatch.notify.words import against, amount, clean, clip, difference, moment, sentence, span, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from marginwatch.core.alert import Transition
    from marginwatch.core.model import Account, Value
    from marginwatch.core.route import Notice
    from marginwatch.core.rule import Rule
    from marginwatch.core.windows import Coverage

LONGEST_SUMMARY = 400
"""Characters of a rule's own summary that a message has room for."""
_LONGEST_NAME = 120
_LONGEST_DETAIL = 300
_MOST_SEEN = 8
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class About:
    """What is known around a notice when its words are made."""

    account: Account
    fields: Mapping[str, Value] = field(default_factory=dict)
    """The observation's; empty where there is none."""
    rule: Rule | None = None
    """None when the rule was removed."""
    currency: str = ""
    """Written after money; empty where the venue names none."""
    windows: tuple[Coverage, ...] = ()
    """How much was seen of each window of time in the rule."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """What names among `fields` stand for that the venue does not answer, each a sentence."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice with all around it, and the moment its words are fixed."""

    notice: Notice
    about: About
    now: datetime
    tz: tzinfo

    @property
    def told(self) -> Transition:
        """The transition to tell of."""
        return self.notice.transition

    @property
    def state(self) -> State:
        """What the message says happened."""
        return self.told.state or State.FIRING

    @property
    def blind(self) -> bool:
        """True when it cannot be said how things are now."""
        lost = self.told.unknown_since is not None and self.told.reason is not Reason.DATA_BACK
        return lost or self.state is State.UNKNOWN

    @property
    def past(self) -> bool:
        """True when the values are the last known ones and not current."""
        return self.blind or self.state is State.CLOSED or self.told.reason is Reason.SUBJECT_GONE

    def at(self, time: datetime) -> str:
        """A time in words."""
        return moment(time, self.now, self.tz)


def who(draft: Draft) -> str:
    """The account as people know it, with its venue: `STONEX:000000/JDoe (futures)`."""
    key = draft.told.key.account
    name = clean(draft.about.account.name) or clean(key.id)
    return f"{name} ({clean(key.venue)})" if key.id else clean(str(key))


def what(draft: Draft) -> str:
    """The rule, and the position or receiver where it is about one."""
    subject = clean(draft.told.key.subject)
    return clean(draft.told.title) + (f" ({subject})" if subject else "")


def name(draft: Draft) -> str:
    """Account and rule in full, for where a title has no room for them."""
    return f"{clip(who(draft), _LONGEST_NAME)}: {clip(what(draft), _LONGEST_NAME)}."


def standing(draft: Draft) -> str:
    """How bad, since when."""
    told = draft.told
    text = STANDING[draft.state].format(
        severity=told.severity.label,
        since=draft.at(told.active_at or told.fired_at or told.observed_at),
        at=draft.at(told.observed_at if draft.state is State.EVENT else told.at),
    )
    return sentence(text)


def lines(draft: Draft) -> list[str]:
    """What is the matter, in figures and words, most important first: what a phone shows beside the title."""
    told = draft.told
    candidates = (
        _value_line(draft),
        *_difference_lines(draft),
        _unknown_line(draft),
        *_window_lines(draft),
        _summary_line(draft),
        _seen_line(draft),
        *_meaning_lines(draft),
        "It was already true when first seen." if _already(told) else "",
        "The rule was edited since the last message about this." if told.rule_changed else "",
    )
    return [line for line in candidates if line]


def data_line(draft: Draft) -> str:
    """How old the data are."""
    told = draft.told
    time = told.fetched_at if told.as_of is None else min(told.as_of, told.fetched_at)
    return f"Data as of {draft.at(time)} ({span(draft.now - time)} old)."


def runbook_line(draft: Draft) -> str:
    """Where to read what to do; nothing once it is over."""
    rule = draft.about.rule
    over = draft.state in {State.RESOLVED, State.CLOSED}
    return "" if rule is None or not rule.runbook or over else f"Runbook: {clean(rule.runbook)}"


def why_line(draft: Draft) -> str:
    """Why this is told now, and the short id that all messages of the alert share."""
    return f"Why: {WHY[draft.told.reason]}. Alert {draft.told.alert_id}, message {draft.notice.number}."


def _already(told: Transition) -> bool:
    return told.already_true and told.reason is not Reason.ALREADY_TRUE


def _value_line(draft: Draft) -> str:
    told, rule, value = draft.told, draft.about.rule, draft.told.value
    if value is None:
        return ""
    unit, currency = rule.unit if rule else Unit.QUANTITY, draft.about.currency
    text = amount(value, unit, currency)
    if told.limit is not None:
        shown, limit, gap = against(value, told.limit, unit, currency)
        text = f"{shown}, {gap} the limit ({told.operator} {limit})"
    if told.previous_value not in {None, value}:
        text += f"; told before: {amount(told.previous_value, unit, currency)}"
    name = rule.expression if rule and _NAME.fullmatch(rule.expression) else "value"
    return f"{'Last known: ' if draft.past else ''}{name} {text}."


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
    if rule is None or not rule.summary or draft.past or draft.state in {State.RESOLVED, State.CLOSED}:
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

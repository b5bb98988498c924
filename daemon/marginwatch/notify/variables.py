"""What a template may name: everything that is known of a message. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from marginwatch.core.fields import Unit
from marginwatch.notify.body import Role, lines_of
from marginwatch.notify.phrases import WHY
from marginwatch.notify.words import clean, difference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.state import Message
    from marginwatch.notify.draft import Draft

VARIABLES: Final[Mapping[str, str]] = {
    "title": "The built-in title.",
    "body": "The built-in text.",
    "part": "The lines of the built-in text by what they say: `part.value`, `part.distance`; empty for none.",
    "state": "What happened: `firing worsened eased reminder unknown resolved closed event`.",
    "severity": "The level now, or the level left: `info`, `warning` or `critical`.",
    "reason": "Why it is told, as a word: `held`.",
    "why": "The same as half a sentence.",
    "rule": "The rule's id.",
    "rule_title": "What the rule is called.",
    "venue": "Your name of the venue.",
    "account": "What the venue calls the account; its id where it has no name.",
    "account_id": "The venue's id of it.",
    "subject": "The position or receiver it is about; empty elsewhere.",
    "value": "The rule's number, a `Decimal`; none for rules without.",
    "limit": "The limit it crossed; none without.",
    "operator": "How it is compared with that: `>`; empty without.",
    "previous_value": "The number in the message before; none in the first.",
    "previous_at": "The time of that message.",
    "currency": "Of the account; empty where the venue names none.",
    "fields": "The account's fields by name, as last known: `fields.equity`.",
    "differences": "What an event changed, a text each.",
    "since": "When it began; none where that is not known.",
    "at": "When it was decided to tell.",
    "as_of": "The venue's own time of the numbers; none where it gives none.",
    "fetched_at": "When they were in.",
    "unknown_since": "Since when data are unknown; none when they are known.",
    "because": "Why they are.",
    "flapping_since": "Since when it comes and goes; none when it does not.",
    "times_fired": "How often it fired since then; 0 when it does not come and go.",
    "link": "The alert's own page; empty without `public_url`.",
    "runbook": "Where to read what to do; empty where the rule names nothing.",
    "alert_id": "The same in every message of one alert.",
    "number": "Which message of the alert this is for its receiver, from 1.",
    "receiver": "Who is told.",
}
"""Every variable, and what it holds."""


class Address(str):
    """A link: no markup is looked for in it."""

    __slots__ = ()


class Measured:
    """What filters need of a message: the unit of its number, its currency, and the moment its words are fixed."""

    __slots__ = ("currency", "now", "tz", "unit")

    def __init__(self, draft: Draft) -> None:
        rule = draft.about.rule
        self.unit = Unit.QUANTITY if rule is None else rule.unit
        self.currency = draft.about.currency
        self.now = draft.now
        self.tz = draft.tz


def variables(message: Message, draft: Draft) -> dict[str, Any]:
    """All of them; text of others is one line each."""
    told, about = draft.told, draft.about
    return {
        "title": message.title,
        "body": message.body,
        "part": _parts(message),
        "state": message.state.value,
        "severity": told.severity.label,
        "reason": told.reason.value,
        "why": WHY[told.reason],
        "rule": told.key.rule,
        "rule_title": clean(told.title),
        "venue": clean(told.key.account.venue),
        "account": clean(about.account.name) or clean(told.key.account.id),
        "account_id": clean(told.key.account.id),
        "subject": clean(told.key.subject),
        "value": told.value,
        "limit": told.limit,
        "operator": told.operator,
        "previous_value": told.previous_value,
        "previous_at": _local(told.previous_at, draft),
        "currency": clean(about.currency),
        "fields": {name: clean(value) if isinstance(value, str) else value for name, value in about.fields.items()},
        "differences": [difference(change, draft.now, draft.tz) for change in told.differences],
        "since": _local(told.active_at or told.fired_at, draft),
        "at": _local(told.at, draft),
        "as_of": _local(told.as_of, draft),
        "fetched_at": _local(told.fetched_at, draft),
        "unknown_since": _local(told.unknown_since, draft),
        "because": clean(told.because),
        "flapping_since": _local(told.flapping_since, draft),
        "times_fired": told.times_fired if told.flapping_since else 0,
        "link": Address(about.link),
        "runbook": Address(message.payload["runbook"]),
        "alert_id": told.alert_id,
        "number": draft.notice.number,
        "receiver": draft.notice.receiver,
        "_measured": Measured(draft),
    }


def _parts(message: Message) -> dict[str, str]:
    """The lines of each role, one below the other."""
    parts = dict.fromkeys((role.value for role in Role), "")
    for line in lines_of(message):
        before = parts[line.role.value]
        parts[line.role.value] = f"{before}\n{line.text}" if before else line.text
    return parts


def _local(at: datetime | None, draft: Draft) -> datetime | None:
    return None if at is None else at.astimezone(draft.tz)

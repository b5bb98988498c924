"""The words of a notification, fixed when its transition is committed, so that a retry says the same. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from marginwatch.core import template
from marginwatch.core.alert import Reason, State
from marginwatch.core.state import Message
from marginwatch.notify.body import Line, Role, fitted, text_of
from marginwatch.notify.draft import About, Draft, closing, name, what, when, who
from marginwatch.notify.matter import LONGEST_SUMMARY, matter
from marginwatch.notify.phrases import SINCE_THEN, TITLE
from marginwatch.notify.words import clean, clip, iso, moment, plain, span

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from marginwatch.core.model import Observation
    from marginwatch.core.route import Notice
    from marginwatch.core.rule import Rule

TITLE_LENGTH = 80
BODY_LENGTH = 1000
LATE = timedelta(minutes=1)
"""A send later than this after its transition says so in front."""


@dataclass(frozen=True, slots=True)
class Later:
    """What became of an alert after the transition that a late message tells of."""

    state: State
    at: datetime

    def in_words(self, now: datetime) -> str:
        """Half a sentence."""
        return f"since then {SINCE_THEN[self.state]} at {moment(self.at, now)}"


@dataclass(frozen=True, slots=True)
class LaterOnes:
    """What became of the alerts that a late digest tells of as open."""

    open: int = 0
    resolved: int = 0
    closed: int = 0

    def in_words(self, _now: datetime) -> str:
        """Half a sentence; empty where it tells of none."""
        every = self.open + self.resolved + self.closed
        ended = [
            f"{number:,} {how}" for number, how in ((self.resolved, "resolved"), (self.closed, "closed")) if number
        ]
        if not ended:
            return f"none of {every:,} open then ended since" if every else ""
        return f"of {every:,} open then, {' and '.join(ended)} since"


def render(notice: Notice, about: About, now: datetime, tz: tzinfo = UTC) -> Message:
    """The notification to put in the outbox: words for a person and keys for a machine.

    Title and body are at most `TITLE_LENGTH` and `BODY_LENGTH` characters; every time in them is absolute, in `tz`.
    """
    draft = Draft(notice, about, now, tz)
    title = _title(draft)
    lines = _body(draft, title)
    return Message(
        alert_id=draft.told.alert_id,
        receiver=notice.receiver,
        number=notice.number,
        state=draft.state,
        severity=draft.told.severity,
        title=clip(title, TITLE_LENGTH),
        body=text_of(lines),
        payload=_payload(draft),
        topic=str(draft.told.key),
        roles=tuple(line.role.value for line in lines),
    )


def plainly(notice: Notice) -> Message:
    """The notification in the plainest words, for when a fault of ours keeps `render` from making it."""
    told, severity = notice.transition, notice.transition.severity.label
    state = told.state or State.FIRING
    keys = {"alert_id": told.alert_id, "rule": told.key.rule, "state": state.value, "severity": severity}
    whose = {"venue": told.key.account.venue, "account": told.key.account.id, "subject": told.key.subject}
    data = {"fetched_at": iso(told.fetched_at), "reason": told.reason.value}
    empty = dict.fromkeys(("value", "limit", "as_of", "runbook", "link"), "")
    return Message(
        alert_id=told.alert_id,
        receiver=notice.receiver,
        number=notice.number,
        state=state,
        severity=told.severity,
        title=clip(clean(f"{severity.upper()}, {state.value}: {told.key}"), TITLE_LENGTH),
        body=f"{clip(clean(str(told.key)), BODY_LENGTH // 2)}: {state.value}, {severity}.\n"
        "More cannot be said, by a fault of marginwatch; its log says more.\n"
        f"Data fetched at {iso(told.fetched_at)}.\n"
        f"Alert {told.alert_id}, message {notice.number}.",
        payload={**keys, **whose, **data, **empty},
        topic=str(told.key),
    )


def delayed(message: Message, created_at: datetime, now: datetime, later: Later | LaterOnes | None = None) -> Message:
    """The message as it is to be sent now: unchanged in time, else with a line in front that says how late it is."""
    if now - created_at <= LATE:
        return message
    words = [f"Delayed {span(now - created_at)}", later.in_words(now) if later else ""]
    body = f"{'; '.join(filter(None, words))}.\n{message.body}"
    return replace(message, body=body, roles=(Role.LATE.value, *message.roles))


def check_template(rule: Rule, sample: Observation) -> str | None:
    """What is wrong with the rule's summary, tried on a realistic observation; None when nothing is."""
    parsed = template.parse(rule.summary)
    if isinstance(parsed, template.TemplateFault):
        return parsed.what
    length = len(parsed.render({"account": sample.account.id, **sample.fields}))
    if length > LONGEST_SUMMARY:
        return f"the summary comes to {length} characters, where a message has room for {LONGEST_SUMMARY}"
    return None


def _title(draft: Draft) -> str:
    """How bad, who, what, and since when where that still fits."""
    severity = draft.told.severity.label.upper()
    mark = f"FLAPPING, {severity}" if draft.flaps else TITLE[draft.state].format(severity=severity)
    if draft.told.reason is Reason.DATA_BACK:
        mark = f"DATA BACK, {mark}"
    title = f"{mark}: {who(draft)}: {what(draft)}"
    dated = f"{title}, {when(draft)}"
    return dated if len(dated) <= TITLE_LENGTH else title


def _body(draft: Draft, title: str) -> list[Line]:
    """What the title, as long as it is, does not say; a service without titles shows the title as the first line."""
    front = [Line(Role.NAME, name(draft))] if len(title) > TITLE_LENGTH else []
    return fitted(front, matter(draft), closing(draft), BODY_LENGTH)


def _payload(draft: Draft) -> dict[str, str]:
    told = draft.told
    return {
        "alert_id": told.alert_id,
        "rule": told.key.rule,
        "state": draft.state.value,
        "severity": told.severity.label,
        "venue": told.key.account.venue,
        "account": told.key.account.id,
        "subject": told.key.subject,
        "value": plain(told.value),
        "limit": plain(told.limit),
        "as_of": iso(told.as_of),
        "fetched_at": iso(told.fetched_at),
        "reason": told.reason.value,
        "runbook": "" if draft.about.rule is None else draft.about.rule.runbook,
        "link": draft.about.link,
    }

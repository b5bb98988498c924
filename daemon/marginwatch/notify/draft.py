"""One message in the making: what is known around it, and what each of its lines says. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State
from marginwatch.notify.body import Line, Role
from marginwatch.notify.phrases import FLAPPING, FLAPPING_REMINDER, LASTING, STANDING, WHEN, WHY
from marginwatch.notify.words import (
    clean,
    clip,
    minute,
    moment,
    sentence,
    span,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from marginwatch.core.model import Account, Value
    from marginwatch.core.route import Notice
    from marginwatch.core.rule import Rule
    from marginwatch.core.windows import Coverage

_LONGEST_NAME = 120
LONGEST_LINK = 400
"""Characters of a link; one that is longer is left out rather than cut."""
LINK, LINK_AFTER = "Open or acknowledge", "Open"
RUNBOOK = "Runbook"
_NOTABLE = timedelta(seconds=1)


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
    current: Mapping[str, Value] = field(default_factory=dict)
    """Those of `fields` that the venue's latest answer had, by the names common to venues."""
    link: str = ""
    """The alert's own page; empty where there is none to reach."""


class Draft:
    """A notice with all around it, and the moment its words are fixed. Never changed once made."""

    __slots__ = ("about", "blind", "flaps", "notice", "now", "over", "past", "state", "told", "tz")

    def __init__(self, notice: Notice, about: About, now: datetime, tz: tzinfo) -> None:
        self.notice = notice
        self.about = about
        self.now = now
        self.tz = tz
        self.told = told = notice.transition
        """The transition to tell of."""
        self.state = state = told.state or State.FIRING
        """What the message says happened."""
        self.blind = state is State.UNKNOWN or (told.unknown_since is not None and told.reason is not Reason.DATA_BACK)
        """True when it cannot be said how things are now."""
        self.flaps = state is State.REMINDER and told.flapping_since is not None
        """True when it is told of as coming and going, which says nothing of this very moment."""
        self.over = state is State.RESOLVED or state is State.CLOSED
        """True when there is nothing to do about it any more."""
        self.past = self.blind or state is State.CLOSED or told.reason is Reason.SUBJECT_GONE
        """True when the values are the last known ones and not current."""

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


def when(draft: Draft) -> str:
    """Since when, or when, as short as a title wants it."""
    told = draft.told
    times = {
        "since": told.active_at or told.fired_at or told.observed_at,
        "unknown since": told.unknown_since or told.fetched_at,
        "at": told.observed_at if draft.state is State.EVENT else told.at,
    }
    word = WHEN[draft.state]
    return f"{word} {minute(times[word], draft.now, draft.tz)}"


def standing(draft: Draft) -> str:
    """How bad, since when, and for how long that has been or was."""
    told = draft.told
    if draft.flaps:
        return sentence(flapping(draft) + _calm(draft))
    since = told.active_at or told.fired_at or told.observed_at
    lasting = (told.at if draft.over else draft.now) - since
    text = STANDING[draft.state].format(
        severity=told.severity.label,
        since=draft.at(since) + (LASTING[draft.state].format(span(lasting)) if lasting >= _NOTABLE else ""),
        at=draft.at(told.observed_at if draft.state is State.EVENT else told.at),
    )
    return sentence(f"{text}; {flapping(draft)}" if told.flapping_since else text)


def flapping(draft: Draft) -> str:
    """That it comes and goes, and how often it came."""
    since = draft.told.flapping_since
    return FLAPPING.format(times=draft.told.times_fired, since="" if since is None else draft.at(since))


def _calm(draft: Draft) -> str:
    rule = draft.about.rule
    if rule is None or rule.flapping is None:
        return ""
    return f"; it is over once it has been good for {span(max(rule.clear_for, rule.flapping.calm))}"


def why(draft: Draft) -> str:
    """Why this is told, and for whom the receiver stands in, as half a sentence."""
    phrase, because = WHY[draft.told.reason], clean(draft.notice.because)
    if draft.flaps and draft.told.reason is Reason.REMIND:
        phrase = FLAPPING_REMINDER
    if draft.told.reason is Reason.FALLBACK and because:
        return because
    return f"{phrase}; {because}" if because else phrase


def closing(draft: Draft) -> list[Line]:
    """What every message ends with: how bad, how old the data are, where to go, why, and the id."""
    rule, link = draft.about.rule, draft.about.link
    runbook = "" if rule is None or draft.over else clean(rule.runbook)
    label = LINK_AFTER if draft.over or draft.state is State.EVENT else LINK
    ends = f"Why: {why(draft)}. Alert {draft.told.alert_id}, message {draft.notice.number}."
    candidates = (
        Line(Role.STANDING, standing(draft)),
        Line(Role.DATA, data_line(draft)),
        Line(Role.LINK, f"{label}: {link}" if link and len(link) <= LONGEST_LINK else ""),
        Line(Role.RUNBOOK, runbook and f"{RUNBOOK}: {runbook}"),
        Line(Role.WHY, ends),
    )
    return [line for line in candidates if line.text]


def data_line(draft: Draft) -> str:
    """How old the data are."""
    told = draft.told
    time = told.fetched_at if told.as_of is None else min(told.as_of, told.fetched_at)
    return f"Data as of {draft.at(time)} ({span(draft.now - time)} old)."

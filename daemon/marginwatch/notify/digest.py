"""The words of a digest: many notifications in one message, the worst first. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.machine import alert_id
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.outbox import Kind
from marginwatch.core.result import AlertKey
from marginwatch.core.route import Notice, Why
from marginwatch.core.state import Message
from marginwatch.core.transition import transition_of
from marginwatch.notify.body import Role
from marginwatch.notify.draft import LINK_AFTER, About, Draft, what, who
from marginwatch.notify.phrases import TITLE
from marginwatch.notify.render import BODY_LENGTH, TITLE_LENGTH
from marginwatch.notify.words import against, amount, clip, moment, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import Absence, AccountState

LINE_LENGTH = 110
"""Characters of a digest's line on one alert."""
MORE = "`marginwatch alerts`"
"""Where everything is listed."""
_MOST_RULES = 5
_ENDS = frozenset({State.RESOLVED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Entry:
    """What a digest needs of one notification."""

    alert_id: str
    rule: str
    severity: Severity
    state: State
    line: str

    @property
    def over(self) -> bool:
        """Whether it tells of an alert's end."""
        return self.state in _ENDS


def about(key: AlertKey, state: AccountState | None, rule: Rule | None) -> About:
    """As much of what is known around an alert as its line needs."""
    account = Account(key.account, key.account.id or key.account.venue) if state is None else state.account
    currency = None if state is None else state.known.get("currency")
    return About(account, rule=rule, currency=currency if isinstance(currency, str) else "")


def entry_of(notice: Notice, about: About, now: datetime) -> Entry:
    """What a digest says of a notice."""
    told = notice.transition
    return Entry(told.alert_id, told.key.rule, told.severity, told.state or State.FIRING, line(notice, about, now))


def entry_again(message: Message) -> Entry:
    """What it says of a message that was held for it."""
    rule = message.payload.get("rule", "")
    return Entry(message.alert_id, rule, message.severity, message.state, message.line)


def entry_standing(alert: Alert, about: About, now: datetime) -> Entry:
    """What is said of an alert as it stands, or as it ended."""
    levels = () if about.rule is None else about.rule.levels
    level = next((level for level in levels if level.severity is alert.severity), None)
    state = State.UNKNOWN if alert.unknown_told else State.FIRING
    if not alert.is_open:
        state = State.RESOLVED if alert.status is Status.RESOLVED else State.CLOSED
    told = transition_of(
        alert, before=alert.status, reason=Reason.REMIND, state=state, at=now, revision=alert.revision, level=level
    )
    return entry_of(Notice(told, alert, "", 0, Why.WAS_TOLD), about, now)


def line(notice: Notice, about: About, now: datetime) -> str:
    """One notice in a line: how bad, which account, what, its value against the limit, since when."""
    draft = Draft(notice, about, now, now.tzinfo or UTC)
    told = notice.transition
    mark = TITLE[draft.state].format(severity=told.severity.label.upper())
    since = moment(told.active_at or told.fired_at or told.observed_at, now)
    flaps = "" if told.flapping_since is None or draft.over else ", flapping"
    return clip(f"{mark}: {who(draft)}: {what(draft)}{_figure(draft)}, since {since}{flaps}", LINE_LENGTH)


def _figure(draft: Draft) -> str:
    told, rule = draft.told, draft.about.rule
    if told.value is None or rule is None:
        return ""
    if told.limit is None:
        return f" {amount(told.value, rule.unit, draft.about.currency)}"
    shown, limit, _ = against(told.value, told.limit, rule.unit, draft.about.currency)
    return f" {shown} ({told.operator} {limit})"


def latest(entries: Iterable[Entry]) -> list[Entry]:
    """One of each alert, its last; the worst first, those that are over behind."""
    of_each = {entry.alert_id: entry for entry in entries}
    return sorted(of_each.values(), key=lambda entry: (entry.over, -entry.severity))


def digest(receiver: str, entries: Sequence[Entry], now: datetime, page: str = "") -> Message:
    """The message that tells of all of these, oldest first, at once; `page` is where people see how all stands."""
    of_each = latest(entries)
    name = digest_id(receiver, now)
    running = [entry for entry in of_each if not entry.over]
    worst = max((entry.severity for entry in running or of_each), default=Severity.INFO)
    head = f"{counted(of_each)}.\n{by_rule(of_each)}"
    body = listed(head, [entry.line for entry in of_each], ending(f"Digest {name}.", page))
    title = f"{worst.label.upper() if running else 'RESOLVED'}: {len(of_each):,} alerts at once"
    state = State.FIRING if running else State.RESOLVED
    return _of_many(Kind.DIGEST, receiver, name, title=title, body=body, page=page, state=state, severity=worst)


def ending(name: str, page: str) -> str:
    """The last lines of a message about many alerts: where the page is, and what the message is called."""
    return f"{LINK_AFTER}: {page}\n{name}" if page else name


def roles_of(body: str, page: str) -> tuple[str, ...]:
    """What the lines of such a message say: one leads to the page."""
    link = ending("", page).rstrip("\n")
    return tuple(Role.LINK.value if link and text == link else Role.NOTE.value for text in body.split("\n"))


def digest_id(receiver: str, now: datetime, what: str = "digest") -> str:
    """A short name, as alerts have them."""
    return alert_id(AlertKey(what, AccountKey("", receiver)), now, now)


def counted(entries: Iterable[Entry]) -> str:
    """How many of what severity, and how many are over: `12 critical, 1,980 warning; 8 ended`."""
    found = Counter(None if entry.over else entry.severity for entry in entries)
    running = [f"{found[each]:,} {each.label}" for each in sorted(Severity, reverse=True) if found[each]]
    ended = [f"{found[None]:,} ended"] if found[None] else []
    return "; ".join(filter(None, (", ".join(running), *ended)))


def by_rule(entries: Iterable[Entry]) -> str:
    """How many of which rule, the most first, as `By rule: margin-usage 1,990, margin-call 10` reads."""
    found = Counter(entry.rule for entry in entries).most_common()
    shown = [f"{rule} {number:,}" for rule, number in found[:_MOST_RULES]]
    more = f" and {len(found) - _MOST_RULES} more" if len(found) > _MOST_RULES else ""
    return f"By rule: {', '.join(shown)}{more}."


def listed(head: str, lines: Sequence[str], tail: str, more: str = MORE) -> str:
    """Head, as many of the lines as there is room for, how many are left out, and tail."""
    room = BODY_LENGTH - len(head) - len(tail) - 2
    if sum(len(each) + 1 for each in lines) <= room:
        return "\n".join((head, *lines, tail))
    room -= len(_left_out(len(lines), more)) + 1
    shown: list[str] = []
    for each in lines:
        room -= len(each) + 1
        if room < 0:
            break
        shown.append(each)
    return "\n".join((head, *shown, _left_out(len(lines) - len(shown), more), tail))


def _left_out(number: int, more: str) -> str:
    return f"and {number:,} more: {more}"


def summary(
    receiver: str,
    absence: Absence,
    open_now: Sequence[Entry],
    ended: Sequence[Entry],
    now: datetime,
    *,
    page: str = "",
) -> Message:
    """What one receiver hears after a time in which nobody watched."""
    name = digest_id(receiver, absence.until, "summary")
    since, until = moment(absence.since, now), moment(absence.until, now)
    worst = max((entry.severity for entry in open_now), default=Severity.INFO)
    running, over = latest(open_now), latest(ended)
    stood = f"Open now: {counted(running)}." if running else "Nothing is open now."
    passed = f" Ended meanwhile or since: {len(over):,}." if over else ""
    head = f"marginwatch did not run from {since} to {until}; nobody watched.\n{stood}{passed}"
    title = f"{worst.label.upper()}: {len(running):,} open" if running else "Nothing open"
    body = listed(head, [entry.line for entry in (*running, *over)], ending(f"Summary {name}.", page))
    title = f"{title} after {span(absence.until - absence.since)} unwatched"
    state = State.FIRING if running else State.RESOLVED
    return _of_many(Kind.SUMMARY, receiver, name, title=title, body=body, page=page, state=state, severity=worst)


def _of_many(
    kind: Kind, receiver: str, name: str, *, title: str, body: str, page: str, state: State, severity: Severity
) -> Message:
    return Message(
        alert_id=name,
        receiver=receiver,
        number=1,
        state=state,
        severity=severity,
        title=clip(title, TITLE_LENGTH),
        body=body,
        payload={"kind": kind.value, "alert_id": name},
        roles=roles_of(body, page),
        topic=name,
        kind=kind,
    )

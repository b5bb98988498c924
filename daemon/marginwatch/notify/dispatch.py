"""From a tick's notices to its messages: each by itself, held for a digest, or told of in one. Pure.

notices of a receiver  -> sort            what goes out by itself, together, or waits
after an absence       -> hold, release   until every venue was seen: then one summary of what is open
what goes out          -> words           fixed now; of what is in a digest, its line
what was held          -> moved           into the digest, or out by itself
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from marginwatch.core.digest import LONGEST_GATHER, Digesting, Gathering, Sorted, hold, release, sort
from marginwatch.core.model import GROUPS
from marginwatch.core.state import Message, Moved
from marginwatch.notify.digest import about, digest, entry_again, entry_of, entry_standing, summary
from marginwatch.notify.render import TITLE_LENGTH
from marginwatch.notify.words import clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert
    from marginwatch.core.engine import Decision
    from marginwatch.core.result import AlertKey
    from marginwatch.core.route import Notice
    from marginwatch.core.state import Absence
    from marginwatch.notify.digest import Entry
    from marginwatch.notify.draft import About


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is remembered of messages between ticks."""

    gathered: Mapping[str, Gathering] = field(default_factory=dict)
    """By receiver."""
    absence: Absence | None = None
    """It is still to be told of."""
    ended: tuple[Alert, ...] = ()
    """Alerts that ended since then."""

    @property
    def next_due(self) -> datetime | None:
        """When something that was held goes out although nothing happens."""
        dues = [due for each in self.gathered.values() if (due := each.due) is not None]
        if self.absence is not None:
            dues.append(self.absence.until + LONGEST_GATHER)
        return min(dues, default=None)

    @property
    def idle(self) -> bool:
        """Nothing is held and nothing is to be told but what comes."""
        return self.absence is None and not any(each.items for each in self.gathered.values())


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a tick's commit says of messages, and what is to be remembered once it is durable."""

    outgoing: Outgoing
    messages: tuple[Message, ...] = ()
    moved: tuple[Moved, ...] = ()
    absence_told: bool = False


def dispatch(
    before: Outgoing,
    decision: Decision,
    word: Callable[[Notice, Decision], Message],
    *,
    at_once: bool = False,
    page: str = "",
) -> Dispatched:
    """What becomes of the decision's notices; `word` makes the whole message of one.

    `at_once` lets nothing wait any longer; messages about many alerts lead to `page`.
    """
    if before.idle and not decision.notices:
        return Dispatched(before)
    return _Post(before, decision, word, at_once=at_once, page=page).dispatched()


def seen_again(absence: Absence, decision: Decision) -> bool:
    """Whether it can be said what happened in the absence: every venue ended a cycle, or was waited for too long."""
    draft = decision.draft
    if not absence.until <= draft.now < absence.until + LONGEST_GATHER:
        return True
    venues = (draft.venue(name) for name in draft.ruling.venues if name != GROUPS)
    return all(state.last_cycle_at is not None and state.last_cycle_at >= absence.until for state in venues)


class _Post:
    """One tick's post."""

    def __init__(
        self,
        before: Outgoing,
        decision: Decision,
        word: Callable[[Notice, Decision], Message],
        *,
        at_once: bool,
        page: str,
    ) -> None:
        self._before = before
        self._decision = decision
        self._word = word
        self._now = decision.draft.now
        self._at_once = at_once
        self._page = page
        self._over = before.absence is not None and (at_once or seen_again(before.absence, decision))
        self._ended = (*before.ended, *self._ended_now()) if before.absence is not None else ()
        self._gathered = dict(before.gathered)
        self._messages: list[Message] = []
        self._moved: list[Moved] = []

    def dispatched(self) -> Dispatched:
        ruling = self._decision.draft.ruling
        notices: dict[str, list[Notice]] = {receiver.name: [] for receiver in ruling.receivers}
        for notice in self._decision.notices:
            notices.setdefault(notice.receiver, []).append(notice)
        for receiver, found in notices.items():
            self._of_receiver(receiver, found, ruling.digests.get(receiver))
        absence = None if self._over else self._before.absence
        gathered = {name: each for name, each in self._gathered.items() if name in notices}
        outgoing = Outgoing(gathered, absence, () if absence is None else self._ended)
        return Dispatched(outgoing, tuple(self._messages), tuple(self._moved), self._over)

    def _ended_now(self) -> Iterator[Alert]:
        return (alert for alert in self._decision.draft.ended() if alert.fired_at is not None)

    def _of_receiver(self, receiver: str, notices: Sequence[Notice], policy: Digesting | None) -> None:
        before = self._gathered.get(receiver, Gathering())
        found = self._sorted(policy, before, notices)
        summed = self._summary(receiver) if self._over and policy is not None else None
        self._messages += [self._word(notice, self._decision) for notice in found.alone]
        self._moved += [_moved(item, "") for item in found.released]
        if summed is not None:
            self._put_in(summed, found)
        elif found.digest:
            entries = [*map(entry_again, found.merged), *map(self._entry, found.together)]
            self._put_in(digest(receiver, entries, self._now, self._page), found)
        held = [self._held(notice, found.until) for notice in found.held]
        self._messages += held
        if policy is not None and policy.on:
            after = found.of(before, policy, self._now)
            if summed is not None:  # it is a digest, even of nothing
                after = after.after(policy, self._now, int(not found.digest), digest=True)
            self._gathered[receiver] = replace(after, items=(*after.items, *held))
        else:
            self._gathered.pop(receiver, None)

    def _sorted(self, policy: Digesting | None, before: Gathering, notices: Sequence[Notice]) -> Sorted:
        absence = self._before.absence
        if policy is None or not policy.on or (absence is None and not self._at_once):
            return sort(policy, before, notices, self._now)
        if absence is None or self._over:
            return release(policy, before, notices)
        return hold(policy, before, notices, absence.until + LONGEST_GATHER)

    def _put_in(self, message: Message, found: Sorted) -> None:
        """What the digest tells of, and then the digest."""
        self._moved += [_moved(item, message.alert_id) for item in found.merged]
        self._messages += [self._in_digest(notice, message) for notice in found.together]
        self._messages.append(message)

    def _in_digest(self, notice: Notice, message: Message) -> Message:
        entry, key = self._entry(notice), notice.transition.key
        return Message(
            alert_id=entry.alert_id,
            receiver=notice.receiver,
            number=notice.number,
            state=entry.state,
            severity=entry.severity,
            title=clip(entry.line, TITLE_LENGTH),
            body=entry.line,
            payload={"alert_id": entry.alert_id, "rule": key.rule, "state": entry.state.value},
            topic=str(key),
            line=entry.line,
            digest=message.alert_id,
        )

    def _held(self, notice: Notice, until: datetime | None) -> Message:
        return replace(self._word(notice, self._decision), line=self._entry(notice).line, held_until=until)

    def _entry(self, notice: Notice) -> Entry:
        return entry_of(notice, self._about(notice.transition.key), self._now)

    def _standing(self, alert: Alert) -> Entry:
        return entry_standing(alert, self._about(alert.key), self._now)

    def _about(self, key: AlertKey) -> About:
        draft = self._decision.draft
        return about(key, draft.account(key.account), draft.ruling.rules.get(key.rule))

    def _summary(self, receiver: str) -> Message | None:
        """None when nothing that the receiver knows of is open, and nothing ended."""
        assert self._before.absence is not None  # it is over
        running = [self._standing(alert) for alert in self._open() if receiver in alert.told]
        ended = [self._standing(alert) for alert in self._ended if receiver in alert.told]
        if not running and not ended:
            return None
        return summary(receiver, self._before.absence, running, ended, self._now, page=self._page)

    def _open(self) -> Iterable[Alert]:
        draft = self._decision.draft
        alerts = {**{alert.alert_id: alert for alert in draft.memory.alerts()}, **draft.alerts}
        return (alert for alert in alerts.values() if alert.is_open and alert.fired_at is not None)


def _moved(item: Message, digest: str) -> Moved:
    return Moved(item.alert_id, item.receiver, item.number, digest)

"""Which of a tick's notices go out by themselves, which together as a digest, and which wait for the next one. Pure.

    a few notices                      -> each by itself
    more than `after`, now or lately   -> a storm: all of them in one digest, at once
    while a storm lasts                -> what is critical at once, the rest held for the next digest
    the digest is due                  -> everything that was held in one message

A storm lasts as long as each `gather` brings more. What goes out at once takes along what was held of the same topic,
so that of one topic everything is heard in its order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import State
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from marginwatch.core.route import Notice
    from marginwatch.core.state import Message

SOON = timedelta(seconds=1)
"""So long what is critical waits at most, and only behind `after` messages that have just gone out."""
LONGEST_GATHER = timedelta(minutes=2)
"""The most that `gather` may be, and how long the first look after an absence is waited for."""
_GOOD_NEWS = frozenset({State.RESOLVED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Digesting:
    """When messages to one receiver become a digest."""

    after: int = 10
    """More than so many become one."""
    gather: timedelta = timedelta(seconds=30)
    """How long what follows in a storm is held, to go out together."""
    on: bool = True
    """False: every message goes out by itself, and only an absence of ours is summed up."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """What one receiver was told lately, and what is held for its digest."""

    items: tuple[Message, ...] = ()
    """Held, oldest first; each says until when."""
    told: tuple[datetime, ...] = ()
    """When messages went out to it lately, a digest as one."""
    digested_at: datetime | None = None
    """When the latest digest did."""

    @property
    def due(self) -> datetime | None:
        """When what is held goes out; None when nothing is."""
        return min((item.held_until for item in self.items if item.held_until), default=None)

    def is_due(self, now: datetime) -> bool:
        """Whether what is held goes out now: it is time, or the clock was set so far back that it never would be."""
        due = self.due
        return due is not None and not now < due <= now + LONGEST_GATHER

    def is_storm(self, policy: Digesting, now: datetime) -> bool:
        """Whether more is expected: something is held, or a digest has just gone out."""
        if self.items:
            return not self.is_due(now)
        return self.digested_at is not None and self.digested_at <= now < self.digested_at + policy.gather

    def lately(self, policy: Digesting, now: datetime) -> int:
        """How many messages went out within the last `gather`."""
        return sum(now - policy.gather < at <= now for at in self.told)

    def after(self, policy: Digesting, now: datetime, messages: int, *, digest: bool) -> Gathering:
        """The same once so many messages went out, one of them a digest or none."""
        kept = [at for at in self.told if now - policy.gather < at <= now]
        told = (*kept, *[now] * min(messages, policy.after + 1))
        return replace(self, told=told[-policy.after - 1 :], digested_at=now if digest else self.digested_at)


@dataclass(frozen=True, slots=True)
class Sorted:
    """What becomes of a receiver's notices, and of what was held."""

    alone: tuple[Notice, ...] = ()
    released: tuple[Message, ...] = ()
    """Held so far, each to go out by itself, before those that go out now."""
    together: tuple[Notice, ...] = ()
    """In one digest, now."""
    merged: tuple[Message, ...] = ()
    """Held so far, in the same digest."""
    held: tuple[Notice, ...] = ()
    until: datetime | None = None
    """How long."""

    @property
    def digest(self) -> bool:
        """Whether there is one."""
        return bool(self.together or self.merged)

    def of(self, before: Gathering, policy: Digesting, now: datetime) -> Gathering:
        """The gathering once all of this is done, but for what is newly held."""
        gone = {id(item) for item in (*self.released, *self.merged)}
        kept = replace(before, items=tuple(item for item in before.items if id(item) not in gone))
        return kept.after(policy, now, len(self.alone) + len(self.released) + self.digest, digest=self.digest)


def sort(policy: Digesting | None, before: Gathering, notices: Sequence[Notice], now: datetime) -> Sorted:
    """Decide on the notices of one receiver; None: it gets every one by itself."""
    if policy is None or not policy.on:
        return Sorted(alone=tuple(notices), released=before.items)
    if before.is_storm(policy, now):
        return _in_storm(policy, before, notices, now)
    if before.items or len(notices) > policy.after:
        return _all(before.items, notices)
    if before.lately(policy, now) + len(notices) > policy.after:
        return _in_storm(policy, before, notices, now)
    return Sorted(alone=tuple(notices))


def hold(policy: Digesting, before: Gathering, notices: Sequence[Notice], until: datetime) -> Sorted:
    """While it is to be seen what happened in an absence: what is critical at once, the rest held until then."""
    pressing, rest = _divided(notices)
    if len(pressing) > policy.after:
        return Sorted(together=pressing, merged=_of_topics(before.items, pressing), held=rest, until=until)
    return replace(_at_once(before, pressing), held=rest, until=until)


def release(policy: Digesting, before: Gathering, notices: Sequence[Notice]) -> Sorted:
    """The end of that: together when there is more than would go out one by one."""
    if len(before.items) + len(notices) > policy.after:
        return Sorted(together=tuple(notices), merged=before.items)
    return Sorted(alone=tuple(notices), released=before.items)


def presses(notice: Notice) -> bool:
    """Whether it must not wait: it is critical, and not the end of it."""
    told = notice.transition
    return told.severity is Severity.CRITICAL and told.state not in _GOOD_NEWS


def _in_storm(policy: Digesting, before: Gathering, notices: Sequence[Notice], now: datetime) -> Sorted:
    pressing, rest = _divided(notices)
    until = before.due or _storm_began(policy, before, now) + policy.gather
    if len(pressing) > policy.after:
        items = _of_topics(before.items, pressing)
        return Sorted(together=pressing, merged=items, held=rest, until=until)
    if not pressing or before.lately(policy, now) + len(pressing) <= policy.after:
        return replace(_at_once(before, pressing), held=rest, until=until)
    return Sorted(held=tuple(notices), until=min(until, now + SOON))


def _storm_began(policy: Digesting, before: Gathering, now: datetime) -> datetime:
    """With its latest digest, or now."""
    at = before.digested_at
    return at if at is not None and before.is_storm(policy, now) else now


def _at_once(before: Gathering, pressing: tuple[Notice, ...]) -> Sorted:
    return Sorted(alone=pressing, released=_of_topics(before.items, pressing))


def _all(items: tuple[Message, ...], notices: Sequence[Notice]) -> Sorted:
    """Everything in one message; a single one needs no digest."""
    if len(items) + len(notices) == 1:
        return Sorted(alone=tuple(notices), released=items)
    return Sorted(together=tuple(notices), merged=items)


def _divided(notices: Sequence[Notice]) -> tuple[tuple[Notice, ...], tuple[Notice, ...]]:
    """Those of topics that press, in which order must be kept, and the rest."""
    topics = {notice.transition.key for notice in notices if presses(notice)}
    pressing = tuple(notice for notice in notices if notice.transition.key in topics)
    return pressing, tuple(notice for notice in notices if notice.transition.key not in topics)


def _of_topics(items: Iterable[Message], pressing: Iterable[Notice]) -> tuple[Message, ...]:
    topics = {str(notice.transition.key) for notice in pressing}
    return tuple(item for item in items if item.topic in topics)

"""How the daemon is: for the probes, the heartbeat, the watchdog and `systemctl status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.core.health import ReceiverState
from marginwatch.web.health import Check, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.app.polling import VenuePolling
    from marginwatch.app.pump import Pump
    from marginwatch.core.health import Missed
    from marginwatch.store.types import ReceiverHealth

STUCK = 30.0
"""Seconds. Without a tick for so long, the daemon does no work any more."""
WAITED = timedelta(minutes=5)
"""A message due to a healthy receiver must not be older."""


@dataclass(slots=True)
class Vitals:
    """Reads the running parts; changes nothing."""

    pump: Pump
    pollings: Sequence[VenuePolling]
    rules: Callable[[], str]
    """Which rules are in force, in words."""
    receivers: Mapping[str, ReceiverHealth]
    """The configured ones, as last read from the store."""

    def alive(self) -> bool:
        """The tick loop makes progress; by a clock that nobody sets, or a machine put right would be stopped for it."""
        return clock.monotonic() - self.pump.last_tick < STUCK

    def health(self, now: datetime) -> Health:
        """Everything that is looked at, with how it is."""
        checks = [Check("store", not self.pump.trouble, self.pump.trouble or "commits")]
        checks.append(Check("rules", good=True, detail=self.rules()))  # the old ones do their work, too
        checks += [self._venue(polling, now) for polling in self.pollings]
        checks += [_receiver(receiver, now) for receiver in self.receivers.values()]
        return Health(alive=self.alive(), checks=tuple(checks))

    def worry(self, now: datetime) -> str:
        """Why nobody outside may be told that all is well; empty when they may.

        Every venue must have been attempted with a recorded outcome lately, and nothing due to a healthy receiver
        may wait too long. A receiver that fails is told of through the others, so it does not count, but for when
        no other is left.
        """
        if not self.alive():
            return "no tick was done lately"
        if self.pump.trouble:
            return self.pump.trouble
        for polling in self.pollings:
            check = self._venue(polling, now)
            if polling.last_end is None or not check.good:
                return f"{check.name}: {check.detail}"
        healthy = [one for one in self.receivers.values() if one.failing_since is None]
        if self.receivers and not healthy:
            return "no receiver takes messages"
        return next((f"messages to {one.receiver} wait" for one in healthy if _late(one, now)), "")

    def _venue(self, polling: VenuePolling, now: datetime) -> Check:
        name = f"venue {polling.venue.name}"
        ended = polling.last_end
        if ended is None:
            return Check(name, now - polling.since < _patience(polling), "no cycle has ended yet")
        seconds = int((now - ended).total_seconds())
        return Check(name, now - ended < _patience(polling), f"latest cycle ended {seconds} s ago")


def receiver_state(receiver: ReceiverHealth, missed: tuple[Missed, ...] = ()) -> ReceiverState:
    """What the receiver-failing alert is decided from, and what it did not get where others may stand in for it."""
    failing = receiver.failing_since is not None
    return ReceiverState(
        name=receiver.receiver,
        failures=receiver.failed_attempts,
        dead=receiver.dead if failing else 0,
        waiting=receiver.waiting,
        oldest=receiver.oldest,
        error=receiver.detail,
        since=receiver.failing_since,
        missed=missed,
    )


def _patience(polling: VenuePolling) -> timedelta:
    return 3 * polling.slowest + polling.deadline


def _receiver(receiver: ReceiverHealth, now: datetime) -> Check:
    name = f"receiver {receiver.receiver}"
    if receiver.failing_since is not None:
        return Check(name, good=False, detail=f"failing since {receiver.failing_since:%H:%M:%S} UTC: {receiver.detail}")
    return Check(
        name,
        good=not _late(receiver, now),
        detail=f"{receiver.waiting} waiting" if receiver.waiting else "nothing waiting",
    )


def _late(receiver: ReceiverHealth, now: datetime) -> bool:
    return receiver.oldest is not None and now - receiver.oldest >= WAITED

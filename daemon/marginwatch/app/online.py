"""Trying venues and receivers for real: for `check --online` and `notify-test`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.app.build import assemble
from marginwatch.app.ungranted import ungranted
from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.core.state import Message
from marginwatch.notify.words import iso
from marginwatch.ops.threads import in_thread
from marginwatch.venues.protocol import Fetched

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from marginwatch.app.build import Configured
    from marginwatch.notify.receiver import Receiver
    from marginwatch.venues.protocol import Venue


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one try."""

    kind: str
    """`venue` or `receiver`."""
    name: str
    ok: bool
    detail: str
    """For a person."""
    notes: tuple[str, ...] = ()
    """What the venue does not offer to this login, and which rules see less for it."""


def try_everything(configured: Configured) -> list[Trial]:
    """Log in at every venue and send every receiver a test message, all at once."""
    return asyncio.run(_try(configured, logins=True))


def try_receivers(configured: Configured, only: Collection[str] = ()) -> list[Trial]:
    """Send the named receivers, or all, a test message, all at once."""
    return asyncio.run(_try(configured, logins=False, only=only))


async def _try(configured: Configured, *, logins: bool, only: Collection[str] = ()) -> list[Trial]:
    parts = assemble(configured)
    chosen = [receiver for receiver in parts.receivers if not only or receiver.name in only]
    tries = [_log_in(venue, configured) for venue in parts.venues] if logins else []
    try:
        return await asyncio.gather(*tries, *(_send(receiver) for receiver in chosen))
    finally:
        await asyncio.gather(*(venue.aclose() for venue in parts.venues))


async def _log_in(venue: Venue, configured: Configured) -> Trial:
    failure = await venue.check_login()
    if failure is not None:
        return Trial("venue", venue.name, ok=False, detail=f"{failure.kind.value.replace('_', ' ')}: {failure.told}")
    return Trial("venue", venue.name, ok=True, detail="logged in", notes=await _limits(venue, configured))


async def _limits(venue: Venue, configured: Configured) -> tuple[str, ...]:
    """What one cycle shows that the login is not granted; a cycle that fails is not what was asked about."""
    (kind,) = (each.kind for each in configured.settings.venues if each.name == venue.name)
    catalogue = configured.kinds[kind].catalogue
    said: dict[str, None] = {}
    async for fetched in venue.poll():
        if isinstance(fetched, Fetched):
            for observation in venue.normalise(fetched).observations:
                said |= dict.fromkeys(ungranted(observation, configured.rules.rules, catalogue))
    return tuple(said)


async def _send(receiver: Receiver) -> Trial:
    message = test_message(receiver.name, clock.now())
    answer = await in_thread(lambda: receiver.send(message), f"try {receiver.name}")
    taken = answer.outcome is AttemptOutcome.DELIVERED
    return Trial("receiver", receiver.name, taken, "took the test message" if taken else answer.detail)


def test_message(receiver: str, now: datetime) -> Message:
    """A message that says it is a test, with the machine-readable keys of a real one."""
    at = iso(now.replace(microsecond=0))
    keys = ("rule", "venue", "account", "subject", "value", "limit", "as_of", "runbook", "link")
    return Message(
        alert_id="test",
        receiver=receiver,
        number=1,
        state=State.EVENT,
        severity=Severity.INFO,
        title="TEST: marginwatch can reach you",
        body=f"This is a test of the receiver {receiver}, sent at {now:%Y-%m-%d %H:%M:%S} UTC. Nothing is wrong.",
        payload={
            "alert_id": "test",
            "state": State.EVENT.value,
            "severity": Severity.INFO.label,
            "fetched_at": at,
            "reason": "test",
            **dict.fromkeys(keys, ""),
        },
        topic="test",
    )

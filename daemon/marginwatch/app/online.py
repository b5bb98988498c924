"""Trying venues and receivers for real: for `check --online` and `notify-test`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.app.build import assemble
from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.core.state import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.app.build import Configured
    from marginwatch.notify.receiver import Receiver
    from marginwatch.venues.protocol import Venue


def try_everything(configured: Configured) -> list[dict[str, object]]:
    """Log in at every venue and send every receiver a test message; a row each with `name`, `ok` and `detail`."""
    return asyncio.run(_try(configured, logins=True, only=()))


def try_receivers(configured: Configured, only: Sequence[str]) -> list[dict[str, object]]:
    """Send the named receivers, or all, a test message; a row each with `name`, `ok` and `detail`."""
    return asyncio.run(_try(configured, logins=False, only=only))


async def _try(configured: Configured, *, logins: bool, only: Sequence[str]) -> list[dict[str, object]]:
    parts = assemble(configured)
    chosen = [receiver for receiver in parts.receivers if not only or receiver.name in only]
    tries = [_log_in(venue) for venue in parts.venues] if logins else []
    tries += [_send(receiver) for receiver in chosen]
    try:
        return list(await asyncio.gather(*tries))
    finally:
        await asyncio.gather(*(venue.aclose() for venue in parts.venues))


async def _log_in(venue: Venue) -> dict[str, object]:
    failure = await venue.check_login()
    detail = "logged in" if failure is None else f"{failure.kind.value}: {failure.detail}"
    return {"name": f"venue {venue.name}", "ok": failure is None, "detail": detail}


async def _send(receiver: Receiver) -> dict[str, object]:
    answer = await asyncio.to_thread(receiver.send, test_message(receiver.name, clock.now()))
    taken = answer.outcome is AttemptOutcome.DELIVERED
    detail = "took the test message" if taken else f"{answer.outcome.value}: {answer.detail}"
    return {"name": f"receiver {receiver.name}", "ok": taken, "detail": detail}


def test_message(receiver: str, now: datetime) -> Message:
    """A message that says it is a test, with the machine-readable keys of a real one."""
    at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    keys = ("rule", "venue", "account", "subject", "value", "limit", "as_of")
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
    )

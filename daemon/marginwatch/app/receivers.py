"""Looks now and then at how the receivers do, so that one that fails is told of through the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.app.vitals import receiver_state
from marginwatch.core.health import ReceiverState
from marginwatch.store.types import unused

if TYPE_CHECKING:
    from collections.abc import Callable

    from marginwatch.app.build import Parts
    from marginwatch.app.pump import Writer
    from marginwatch.app.vitals import Vitals
    from marginwatch.core.health import Missed
    from marginwatch.deliver import Delivery
    from marginwatch.store.store import Store
    from marginwatch.store.types import ReceiverHealth


@dataclass(slots=True)
class ReceiverWatch:
    """Reads the outbox, shows the vitals what it says, and tells the pump of trouble and of its end."""

    store: Store
    writer: Writer
    delivery: Delivery
    vitals: Vitals
    parts: Callable[[], Parts]
    """Those that run."""
    set_back: bool = False
    """The clock was set back: what waits for a time of the old one waits for too long."""
    _told: dict[str, bool] = field(default_factory=dict)
    """Whether a receiver was in trouble when it was last looked at."""

    async def look(self) -> None:
        """Look once.

        Raises:
            StoreError: The store refuses.
        """
        if self.set_back:
            await self.writer.call(lambda: self.store.outbox.make_due(clock.now()))
            self.set_back = False
            self.delivery.wake()
        found = await asyncio.to_thread(self.store.outbox.receivers)
        names = {receiver.name for receiver in self.parts().receivers}
        self.vitals.receivers = {name: found.get(name) or unused(name) for name in names}
        for name, health in self.vitals.receivers.items():
            troubled = health.failing_since is not None or health.waiting > 0
            if troubled or self._told.get(name, True):  # the last process may have left an alert open
                self.vitals.pump.put(receiver_state(health, await self._missed(health) if troubled else ()))
            self._told[name] = troubled
        while self.delivery.given_up:
            name, number = self.delivery.given_up.popitem()
            self.vitals.pump.put(ReceiverState(name, dead=number, error="it is not configured any more"))

    async def _missed(self, health: ReceiverHealth) -> tuple[Missed, ...]:
        """What a receiver did not get, where others may stand in for it."""
        name, since = health.receiver, health.failing_since
        if not any(each.name == name and each.fallback for each in self.parts().settings.receivers):
            return ()
        return await asyncio.to_thread(self.store.outbox.missed, name, since)

"""One full cycle of every venue, with all that follows from it, and then an end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.app.charting import Charts
from marginwatch.app.phrasing import wording_of
from marginwatch.app.polling import pollings_of
from marginwatch.app.pump import Pump, Writer
from marginwatch.deliver import Delivery
from marginwatch.store.types import OutboxStatus
from marginwatch.tick import Ticker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.app.build import Parts
    from marginwatch.store.store import Store
    from marginwatch.store.types import ReceiverHealth

SENDS_WITHIN = 5.0
"""Seconds sends in flight may take after the last look."""
_LOOK_EVERY = 0.05


async def one_cycle(parts: Parts, store: Store) -> list[str]:
    """Poll, decide and deliver; a sentence for each venue and each receiver that failed.

    A receiver is waited for until it has its messages or refuses one; what it refused is due at the next run.
    """
    writer = Writer()
    ticker = Ticker(store, parts.ruling, {venue.name: venue.normalise for venue in parts.venues})
    delivery = Delivery(store, parts.receivers, writer.call)
    delivery.draw = Charts(store.history, ticker).draw
    pump = Pump(ticker, writer, lambda _: delivery.wake())
    try:
        ticker.wording = await writer.call(lambda: wording_of(parts, store))
        await writer.call(lambda: ticker.start(clock.now(), continuous=False))
        earlier = await writer.call(store.outbox.receivers)
        await asyncio.gather(*(polling.cycle() for polling in pollings_of(parts, pump.put)))
        await pump.drain(patient=False)
        await writer.call(lambda: ticker.release(clock.now()))
        await _deliver(delivery, writer, store, earlier)
        return await writer.call(lambda: _failed(parts, store))
    finally:
        await asyncio.gather(*(venue.aclose() for venue in parts.venues))
        writer.close()


async def _deliver(delivery: Delivery, writer: Writer, store: Store, earlier: Mapping[str, ReceiverHealth]) -> None:
    running = asyncio.create_task(delivery.run())
    try:
        waiting = True
        while waiting:
            await asyncio.sleep(_LOOK_EVERY)
            waiting = await writer.call(lambda: _awaited(store, earlier))
    finally:
        await delivery.stop(SENDS_WITHIN)
        await running


def _awaited(store: Store, earlier: Mapping[str, ReceiverHealth]) -> bool:
    """Some receiver has a message that is due or under way, and has not refused one in this run."""
    for name, health in store.outbox.receivers().items():
        before = earlier[name].failed_attempts if name in earlier else 0
        refused = health.failing_since is not None and health.failed_attempts != before
        if health.waiting and not refused and _under_way(store, name):
            return True
    return False


def _under_way(store: Store, receiver: str) -> bool:
    due = store.outbox.next_due([receiver])
    sending = store.outbox.rows(statuses=[OutboxStatus.SENDING], receiver=receiver, limit=1)
    return bool(sending) or (due is not None and due <= clock.now())


def _failed(parts: Parts, store: Store) -> list[str]:
    venues = {venue.name for venue in parts.venues}
    receivers = {receiver.name for receiver in parts.receivers}
    said = [
        f"venue {state.venue}: {state.last_failure.told}"
        for state in store.history.venue_states()
        if state.venue in venues and state.failed_cycles and state.last_failure is not None
    ]
    return said + [
        f"receiver {health.receiver}: {health.detail}"
        for health in store.outbox.receivers().values()
        if health.receiver in receivers and health.failing_since is not None
    ]

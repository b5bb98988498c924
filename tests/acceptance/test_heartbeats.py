"""The switch outside hears of marginwatch while every venue is tried and messages go out, and of nothing else."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from support.sinks import Hang, HttpSink, Reply
from support.sites import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.conftest import Open
    from support.house import House

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def switch() -> Iterator[HttpSink]:
    """The dead man's switch."""
    with HttpSink() as running:
        yield running


async def beats(house: House, switch: HttpSink) -> bool:
    """Whether it hears of us, when a minute is over since it did."""
    heartbeat, before = house.daemon._heartbeat, len(switch.posts)
    assert heartbeat is not None
    heartbeat._due = 0.0
    await house.daemon.receivers.look()
    await heartbeat.step()
    return len(switch.posts) > before


async def look(house: House, seconds: float) -> None:
    """A cycle that waits for no delivery."""
    house.clock.push(seconds)
    await asyncio.gather(*(polling.cycle() for polling in house.daemon.pollings))
    await house.daemon.pump.drain()


async def test_every_venue_must_have_been_tried(open_house: Open, switch: HttpSink) -> None:
    """Not before the first cycle; a venue that fails was tried; one that was not for three turns was not."""
    beat = table("heartbeat", {"url": f"http://{switch.address}/beat"})
    async with open_house(receivers=beat) as house:
        assert not await beats(house, switch)
        await house.good_cycle()
        assert await beats(house, switch)

        for faults in house.sites.faults.values():
            faults.fail("*", Fault(FaultKind.STATUS))
        await house.cycle(20, times=3)
        assert await beats(house, switch)

        first, *others = house.daemon.pollings
        house.clock.push(60)
        await asyncio.gather(*(polling.cycle() for polling in others))
        await house.settle()
        assert not await beats(house, switch)
        assert f"venue {first.venue.name}: latest cycle ended 60 s ago" in house.daemon._vitals.worry(house.clock.now())
        await first.cycle()
        await house.settle()
        assert await beats(house, switch)


async def test_a_message_must_not_wait_for_five_minutes(open_house: Open, switch: HttpSink) -> None:
    """At a receiver that takes messages: one that fails is told of by others, unless there is no other."""
    beat = table("heartbeat", {"url": f"http://{switch.address}/beat"})
    async with open_house("helio", receivers=beat) as house:
        await house.good_cycle()
        house.sink.always = Hang()
        house.change("helio", margin_used=Decimal(95_000))
        await look(house, 10)
        house.daemon.delivery.wake()
        await house.sink.arrived(1)
        await look(house, 290)
        assert await beats(house, switch)
        await look(house, 15)
        assert not await beats(house, switch)
        assert "messages to hook wait" in house.daemon._vitals.worry(house.clock.now())

        house.sink.always = Reply()
        house.sink.release()
        await house.cycle(10)
        assert await beats(house, switch)
        house.sink.always = Reply(503)
        house.change("helio", margin_used=Decimal(10_000))
        await house.cycle(10)
        assert not await beats(house, switch)
        assert "no receiver takes messages" in house.daemon._vitals.worry(house.clock.now())

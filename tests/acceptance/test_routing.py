"""Who hears, with real servers that take messages or refuse them, and a store that outlives the process."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from support.sinks import HttpSink, Reply
from support.sites import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.conftest import Open
    from support.house import House

pytestmark = pytest.mark.usefixtures("no_pauses")

WAYS: Final = """
[[routes]]
name = "all"
receivers = ["desk"]
rules = ["margin-usage", "changes"]
escalate = [{ after = "10m", receivers = ["hook"] }]
[[routes]]
name = "us"
receivers = ["hook"]
rules = ["receiver-failing"]
"""


@pytest.fixture
def desk() -> Iterator[HttpSink]:
    """The server that the desk's messages go to; `hook` is the house's own."""
    with HttpSink() as sink:
        yield sink


def told(sink: HttpSink) -> list[str]:
    """What a sink was told, in short."""
    return [f"{post.json['rule']} {post.json['state']} {post.json['reason']}" for post in sink.posts]


async def _breach(house: House) -> None:
    """The first good look, and an account over its limit at the next."""
    await house.good_cycle()
    house.change("helio", "acc-1", margin_used=Decimal(85_000))
    await house.cycle()


@pytest.mark.usefixtures("manual")
async def test_who_stands_in_hears_on_time_what_the_desk_did_not_get(open_house: Open, desk: HttpSink) -> None:
    """Not before it has been failing for five minutes; the desk gets all of it in order when it works again."""
    fallback = receiver("desk", desk.url()) + 'fallback = { receivers = ["hook"], after = "5m" }\n'
    async with open_house("helio", receivers=fallback + WAYS) as house:
        desk.always = Reply(503)
        await _breach(house)
        began = house.clock.now()
        await house.cycle(10, times=28)
        assert set(told(house.sink)) == {"receiver-failing firing held"}
        await house.restart()
        await house.cycle(10, times=4)

        assert told(house.sink)[1:] == ["margin-usage firing fallback"]
        assert house.clock.now() - began == timedelta(seconds=320)
        assert "desk cannot be reached since" in house.sink.posts[-1].json["message"]

        house.change("helio", "acc-1", margin_used=Decimal(95_000))
        await house.cycle()
        assert told(house.sink)[2:] == ["margin-usage worsened higher_level"]

        desk.always = Reply()
        desk.posts.clear()
        await house.cycle(30, times=3)
        assert told(desk)[:2] == ["margin-usage firing held", "margin-usage worsened higher_level"]
        house.change("helio", "acc-1", margin_used=Decimal(10_000))
        await house.cycle()
        assert told(desk)[-1] == told(house.sink)[-1] == "margin-usage resolved cleared"


@pytest.mark.usefixtures("manual")
async def test_a_ladder_calls_over_a_restart(open_house: Open, desk: HttpSink) -> None:
    """Ten minutes after the desk was told, once."""
    async with open_house("helio", receivers=receiver("desk", desk.url()) + WAYS, every="1m") as house:
        await _breach(house)
        assert told(desk) == ["margin-usage firing held"]
        await house.cycle(60, times=5)
        await house.restart()
        await house.cycle(60, times=4)
        assert told(house.sink) == []

        await house.cycle(60, times=5)
        assert told(house.sink) == ["margin-usage reminder escalated"]

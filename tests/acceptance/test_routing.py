"""Who hears, with real servers that take messages or refuse them, and a store that outlives the process."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from support.sinks import Close, Hang, HttpSink, Reply, Reset, Truncate, refusing_port
from support.sites import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.conftest import Open
    from support.house import House
    from support.sinks import Behaviour

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


TROUBLES: Final[dict[str, Behaviour | None]] = {
    "down": None,
    "slow": Hang(),
    "rate limiting": Reply(429, headers={"Retry-After": "1"}),
    "rejecting": Reply(400),
    "resetting": Reset(),
    "hanging up": Close(),
    "answering half": Truncate(),
}
"""Whatever keeps the desk's messages from being known to have arrived; `slow` takes them, and answers too late."""


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


@pytest.mark.usefixtures("manual")
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_whatever_is_the_matter_others_hear_on_time(open_house: Open, desk: HttpSink, trouble: str) -> None:
    """Who stands in after five minutes, whom the ladder calls after ten; and the end reaches both."""
    with refusing_port() as nobody:
        behaviour = TROUBLES[trouble]
        port = nobody if behaviour is None else desk.port
        desk.always = behaviour or Reply()
        url = f"json://127.0.0.1:{port}/hook?rto=0.2"
        fallback = receiver("desk", url) + 'fallback = { receivers = ["standby"], after = "5m" }\n'
        with HttpSink() as standby:
            receivers = fallback + receiver("standby", standby.url(), min_severity="critical") + WAYS
            async with open_house("helio", receivers=receivers) as house:
                await _breach(house)
                began = house.clock.now()
                heard = {"standby": standby, "ladder": house.sink}
                at: dict[str, timedelta] = {}
                while len(at) < len(heard) and house.clock.now() - began < timedelta(minutes=12):
                    await house.cycle(10)
                    for who, sink in heard.items():
                        if any(each.startswith("margin-usage") for each in told(sink)):
                            at.setdefault(who, house.clock.now() - began)
                house.change("helio", "acc-1", margin_used=Decimal(10_000))
                await house.cycle(10)

            assert timedelta(minutes=5) <= at["standby"] <= timedelta(minutes=5, seconds=20)
            assert timedelta(minutes=10) <= at["ladder"] <= timedelta(minutes=10, seconds=10)
            for sink, reason in ((standby, "fallback"), (house.sink, "escalated")):
                usage = [each for each in told(sink) if each.startswith("margin-usage")]
                assert usage[0].endswith(f" {reason}")
                assert usage[-1] == "margin-usage resolved cleared"
                assert len(usage) == len(set(usage))

"""Maintenance and quiet hours with real servers that take messages, and a store that outlives the process."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from support.sinks import HttpSink
from support.sites import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.conftest import Open

pytestmark = pytest.mark.usefixtures("no_pauses")

QUIET: Final = 'quiet = { hours = "14:00-14:10", zone = "UTC" }\n'
MAINTENANCE: Final = """
[[maintenance]]
name = "move"
zone = "Europe/Zurich"
begins = "2026-03-02 15:01"
ends = "2026-03-02 15:20"
venues = ["fx"]
"""
LONGER: Final = MAINTENANCE.replace("15:20", "15:40")


@pytest.fixture
def phone() -> Iterator[HttpSink]:
    """The server that the phone's messages go to; `hook` is the house's own."""
    with HttpSink() as sink:
        yield sink


def told(sink: HttpSink) -> list[str]:
    """What a sink was told, in short."""
    return [f"{post.json['account']} {post.json['state']} {post.json['severity']}" for post in sink.posts]


@pytest.mark.usefixtures("manual")
async def test_a_phone_sleeps_through_warnings_alone(open_house: Open, phone: HttpSink) -> None:
    """What becomes critical wakes it at once; of the rest it hears at the end what is still so, a restart between."""
    async with open_house("helio", receivers=receiver("phone", phone.url()) + QUIET) as house:
        await house.good_cycle()
        for account in ("acc-1", "acc-2"):
            house.change("helio", account, margin_used=Decimal(85_000))
        await house.cycle()
        assert (told(phone), sorted(told(house.sink))) == ([], ["acc-1 firing warning", "acc-2 firing warning"])

        house.change("helio", "acc-1", margin_used=Decimal(95_000))
        await house.cycle()
        assert told(phone) == ["acc-1 firing critical"]

        await house.restart()
        await house.cycle(30, times=20)
        assert told(phone) == ["acc-1 firing critical", "acc-2 firing warning"]
        assert "the quiet hours that held it back have ended" in phone.posts[-1].json["message"].lower()
        assert len(told(house.sink)) == 3

        house.change("helio", "acc-2", margin_used=Decimal(10_000))
        await house.cycle()
        assert told(phone)[-1] == told(house.sink)[-1] == "acc-2 resolved warning"


@pytest.mark.usefixtures("manual")
async def test_maintenance_is_edited_between_two_processes(open_house: Open) -> None:
    """It is prolonged, and then taken out: what waited is told by the first tick after that, once."""
    async with open_house("helio", receivers=MAINTENANCE) as house:
        written = house.config.read_text()
        await house.good_cycle()
        await house.cycle(60)
        house.change("helio", "acc-1", margin_used=Decimal(95_000))
        await house.cycle()
        house.config.write_text(written.replace(MAINTENANCE, LONGER))
        await house.restart()
        await house.cycle(60, times=22)
        assert house.news() == []

        house.config.write_text(written.replace(MAINTENANCE, ""))
        await house.restart()
        await house.cycle(10, times=3)
        assert house.news() == ["fx/acc-1 margin-usage firing critical"]

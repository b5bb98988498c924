"""From an account's numbers at a venue to what a person is told, over the venues' own protocols."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from support.house import in_short, opened
from support.sinks import HttpSink
from support.sites import KINDS, NAMES, receiver

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.conftest import Open
    from support.manual_clock import ManualClock

KEYS: Final = {
    "alert_id",
    "rule",
    "state",
    "severity",
    "venue",
    "account",
    "subject",
    "value",
    "limit",
    "as_of",
    "fetched_at",
    "reason",
}
"""What any webhook can act on without reading text."""

SLOW: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
clear_by = "3%"
for = "1m"
clear_for = "2m"
worsens_by = "2%"
remind_every = "1h"
"""
"""The shipped margin rule."""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_breach_is_told_once_with_every_key_and_resolved_once(open_house: Open, kind: str) -> None:
    """A webhook gets one message at the breach and one at its end, each with all that a machine needs."""
    async with open_house(kind) as house:
        await house.cycle(times=2)
        assert house.news() == []

        house.change(kind, margin_used=Decimal(95_000))
        await house.cycle(times=3)
        (fired,) = house.heard()
        house.change(kind, margin_used=Decimal(10_000))
        await house.cycle(times=3)
        (resolved,) = house.heard()

        assert KEYS | {"title", "message", "type"} <= fired.keys()
        expected = {
            "rule": "margin-usage",
            "state": "firing",
            "severity": "critical",
            "venue": NAMES[kind],
            "account": "acc-1",
            "subject": "",
            "value": "0.95",
            "limit": "0.90",
            "as_of": "" if kind == "stonex" else "2026-03-02T14:00:30Z",
            "fetched_at": "2026-03-02T14:00:30Z",
            "reason": "held",
        }
        assert {key: fired[key] for key in expected} == expected
        assert resolved["alert_id"] == fired["alert_id"]
        assert (resolved["state"], resolved["severity"], resolved["reason"]) == ("resolved", "critical", "cleared")
        assert (resolved["value"], resolved["type"]) == ("0.1", "success")
        assert all(isinstance(each[key], str) for each in (fired, resolved) for key in KEYS)


async def test_a_second_breach_is_another_alert(open_house: Open) -> None:
    """What fires again after it resolved has a new id."""
    async with open_house("helio") as house:
        for used in (10_000, 95_000, 10_000, 95_000):
            house.change("helio", margin_used=Decimal(used))
            await house.cycle()
        told = house.heard()

        assert [message["state"] for message in told] == ["firing", "resolved", "firing"]
        assert told[0]["alert_id"] == told[1]["alert_id"] != told[2]["alert_id"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_breach_that_was_there_before_us(open_house: Open, kind: str) -> None:
    """A condition already true at the first sight fires and says so."""
    async with open_house(kind) as house:
        house.change(kind, margin_used=Decimal(95_000))
        await house.cycle()
        (fired,) = house.heard()

        assert (fired["state"], fired["reason"]) == ("firing", "already_true")
        assert "already true when first seen" in fired["message"]


@pytest.mark.parametrize("kind", KINDS)
async def test_levels_go_up_and_down(open_house: Open, kind: str) -> None:
    """Each level reached and left is told once, two levels at once are one message, inside a level there is silence."""
    async with open_house(kind) as house:
        story = []
        for used in (10, 85, 86, 95, 96, 85, 85, 95, 10, 95, 10):
            house.change(kind, margin_used=Decimal(used * 1_000))
            await house.cycle()
            story.append([line.split(maxsplit=2)[2] for line in house.news()])

        assert story == [
            [],
            ["firing warning"],
            [],
            ["worsened critical"],
            [],
            ["eased warning"],
            [],
            ["worsened critical"],
            ["resolved critical"],
            ["firing critical"],
            ["resolved critical"],
        ]


async def test_a_value_at_the_edge_keeps_its_level(open_house: Open) -> None:
    """Inside the band below a limit the level stays; only past `clear_by`, for `clear_for`, it is left."""
    async with open_house("architect", rules=SLOW) as house:

        async def stay(used: str, minutes: int) -> list[str]:
            house.change("architect", margin_used=Decimal(used) * 1_000)
            await house.cycle(30, times=2 * minutes)
            return [line.split(maxsplit=2)[2] for line in house.news()]

        assert await stay("50", 1) == []
        assert await stay("80", 5) == []  # at the limit, not above it
        assert await stay("80.01", 2) == ["firing warning"]
        assert await stay("77.01", 10) == []
        assert await stay("77", 1) == []  # past the band, not yet for long enough
        assert await stay("77.01", 1) == []  # which begins anew
        assert await stay("77", 2) == []
        assert await stay("77", 1) == ["resolved warning"]


async def test_a_breach_must_last(open_house: Open) -> None:
    """Nothing is told of what is over before `for` has passed, and firing comes as soon as it has."""
    async with open_house("helio", rules=SLOW) as house:
        await house.cycle()
        house.change("helio", margin_used=Decimal(95_000))
        await house.cycle(30, times=2)
        house.change("helio", margin_used=Decimal(10_000))
        await house.cycle(30, times=2)
        assert house.news() == []

        house.change("helio", margin_used=Decimal(95_000))
        await house.cycle(30, times=3)
        (fired,) = house.heard()
        assert (fired["state"], fired["fetched_at"]) == ("firing", "2026-03-02T14:03:40Z")


async def test_it_reminds_and_says_when_it_gets_worse(open_house: Open) -> None:
    """A reminder an hour for as long as it lasts; worse by the step since last told is told at once."""
    async with open_house("stonex", rules=SLOW, stale_after="1h") as house:

        async def stay(used: str, cycles: int = 1) -> list[str]:
            house.change("stonex", margin_used=Decimal(used) * 1_000)
            await house.cycle(600, times=cycles)
            return [f"{message['state']} {message['value']}" for message in house.heard()]

        assert await stay("50") == []
        assert await stay("91", 2) == ["firing 0.91"]
        assert await stay("91", 5) == []
        assert await stay("91") == ["reminder 0.91"]
        assert await stay("92.9") == []
        assert await stay("93") == ["worsened 0.93"]
        assert await stay("92") == []
        assert await stay("94.9") == []
        assert await stay("95") == ["worsened 0.95"]
        assert await stay("94", 5) == []
        assert await stay("94") == ["reminder 0.94"]
        assert await stay("10", 2) == ["resolved 0.1"]
        assert await stay("10", 12) == []


CHANGES: Final = [
    (
        "architect",
        {"permissions": frozenset({"list", "view", "reduce_or_close"})},
        "permissions: set_limits removed, trade removed",
    ),
    ("helio", {"status": "TRADE_STATUS_CLOSE_ONLY"}, "trading_status: TRADE_STATUS_FULL -> TRADE_STATUS_CLOSE_ONLY"),
    ("stonex", {"fed_call": Decimal(1_500)}, "call_amount: 0 -> 1,500"),
]


@pytest.mark.parametrize(("kind", "changes", "words"), CHANGES, ids=[kind for kind, _, _ in CHANGES])
async def test_a_change_is_told_in_words(open_house: Open, kind: str, changes: dict[str, object], words: str) -> None:
    """What differs from the last known value is one event, in the venue's own spelling; the first sight is none."""
    async with open_house(kind) as house:
        await house.cycle(times=2)
        assert house.news() == []

        house.change(kind, **changes)
        await house.cycle(times=2)
        (event,) = house.heard()

        assert in_short(event) == f"{NAMES[kind]}/acc-1 changes event warning"
        assert words in event["message"].splitlines()
        assert event["reason"] == "occurred"


async def test_a_change_during_an_outage_is_told_after_it(open_house: Open) -> None:
    """An event compares with the last known value, however long ago that was."""
    async with open_house("helio") as house:
        await house.cycle()
        house.change("helio", answered=False)
        await house.cycle(20, times=5)
        house.news()
        house.change("helio", answered=True, status="TRADE_STATUS_DISABLED")
        await house.cycle()

        assert "fx/acc-1 changes event warning" in house.news()


async def test_who_heard_of_it_hears_of_its_end(tmp_path: Path, manual: ManualClock) -> None:
    """A receiver for critical alerts alone hears nothing of a warning, and all of what it was told about once."""
    with HttpSink() as pager:
        critical = receiver("pager", pager.url(), min_severity="critical")
        async with opened(tmp_path, manual, "helio", receivers=critical) as house:
            for used in (10, 85, 10, 95, 85, 10):
                house.change("helio", margin_used=Decimal(used * 1_000))
                await house.cycle()

            told = [post.json["state"] for post in pager.posts]
            assert told == ["firing", "eased", "resolved"]
            states = [post.json["state"] for post in house.sink.posts]
            assert states == ["firing", "resolved", "firing", "eased", "resolved"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_restart_changes_nothing(open_house: Open, kind: str) -> None:
    """A daemon that starts again on the same database tells nothing again, and goes on where the last one stopped."""
    async with open_house(kind, rules=SLOW) as house:
        await house.cycle(30)
        house.change(kind, margin_used=Decimal(95_000))
        await house.cycle(30, times=2)
        await house.restart()
        assert house.news() == []

        await house.cycle(30)
        (fired,) = house.heard()
        assert (fired["state"], fired["reason"]) == ("firing", "held")

        await house.restart()
        await house.cycle(30, times=3)
        assert house.news() == []

        house.change(kind, margin_used=Decimal(10_000))
        await house.cycle(30, times=3)
        await house.restart()
        await house.cycle(30, times=2)
        (resolved,) = house.heard()
        assert (resolved["state"], resolved["alert_id"]) == ("resolved", fired["alert_id"])

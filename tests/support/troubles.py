"""The course of a trouble in a house: a breach, something that goes wrong, and the end of both."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from support.house import House
from support.sites import NAMES

Doing: TypeAlias = Callable[[House], None]
"""Lets something begin or end."""


def heal(kind: str) -> Doing:
    """End what goes wrong at the venue."""
    return lambda house: house.sites.faults[kind].clear()


def said(found: list[dict[str, str]], rule: str) -> str:
    """What the first message of the rule says."""
    return next(message["message"] for message in found if message["rule"] == rule).lower()


async def in_breach(house: House, kind: str) -> None:
    """Both accounts of the venue are seen healthy, then in breach; that much is told."""
    await house.good_cycle()
    house.change(kind, margin_used=Decimal(95_000))
    house.change(kind, "acc-2", margin_used=Decimal(85_000))
    await house.good_cycle()

    assert house.news() == [
        f"{NAMES[kind]}/acc-1 margin-usage firing critical",
        f"{NAMES[kind]}/acc-2 margin-usage firing warning",
    ]


async def a_blip_is_not_told(house: House, begin: Doing, end: Doing) -> None:
    """One bad cycle between good ones is nobody's trouble."""
    begin(house)
    await house.cycle()
    end(house)
    await house.good_cycle()
    await house.good_cycle()

    assert house.news() == []


async def it_ends_once(house: House, kind: str, *accounts: str) -> None:
    """More good answers tell nothing new; when the breach is over it is told, once."""
    await house.good_cycle(20)
    assert house.news() == []

    for account in accounts:
        house.change(kind, account, margin_used=Decimal(10_000))
    await house.good_cycle(20)
    await house.good_cycle(20)
    assert [line.partition(" ")[0] for line in house.news()] == [f"{NAMES[kind]}/{account}" for account in accounts]
    by_alert: dict[str, list[str]] = {}
    for post in house.sink.posts:
        by_alert.setdefault(post.json["alert_id"], []).append(post.json["state"])
    for states in by_alert.values():
        assert (states[0], states[-1]) == ("firing", "resolved")
        assert (states.count("firing"), states.count("resolved")) == (1, 1)

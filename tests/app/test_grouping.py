"""Groups from the config to a message, over real protocols."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.build import configure
from marginwatch.errors import InvalidInputError
from support.house import in_short, opened
from support.manual_clock import ManualClock
from support.shell import Shell
from support.sites import Sites, receiver, table, write_config

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

RULES = """
[[rule]]
id = "family-usage"
title = "Margin usage of the family"
value = "sum(margin_used) / sum(equity)"
levels = { warning = "> 40%", critical = "> 70%" }
each = "group"
"""


EQUITY = """
[[rule]]
id = "family-equity"
value = "sum(equity)"
levels = { warning = "< 280_000" }
each = "group"
"""


def group(**changes: object) -> str:
    keys = {"name": "family", "accounts": ["futures/*", "fx/acc-1"], "currency": "USD"}
    return table("[groups]", {**keys, **changes})


async def test_a_group_over_two_venues_is_told_of_and_survives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the answers of two venues to one message about both, and to its end."""
    clock = ManualClock()
    clock.rule(monkeypatch)
    family = group(accounts=["futures/*", "clearing/acc-1"])
    async with opened(tmp_path, clock, "architect", "stonex", rules=EQUITY, receivers=family, currency="USD") as house:
        await house.good_cycle()
        assert house.news() == []

        house.change("architect", equity=Decimal(70_000))
        await house.good_cycle()
        (message,) = house.heard()
        assert in_short(message) == "group/family family-equity firing warning"
        assert message["value"] == "270000"

        await house.restart()
        await house.good_cycle()
        assert house.news() == []

        house.change("architect", equity=Decimal(90_000))
        await house.good_cycle()
        assert house.news() == ["group/family family-equity resolved warning"]


async def test_what_was_told_of_a_group_is_explained_and_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backtest decides it exactly as it was decided live, and an explanation shows the sum."""
    clock = ManualClock()
    clock.rule(monkeypatch)
    family = group(accounts=["futures/*", "clearing/acc-1"])
    async with opened(tmp_path, clock, "architect", "stonex", rules=EQUITY, receivers=family, currency="USD") as house:
        await house.good_cycle()
        house.change("architect", equity=Decimal(70_000))
        await house.good_cycle()
        at = clock.now()
        shell = Shell(tmp_path, monkeypatch)
        config = ("--config", house.config, "--json")
        played = json.loads((await asyncio.to_thread(shell, "backtest", *config)).out)
        asked = ("explain", "family-equity", "family", "--at", at.isoformat(), *config)
        explained = (await asyncio.to_thread(shell, *asked)).out

    assert played["exact"]
    assert [step["rule"] for step in played["transitions"]] == ["family-equity"]
    assert "sum(equity)" in explained
    assert "270000" in explained


@pytest.mark.parametrize(
    ("of_venues", "of_group"),
    [({}, {}), ({"currency": "EUR"}, {}), ({"currency": "EUR"}, {"accounts": ["futures/*", "clearing/*"]})],
)
async def test_currencies_that_cannot_meet_are_refused(
    tmp_path: Path, of_venues: dict[str, object], of_group: dict[str, object], snapshot: SnapshotAssertion
) -> None:
    """As far as the config tells: a venue that names none, and one without a rate."""
    async with Sites("architect", "stonex", "helio") as sites:
        tables = [
            sites.table(kind, **(of_venues if kind != "helio" else {})) for kind in ("architect", "stonex", "helio")
        ]
        hook = receiver("hook", "json://127.0.0.1:9/hook")
        config = write_config(tmp_path, *tables, hook, group(**of_group), rules=RULES)
        with pytest.raises(InvalidInputError) as refused:
            configure(config, {})
    lines = [f"{problem.what}; {problem.hint}" for problem in refused.value.problems]
    assert lines == snapshot


async def test_a_rate_lets_currencies_meet(tmp_path: Path) -> None:
    """With the day it is of."""
    async with Sites("architect", "helio") as sites:
        tables = [sites.table("architect", currency="EUR"), sites.table("helio")]
        rated = group() + 'rates_of = "2026-03-02"\n[groups.rates]\nEUR = "1.08"\n'
        config = write_config(tmp_path, *tables, receiver("hook", "json://127.0.0.1:9/hook"), rated, rules=RULES)
        configured = configure(config, {})
    assert [rule.id for rule in configured.rules.rules] == ["family-usage"]

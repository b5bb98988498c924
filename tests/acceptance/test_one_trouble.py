"""An answer for all accounts that cannot be read, beside good ones: one trouble, told once for the whole venue."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from acceptance.conftest import Open

pytestmark = pytest.mark.usefixtures("no_pauses")

TOLD: Final = "futures answer-malformed"
USAGE: Final = "futures/acc-1 margin-usage"
CHANGES: Final = """
[[rule]]
id = "changes"
title = "Something changed"
on = "changed(permissions) or changed(trading_status) or increased(call_amount)"
severity = "warning"

[[rule]]
id = "halted"
title = "Trading halted"
when = "not trading_enabled or call_amount > 0"
severity = "warning"

[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
"""


@pytest.mark.parametrize("call", ["Accounts/Accounts", "Boss/MarginCalls"])
async def test_an_answer_for_all_accounts_that_cannot_be_read_is_told_once(open_house: Open, call: str) -> None:
    """However many accounts lack what it says, and for however long; balances go on being watched meanwhile."""
    async with open_house("architect", rules=CHANGES) as house:
        await house.good_cycle()
        house.sites.faults["architect"].fail(call, Fault(FaultKind.GARBAGE))
        await house.cycle(20)
        assert house.news() == []

        await house.cycle(20, times=3)
        assert house.news() == [f"{TOLD} firing warning"]

        if call != "Accounts/Accounts":  # without an earlier listing, which is not stored, the whole cycle fails
            await house.restart()
        house.change("architect", margin_used=Decimal(95_000))
        await house.cycle(60, times=5)
        assert house.news() == [f"{USAGE} firing critical"]

        house.sites.faults["architect"].clear()
        await house.cycle(20, times=2)
        assert house.news() == [f"{TOLD} resolved warning"]

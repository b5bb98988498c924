"""It only reads: whatever happens, venues are asked for what the guide says, and no code asks for anything else."""

from __future__ import annotations

import ast
import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import marginwatch
from marginwatch.simulator.faults import Fault, FaultKind
from support.shell import Shell
from support.sites import KINDS

if TYPE_CHECKING:
    from acceptance.conftest import Open

pytestmark = pytest.mark.usefixtures("no_pauses")

READS: Final = {
    "architect": {
        *("Auth/CreateJwt", "Accounts/Accounts", "Folio/AccountSummaries", "Folio/AccountSummary"),
        *("Folio/AccountHistory", "Boss/MarginCalls"),
    },
    "stonex": {"login", "position-summary", "balance-summary"},
    "helio": {"login", "portfolio", "metrics"},
}
"""All that is ever asked, by the venues' own names; a simulator writes a call that it does not know down as empty."""
SOURCE: Final = Path(marginwatch.__file__).parent / "venues"


async def test_venues_are_only_ever_asked(open_house: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through breaches, margin calls, every kind of trouble, an account given up, a check and an import of history."""
    async with open_house() as house:
        await house.good_cycle()
        for kind in KINDS:
            house.change(kind, margin_used=Decimal(120_000))
            house.change(kind, "acc-2", answered=False)
        await house.cycle(20, times=3)
        for fault in (FaultKind.STATUS, FaultKind.GARBAGE, FaultKind.RESET, FaultKind.REVOKED):
            for kind in KINDS:
                house.sites.faults[kind].fail("*", Fault(fault))
            await house.cycle(20, times=2)
        for kind in KINDS:
            house.sites.faults[kind].clear()
            house.change(kind, "acc-2", listed=False)
        await house.cycle(600, times=2)
        shell = Shell(tmp_path, monkeypatch)
        assert (await asyncio.to_thread(shell, "check", "--online", "--config", house.config)).code in {0, 3}
        await asyncio.to_thread(shell, "backfill", "--from", "1d", "--config", house.config)
        asked = {kind: {each.call for each in house.sites.faults[kind].asked()} for kind in KINDS}

    assert asked == READS


def test_no_code_asks_for_anything_else() -> None:
    """The adapters hold no method of gRPC beside these, and no way of HTTP that changes something but by a POST."""
    trees = [ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))]
    texts = {each.value for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Constant)}
    named = {text for text in texts if isinstance(text, str) and re.fullmatch(r"[A-Z]\w+/[A-Z]\w+", text)}

    assert named == READS["architect"]
    assert not texts & {"PUT", "PATCH", "DELETE"}

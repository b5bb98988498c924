"""A failure shows what the rule saw: its fields as the account answered them, what they come to, and the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.rule_tests import played

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

RULES = """
[[rule]]
id = "loss"
value = "unrealized_pnl / (equity - unrealized_pnl)"
levels = { warning = "< -10%", critical = "< -20%" }
[[rule]]
id = "old"
when = 'age > "5m" or trading_status == "TRADE_STATUS_FULL" or timestamp < prior(timestamp)'
[[rule]]
id = "big"
value = "abs(position.quantity)"
levels = { warning = "> 100" }
each = "position"
[[rule]]
id = "any"
when = 'any(position.quantity > 100 and position.symbol != "ES")'
"""


WINDOWS = """
[[rule]]
id = "peak"
value = "drawdown(equity, '1h') / max(equity, '1h')"
levels = { warning = "> 10%" }
"""


def saw(folder: Path, step: str, rule: str) -> list[str]:
    """What the rule saw, its state being none that it can be in."""
    head = 'venue = "helio"\n[[test]]\nname = "it"\n'
    text = f'[[test.step]]\n{step}\n[[test.step]]\nexpect = {{ "{rule}" = "reminder" }}\n'
    (outcome,) = played(folder, text, head, RULES + WINDOWS)
    (failure,) = (each for each in outcome.failures if each.rule == rule)
    return list(failure.saw)


def test_what_a_rule_saw(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Numbers in their units, what is null, missing or never said, and positions by their names."""
    cases = [
        ("set = { equity = 900_000, unrealized_pnl = -100_000 }", "loss"),
        ("set = { equity = 0, unrealized_pnl = 0 }", "loss"),
        ('set = { equity = 0 }\nnull = "unrealized_pnl"', "loss"),
        ('set = { equity = 0 }\nunset = "unrealized_pnl"', "loss"),
        ("set = { unrealized_pnl = 5 }", "loss"),
        ('set = { age = "3m", trading_status = "TRADE_STATUS_CLOSE_ONLY" }', "old"),
        ('set = { timestamp = "2026-01-05T13:59Z" }', "old"),
        ('null = ["age", "trading_status"]', "old"),
        ('fail = "timed out"', "old"),
        ('positions = [{ id = "p1", quantity = 50 }, { id = "p2" }]', "big"),
        ('positions = [{ id = "p1", quantity = 50 }, { id = "p2" }]', "big/p1"),
        ("positions = []", "big"),
        ('unset = "positions"', "big"),
        ("repeat = false", "big"),
        ("set = { equity = 500 }", "peak"),
        ('null = "equity"', "peak"),
        ('set = { equity = 500 }\n[[test.step]]\nat = "59m"\nset = { equity = 450 }', "peak"),
        ('positions = [{ id = "p1", symbol = "ES", quantity = 500 }]', "any"),
    ]
    assert {f"{rule}: {step}": saw(tmp_path, step, rule) for step, rule in cases} == snapshot


def test_what_a_built_in_alert_saw(tmp_path: Path) -> None:
    """It reads no fields, so nothing is shown."""
    assert saw(tmp_path, "set = { equity = 1 }", "data-stale") == []

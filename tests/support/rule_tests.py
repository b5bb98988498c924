"""Rule tests written in a test: rules and tests as text, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.app.ruletest.report import explain
from marginwatch.app.ruletest.run import run
from marginwatch.app.ruletest.sites import ConfiguredVenue
from marginwatch.app.ruletest.suites import known_of, read_suites
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.app.ruletest.run import Outcome
    from marginwatch.app.ruletest.suites import Suites

RULES = """
[[rule]]
id = "usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
for = "1m"
remind_every = "1h"
[[rule]]
id = "call"
title = "Margin call"
when = "in_margin_call"
severity = "critical"
[[rule]]
id = "status"
title = "Status changed"
on = "changed(trading_status)"
severity = "info"
[[rule]]
id = "late"
title = "Old numbers"
value = "age"
levels = { info = "> 5m" }
[[rule]]
id = "big"
title = "Big position"
value = "abs(position.quantity)"
levels = { warning = "> 100", critical = "> 200" }
each = "position"
[[rule]]
id = "fx-only"
title = "At the desk alone"
when = "in_margin_call"
venues = ["fx"]
accounts = ["A*"]
"""
USUAL = 'venue = "helio"\n[[test]]\nname = "it"\n'


def written(folder: Path, steps: str, head: str = USUAL, rules: str = RULES) -> Suites:
    """The tests in a file that begins with `head`, at a config with one venue, `fx`."""
    (folder / "rules.toml").write_text(rules)
    (folder / "rules.test.toml").write_text(head + steps)
    kinds = venue_kinds()
    return read_suites([folder / "rules.test.toml"], kinds, known_of(kinds, {"fx": ConfiguredVenue("helio")}))


def played(folder: Path, steps: str, head: str = USUAL, rules: str = RULES) -> list[Outcome]:
    """How the tests in the file went."""
    suites = written(folder, steps, head, rules)
    assert [str(problem) for problem in suites.problems] == []
    return [run(bound) for bound in suites.tests]


def said(folder: Path, steps: str, head: str = USUAL, rules: str = RULES) -> str:
    """What is reported of the failures; empty when all passed."""
    lines = [line for outcome in played(folder, steps, head, rules) for line in explain(outcome)]
    return "\n".join(lines).replace(f"{folder}/", "")

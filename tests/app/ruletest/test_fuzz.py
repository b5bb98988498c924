"""Whatever a person writes into a file of tests, it is reported or it runs; nothing breaks."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.app.ruletest.report import explain
from marginwatch.app.ruletest.run import run
from marginwatch.app.ruletest.suites import read_suites
from marginwatch.venues.registry import venue_kinds
from support.rule_tests import RULES

GOOD = """
venue = ["helio", "architect"]
receivers = { desk = "warning" }
[[test]]
name = "one of everything"
start = "2026-03-02T14:00Z"
[[test.step]]
set = { margin_usage = "85%", in_margin_call = true }
positions = [{ symbol = "ES", quantity = 5 }]
expect = { call = { state = "firing", receivers = ["desk"], text = "call" } }
[[test.step]]
at = "1m"
restart = true
null = ["margin_usage"]
expect = { usage = { state = "pending", unknown = true, told = [] } }
[[test.step]]
after = "30s"
fail = "timed out"
repeat = "5s"
ack = "call"
silence = { for = "10m", rule = "ca*" }
[[test.step]]
at = "2026-03-02T14:10Z"
unset = "positions"
expect = { "big/ES" = "unknown", data-stale = "firing" }
"""
PIECES = [
    *re.findall(r"\w+|[^\w\s]|\s+", GOOD),
    *('"0s"', "-1", "1e999", "[]", "{}", "true", "false", '"50_000"', "\0", "é"),
]


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The good file with a few pieces dropped, doubled or exchanged for others."""
    pieces = re.findall(r"\w+|[^\w\s]|\s+", GOOD)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.sampled_from(["", pieces[place] * 2, *PIECES]))
        pieces[place] = other
    return "".join(pieces)


@given(text=spoilt())
def test_a_spoilt_file_is_reported_or_runs(text: str) -> None:
    """Reading never raises, and what has no problem runs to its end with a report that can be printed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.toml").write_text(RULES.partition('[[rule]]\nid = "fx-only"')[0])
        file = folder / "rules.test.toml"
        file.write_text(text)
        suites = read_suites([file], venue_kinds())
        for bound in suites.tests if not suites.problems else ():
            assert all(line.isprintable() for line in explain(run(bound)))

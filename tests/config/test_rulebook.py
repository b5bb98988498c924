"""Rules written out again: whoever means the same reads the same, and nothing that decides is left out."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from marginwatch.config.groups import GroupSketch
from marginwatch.config.rulebook import rulebook, written
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import load_rules
from marginwatch.core.rule import Rule
from support.catalogues import FUTURES

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.config.rulefile import Loaded

RULES = """
[[rule]]
id = "usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 92.5%" }
clear_by = "3%"
for = "90s"
clear_for = "2m"
worsens_by = "2.50%"
remind_every = ["30m", "1h"]
flapping = { times = 3, within = "2h" }
venues = ["f*"]
accounts = ["A-1", "B-*"]
labels = { desk = "rates" }
groups = ["prop"]
summary = "{account}: {margin_usage:.1%}"
runbook = "https://wiki.example.com/margin"

[[rule]]
id = "low"
title = "Little left"
value = "margin_excess"
levels = { critical = "< 5_000" }

[[rule]]
id = "old"
value = "age"
levels = { warning = "> 15m" }

[[rule]]
id = "big"
when = "position.quantity > 10 and\\n  equity > 0"
each = "position"
severity = "critical"

[[rule]]
id = "changes"
on = "changed(permissions)"
"""
SAME = (
    ('"90s"', '"1m30s"'),
    ('"2.50%"', '"2.5%"'),
    ("5_000", "5000.00"),
    ("  equity > 0", "equity  >  0"),
    ('id = "changes"', 'id = "changes"\ntitle = "Changes"'),
)


def load(folder: Path, text: str) -> Loaded:
    """The rules of a file, without a problem."""
    (folder / "rules.toml").write_text(text)
    scene = Scene(
        {"architect": FUTURES},
        {"futures": "architect"},
        lambda *_: None,
        groups={"prop": GroupSketch(())},
        labels={"desk": frozenset({"rates"})},
    )
    loaded = load_rules(["rules.toml"], scene, folder)
    assert loaded.problems == ()
    return loaded


def test_every_key_is_written_in_its_one_spelling(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Limits with their unit, durations as files have them, what says nothing left out."""
    book = rulebook(load(tmp_path, RULES))

    assert {rule.id: dict(rule.keys) for rule in book.rules} == snapshot
    assert {rule.file for rule in book.rules} == {f"{tmp_path}/rules.toml"}


def test_other_spellings_of_the_same_are_the_same(tmp_path: Path) -> None:
    """What only looks different is no difference."""
    text = RULES
    for one, other in SAME:
        assert one in text
        text = text.replace(one, other)

    assert rulebook(load(tmp_path, text)).rules == rulebook(load(tmp_path, RULES)).rules


def test_no_part_of_a_rule_is_forgotten(tmp_path: Path) -> None:
    """A part that a later version adds to a rule must be written, or be named here with those that are not."""
    shown = {
        "title": "title",
        "kind": "value",
        "expression": "value",
        "levels": "levels.warning",
        "hold": "for",
        "clear_for": "clear_for",
        "worsens_by": "worsens_by",
        "remind_every": "remind_every",
        "remind_then": "remind_every",
        "flapping": "flapping",
        "summary": "summary",
        "each": "each",
        "calendar": "calendar",
        "sessions": "sessions",
        "selector": "accounts",
        "runbook": "runbook",
    }
    elsewhere = {"id", "unit", "count", "place", "revision", "of_group", "retold"}
    usage, *_ = load(tmp_path, RULES).rules

    assert {field.name for field in fields(Rule)} <= shown.keys() | elsewhere
    assert set(shown.values()) - {"each", "calendar", "sessions"} <= dict(written(usage)).keys()

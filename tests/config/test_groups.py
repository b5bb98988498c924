"""Groups of the config and rules about them: what is written is what counts, and every mistake has its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.groups import GroupSketch
from marginwatch.config.rulefile import load_rules
from marginwatch.core.fields import Unit
from support import configs
from support.scenes import SCENE

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.config.load import Loaded
    from marginwatch.config.rulefile import Loaded as Rules

REST = configs.RULES + configs.venue("futures") + configs.venue("fx") + configs.receiver("desk")
FAMILY = """[[groups]]
name = "family-office"
accounts = ["futures/STONEX:*", "*/hedge"]
currency = "USD"
rates = { EUR = "1.08" }
rates_of = "2026-03-02"
within = "2m"
"""


def load(folder: Path, text: str) -> Loaded:
    return configs.load(folder, text + REST)


def test_a_group_is_read_as_it_is_written(tmp_path: Path) -> None:
    """Rates are exact, and entries may name several venues."""
    loaded = load(tmp_path, FAMILY)

    assert loaded.problems == ()
    assert loaded.settings is not None
    (group,) = loaded.settings.groups
    assert group.rates == {"EUR": Decimal("1.08")}
    assert (group.rates_of, group.within) == (date(2026, 3, 2), timedelta(minutes=2))
    assert loaded.sketch is not None
    assert loaded.sketch.groups["family-office"].venues == ("futures", "fx")


def test_what_is_shown_of_a_group_can_be_read_again(tmp_path: Path) -> None:
    """Rates and days in the spelling of the file."""
    loaded = load(tmp_path, FAMILY)

    assert loaded.settings is not None
    assert loaded.settings.groups[0].model_dump(mode="json") == {
        "name": "family-office",
        "accounts": ["futures/STONEX:*", "*/hedge"],
        "currency": "USD",
        "rates": {"EUR": "1.08"},
        "rates_of": "2026-03-02",
        "within": "2m",
    }


WRONG = {
    "incomplete": '[[groups]]\nname = "a"\n[[groups]]\naccounts = []\ncurrency = "USD"\n',
    "entries": """[[groups]]
name = "a"
accounts = ["hedge", "/hedge", "fx/", 5]
currency = "USD"
[[groups]]
name = "b"
accounts = ["futurs/hedge", "nowhere/*"]
currency = "USD"
""",
    "money": """[[groups]]
name = "a"
accounts = ["fx/*"]
currency = "dollars"
[[groups]]
name = "b"
accounts = ["fx/*"]
currency = "USD"
rates = { USD = "1", EUR = "1.08" }
[[groups]]
name = "c"
accounts = ["fx/*"]
currency = "USD"
rates = { EUR = 1.08, GBP = "0", euro = "1.1" }
[[groups]]
name = "d"
accounts = ["fx/*"]
currency = "USD"
rates = { EUR = "1.08" }
""",
    "keys": """[[groups]]
name = "a"
account = ["fx/*"]
accounts = ["fx/*"]
currency = "USD"
within = "0s"
[[groups]]
name = "a"
accounts = ["fx/*"]
currency = "USD"
""",
    "venue": '[[venues]]\nname = "group"\nkind = "house"\n',
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_group_is_explained(tmp_path: Path, name: str, snapshot: SnapshotAssertion) -> None:
    """Every mistake has its place, one sentence and what to do."""
    loaded = load(tmp_path, WRONG[name])
    assert loaded.settings is None
    assert "\n".join(str(problem) for problem in loaded.problems).replace(f"{tmp_path}/", "") == snapshot


GROUPS = {
    "all": GroupSketch(("desk", "clearer", "london"), "1"),
    "two": GroupSketch(("desk", "london"), "2"),
}


def rules(folder: Path, text: str, groups: dict[str, GroupSketch] | None = None) -> Rules:
    (folder / "rules.toml").write_text(text)
    scene = replace(SCENE, groups=GROUPS if groups is None else groups, labels={})
    return load_rules(["rules.toml"], scene, folder)


GOOD = """[[rule]]
id = "usage"
value = "sum(margin_used) / sum(equity)"
levels = { warning = "> 80%", critical = "> 90%" }
clear_by = "3%"
each = "group"
groups = ["two"]
summary = "{account}: {value:.1%} of {currency}"

[[rule]]
id = "calls"
on = "increased(count(in_margin_call))"
each = "group"

[[rule]]
id = "loss"
when = 'drawdown(sum(equity), "session") > 50_000'
calendar = "us-futures"
each = "group"
"""


def test_rules_about_groups_are_checked_as_others_are(tmp_path: Path) -> None:
    """Their unit is that of the answers put together."""
    loaded = rules(tmp_path, GOOD)

    assert [str(problem) for problem in loaded.problems] == []
    assert [(rule.id, rule.unit, rule.of_group, rule.each) for rule in loaded.rules] == [
        ("usage", Unit.RATIO, True, ""),
        ("calls", Unit.FLAG, True, ""),
        ("loss", Unit.FLAG, True, ""),
    ]


def test_a_group_is_part_of_what_decides(tmp_path: Path) -> None:
    """Another definition of a group is another revision of the rules that look at it, and of no other."""
    before = rules(tmp_path, GOOD)
    after = rules(tmp_path, GOOD, {**GROUPS, "all": GroupSketch(GROUPS["all"].venues, "another")})

    assert before.revision != after.revision
    assert [old.revision == new.revision for old, new in zip(before.rules, after.rules, strict=True)] == [
        True,
        False,
        False,
    ]


WRONG_RULES = """[[rule]]
id = "selectors"
when = "any(in_margin_call)"
each = "group"
venues = ["desk"]
accounts = ["A*"]
labels = { team = "fx" }
groups = ["twoo"]

[[rule]]
id = "absent"
when = "any(in_stop_out)"
each = "group"

[[rule]]
id = "absent-in-one"
when = "sum(margin_used) > 5"
each = "group"

[[rule]]
id = "bare"
when = "equity < 5 or sum(equity) < equitty"
each = "group"
groups = ["two"]

[[rule]]
id = "units"
value = "sum(equity) / count(in_margin_call)"
levels = { warning = "< 80%" }
each = "group"

[[rule]]
id = "arguments"
when = "sum(margin_usage) > 80% or count(equity) > 1 or any(equity) or max(in_margin_call) > 1 or sum(5) > 1"
each = "group"

[[rule]]
id = "inside"
when = 'sum(max(equity, "1d")) > 5 or any(changed(equity)) or sum(sum(equity)) > 5 or sum(position.quantity) > 5'
each = "group"
groups = ["two"]

[[rule]]
id = "time"
when = 'max(age) > "15m"'
each = "group"
groups = ["two"]

[[rule]]
id = "session"
when = 'drawdown(sum(equity), "session") > 50_000'
each = "group"

[[rule]]
id = "text"
when = "any(in_margin_call)"
each = "group"
summary = "{account}: {equity} {value}"

[[rule]]
id = "syntax"
when = "sum(equity"
each = "group"

[[rule]]
id = "each"
when = "sum(equity) > 5"

[[rule]]
id = "compared"
when = "sum(equity) > 80% and any(in_margin_call) > 5"
each = "group"
"""


def test_a_wrong_rule_about_groups_is_explained(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """By the place of each mistake, with the group and the venue where it is one."""
    loaded = rules(tmp_path, WRONG_RULES)
    assert configs.told(loaded.problems, tmp_path) == snapshot


def test_a_rule_about_groups_needs_one(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A config without groups is told so at the rule."""
    loaded = rules(tmp_path, '[[rule]]\nid = "a"\nwhen = "any(in_margin_call)"\neach = "group"\n', {})
    assert "\n".join(str(problem) for problem in loaded.problems).replace(f"{tmp_path}/", "") == snapshot


def test_rules_about_groups_are_passed_over_where_no_config_is_known(tmp_path: Path) -> None:
    """Tests of the other rules of their file run all the same."""
    other = '[[rule]]\nid = "other"\nwhen = "in_margin_call"\ngroups = ["any"]\n'
    (tmp_path / "rules.toml").write_text(GOOD + other)
    loaded = load_rules(["rules.toml"], SCENE, tmp_path)
    assert ([str(problem) for problem in loaded.problems], [rule.id for rule in loaded.rules]) == ([], ["other"])

"""`runbook`: what to do, also when much else is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.shell import Shell

CONFIG = """
[rules]
files = ["builtin:margin", "desk.toml"]
[[venues]]
name = "fx"
kind = "helio"
base_url = "https://trader.example.com/api/v1"
email = "risk@example.com"
password = "${credential:helio}"
[[receivers]]
name = "desk"
url = "ntfy://ntfy.example.com/desk"
"""
RULES = """
[[rule]]
id = "house-limit"
when = "margin_used > 1_000"
runbook = "desk.md#house-limit"

[[rule]]
id = "on-the-wiki"
when = "margin_used > 1_000"
runbook = "https://wiki.example.com/calls"

[[rule]]
id = "without"
when = "margin_used > 1_000"
"""


@pytest.fixture
def house(shell: Shell) -> Shell:
    (shell.folder / "config.toml").write_text(CONFIG)
    (shell.folder / "desk.toml").write_text(RULES)
    (shell.folder / "desk.md").write_text("# Desk\n\n## House limit\n\nSell.\n\n## Other\n\nNo.\n")
    return shell


@pytest.mark.parametrize("rule", ["margin-usage", "data-stale"])
def test_packs_and_built_in_alerts_need_no_config(shell: Shell, rule: str) -> None:
    """The page says what it means, what may follow, where to look and how to mend it."""
    said = shell("runbook", rule)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"## {rule}\n")
    assert [line for line in said.out.splitlines() if line.startswith("### ")] == [
        "### Meaning",
        "### Impact",
        "### Diagnosis",
        "### Mitigation",
    ]


def test_rules_of_the_config_have_their_own(house: Shell) -> None:
    """The section beside the rule, without its secrets being there."""
    said = house("runbook", "house-limit")

    assert (said.code, said.out, said.err) == (0, "## House limit\n\nSell.\n", "")


def test_a_web_address_is_named(house: Shell) -> None:
    """It is for the reader to go there."""
    assert house("runbook", "on-the-wiki").out == "The runbook of on-the-wiki is at https://wiki.example.com/calls\n"


def test_packs_are_known_beside_rules_of_the_config(house: Shell) -> None:
    """Those the config names, and those it does not."""
    assert house("runbook", "margin-usage").out.startswith("## margin-usage\n")
    assert house("runbook", "open-loss").out.startswith("## open-loss\n")


def test_a_published_page_of_a_pack_is_printed_all_the_same(house: Shell) -> None:
    """Who types the command wants to read it here."""
    said = house("runbook", "margin-usage", MARGINWATCH_RULES__RUNBOOK_BASE="https://wiki.example.com")

    assert said.out.startswith("## margin-usage\n")


def test_a_rule_without_a_runbook_is_told_as_such(house: Shell) -> None:
    """With the line that gives it one."""
    said = house("runbook", "without")

    assert (said.code, said.out) == (1, "")
    assert said.err == 'the rule without names no runbook; give it one, for example runbook = "desk.md#without"\n'


@pytest.mark.parametrize(
    ("rule", "hint"), [("house-limt", "did you mean house-limit?"), ("zzz", "`marginwatch alerts` shows the rules")]
)
def test_a_rule_that_is_not_there(house: Shell, rule: str, hint: str) -> None:
    """The one that was probably meant is named."""
    said = house("runbook", rule)

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"there is no rule {rule}; {hint}")


def test_a_wrong_config_does_not_hide_the_packs(house: Shell) -> None:
    """What to do about an alert is asked at a bad moment."""
    (house.folder / "desk.toml").write_text("[[rule]]\n")
    said = house("runbook", "margin-usage")

    assert said.code == 0
    assert said.out.startswith("## margin-usage\n")
    assert said.err == "note: the config or its rules are wrong, so only the packs' runbooks are known\n"

"""When sessions are belongs to what rules decide by: an edit of a calendar is an edit of the rules that look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.app.build import configure
from marginwatch.config.rulebook import written

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[rules]
files = ["rules.toml"]
[[calendars]]
name = "desk"
zone = "Europe/Berlin"
open = "09:00"
close = "17:30"
days = ["Mon", "Tue"]
HERE
[[venues]]
name = "fx"
kind = "helio"
base_url = "https://trader.example.com/api/v1"
login_path = "/login"
email = "risk@example.com"
password = "${env:HELIO}"
calendar = "desk"
[[receivers]]
name = "desk"
url = "json://127.0.0.1/"
"""
RULES = """
[[rule]]
id = "fall"
value = 'drawdown(equity, "session")'
levels = { warning = "> 5" }
[[rule]]
id = "loss"
value = "day_pnl"
levels = { warning = "< -5" }
[[rule]]
id = "shown"
value = "equity"
levels = { warning = "< -5" }
summary = "{day_pnl}"
[[rule]]
id = "elsewhere"
value = "day_pnl"
levels = { warning = "< -5" }
calendar = "always"
[[rule]]
id = "usage"
value = "margin_usage"
levels = { warning = "> 80%" }
"""
LOOKING = {"fall", "loss", "shown"}


def loaded(folder: Path, more: str = "") -> tuple[str, dict[str, str], dict[str, dict[str, str]]]:
    """The revision of the rules, of each rule, and each as it is written."""
    (folder / "rules.toml").write_text(RULES)
    (folder / "config.toml").write_text(CONFIG.replace("HERE", more))
    rules = configure(folder / "config.toml", {}, need_secrets=False).rules
    return (
        rules.revision,
        {rule.id: rule.revision for rule in rules.rules},
        {r.id: dict(written(r)) for r in rules.rules},
    )


@pytest.mark.parametrize("more", ['holidays = ["2026-12-25"]', 'early_closes = { "2026-12-28" = "13:00" }'])
def test_an_edited_calendar_changes_the_rules_that_look_at_it(tmp_path: Path, more: str) -> None:
    """Those with a session in them, spelt out or behind a name that they read or show; and so the whole set."""
    revision, before, _ = loaded(tmp_path)
    again, after, words = loaded(tmp_path, more)
    assert again != revision
    assert {rule for rule in before if after[rule] != before[rule]} == LOOKING
    assert {rule for rule, keys in words.items() if "2026-12" in keys.get("sessions", "")} == LOOKING


def test_what_says_the_same_changes_nothing(tmp_path: Path) -> None:
    """The spelling and the order of days are nothing that decides."""
    assert loaded(tmp_path, 'holidays = ["2026-12-25", "2026-12-24"]') == loaded(
        tmp_path, 'holidays = ["2026-12-24", "2026-12-25"]\nearly_closes = {}'
    )


def test_what_check_says_of_a_name_that_stands_for_another(tmp_path: Path) -> None:
    """Once for the venue, with the rules that read or show it."""
    loaded(tmp_path)
    notes = configure(tmp_path / "config.toml", {}, need_secrets=False).notes
    (note,) = (note for note in notes if "day_pnl" in note.what)
    assert note.what == (
        "day_pnl at fx is the change of equity since the session's open, deposits and withdrawals included"
    )
    assert note.hint == "it is read by loss, shown, elsewhere"

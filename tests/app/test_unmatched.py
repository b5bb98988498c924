"""Choices of the config that nothing fits are noted at their place, and stop nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marginwatch.app.build import configure
from support.sites import receiver, table, write_config

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from syrupy.assertion import SnapshotAssertion

RULES = """
[[rule]]
id = "margin-usage"
value = "margin_usage"
levels = { warning = "> 80%" }
[[rule]]
id = "family-equity"
when = "sum(equity) < 100"
severity = "info"
each = "group"
[[rule]]
id = "fx-call"
when = "in_margin_call"
severity = "critical"
venues = ["fx"]
"""
MORE = """
[[groups]]
name = "family"
accounts = ["fx/ACC-3", "fx/ACC-*", "open/anything"]
currency = "USD"
[[accounts]]
match = ["f*/ACC1"]
labels = { desk = "rates" }
[[routes]]
name = "some"
receivers = ["desk"]
accounts = ["STONEX:*", "ACC-1"]
venues = ["fx"]
[[routes]]
name = "of-groups"
receivers = ["desk"]
accounts = ["family", "famly"]
venues = ["group"]
[[routes]]
name = "rest"
receivers = ["desk"]
accounts = ["whatever"]
[[maintenance]]
name = "old"
zone = "Europe/London"
begins = "2026-07-01 18:00"
ends = "2026-07-02 06:00"
rules = ["margn-*", "margin-usag", "zzz*", "clock-jumped"]
[[maintenance]]
name = "elsewhere"
zone = "UTC"
at = "06:00"
lasts = "1h"
venues = ["open"]
accounts = ["whatever"]
rules = ["fx-*"]
"""


def venue(name: str, **keys: object) -> str:
    login = {"base_url": "http://127.0.0.1:9", "email": "a@example.com", "password": "dummy-password"}
    return table("[venues]", {"name": name, "kind": "helio", **login, **keys})


def test_what_nothing_fits_is_noted(
    tmp_path: Path, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules by name, accounts where the config names all there are, rules that are not where the window is."""
    monkeypatch.setattr("marginwatch.clock.now", lambda: datetime(2026, 7, 2, 5, 0, tzinfo=UTC))
    tables = (venue("fx", accounts=["ACC-1", "ACC-2"]), venue("open"), receiver("desk", "json://127.0.0.1:9/hook"))
    config = write_config(tmp_path, *tables, MORE, rules=RULES)
    found = configure(config, {"HOME": str(tmp_path)})

    text = "\n".join(map(str, found.brief)).replace(f"{tmp_path}/", "")
    assert text == snapshot


def test_a_window_is_over_when_it_ends_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of its zone; one that comes again never is."""
    once = {"name": "once", "zone": "Europe/London", "begins": "2026-07-01 18:00", "ends": "2026-07-02 06:00"}
    again = {"name": "again", "zone": "UTC", "at": "06:00", "lasts": "1h"}
    windows = (table("[maintenance]", once), table("[maintenance]", again))
    tables = (venue("fx"), receiver("desk", "json://127.0.0.1:9/hook"), *windows)
    config = write_config(tmp_path, *tables, rules=RULES.replace('each = "group"', "").replace("sum(equity)", "equity"))
    end = datetime(2026, 7, 2, 5, tzinfo=UTC)
    told = []
    for now in (end - timedelta(seconds=1), end):
        monkeypatch.setattr("marginwatch.clock.now", lambda now=now: now)
        told.append([note.what for note in configure(config, {"HOME": str(tmp_path)}).brief])

    assert told == [[], ["maintenance once has been over since 2026-07-02 05:00 UTC"]]

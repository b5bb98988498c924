"""Routes, labels and fallbacks of the config: what is written is what counts, and every mistake has its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.labels import label_definitions, label_values
from marginwatch.config.rulefile import load_rules
from marginwatch.core.model import Severity
from support import configs
from support.scenes import SCENE

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.config.load import Loaded

REST = (
    configs.RULES + configs.venue("futures") + configs.venue("fx") + configs.receiver("desk") + configs.receiver("lead")
)
GROUP = """[[groups]]
name = "family"
accounts = ["fx/*"]
currency = "USD"
"""
GOOD = """[[accounts]]
match = ["futures/STONEX:*", "*/hedge"]
labels = { desk = "rates", trader = "ann" }
[[routes]]
name = "day"
receivers = ["desk"]
venues = ["fut*", "group"]
groups = ["family"]
labels = { desk = "rates" }
min_severity = "warning"
hours = "Mon-Fri 08:00-18:00, Sat 10:00-14:00"
zone = "Europe/London"
escalate = [{ after = "10m", receivers = ["lead"] }]
[[routes]]
name = "rest"
receivers = ["desk", "lead"]
severities = ["info", "critical"]
calendar = "us-futures"
"""


def load(folder: Path, text: str) -> Loaded:
    """The config with these tables in front."""
    return configs.load(folder, text + GROUP + REST)


def test_routes_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Severities by name or from one on, ladders with times."""
    loaded = load(tmp_path, GOOD)

    assert loaded.problems == ()
    assert loaded.settings is not None
    day, rest = loaded.settings.routes
    assert day.taken == {Severity.WARNING, Severity.CRITICAL}
    assert rest.taken == {Severity.INFO, Severity.CRITICAL}
    assert (day.escalate[0].after, day.escalate[0].receivers) == (timedelta(minutes=10), ("lead",))
    assert loaded.sketch is not None
    assert loaded.sketch.labels == {"desk": frozenset({"rates"}), "trader": frozenset({"ann"})}


def test_what_is_shown_of_a_route_can_be_read_again(tmp_path: Path) -> None:
    """In the spelling of the file."""
    loaded = load(tmp_path, GOOD)

    assert loaded.settings is not None
    assert loaded.settings.routes[0].model_dump(mode="json", exclude_defaults=True) == {
        "name": "day",
        "receivers": ["desk"],
        "venues": ["fut*", "group"],
        "groups": ["family"],
        "labels": {"desk": "rates"},
        "min_severity": "warning",
        "hours": "Mon-Fri 08:00-18:00, Sat 10:00-14:00",
        "zone": "Europe/London",
        "escalate": [{"after": "10m", "receivers": ["lead"]}],
    }


def test_a_fallback_waits_five_minutes_unless_told_otherwise(tmp_path: Path) -> None:
    """And a chain that comes to an end is good."""
    chain = '[[receivers]]\nname = "phone"\nurl = "json://127.0.0.1:9/hook"\nfallback = { receivers = ["mail"] }\n'
    last = (
        '[[receivers]]\nname = "mail"\nurl = "json://127.0.0.1:9/"\nfallback = { receivers = ["desk"], after = "1m" }\n'
    )
    loaded = load(tmp_path, chain + last)

    assert loaded.problems == ()
    assert loaded.settings is not None
    assert [each.fallback and each.fallback.after for each in loaded.settings.receivers[:2]] == [
        timedelta(minutes=5),
        timedelta(minutes=1),
    ]


WRONG = {
    "needed": '[[routes]]\nname = "a"\n[[routes]]\nreceivers = []\n[[accounts]]\nmatch = []\nlabels = {}\n',
    "names": """[[routes]]
name = "a"
receivers = ["dsk", 5]
venues = ["futurs", "*"]
groups = ["famly"]
labels = { desk = "rates", trader = "bob", book = "x" }
calendar = "us-futurs"
escalate = [{ after = "1m", receivers = ["laed"] }]
[[routes]]
name = "a"
receivers = ["desk"]
[[accounts]]
match = ["futurs/*", "fx"]
labels = { trader = "ann" }
""",
    "hours": """[[routes]]
name = "a"
receivers = ["desk"]
hours = "Mon-Fri 08:00-18:00"
[[routes]]
name = "b"
receivers = ["desk"]
zone = "Europe/London"
[[routes]]
name = "c"
receivers = ["desk"]
hours = "Mon-Fi 08:00-18:00"
zone = "Europe/London"
[[routes]]
name = "d"
receivers = ["desk"]
hours = "08:00-18:00"
zone = "Europe/Londn"
calendar = "fx"
""",
    "severities": """[[routes]]
name = "a"
receivers = ["desk"]
severities = ["warning"]
min_severity = "critical"
[[routes]]
name = "b"
receivers = ["desk"]
severities = ["warnin"]
""",
    "ladders": """[[routes]]
name = "a"
receivers = ["desk"]
escalate = [{ after = "10m", receivers = ["lead"] }, { after = "10m", receivers = ["desk"] }]
[[routes]]
name = "b"
receivers = ["desk"]
escalate = [{ after = "10m", receivers = ["desk"] }]
[[routes]]
name = "c"
receivers = ["desk"]
escalate = [{ after = "0s", receivers = ["lead"] }, { receivers = [] }]
""",
    "circles": """[[receivers]]
name = "a"
url = "json://127.0.0.1:9/hook"
fallback = { receivers = ["desk", "b"] }
[[receivers]]
name = "b"
url = "json://127.0.0.1:9/hook"
fallback = { receivers = ["c"] }
[[receivers]]
name = "c"
url = "json://127.0.0.1:9/hook"
fallback = { receivers = ["a"] }
[[receivers]]
name = "d"
url = "json://127.0.0.1:9/hook"
fallback = { receivers = ["d", "nobody"] }
""",
    "no tables": 'routes = ["a"]\naccounts = "x"\n',
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_route_is_explained(tmp_path: Path, name: str, snapshot: SnapshotAssertion) -> None:
    """Every mistake of the file at once, with its line."""
    loaded = load(tmp_path, WRONG[name])

    assert loaded.settings is None
    assert configs.told(loaded.problems, tmp_path) == snapshot


RULE = """[[rule]]
id = "usage"
title = "Usage"
value = "margin_usage"
levels = { warning = "> 80%" }
labels = { desk = "rates" }
"""


def test_a_rule_that_goes_by_labels_is_another_when_they_are(tmp_path: Path) -> None:
    """Who has the label belongs to what decides; it is nothing to other rules."""
    (tmp_path / "rules.toml").write_text(RULE + RULE.replace('"usage"', '"other"').replace("labels", "#"))
    ann = [{"match": ["fx/ann"], "labels": {"desk": "rates"}}]
    bob = [{"match": ["fx/bob"], "labels": {"desk": "rates"}}]
    (usage, other), (moved, same) = (
        load_rules(
            ["rules.toml"],
            replace(SCENE, labels=label_values(tables), labelled=label_definitions(tables)),
            tmp_path,
        ).rules
        for tables in (ann, bob)
    )

    assert usage.selector.labels == {"desk": "rates"}
    assert usage.revision != moved.revision
    assert other.revision == same.revision


def test_where_no_config_is_known_every_label_passes(tmp_path: Path) -> None:
    """As groups do."""
    (tmp_path / "rules.toml").write_text(RULE)

    assert load_rules(["rules.toml"], SCENE, tmp_path).problems == ()

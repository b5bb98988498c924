"""Routes of the config as the engine knows them, and what of them only the rules show."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.build import configure, ruling_of
from marginwatch.core.calendar import Calendar
from marginwatch.core.health import OURSELVES
from marginwatch.core.hours import WeekHours
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.errors import InvalidInputError
from support.sites import receiver, write_config

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from marginwatch.app.build import Configured

VENUES = """
[[venues]]
name = "fx"
kind = "helio"
base_url = "http://127.0.0.1:9/api/v1"
email = "risk@example.com"
password = "dummy-password"
[[venues]]
name = "other"
kind = "helio"
base_url = "http://127.0.0.1:9/api/v1"
email = "risk@example.com"
password = "dummy-password"
[[groups]]
name = "family"
accounts = ["fx/*"]
currency = "USD"
[[receivers]]
name = "desk"
url = "json://127.0.0.1:9/hook"
fallback = { receivers = ["mail"] }
[[receivers]]
name = "lead"
url = "json://127.0.0.1:9/hook"
[[receivers]]
name = "mail"
url = "json://127.0.0.1:9/hook"
[[receivers]]
name = "unused"
url = "json://127.0.0.1:9/hook"
"""
RULES = """
[[rule]]
id = "margin-usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
[[rule]]
id = "fx-call"
when = "in_margin_call"
severity = "critical"
venues = ["fx"]
[[rule]]
id = "family-equity"
when = "sum(equity) < 100"
severity = "info"
each = "group"
"""


def read(folder: Path, routes: str) -> Configured:
    """The config with these routes."""
    return configure(write_config(folder, VENUES, routes, rules=RULES), {"HOME": str(folder)})


def test_routes_and_labels_become_those_of_the_engine(tmp_path: Path) -> None:
    """Hours of the week in their zone, sessions of a calendar, labels by venue and account, and fallbacks."""
    found = read(
        tmp_path,
        """
[[accounts]]
match = ["*/ACC-*"]
labels = { desk = "rates" }
[[routes]]
name = "day"
receivers = ["desk"]
labels = { desk = "rates" }
hours = "08:00-18:00"
zone = "Europe/London"
escalate = [{ after = "10m", receivers = ["lead"] }]
[[routes]]
name = "rest"
receivers = ["lead"]
groups = ["family"]
min_severity = "warning"
calendar = "fx"
""",
    )
    ruling = ruling_of(found.settings, found.rules, found.kinds)

    day, rest = ruling.routes.all
    assert isinstance(day.hours, WeekHours)
    assert day.hours.contains(datetime(2026, 7, 1, 7, 30, tzinfo=UTC))
    assert isinstance(rest.hours, Calendar)
    assert rest.severities == {Severity.WARNING, Severity.CRITICAL}
    mine, other = (Account(AccountKey(venue, "ACC-1"), "Main") for venue in ("fx", "other"))
    assert ruling.routes.of(mine, "margin-usage") == (day, rest)
    assert ruling.routes.of(other, "margin-usage") == (day,)
    assert ruling.routes.of(Account(OURSELVES, ""), "receiver-failing") == ()
    assert ruling.labels.of(mine) == {"desk": "rates"}
    assert [each.fallback for each in ruling.receivers] == [("mail",), (), (), ()]


def test_a_route_for_rules_there_are_not_is_refused(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A glob that fits none, with what was probably meant, and a route that nothing can take, each at its place."""
    with pytest.raises(InvalidInputError) as refused:
        read(
            tmp_path,
            """
[[routes]]
name = "typo"
receivers = ["desk"]
rules = ["margin-usage", "margn-*", "fx-cal"]
[[routes]]
name = "mild"
receivers = ["desk"]
rules = ["fx-*"]
severities = ["warning"]
[[routes]]
name = "elsewhere"
receivers = ["desk"]
rules = ["fx-*"]
venues = ["other"]
[[routes]]
name = "of-groups"
receivers = ["desk"]
rules = ["family-*"]
venues = ["fx"]
""",
        )

    assert "\n".join(map(str, refused.value.problems)).replace(f"{tmp_path}/", "") == snapshot


def test_a_route_for_no_rule_is_told_beside_other_mistakes(tmp_path: Path) -> None:
    """All at once, although nothing else of the routes can be judged yet."""
    wrong = '[[routes]]\nname = "a"\nreceivers = ["desc"]\nrules = ["fx-*", "fx-cal", ""]\nseverities = ["bad"]\n'
    with pytest.raises(InvalidInputError) as refused:
        read(tmp_path, wrong)

    assert [problem.what for problem in refused.value.problems] == [
        "no receiver in the config is named `desc`",
        "no rule is named `fx-cal`",
        "an entry of `rules` is empty",
        '`severities` must be "info", "warning" or "critical", not `bad`',
    ]


def test_what_falls_through_is_noted(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Receivers that no route leads to, and rules whose alerts may go to everybody; nothing without routes."""
    assert read(tmp_path, "").notes == ()
    found = read(tmp_path, '[[routes]]\nname = "a"\nreceivers = ["desk"]\nvenues = ["fx"]\nmin_severity = "warning"\n')

    assert "\n".join(map(str, found.notes)).replace(f"{tmp_path}/", "") == snapshot
    everything = read(tmp_path, '[[routes]]\nname = "a"\nreceivers = ["desk", "lead", "unused"]\n')
    assert everything.notes == ()


ASLEEP = """
[[receivers]]
name = "sleeper"
url = "json://127.0.0.1:9/hook"
quiet = { hours = "22:00-07:00", zone = "Europe/London", below = "critical" }
"""


@pytest.mark.parametrize(
    ("hours", "noted"),
    [
        ('hours = "22:00-06:00"\nzone = "Europe/London"', True),
        ('hours = "23:00-07:00"\nzone = "Europe/Berlin"\nmin_severity = "warning"', True),
        ('hours = "22:00-06:00"\nzone = "Europe/London"\nseverities = ["critical"]', False),
        ('hours = "22:00-07:01"\nzone = "Europe/London"', False),
        ('hours = "Mon 21:59-22:30"\nzone = "Europe/London"', False),
        ('calendar = "us-futures"', False),
        ('calendar = "nights"', True),
        ("", False),
    ],
)
def test_hours_that_are_all_quiet_are_noted(tmp_path: Path, hours: str, *, noted: bool) -> None:
    """What is mild would wait for the hours, then for the quiet to end, then for the hours again."""
    nights = """
[[calendars]]
name = "nights"
zone = "Europe/London"
open = "23:00"
close = "06:30"
days = ["Tue"]
"""
    found = read(tmp_path, f'{ASLEEP}{nights}[[routes]]\nname = "night"\nreceivers = ["desk", "sleeper"]\n{hours}\n')

    said = [re.sub(r"^.*?: ", "", str(note)) for note in found.notes if "all of its hours" in str(note)]
    what = (
        "route night: all of its hours are quiet for receiver sleeper; what is milder than critical would wait for ever"
    )
    assert said == [f"{what}; let one of them leave some time"] * noted


EXAMPLES = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[2] / "docs" / "routing.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_guide_are_good(tmp_path: Path, number: int) -> None:
    """As they stand there, with two venues and whoever else they name."""
    text = EXAMPLES[number]
    defined = re.findall(r'\[\[receivers\]\]\nname = "([\w-]+)"', text)
    lists = re.findall(r"receivers = \[([^\]]*)\]", text)
    named = {name for found in lists for name in re.findall(r'"([\w-]+)"', found)} or {"desk"}
    others = "".join(receiver(name, "json://127.0.0.1:9/hook") for name in sorted(named.difference(defined)))
    venues = VENUES[: VENUES.index("[[groups]]")].replace('"other"', '"futures"')
    rules = RULES[: RULES.index('[[rule]]\nid = "family')]
    config = write_config(tmp_path, venues, others, text, rules=rules)

    found = configure(config, {"HOME": str(tmp_path)}, need_secrets=False)
    assert [str(note) for note in found.notes if "receiver" in str(note) and "no route leads" in str(note)] == []

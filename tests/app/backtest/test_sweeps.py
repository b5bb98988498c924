"""Sweeps of values: which variants there are, and how a wrong `--set` is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.app.backtest.request import Request
from marginwatch.app.backtest.setting import read_setting
from marginwatch.app.backtest.sweep import Variants, read_sweep, variants
from marginwatch.errors import MarginwatchError
from support.sites import table, write_config

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

RULES: Final = """
[[rule]]
id = "usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
clear_by = "3%"
for = "1m"

[[rule]]
id = "usage.low"
value = "margin_excess"
levels = { warning = "< 5_000" }

[[rule]]
id = "call"
when = "in_margin_call"
severity = "critical"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    venue = {"name": "fx", "kind": "helio", "base_url": "http://127.0.0.1:1", "email": "a@example.com", "password": "x"}
    hook = table("[receivers]", {"name": "hook", "url": "json://127.0.0.1:1/"})
    return write_config(tmp_path, table("[venues]", venue), hook, rules=RULES)


def tried(config: Path, *sets: str) -> Variants:
    setting = read_setting(Request(), config, {})
    ids = [rule.id for rule in setting.rules.rules]
    return variants([read_sweep(text, ids) for text in sets], setting.rules.rules, setting.scene)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["usage.levels.warning=70%..85%/5%"], ["70%", "75%", "80% now", "85%"]),
        (["usage.levels.critical=95%"], ["90% now", "95%"]),
        (["usage.levels.warning=>=70%"], ["80% now", "70%"]),
        (["usage.for=0s..2m/1m"], ["0s", "1m now", "2m"]),
        (["usage.clear_for=5m"], ["none now", "5m"]),
        (["usage.clear_by=1%..2%/.5%"], ["3% now", "1%", "1.5%", "2.0%"]),
        (["usage.low.levels.warning=1_000..2000/500"], ["5_000 now", "1000", "1500", "2000"]),
        (["call.for=30s"], ["none now", "30s"]),
        (["usage.for=1m", "usage.clear_by=3%..4%/1%"], ["1m 3% now", "1m 4%"]),
        (["usage.for=1m", "call.for=1m"], ["1m now", "none now", "1m"]),
    ],
    ids=" ".join,
)
def test_every_combination_is_tried_beside_what_is_now(config: Path, sets: list[str], expected: list[str]) -> None:
    """The values from the first to the last, the present one among them or in front."""
    found = [
        " ".join([*(value or "none" for value in each.values.values()), *(["now"] if each.current else [])])
        for each in tried(config, *sets).tried
    ]
    assert found == expected


def test_a_level_keeps_its_operator(config: Path) -> None:
    """And its place among the others, and the id of a variant is no other's."""
    found = tried(config, "usage.low.levels.warning=1000..2000/1000").tried
    assert [(each.rule.levels[0].operator, each.of.id) for each in found] == [("<", "usage.low")] * 3
    assert len({each.rule.id for each in found}) == len(found)


def test_values_of_a_range_that_no_file_could_have_are_left_out(config: Path) -> None:
    """With the reason; the others are tried."""
    found = tried(config, "usage.levels.warning=85%..95%/5%")
    assert [each.values["levels.warning"] for each in found.tried] == ["80%", "85%"]
    assert [str(each).partition(",")[0] for each in found.left_out] == [
        "--set usage.levels.warning=90%: critical must lie beyond warning",
        "--set usage.levels.warning=95%: critical must lie beyond warning",
    ]


WRONG: Final = (
    "usage",
    "usage.for",
    "usage.for=",
    "usge.for=1m",
    "usage.four=1m",
    "usage.when=1m",
    "usage.for=soon",
    "usage.for=1m..5m",
    "usage.for=1m..5m/0s",
    "usage.for=5m..1m/1m",
    "usage.for=1m..5x/1m",
    "usage.levels.warning=70%..90/5%",
    "usage.levels.warning=low..high/5%",
    "usage.levels.warning=95%",
    "usage.levels.warning=70",
    "usage.levels.warning=91%..95%/1%",
    'usage.levels.warning=7"0%',
    "usage.levels.info=70%..90%/0.01%",
    "call.levels.warning=70%",
    "call.clear_by=3%",
    "usage.clear_by=1m..2m/1m",
    "usage.for=1m usage.for=2m",
    "usage.for=0s..50m/1m usage.clear_for=0s..50m/1m",
)


@pytest.mark.parametrize("sets", WRONG)
def test_a_wrong_set_is_one_sentence(config: Path, snapshot: SnapshotAssertion, sets: str) -> None:
    """It names what was typed, and says what to do."""
    with pytest.raises(MarginwatchError) as caught:
        tried(config, *sets.split(" "))

    assert str(caught.value) == snapshot


def test_a_rule_file_that_changed_meanwhile_is_said_so(config: Path) -> None:
    """The rule is no more where it was."""
    setting = read_setting(Request(), config, {})
    (config.parent / "rules.toml").write_text("[[rule]]\nid = 'other'\n")
    sweep = read_sweep("usage.for=5m", ["usage"])
    with pytest.raises(MarginwatchError, match=r"rules\.toml has changed meanwhile; try again"):
        variants([sweep], setting.rules.rules, setting.scene)

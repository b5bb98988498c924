"""Rule files that are right, and the ways a file can be no rule file at all."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.config.rulefile import Loaded, load_rules
from marginwatch.core.fields import Unit
from marginwatch.core.model import Severity
from marginwatch.core.rule import Flapping, Level, Rule, RuleKind, Selector
from support.scenes import CONFIGURED

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE_TOML = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { critical = "> 90%", warning = "> 80%" }
clear_by = "3%"
for = "1m"
clear_for = "2m"
worsens_by = "2%"
remind_every = "1h"
summary = "{account}: margin usage {margin_usage:.1%}, {margin_excess:,.0f} {currency} left"

[[rule]]
id = "margin-call"
when = "in_margin_call or in_stop_out"
severity = "critical"

[[rule]]
id = "permissions-changed"
on = "changed(permissions) or changed(trading_enabled) or changed(trading_status)"

[[rule]]
id = "open-loss"
value = "position.unrealized_pnl"
levels = { warning = "<= -1_000", critical = "< -5000.5" }
clear_by = 250
worsens_by = 0.5
each = "position"
venues = ["de*"]
accounts = ["STONEX:*", "12345678"]
groups = ["bravo"]
labels = { team = "fx" }
summary = "{position.symbol} at {value:,.0f}, {{limit}} {limit:,.0f}"
"""
EXAMPLE_YAML = """
# the same rules
rule:
  - id: margin-usage
    title: Margin usage
    value: margin_usage
    levels:
      warning: "> 80%"
      critical: "> 90%"
    clear_by: 3%
    for: 1m
    clear_for: 2m
    worsens_by: 2%
    remind_every: 1h
    summary: "{account}: margin usage {margin_usage:.1%}, {margin_excess:,.0f} {currency} left"
  - id: margin-call
    when: in_margin_call or in_stop_out
    severity: critical
  - id: permissions-changed
    on: changed(permissions) or changed(trading_enabled) or changed(trading_status)
  - id: open-loss
    value: position.unrealized_pnl
    levels: {warning: "<= -1_000", critical: "< -5000.5"}
    clear_by: 250
    worsens_by: 0.5
    each: position
    venues: [de*]
    accounts: ["STONEX:*", "12345678"]
    groups: [bravo]
    labels: {team: fx}
    summary: "{position.symbol} at {value:,.0f}, {{limit}} {limit:,.0f}"
"""


def load(*entries: str, base: Path | None = None, venues: dict[str, str] | None = None) -> Loaded:
    return load_rules(entries, CONFIGURED if venues is None else replace(CONFIGURED, venues=venues), base)


def load_text(folder: Path, text: str, name: str = "rules.toml") -> Loaded:
    (folder / name).write_text(text)
    return load(name, base=folder)


def deciding(rules: tuple[Rule, ...]) -> list[tuple[object, ...]]:
    """Everything of the rules but where they were written."""
    return [
        tuple(getattr(rule, name) for name in Rule.__dataclass_fields__ if name not in {"place", "summary"})
        for rule in rules
    ]


def test_a_ladder_says_its_levels_mildest_first_with_their_clear_values(tmp_path: Path) -> None:
    """Each level has the limit as written and the value that must be reached to leave it."""
    loaded = load_text(tmp_path, EXAMPLE_TOML)
    assert loaded.problems == ()
    usage = loaded.rules[0]
    assert usage.levels == (
        Level(Severity.WARNING, ">", Decimal("0.80"), Decimal("0.77")),
        Level(Severity.CRITICAL, ">", Decimal("0.90"), Decimal("0.87")),
    )
    assert (usage.kind, usage.unit, usage.title) == (RuleKind.LADDER, Unit.RATIO, "Margin usage")
    assert (usage.hold, usage.clear_for, usage.remind_every) == (
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(hours=1),
    )
    assert usage.worsens_by == Decimal("0.02")
    assert (usage.place.line, usage.place.col) == (2, 1)


def test_a_ladder_that_falls_clears_above_its_limits(tmp_path: Path) -> None:
    """For a floor, the good side is above; plain numbers are money, exact as written."""
    loss = load_text(tmp_path, EXAMPLE_TOML).rules[3]
    assert loss.levels == (
        Level(Severity.WARNING, "<=", Decimal(-1000), Decimal(-750)),
        Level(Severity.CRITICAL, "<", Decimal("-5000.5"), Decimal("-4750.5")),
    )
    assert (loss.unit, loss.worsens_by, loss.each) == (Unit.MONEY, Decimal("0.5"), "position")
    assert loss.selector == Selector(("de*",), ("STONEX:*", "12345678"), {"team": "fx"}, ("bravo",))


def test_conditions_and_events_have_one_severity_which_is_warning_unless_said(tmp_path: Path) -> None:
    """A condition and an event each have one level without a limit, and a title made from the id."""
    _, call, changed, _ = load_text(tmp_path, EXAMPLE_TOML).rules
    assert (call.kind, call.levels, call.unit) == (RuleKind.CONDITION, (Level(Severity.CRITICAL),), Unit.FLAG)
    assert (changed.kind, changed.levels) == (RuleKind.EVENT, (Level(Severity.WARNING),))
    assert changed.title == "Permissions changed"


def test_toml_and_yaml_say_the_same(tmp_path: Path) -> None:
    """Both formats have one model; `on` is a key in YAML too, and revisions agree."""
    toml = load_text(tmp_path, EXAMPLE_TOML)
    for name in ("rules.yaml", "rules.yml"):
        yaml = load_text(tmp_path, EXAMPLE_YAML, name)
        assert yaml.problems == ()
        assert deciding(yaml.rules) == deciding(toml.rules)
        assert yaml.revision == toml.revision


def test_on_is_a_key_even_under_the_old_yaml_version(tmp_path: Path) -> None:
    """In YAML 1.1 a bare `on` is a boolean; as a key of ours it never is."""
    text = "%YAML 1.1\n---\nrule:\n- id: changed\n  on: changed(permissions)\n"
    loaded = load_text(tmp_path, text, "old.yaml")
    assert loaded.problems == ()
    assert loaded.rules[0].kind is RuleKind.EVENT


def test_yaml_aliases_repeat_a_value(tmp_path: Path) -> None:
    """An anchor saves writing the same summary twice."""
    text = """
rule:
  - id: a
    when: in_margin_call
    summary: &words "{account} is in a call"
  - {id: b, when: in_stop_out, summary: *words}
"""
    loaded = load_text(tmp_path, text, "rules.yaml")
    assert [rule.summary for rule in loaded.rules] == ["{account} is in a call"] * 2


def test_the_revision_changes_with_what_decides_and_with_nothing_else(tmp_path: Path) -> None:
    """A new title, summary, comment, order or line is the same rule set; another limit is not."""
    base = load_text(tmp_path, EXAMPLE_TOML)
    same = EXAMPLE_TOML.replace('title = "Margin usage"', '# moved\n\ntitle = "Other"').replace(" left", " remain")
    assert load_text(tmp_path, same).revision == base.revision
    for before, after in (
        ("> 90%", "> 91%"),
        ("> 90%", ">= 90%"),
        ('clear_by = "3%"', 'clear_by = "4%"'),
        ('for = "1m"', 'for = "2m"'),
        ('clear_for = "2m"', 'clear_for = "3m"'),
        ('worsens_by = "2%"', 'worsens_by = "3%"'),
        ('remind_every = "1h"', 'remind_every = "2h"'),
        ("or in_stop_out", "and in_stop_out"),
        ('severity = "critical"', 'severity = "info"'),
        ('"STONEX:*"', '"STONEX:1*"'),
        ('venues = ["de*"]', 'venues = ["desk"]'),
        ('id = "open-loss"', 'id = "loss"'),
    ):
        assert before in EXAMPLE_TOML
        changed = load_text(tmp_path, EXAMPLE_TOML.replace(before, after))
        assert changed.problems == ()
        assert changed.revision != base.revision, after
        assert sum(new != old for new, old in zip(changed.rules, base.rules, strict=True)) == 1


FLAPS = '[[rule]]\nid = "call"\nwhen = "in_margin_call"\n'


@pytest.mark.parametrize(
    ("written", "flapping"),
    [
        ("", Flapping(4, timedelta(hours=1))),
        ("flapping = true", Flapping(4, timedelta(hours=1))),
        ("flapping = false", None),
        ("flapping = { times = 3 }", Flapping(3, timedelta(hours=1))),
        ('flapping = { within = "1d" }', Flapping(4, timedelta(days=1))),
    ],
)
def test_every_rule_says_when_its_alerts_flap(tmp_path: Path, written: str, flapping: Flapping | None) -> None:
    """What comes and goes four times within an hour, unless the rule says otherwise; the revision says which."""
    loaded, plain = load_text(tmp_path, FLAPS + written), load_text(tmp_path, FLAPS)
    assert loaded.problems == ()
    assert loaded.rules[0].flapping == flapping
    assert (loaded.revision == plain.revision) is (flapping == Flapping())


def test_reminders_are_one_wait_or_a_list(tmp_path: Path) -> None:
    """A list of one is that wait; the waits of a longer one decide, and so change the revision."""
    alone = load_text(tmp_path, FLAPS + 'remind_every = "1h"')
    listed = load_text(tmp_path, FLAPS + 'remind_every = ["1h"]')
    laddered = load_text(tmp_path, FLAPS + 'remind_every = ["1h", "2h", "1d"]')

    assert alone.revision == listed.revision != laddered.revision
    assert (listed.rules[0].remind_every, listed.rules[0].remind_then) == (timedelta(hours=1), ())
    assert laddered.rules[0].remind_then == (timedelta(hours=2), timedelta(days=1))


def test_files_are_read_once_in_the_order_named(tmp_path: Path) -> None:
    """A glob is sorted, takes rule files alone, and does not repeat a file named before."""
    for name in ("b.toml", "a.yaml", "notes.md", "b.test.toml", "a.test.yaml"):
        (tmp_path / name).write_text("")
    (tmp_path / "c.toml").mkdir()
    loaded = load("b.toml", "*", str(tmp_path / "a.yaml"), base=tmp_path)
    assert loaded.files == (tmp_path / "b.toml", tmp_path / "a.yaml")
    assert tuple(map(str, loaded.notes)) == tuple(f"{path}: the file holds no rule" for path in loaded.files)
    assert loaded.problems == ()


def test_ids_must_differ_across_files(tmp_path: Path) -> None:
    """The second file's id is the problem, and it says where the first is."""
    for name in ("a.toml", "b.yaml"):
        load_text(tmp_path, EXAMPLE_TOML if name == "a.toml" else EXAMPLE_YAML, name)
    loaded = load("a.toml", "b.yaml", base=tmp_path)
    assert str(loaded.problems[0]) == (
        f"{tmp_path}/b.yaml:4:9: the id `margin-usage` is already taken by the rule at {tmp_path}/a.toml:3:6; "
        "give one of them another id"
    )
    assert len(loaded.problems) == 4
    assert len(loaded.rules) == 4


def test_a_rule_absent_at_one_venue_is_noted(tmp_path: Path) -> None:
    """A rule that works somewhere is no problem; where it does not apply is said."""
    loaded = load_text(tmp_path, '[[rule]]\nid = "stop-out"\nwhen = "in_stop_out"\n')
    assert loaded.problems == ()
    assert [str(note).removeprefix(f"{tmp_path}/") for note in loaded.notes] == [
        "rules.toml:1:1: `stop-out` does not apply at desk and clearer: in_stop_out is absent there",
    ]


def test_without_a_known_venue_rules_are_held_against_every_kind(tmp_path: Path) -> None:
    """Rules can be checked before a venue is configured, or when its kind is not installed."""
    (tmp_path / "rules.toml").write_text('[[rule]]\nid = "stop-out"\nwhen = "in_stop_out"\n')
    for venues in ({}, {"paper": "not-installed"}):
        assert load("rules.toml", base=tmp_path, venues=venues).problems == ()


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("missing.toml", "{base}/missing.toml: there is no such file"),
        ("a.test.yml", "a.test.yml: this file holds tests of rules, not rules; `marginwatch test` runs it"),
        ("folder.toml", "{base}/folder.toml: this is a folder, not a file"),
        (
            "folder.toml/*.toml",
            "folder.toml/*.toml: no rule file has a name like this; rule files end in .toml, .yaml or .yml",
        ),
        ("notes.md", "{base}/notes.md: its name must end in .toml, .yaml or .yml"),
        ("nul\0.toml", "{base}/nul\\x00.toml: no file can have this name"),
        ("nul\0/*.toml", "nul\\x00/*.toml: no rule file has a name like this; rule files end in .toml, .yaml or .yml"),
        ("pipe.toml", "{base}/pipe.toml: this is not a regular file"),
        ("latin.toml", "{base}/latin.toml:2:3: the file is not UTF-8 text; save it as UTF-8"),
        ("bom.yaml", "{base}/bom.yaml:1:1: the file begins with a byte order mark; save it as UTF-8 without one"),
        ("huge.toml", "{base}/huge.toml: the file is larger than 1 MiB"),
        ("loop.toml", "{base}/loop.toml: the file cannot be read: too many levels of symbolic links"),
        ("deep.toml", "{base}/deep.toml: the values are nested too deeply"),
        ("deep.yaml", "{base}/deep.yaml:1:31: the values are nested too deeply"),
        ("digits.toml", "{base}/digits.toml: a number has too many digits"),
    ],
)
def test_what_is_no_readable_file_is_one_sentence(tmp_path: Path, entry: str, sentence: str) -> None:
    """Whatever stands where a rule file should, the user reads one sentence that names it."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "notes.md").write_text("")
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "latin.toml").write_bytes(b"# ok\n# \xe9\n")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfrule:\n")
    (tmp_path / "huge.toml").write_bytes(b"#" * ((1 << 20) + 1))
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    (tmp_path / "deep.toml").write_text("rule = " + "[" * 5000)
    (tmp_path / "deep.yaml").write_text("[" * 5000)
    (tmp_path / "digits.toml").write_text("rule = " + "9" * 5000)
    loaded = load(entry, base=tmp_path)
    assert [str(problem) for problem in loaded.problems] == [sentence.format(base=tmp_path)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_one_sentence(tmp_path: Path) -> None:
    """A file that may not be read says so."""
    path = tmp_path / "secret.toml"
    path.write_text("")
    path.chmod(0)
    assert [str(problem) for problem in load(str(path)).problems] == [
        f"{path}: the file cannot be read: permission denied"
    ]


ODD_NUMBERS = """
[[rule]]
id = "a"
value = "margin_excess"
levels = {{ warning = "< 5" }}
clear_by = {number}
"""


@pytest.mark.parametrize(
    ("number", "what"),
    [
        ("nan", "nan or infinity"),
        ("1e9999999999999999999", "a number with an absurd exponent"),
        ("1e999999", None),
        ("0x10", None),
        ("1_000.5", None),
        ("1979-05-27", "a date or time"),
    ],
)
def test_odd_numbers_are_told_apart(tmp_path: Path, number: str, what: str | None) -> None:
    """What no amount can be is refused in words, and no number fills the memory."""
    problems = load_text(tmp_path, ODD_NUMBERS.format(number=number)).problems
    if what is not None:
        assert [problem.what for problem in problems] == [f"`clear_by` must be a number or text, not {what}"]
        assert (problems[0].place.line, problems[0].place.col) == (6, 12)
    else:
        assert [problem.what for problem in problems] in ([], ["`clear_by`: 1E+999999 is not an amount"])


RULE_LIKE = st.text(alphabet=" \n\"'=[]{}:,.-#&*!|>%()<abdefilmnorstuvwxy0189_\\")


@given(st.sampled_from(["rules.toml", "rules.yaml"]), st.one_of(st.binary(), RULE_LIKE.map(str.encode)), st.booleans())
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, mixed: bool) -> None:
    """Any bytes at all, alone or behind a good rule, give rules or problems and never an exception."""
    folder = tmp_path_factory.getbasetemp()
    good = (EXAMPLE_TOML if name.endswith("toml") else EXAMPLE_YAML).encode()
    (folder / name).write_bytes(good + content if mixed else content)
    loaded = load(name, base=folder)
    for problem in loaded.problems:
        assert problem.what
        assert "\n" not in str(problem)

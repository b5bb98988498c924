"""`marginwatch test`: which tests run, what is shown while they do, and how a failure reads."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from support import ledger
from support.rule_tests import RULES

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

GOOD = """
venue = "helio"
[[test]]
name = "a call is told at once"
[[test.step]]
set = { in_margin_call = true }
expect = { call = "firing" }
[[test]]
name = "usage is told after a minute"
[[test.step]]
set = { margin_usage = "85%" }
[[test.step]]
at = "1m"
expect = { usage = "firing" }
"""
BAD = """
venue = ["helio", "architect"]
receivers = { desk = "warning", pager = "critical" }
[[test]]
name = "told too early"
[[test.step]]
set = { margin_usage = "95%" }
[[test.step]]
after = "50s"
expect = { usage = { state = "firing", severity = "warning", value = "96%", told = "firing", receivers = "desk" } }
[[test]]
name = "told in other words"
[[test.step]]
set = { in_margin_call = true }
expect = { call = { state = "firing", text = ["Margin call", "some other words"] } }
[[test]]
name = "what a person must hear of, and what nobody expects"
[[test.step]]
set = { in_margin_call = true, margin_usage = "50%" }
expect = { call = "pending", usage = "pending" }
[[test]]
name = "another one that cries wolf"
[[test.step]]
set = { in_margin_call = true, margin_usage = "50%" }
expect = { usage = "inactive" }
[[test]]
name = "what is not known"
[[test.step]]
set = { in_margin_call = false }
expect = { call = "unknown", usage = "inactive" }
[[test.step]]
fail = "timed out"
expect = { call = "inactive" }
"""


@pytest.fixture(autouse=True)
def _steady_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second between two looks at the clock."""
    seconds = count()
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(seconds)))


@pytest.fixture
def rules(shell: Shell) -> Shell:
    """A folder with a rule file and good tests beside it."""
    (shell.folder / "rules.toml").write_text(RULES.partition('[[rule]]\nid = "fx-only"')[0])
    (shell.folder / "rules.test.toml").write_text(GOOD)
    return shell


def test_what_passes_is_short(rules: Shell, snapshot: SnapshotAssertion) -> None:
    """A dot for each test and one line for all of them; on request a line for each, and what nothing shows."""
    said, aloud = rules("test", "."), rules("test", "rules.toml", "-v")

    assert (said.code, said.err) == (0, "")
    assert said.out == snapshot
    assert (aloud.code, aloud.err) == (0, "")
    assert aloud.out == snapshot


def test_what_fails_says_everything(rules: Shell, snapshot: SnapshotAssertion) -> None:
    """Where, what was expected and found, what the rule saw, what was sent to whom; good tests beside it run on."""
    (rules.folder / "bad.test.toml").write_text(f'rules = ["rules.toml"]\n{BAD}')
    said, aloud = rules("test", "*.test.toml"), rules("test", "bad.test.toml", "-v", "-k", "early", terminal=100)

    assert (said.code, said.err) == (1, "")
    assert said.out == snapshot
    assert aloud.code == 1
    assert "FAIL  told too early [helio]" in aloud.out


def test_json_says_the_same(rules: Shell, snapshot: SnapshotAssertion) -> None:
    """Every failure with its parts, for editors and CI."""
    (rules.folder / "rules.test.toml").write_text(BAD)
    said = rules("test", "--json", "rules.toml", "-k", "words")

    assert (said.code, said.err) == (1, "")
    assert json.loads(said.out) == snapshot


def test_wrong_files_run_nothing(rules: Shell) -> None:
    """Every mistake in every file at once, in words or as JSON, and no test runs beside it."""
    (rules.folder / "bad.test.toml").write_text(BAD.replace("margin_usage", "margin_usge"))
    said, document = rules("test", ".", "builtin:margn"), rules("test", ".", "builtin:margn", "--json")

    assert (said.code, said.out) == (1, "")
    assert "builtin:margn: there is no rule pack `margn`; did you mean margin?" in said.err
    assert "bad.test.toml: there is no bad.toml beside this file" in said.err
    assert said.err.count("did you mean margin_usage?") == 3
    problems = json.loads(document.out)["problems"]
    assert document.code == 1
    assert set(problems[0]) == {"file", "line", "col", "what", "hint"}
    assert json.loads(document.out)["tests"] == []


def test_a_rule_by_a_wrong_name(rules: Shell) -> None:
    """The rule that was probably meant is named."""
    (rules.folder / "rules.test.toml").write_text(GOOD.replace("{ usage =", "{ usge ="))
    said = rules("test", "rules.test.toml")

    assert said.code == 1
    assert "rules.test.toml:14:12: there is no rule `usge`; did you mean usage?" in said.err


def test_without_paths_the_tests_beside_the_configs_rules_run(shell: Shell) -> None:
    """Those of its files and of its packs, with the names of its venues; none at all is said."""
    config = ledger.write(shell.folder)
    none = shell("test")
    assert (none.code, none.out) == (1, "")
    assert none.err.startswith("there are no tests beside the rule files of the config; ")

    head = '[[test]]\nname = "a"\nvenue = "futures"\n'
    step = '[[test.step]]\nset = { margin_excess = 0 }\nexpect = { thin = "firing" }\n'
    (shell.folder / "rules.test.toml").write_text(head + step)
    assert "1 test passed" in shell("test").out
    config.write_text(config.read_text().replace('["rules.toml"]', '["rules.toml", "builtin:permissions", "*.yaml"]'))
    assert "permissions.test.toml" in shell("test", "--config", "config.toml").out
    config.write_text(config.read_text().replace("kind =", "knd ="))
    assert "venue futures needs `kind`" in shell("test").err
    assert "3 tests passed" in shell("test", "builtin:margin", "-k", "within the minute").out


def test_without_a_config_the_packs_run(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has installed it can see its rules tested."""
    monkeypatch.setattr("marginwatch.config.location.DEFAULTS", ())
    said = shell("test", "-k", "margin call is told at once")

    assert (said.code, said.err) == (0, "")
    assert "calls.test.toml .." in said.out
    assert "2 tests passed" in said.out


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (("empty",), "empty: no file in this folder holds tests; their names end in .test.toml"),
        (("x*",), "x*: no file of a name like this has tests; tests of margin.toml are in margin.test.toml"),
        (("a\0*",), "no file of a name like this has tests"),
        (("gone.test.toml",), "gone.test.toml: there is no such file"),
        (("gone.toml",), "gone.toml: there is no such file"),
        (("alone.yaml",), "alone.yaml: the file has no tests; they would be in alone.test.yaml, beside it"),
        ((".", "-k", "nothing"), "no test has `nothing` in its name, its rules or the name of its file"),
    ],
)
def test_paths_that_hold_no_tests(rules: Shell, paths: tuple[str, ...], sentence: str) -> None:
    """One sentence: running nothing must not look like all is well."""
    (rules.folder / "empty").mkdir()
    (rules.folder / "alone.yaml").write_text("rule: []")
    said = rules("test", *paths)

    assert said.code == 1
    assert sentence in said.err


def test_a_glob_of_rule_files_means_their_tests(rules: Shell) -> None:
    """Each file of tests runs once, however often it is named."""
    assert "2 tests passed" in rules("test", "*.toml", "rules.toml", "rules.test.toml").out

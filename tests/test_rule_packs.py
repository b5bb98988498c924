"""The shipped rules do what their tests say, and no rule is shipped without the four cases that make it trusted."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.ruletest.cover import Cover
from marginwatch.app.ruletest.find import every_pack, find
from marginwatch.app.ruletest.report import called, explain
from marginwatch.app.ruletest.run import run
from marginwatch.app.ruletest.suites import read_suites, untested
from marginwatch.config.rulepacks import packs_folder
from marginwatch.config.runbooks import read_sections, shipped_sections
from marginwatch.config.sourcefile import SUFFIXES, holds_tests
from marginwatch.core import health
from marginwatch.errors import Problem
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.app.ruletest.suites import Suites
    from marginwatch.core.rule import Rule


@cache
def shipped() -> Suites:
    """All tests of all packs."""
    files, problems = find(every_pack())
    assert problems == []
    return read_suites(files, venue_kinds())


def by_name() -> dict[str, Bound]:
    return {f"{bound.case.place.file.rpartition('/')[2]}: {called(bound.case)}": bound for bound in shipped().tests}


def test_the_tests_themselves_are_right() -> None:
    """No file of tests names a rule or a field that is not there."""
    assert [str(problem) for problem in shipped().problems] == []


@pytest.mark.parametrize("name", by_name())
def test_the_rule_does_what_its_test_says(name: str) -> None:
    """Each shipped test passes."""
    outcome = run(by_name()[name])
    assert outcome.passed, "\n".join(explain(outcome))


@pytest.mark.parametrize("name", by_name())
def test_restarts_at_every_step_change_nothing(name: str) -> None:
    """The same test passes with a new process at each of its steps."""
    bound = by_name()[name]
    steps = tuple(replace(step, restart=True) for step in bound.case.steps)
    outcome = run(replace(bound, case=replace(bound.case, steps=steps)))
    assert outcome.passed, "\n".join(explain(outcome))


def test_every_rule_has_its_four_cases() -> None:
    """Each rule is shown to fire, to keep quiet, to be unknown and to go through a restart."""
    lacking = untested(shipped(), [run(bound) for bound in shipped().tests])
    assert {each.rule.id: [case.value for case in each.lacking] for each in lacking} == {}


def test_every_rule_file_of_the_folder_is_tested() -> None:
    """The walk above leaves out no file that holds rules."""
    files = {path for path in packs_folder().rglob("*") if path.suffix in SUFFIXES and not holds_tests(path)}
    assert {file for file, _ in shipped().rules} == {str(path) for path in files}


def test_the_example_of_own_rules_is_one_to_copy() -> None:
    """The rules, tests and runbook in the guide are right, pass, and show all four cases of each rule."""
    folder = packs_folder().parent / "docs" / "examples"
    suites = read_suites([folder / "desk.test.toml"], venue_kinds())
    outcomes = [run(bound) for bound in suites.tests]

    assert suites.problems == []
    assert [line for outcome in outcomes if not outcome.passed for line in explain(outcome)] == []
    assert untested(suites, outcomes) == ()


PARTS = ("### Meaning", "### Impact", "### Diagnosis", "### Mitigation")


@pytest.mark.parametrize("rule", shipped().rules.values(), ids=lambda rule: rule.id)
def test_every_rule_leads_to_its_runbook(rule: Rule) -> None:
    """A message of each shipped rule names the command that prints the section of its id, in its own pack's page."""
    page = Path(rule.place.file).parent / "RUNBOOK.md"
    sections = read_sections(page)
    assert not isinstance(sections, Problem)
    assert rule.id in sections
    assert rule.runbook == f"marginwatch runbook {rule.id}"


@pytest.mark.parametrize("rule", health.RULES)
def test_every_built_in_alert_has_a_runbook(rule: str) -> None:
    """Whoever is woken by one is told what to do, by the same command."""
    assert rule in shipped_sections()
    assert health.RULES[rule].runbook == f"marginwatch runbook {rule}"


@pytest.mark.parametrize("name", shipped_sections())
def test_a_runbook_says_all_that_is_needed(name: str) -> None:
    """Each section is about a rule there is, and has its four parts in order, with words in each."""
    text = shipped_sections()[name]
    found = re.split(r"^(### .+)\n", text, flags=re.MULTILINE)

    assert name in {*health.RULES, *(rule for _, rule in shipped().rules)}
    assert found[0] == f"## {name}\n\n"
    assert tuple(found[1::2]) == PARTS
    assert all(part.strip() for part in found[2::2])


def test_a_rule_without_tests_would_be_found(tmp_path: Path) -> None:
    """Another rule in a pack's file, or one whose tests show less, is reported with what is lacking."""
    source = packs_folder() / "margin"
    rule = '[[rule]]\nid = "thin"\nvalue = "cash"\nlevels = { warning = "< 5_000" }\n'
    (tmp_path / "margin.toml").write_text(f"{(source / 'margin.toml').read_text()}\n{rule}")
    tests = (source / "margin.test.toml").read_text()
    (tmp_path / "RUNBOOK.md").write_text((source / "RUNBOOK.md").read_text())
    (tmp_path / "margin.test.toml").write_text(tests.replace("restart = true\n", ""))
    suites = read_suites([tmp_path / "margin.test.toml"], venue_kinds())
    lacking = untested(suites, [run(bound) for bound in suites.tests])

    assert suites.problems == []
    assert {each.rule.id: each.lacking for each in lacking} == {
        "margin-usage": (Cover.RESTART,),
        "margin-excess-negative": (Cover.RESTART,),
        "equity-negative": (Cover.RESTART,),
        "thin": tuple(Cover),
    }

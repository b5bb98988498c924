"""From files of tests to tests that can run, and from their outcomes to what is still untested."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marginwatch.app.files import templates_of
from marginwatch.app.ruletest.binding import bind
from marginwatch.app.ruletest.cover import Cover
from marginwatch.app.ruletest.reading import read_suite
from marginwatch.app.ruletest.sites import Known
from marginwatch.config.calendars import calendars_of
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import load_rules
from marginwatch.venues.registry import calendar_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.app.ruletest.model import Suite
    from marginwatch.app.ruletest.run import Outcome
    from marginwatch.app.ruletest.sites import ConfiguredVenue
    from marginwatch.config.rulefile import Loaded
    from marginwatch.core.calendar import Calendar
    from marginwatch.core.rule import Rule
    from marginwatch.errors import Problem
    from marginwatch.venues.protocol import VenueKind


@dataclass(slots=True)
class Suites:
    """Everything in some files of tests."""

    tests: list[Bound] = field(default_factory=list)
    rules: dict[tuple[str, str], Rule] = field(default_factory=dict)
    """The rules that are tested, by the name of their file and their id."""
    problems: list[Problem] = field(default_factory=list)
    """Everything wrong with tests and rules; nothing may be run unless this is empty."""


@dataclass(frozen=True, slots=True)
class Untested:
    """What no test shows of a rule."""

    rule: Rule
    lacking: tuple[Cover, ...]


def known_of(
    kinds: Mapping[str, VenueKind],
    venues: Mapping[str, ConfiguredVenue] | None = None,
    calendars: Mapping[str, Calendar] | None = None,
) -> Known:
    """What tests may name: what is installed, and the venues and calendars of a config, where there is one."""
    return Known(
        catalogues={name: kind.catalogue for name, kind in kinds.items()},
        sessions={name: calendar_of(kind) for name, kind in kinds.items()},
        calendars=calendars_of(()) if calendars is None else calendars,
        venues=venues or {},
    )


def read_suites(files: Sequence[Path], kinds: Mapping[str, VenueKind], known: Known | None = None) -> Suites:
    """Read files of tests with the rules they are about; `known` is what is installed when left out."""
    known = known or known_of(kinds)
    suites = Suites()
    problems: dict[Problem, None] = {}
    for file in files:
        suite = read_suite(file, known)
        problems.update(dict.fromkeys(suite.problems))
        if suite.rules:
            loaded = _rules_of(suite, kinds, known)
            problems.update(dict.fromkeys(loaded.problems))
            suites.rules.update(((rule.place.file, rule.id), rule) for rule in loaded.rules)
            if not loaded.problems:
                tests, misfits = bind(suite, loaded, known.calendars)
                suites.tests += tests
                problems.update(dict.fromkeys(misfits))
    suites.problems = sorted(problems, key=lambda problem: problem.place)
    return suites


def untested(suites: Suites, outcomes: Iterable[Outcome]) -> tuple[Untested, ...]:
    """The rules of which not all four cases are shown by a test that passed."""
    shown = {
        (rule.place.file, rule.id, cover)
        for outcome in outcomes
        if outcome.passed
        for rule_id, cover in outcome.shown
        if (rule := outcome.bound.rules.get(rule_id)) is not None
    }
    lacking = (
        Untested(rule, tuple(cover for cover in Cover if (file, rule_id, cover) not in shown))
        for (file, rule_id), rule in suites.rules.items()
    )
    return tuple(each for each in lacking if each.lacking)


def _rules_of(suite: Suite, kinds: Mapping[str, VenueKind], known: Known) -> Loaded:
    venues = {kind: kind for kind in known.catalogues}
    venues.update((name, each.kind) for name, each in known.venues.items())
    venues.update((case.site.name, case.site.kind) for case in suite.cases)
    scene = Scene(known.catalogues, venues, templates_of(kinds), calendars=frozenset(known.calendars))
    return load_rules(suite.rules, scene, suite.path.parent)

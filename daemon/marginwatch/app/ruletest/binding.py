"""Tests held against the rules they test: every expected rule exists, applies, and can be what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.app.ruletest.values import read_number
from marginwatch.config.suggest import did_you_mean
from marginwatch.core import health
from marginwatch.core.condition import POSITION, names
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.model import TIMES
from marginwatch.core.rule import RuleKind
from marginwatch.core.ruling import Ruling, Watch
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marginwatch.app.ruletest.model import Case, Expected, Site, Suite
    from marginwatch.config.rulefile import Loaded
    from marginwatch.core.calendar import Calendar
    from marginwatch.core.rule import Rule


@dataclass(frozen=True, slots=True)
class Bound:
    """A case ready to run."""

    case: Case
    ruling: Ruling
    left_out: tuple[str, ...]
    """Rules that are not evaluated in it: it expects nothing of them and never says what they read."""

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules under test, by id."""
        return {applied.rule.id: applied.rule for applied in self.ruling.venues[self.case.site.name].rules.applied}

    @property
    def words(self) -> str:
        """All that it may be picked by: its name, its venue, the rules it is about, and its file."""
        rules = dict.fromkeys(expected.rule for expected in _expectations(self.case))
        return " ".join((self.case.name, self.case.site.name, *rules, self.case.place.file))


def bind(suite: Suite, loaded: Loaded, calendars: Mapping[str, Calendar]) -> tuple[list[Bound], list[Problem]]:
    """The cases of a file with their rules, and every expectation that no rule could meet.

    `calendars` are all there are, by name.
    """
    loaded = replace(loaded, rules=tuple(map(_whatever_it_is, loaded.rules)))
    rules = {rule.id: rule for rule in loaded.rules}
    problems: list[Problem] = []
    bound = []
    for case in suite.cases:
        everything = _ready(case.site, loaded.rules, calendars)
        for expected in _expectations(case):
            problems.extend(_problems(expected, rules, everything, case))
        bound.append(_bound(case, loaded, everything, calendars))
    return bound, list(dict.fromkeys(problems))


def _whatever_it_is(rule: Rule) -> Rule:
    """The rule for an account of no config: it has the labels and is of the groups that the rule asks for."""
    if rule.of_group:
        return rule
    return replace(rule, selector=replace(rule.selector, labels={}, groups=()))


def _expectations(case: Case) -> Iterator[Expected]:
    for step in case.steps:
        yield from step.expect or ()


def _problems(expected: Expected, rules: Mapping[str, Rule], here: VenueRules, case: Case) -> Iterator[Problem]:
    rule = rules.get(expected.rule) or health.RULES.get(expected.rule)
    site = case.site
    if rule is None:
        hint = did_you_mean(expected.rule, (*rules, *health.RULES)) or f"the rules are {', '.join(rules)}"
        yield Problem(expected.place, f"there is no rule `{expected.rule}`", hint)
        return
    if expected.rule in here.absent:
        yield Problem(
            expected.place, f"the rule `{rule.id}` does not apply at {site.name}: its fields are absent there"
        )
    if expected.subject is not None and not rule.each and rule.kind is not RuleKind.HEALTH:
        what = f"the rule `{rule.id}` does not look at each position"
        yield Problem(expected.place, what, f'write "{rule.id}"')
    severities = [level.severity for level in rule.levels]
    if expected.severity is not None and expected.severity not in severities:
        hint = f"its levels are {', '.join(severity.label for severity in severities)}"
        place = expected.places.get("severity", expected.place)
        yield Problem(place, f"the rule `{rule.id}` is never {expected.severity.label}", hint)
    yield from _value_problems(expected, rule)


def _value_problems(expected: Expected, rule: Rule) -> Iterator[Problem]:
    if expected.value is None:
        return
    if rule.kind is not RuleKind.LADDER:
        yield Problem(expected.value.place, f"the rule `{rule.id}` has no value: only a rule with levels has one")
        return
    read = read_number("value", rule.unit, expected.value)
    if isinstance(read, Problem):
        yield read


def _ready(site: Site, rules: Sequence[Rule], calendars: Mapping[str, Calendar]) -> VenueRules:
    return VenueRules(site.name, site.catalogue, rules, calendars, site.calendar)


def _bound(case: Case, loaded: Loaded, everything: VenueRules, calendars: Mapping[str, Calendar]) -> Bound:
    tested = _tested(case, everything)
    rules = [rule for rule in loaded.rules if rule.id in tested]
    watch = Watch(
        venue=case.site.name,
        rules=_ready(case.site, rules, calendars),
        every=case.every,
        stale_after=case.stale_after,
        max_age=case.max_age,
        selects=lambda _: True,
    )
    ruling = Ruling(
        revision=loaded.revision,
        rules={**health.RULES, **{rule.id: rule for rule in rules}},
        venues={case.site.name: watch},
        receivers=case.receivers,
    )
    return Bound(case, ruling, tuple(each.rule.id for each in everything.applied if each.rule.id not in tested))


def _tested(case: Case, everything: VenueRules) -> frozenset[str]:
    """The rules of which something is expected, and those of which the test says all that they read."""
    expected = {each.rule for each in _expectations(case)}
    said = TIMES.union(*(step.says for step in case.steps))
    read = {each.rule.id: _fields(names(each.node)) for each in everything.applied}
    return frozenset(rule for rule, fields in read.items() if rule in expected or fields <= said)


def _fields(read: Sequence[str]) -> frozenset[str]:
    """Those of the account: positions are listed whole or not at all."""
    return frozenset(name for name in read if not name.startswith(POSITION))

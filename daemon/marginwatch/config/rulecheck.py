"""Holds a rule of right form against the venues it is for: its expression, levels, selectors and summary."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marginwatch.config.currencies import mixed_currencies
from marginwatch.config.grouprules import GROUP, chosen, misplaced, units_of
from marginwatch.config.ladder import Ladder, hardly_meant, read_ladder
from marginwatch.config.rulemodel import USUAL
from marginwatch.config.runbooks import runbook_problems, told_runbook
from marginwatch.config.suggest import did_you_mean
from marginwatch.config.summary import Fields, check_summary
from marginwatch.core import condition
from marginwatch.core.calendar import BUILT_IN
from marginwatch.core.condition.nodes import Windowed, walk
from marginwatch.core.condition.window import SESSION
from marginwatch.core.defined import defined_names
from marginwatch.core.fields import COMMON_UNITS, Unit
from marginwatch.core.rule import Level, Rule, RuleKind, Selector
from marginwatch.core.selecting import selects_venue
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from marginwatch.config.document import Node
    from marginwatch.config.groups import GroupSketch
    from marginwatch.config.rulemodel import Draft
    from marginwatch.core.fields import Catalogue


@dataclass(frozen=True, slots=True)
class Scene:
    """What rules are held against."""

    catalogues: Mapping[str, Catalogue]
    """Of every installed kind of venue, by kind."""
    venues: Mapping[str, str]
    """Kind of every configured venue, by its name."""
    check_template: Callable[[Rule, str], str | None]
    """What is wrong with the rule's summary at a kind of venue, as one sentence; None when nothing is."""
    groups: Mapping[str, GroupSketch] | None = None
    """Groups of accounts the config defines, by name; None where no config is known, and rules about them pass."""
    labels: Mapping[str, frozenset[str]] | None = None
    """Labels of accounts the config defines, key to values; None where no config is known, and all pass."""
    calendars: frozenset[str] = frozenset(BUILT_IN)
    """Calendars there are, the built-in ones included."""
    sessions: Mapping[str, str] = field(default_factory=dict)
    """The name of its calendar, by the name of the venue."""
    hours: Mapping[str, str] = field(default_factory=dict)
    """When the sessions of a calendar are, in words, by its name."""
    runbook_base: str = ""
    """The web address below which the pages of runbooks are published; empty when they are not."""
    labelled: str = ""
    """Which accounts have which labels, as a text that is equal for equal ones."""


@dataclass(slots=True)
class Verdict:
    """What came of one rule."""

    rule: Rule | None = None
    """None when something is wrong, or when it applies nowhere."""
    problems: list[Problem] = field(default_factory=list)
    note: str = ""
    """Where it does not apply and why; empty when it applies everywhere."""
    venues: tuple[str, ...] = ()
    """Where it does not apply."""
    notes: list[Problem] = field(default_factory=list)
    """What is not wrong, but hardly meant."""


def check_rule(draft: Draft, scene: Scene, *, shipped: bool = False) -> Verdict:
    """The rule ready for the engine, or everything that is wrong with it.

    A shipped rule that applies at no configured venue is noted; one of the user's own is a problem.
    """
    verdict = Verdict()
    if draft.each == GROUP and scene.groups is None:
        return verdict
    _check_labels(draft, scene, verdict.problems)
    venues = _selected(draft, scene, verdict.problems)
    units = _units_of_groups(draft, scene, verdict) if draft.each == GROUP else _units(draft, scene, venues, verdict)
    ladder = Ladder((Level(draft.severity),), None)
    if draft.kind is RuleKind.LADDER:
        ladder = read_ladder(draft, tuple(dict.fromkeys(units.values())), verdict.problems)
        verdict.notes.extend(hardly_meant(draft, ladder.levels))
    runbook = told_runbook(draft, scene.runbook_base)
    rule = _rule(draft, ladder, next(iter(units.values()), None) or Unit.COUNT, runbook, scene)
    here = {kind: scene.catalogues[kind] for kind in units if not rule.of_group}
    fields = Fields(here, scene.catalogues)
    verdict.problems.extend(check_summary(draft, rule, fields, scene.check_template))
    verdict.problems.extend(runbook_problems(draft))
    if units or verdict.problems:
        verdict.rule = None if verdict.problems else rule
    elif not shipped:
        verdict.problems.append(Problem(draft.expression.place, f"the rule applies nowhere: it {verdict.note}"))
    return verdict


def _problem(node: Node, fault: condition.Fault, before: str = "") -> Problem:
    return Problem(node.place_within(fault.offset, fault.length), before + fault.what, fault.hint)


def _selected(draft: Draft, scene: Scene, problems: list[Problem]) -> dict[str, str]:
    """The configured venues the rule is for, name to kind; all of them when its own choice is wrong."""
    chosen: dict[str, str] = {}
    for node in draft.venues:
        found = {name: kind for name, kind in scene.venues.items() if fnmatchcase(name, str(node.value))}
        if not found:
            hint = did_you_mean(str(node.value), scene.venues) or f"the venues are {', '.join(scene.venues)}"
            problems.append(Problem(node.place, f"no venue in the config is named `{node.value}`", hint))
        chosen |= found
    return chosen or dict(scene.venues)


def _check_labels(draft: Draft, scene: Scene, problems: list[Problem]) -> None:
    for node in draft.groups:
        if scene.groups is not None and node.value not in scene.groups:
            hint = did_you_mean(str(node.value), scene.groups)
            problems.append(Problem(node.place, f"no group in the config is named `{node.value}`", hint))
    if scene.labels is None:
        return
    for key, node in draft.labels:
        if key not in scene.labels:
            hint = did_you_mean(key, scene.labels)
            problems.append(Problem(node.key_place, f"no account in the config has the label `{key}`", hint))
        elif node.value not in scene.labels[key]:
            hint = did_you_mean(str(node.value), scene.labels[key])
            problems.append(Problem(node.place, f"no account in the config has {key} = `{node.value}`", hint))


def _units(draft: Draft, scene: Scene, venues: Mapping[str, str], verdict: Verdict) -> dict[str, Unit | None]:
    """The unit of the expression at every kind of venue where it applies. Faults and absences are recorded."""
    node = condition.parse(str(draft.expression.value))
    if isinstance(node, condition.Fault):
        verdict.problems.append(_problem(draft.expression, node))
        return {}
    verdict.problems.extend(_calendar_problems(draft, node, scene))
    names = condition.every_name(scene.catalogues.values()) | frozenset(COMMON_UNITS)
    scope: condition.Scope = "position" if draft.each else "account"
    units: dict[str, Unit | None] = {}
    faults: dict[condition.Fault, list[str]] = {}
    absent: dict[str, tuple[str, ...]] = {}
    kinds = tuple(dict.fromkeys(venues.values()))
    for kind in kinds:
        checked = condition.check(node, scene.catalogues[kind], names, scope=scope, kind=draft.kind)
        for fault in checked.faults:
            faults.setdefault(fault, []).append(kind)
        if checked.node is not None:
            for fault in mixed_currencies(checked.node, scene.catalogues[kind]):
                faults.setdefault(fault, []).append(kind)
            units[kind] = checked.unit
        elif checked.absent:
            absent[kind] = _lacking(node, scene.catalogues[kind])
    for fault, at_kinds in faults.items():
        where = "" if len(at_kinds) + len(absent) == len(kinds) else f"at {' and '.join(at_kinds)}: "
        verdict.problems.append(_problem(draft.expression, fault, where))
    if absent:
        verdict.venues = tuple(name for name, kind in venues.items() if kind in absent)
        lacking = " or ".join(dict.fromkeys(name for names in absent.values() for name in names))
        verdict.note = f"does not apply at {' and '.join(verdict.venues)}: {lacking} is absent there"
    return {} if faults else units


def _units_of_groups(draft: Draft, scene: Scene, verdict: Verdict) -> dict[str, Unit | None]:
    """The unit of the expression in every group it is for. Faults are recorded."""
    verdict.problems.extend(misplaced(draft))
    if not scene.groups:
        hint = "add a [[groups]] table with the accounts to look at as one"
        verdict.problems.append(Problem(draft.place, 'each = "group", and the config defines no group', hint))
    node = condition.parse(str(draft.expression.value))
    if isinstance(node, condition.Fault):
        verdict.problems.append(_problem(draft.expression, node))
        return {}
    verdict.problems.extend(_calendar_problems(draft, node, scene))
    groups = {
        name: {venue: scene.catalogues[scene.venues[venue]] for venue in group.venues}
        for name, group in chosen(draft, scene.groups or {}).items()
    }
    names = condition.every_name(scene.catalogues.values()) | frozenset(COMMON_UNITS)
    units, problems = units_of(draft, node, groups, names)
    verdict.problems.extend(problems)
    return units


def _calendar_problems(draft: Draft, node: condition.Node, scene: Scene) -> Iterator[Problem]:
    if draft.calendar is None:
        return
    name = str(draft.calendar.value)
    if name not in scene.calendars:
        hint = did_you_mean(name, scene.calendars) or f"there are {', '.join(sorted(scene.calendars))}"
        yield Problem(draft.calendar.place, f"there is no calendar `{name}`", hint)
    looks_back = any(isinstance(part, Windowed) and part.window.value == SESSION for part in walk(node))
    defined = {name for kind in scene.venues.values() for name in scene.catalogues[kind].defined}
    if not looks_back and defined.isdisjoint(condition.names(node)):
        what = "`calendar` has no meaning in a rule without a window of a session"
        yield Problem(draft.calendar.key_place, what, 'for example drawdown(equity, "session")')


def _lacking(node: condition.Node, catalogue: Catalogue) -> tuple[str, ...]:
    known, names = condition.every_name((catalogue,)), condition.names(node)
    # What is defined there is absent only where a window cannot stand.
    return tuple(name for name in names if name not in known) or tuple(
        name for name in names if name in catalogue.defined
    )


def _rule(draft: Draft, ladder: Ladder, unit: Unit, runbook: str, scene: Scene) -> Rule:
    rule = Rule(
        id=draft.id,
        title=draft.title,
        kind=draft.kind,
        levels=ladder.levels,
        expression=str(draft.expression.value),
        unit=unit if draft.kind is RuleKind.LADDER else Unit.FLAG,
        hold=draft.hold,
        clear_for=draft.clear_for,
        worsens_by=ladder.worsens_by,
        remind_every=draft.remind[0] if draft.remind else None,
        remind_then=draft.remind[1:],
        flapping=draft.flapping,
        summary=str(draft.summary.value) if draft.summary else "",
        each="" if draft.each == GROUP else draft.each,
        of_group=draft.each == GROUP,
        calendar="" if draft.calendar is None else str(draft.calendar.value),
        runbook=runbook,
        selector=Selector(
            venues=_texts(draft.venues),
            accounts=_texts(draft.accounts),
            labels={key: str(node.value) for key, node in draft.labels},
            groups=_texts(draft.groups),
        ),
        place=draft.place,
    )
    rule = replace(rule, sessions="\n".join(_sessions(rule, scene)))
    of = chosen(draft, scene.groups or {}) if rule.of_group or rule.selector.groups else {}
    chosen_by = [scene.labelled] if rule.selector.labels and scene.labelled else []
    return replace(rule, revision=_revision(rule, [group.definition for group in of.values()], chosen_by))


def _sessions(rule: Rule, scene: Scene) -> list[str]:
    """When the sessions are that it looks back to, each once."""
    node = condition.parse(rule.expression)
    if isinstance(node, condition.Fault):
        return []
    written = any(isinstance(part, Windowed) and part.window.value == SESSION for part in walk(node))
    calendars = {rule.calendar} if written and rule.calendar else set()
    for venue, kind in scene.venues.items():
        if (written and selects_venue(rule.selector, venue)) or defined_names(rule, venue, scene.catalogues[kind]):
            calendars.add(rule.calendar or scene.sessions.get(venue, ""))
    return sorted(scene.hours[name] for name in calendars if name in scene.hours)


def _texts(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(str(node.value) for node in nodes)


def _revision(rule: Rule, groups: list[str], labelled: list[str]) -> str:
    """A short hash of all that decides, with its groups, labels and sessions: not of the title, summary and place."""
    levels = [(level.severity.label, level.operator, str(level.limit), str(level.clear)) for level in rule.levels]
    durations = [str(span) for span in (rule.hold, rule.clear_for, rule.remind_every)]
    chosen = [rule.selector.venues, rule.selector.accounts, sorted(rule.selector.labels.items()), rule.selector.groups]
    decides = [rule.id, rule.kind, rule.expression, rule.each, levels, durations, str(rule.worsens_by), chosen]
    decides += [str(rule.remind_then)] if rule.remind_then else []
    decides += [str(rule.flapping)] if rule.flapping != USUAL and rule.kind is not RuleKind.EVENT else []
    decides += [rule.calendar] if rule.calendar else []
    decides += [rule.sessions] if rule.sessions else []
    decides += [str(rule.of_group), groups] if groups else []
    decides += labelled
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:12]

"""The keys of a rule: from one table of a file to a draft whose form is right, or to all that is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.config.table import Table
from marginwatch.core import health
from marginwatch.core.flapping import LONGEST
from marginwatch.core.model import Severity
from marginwatch.core.rule import Flapping, RuleKind

if TYPE_CHECKING:
    from marginwatch.config.document import Node
    from marginwatch.errors import Place, Problem

EXPRESSIONS = {"value": RuleKind.LADDER, "when": RuleKind.CONDITION, "on": RuleKind.EVENT}
"""The key that says what a rule watches, and so of which kind it is."""
ALWAYS = ("id", "title", "summary", "venues", "accounts", "labels", "groups", "each", "calendar", "runbook")
KEYS_OF = {
    RuleKind.LADDER: ("value", "levels", "for", "clear_for", "clear_by", "worsens_by", "remind_every", "flapping"),
    RuleKind.CONDITION: ("when", "severity", "for", "clear_for", "remind_every", "flapping"),
    RuleKind.EVENT: ("on", "severity"),
}
KEYS = tuple(dict.fromkeys((*ALWAYS, *(key for keys in KEYS_OF.values() for key in keys))))
"""Every key of a rule, in the order the guide names them."""
SEVERITIES = tuple(severity.label for severity in Severity)
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
LONGEST_TITLE = 120
LONGEST_SUMMARY = 1_000
LONGEST_RUNBOOK = 200
USUAL = Flapping()
"""That of a rule which says nothing of it."""
TIMES = (2, 100)
"""The fewest and the most firings of `flapping`."""
_FLAPPING_LIKE = 'write it like flapping = { times = 4, within = "1h" }, or flapping = false'
MOST_REMINDERS = 20
"""Steps of `remind_every`."""
_LEVELS_LIKE = 'for example levels = { warning = "> 80%", critical = "> 90%" }'
_LEVEL_LIKE = 'write it like "> 80%" or "< 5_000"'
_WHY_NOT = {
    "levels": "give it one `severity`",
    "severity": "every level is named by its severity",
    "for": "an event is told at once",
    "clear_for": "an event is told once and does not clear",
    "clear_by": "only a rule with `value` has a limit to clear by",
    "worsens_by": "only a rule with `value` has a number that can worsen",
    "remind_every": "an event is told once",
    "flapping": "an event is told once",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule whose form is right; its expression, levels and amounts are still text with a place."""

    place: Place
    id: str
    """Empty when it is missing or wrong, which is then a problem."""
    id_place: Place
    title: str
    kind: RuleKind
    expression: Node
    levels: tuple[tuple[Severity, Node], ...] = ()
    """Mildest first; empty unless a ladder."""
    severity: Severity = Severity.WARNING
    hold: timedelta = timedelta(0)
    clear_for: timedelta = timedelta(0)
    remind: tuple[timedelta, ...] = ()
    """The ladder of `remind_every`."""
    flapping: Flapping | None = None
    clear_by: Node | None = None
    worsens_by: Node | None = None
    summary: Node | None = None
    each: str = ""
    calendar: Node | None = None
    runbook: Node | None = None
    venues: tuple[Node, ...] = ()
    accounts: tuple[Node, ...] = ()
    labels: tuple[tuple[str, Node], ...] = ()
    groups: tuple[Node, ...] = ()


def draft(node: Node, problems: list[Problem]) -> Draft | None:
    """The rule in one table, as far as it can be read; None when it is no rule at all. Problems are added."""
    table = Table(node, problems)
    if not isinstance(node.value, dict):
        table.problem(node.place, f"a rule must be a table, not {node.kind}")
        return None
    table.refuse_unknown(KEYS, "a rule")
    rule_id, key = _id(table), _expression_key(table)
    if key is None:
        return None
    kind = EXPRESSIONS[key]
    _refuse_misplaced(table, key)
    title, expression = table.text("title", LONGEST_TITLE), table.text(key)
    levels = _levels(table) if kind is RuleKind.LADDER else ()
    found = Draft(
        place=node.key_place if node.key >= 0 else node.place,
        id=rule_id,
        id_place=table.place("id"),
        title=" ".join(str(title.value).split()) if title else _title(rule_id),
        kind=kind,
        expression=expression or node,
        levels=levels,
        severity=Severity[(table.word("severity", SEVERITIES) or "warning").upper()],
        hold=table.duration("for") or timedelta(0),
        clear_for=table.duration("clear_for") or timedelta(0),
        remind=_remind_every(table),
        flapping=_flapping(table) if "flapping" in KEYS_OF[kind] else None,
        clear_by=table.amount("clear_by"),
        worsens_by=table.amount("worsens_by"),
        summary=table.text("summary", LONGEST_SUMMARY),
        each=table.word("each", ("position", "group")) or "",
        calendar=table.text("calendar"),
        runbook=table.text("runbook", LONGEST_RUNBOOK),
        venues=table.texts("venues"),
        accounts=table.texts("accounts"),
        labels=_labels(table),
        groups=table.texts("groups"),
    )
    return found if expression else None


def _id(table: Table) -> str:
    item = table.text("id")
    if item is None:
        if "id" not in table:
            table.problem(table.node.place, "the rule has no id", 'for example id = "margin-usage"')
        return ""
    word = str(item.value)
    if not ID.fullmatch(word):
        bare = unicodedata.normalize("NFKD", word.lower()).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^a-z0-9._]+", "-", bare).strip("-._")[:80]
        hint = f"did you mean {plain}?" if plain else ""
        table.problem(item.place, "an id is made of lower-case letters, digits and . _ -, at most 80 of them", hint)
    elif word in health.RULES:
        table.problem(item.place, f"`{word}` is the id of a built-in alert", "choose another id")
    else:
        return word
    return ""


def _title(rule_id: str) -> str:
    words = re.sub(r"[-_.]+", " ", rule_id).strip()
    return words[:1].upper() + words[1:]


def _expression_key(table: Table) -> str | None:
    present = [key for key in table.keys if key in EXPRESSIONS]
    if len(present) == 1:
        return present[0]
    if present:
        both = " and ".join(f"`{key}`" for key in present)
        what = f"a rule has one of `value`, `when` and `on`, and this one has {both}"
        table.problem(table.key_place(present[1]), what, "make two rules of it")
    else:
        table.problem(
            table.node.place, "the rule has none of `value`, `when` and `on`", "one of them says what it watches"
        )
    return None


def _refuse_misplaced(table: Table, key: str) -> None:
    allowed = (*ALWAYS, *KEYS_OF[EXPRESSIONS[key]])
    for other in table.keys:
        if other in KEYS and other not in allowed:
            what = f"`{other}` has no meaning in a rule with `{key}`"
            table.problem(table.key_place(other), what, _WHY_NOT[other])


def _levels(table: Table) -> tuple[tuple[Severity, Node], ...]:
    if "levels" not in table:
        table.problem(table.key_place("value"), "a rule with `value` needs `levels`", _LEVELS_LIKE)
        return ()
    levels = table.table("levels", _LEVELS_LIKE)
    if levels is None:
        return ()
    if not levels.keys:
        table.problem(levels.node.place, "`levels` is empty", _LEVELS_LIKE)
    levels.refuse_unknown(SEVERITIES, "`levels`")
    found = ((Severity[word.upper()], levels.text(word, hint=_LEVEL_LIKE)) for word in SEVERITIES)
    return tuple((severity, item) for severity, item in found if item)


def _remind_every(table: Table) -> tuple[timedelta, ...]:
    found = table.durations("remind_every")
    for at, span in found:
        if not span:
            table.problem(at, "`remind_every` must be longer than nothing", "leave it out for no reminders")
    if len(found) > MOST_REMINDERS:
        what = f"`remind_every` has {len(found)} steps; at most {MOST_REMINDERS} are allowed"
        table.problem(table.place("remind_every"), what, "the last one repeats")
    return tuple(span for _, span in found if span)


def _flapping(table: Table) -> Flapping | None:
    wanted = table.yes_or_no("flapping")
    written = table.table("flapping", _FLAPPING_LIKE) if wanted is None else None
    if written is None:
        return None if wanted is False else USUAL
    written.refuse_unknown(("times", "within"), "`flapping`")
    times = written.count("times", *TIMES)
    within = written.duration("within")
    if within is not None and not timedelta(minutes=1) <= within <= LONGEST:
        written.problem(written.place("within"), "`within` must be from 1m to 1d", _FLAPPING_LIKE)
        within = None
    return Flapping(times or USUAL.times, within or USUAL.within)


def _labels(table: Table) -> tuple[tuple[str, Node], ...]:
    labels = table.table("labels", 'for example labels = { desk = "rates" }')
    if labels is None:
        return ()
    found = ((key, labels.text(key)) for key in labels.keys)
    return tuple((key, item) for key, item in found if item)

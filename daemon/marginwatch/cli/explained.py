"""How an explanation reads: the verdict first, then what it was made of, what surrounds it and what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.explained_ways import ladder_facts, way_words
from marginwatch.cli.explained_words import (
    briefly,
    clocks,
    field_value,
    holding_back,
    outcome_lines,
    rule_facts,
    standing_facts,
    tree_lines,
    value_words,
    verdict,
)
from marginwatch.cli.output import Column, age, emit_table, say
from marginwatch.core.route import Why
from marginwatch.notify.words import moment, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marginwatch.app.explain.model import Explanation, Hearing, Input, Look, Seen, Sent, Window
    from marginwatch.app.reading import Reading
    from marginwatch.cli.rows import Row

INPUTS = (
    Column("field", "FIELD"),
    Column("value", "VALUE", wraps=True),
    Column("before", "BEFORE", rank=1),
    Column("age", "AGE", right=True, rank=2),
    Column("as_of", "AS OF", rank=3),
    Column("documented", "ITS OWN NAME", rank=5),
    Column("source", "SOURCE", rank=4, wraps=True),
)
WINDOWS = (
    Column("window", "WINDOW"),
    Column("value", "VALUE", right=True),
    Column("seen", "SEEN", right=True),
    Column("length", "OF", right=True),
    Column("since", "SINCE", rank=1),
)
POSITIONS = (Column("subject", "POSITION"), Column("value", "VALUE", right=True), Column("level", "LEVEL"))
RECEIVERS = (
    Column("receiver", "RECEIVER"),
    Column("hears", "HEARS OF"),
    Column("why", "WHY", rank=1, wraps=True),
    Column("told", "TOLD", right=True),
    Column("trouble", "TROUBLE", wraps=True),
)
SENT = (
    Column("at", "AT"),
    Column("receiver", "RECEIVER"),
    Column("state", "TELLS"),
    Column("severity", "SEVERITY", rank=1),
    Column("attempt", "ATTEMPT", right=True, rank=2),
    Column("outcome", "OUTCOME"),
    Column("detail", "ANSWER", rank=3, wraps=True),
)
STEPS = (
    Column("at", "AT"),
    Column("after", "TO"),
    Column("severity", "SEVERITY"),
    Column("reason", "REASON"),
    Column("value", "VALUE", right=True, rank=1),
    Column("told_as", "TOLD AS", rank=2),
    Column("alert_id", "ALERT", rank=3),
    Column("detail", "DETAIL", rank=4, wraps=True),
)
_LABEL = 13
"""Columns of the words in front of facts."""
_MOST_POSITIONS = 20
_MOST_ATTEMPTS = 30
"""The latest are shown."""


def show(found: Explanation, reading: Reading) -> None:
    """Print all of it."""
    text, style = verdict(found)
    say(text, style)
    for note in found.notes:
        click.echo(f"note: {briefly(note)}")
    _facts(rule_facts(found))
    if found.look is not None:
        _show_look(found, found.look)
    _facts((*standing_facts(found), *clocks(found), *holding_back(found), *ladder_facts(found)))
    if not found.excluded:
        columns = [each for each in RECEIVERS if each.key != "why" or any(one.ways for one in found.receivers)]
        _table((_hearing(each, found) for each in found.receivers), tuple(columns), found, "no receiver")
    if found.sent:
        rows = [row for each in found.sent for row in _attempts(each)]
        _table(rows[-_MOST_ATTEMPTS:], SENT, found, "")
        if len(rows) > _MOST_ATTEMPTS:
            click.echo(f"and {len(rows) - _MOST_ATTEMPTS:,} before; --json has all")
    if found.steps:
        from marginwatch.cli.rows import transition_cells, transition_row

        steps = (transition_cells(step, transition_row(step, reading), reading) for step in found.steps)
        _table(steps, STEPS, found, "")


def _show_look(found: Explanation, look: Look) -> None:
    _table((_input(each, look, found) for each in look.inputs), INPUTS, found, "it reads no field")
    if look.windows:
        _table((_window(each, found) for each in look.windows), WINDOWS, found, "")
    if len(look.positions) > 1:
        _table((_position(each, found) for each in look.positions[:_MOST_POSITIONS]), POSITIONS, found, "")
        if len(look.positions) > _MOST_POSITIONS:
            click.echo(f"and {len(look.positions) - _MOST_POSITIONS} more; --json has all, --subject picks one")
    click.echo()
    for line in (*tree_lines(look.tree, found), *outcome_lines(found, look)):
        click.echo(line)


def _facts(facts: Iterable[tuple[str, str]]) -> None:
    rows = list(facts)
    if rows:
        click.echo()
    label = ""
    for name, text in rows:
        click.echo(f"{'' if name == label else name:<{_LABEL}}{text}")
        label = name


def _table(rows: Iterable[Row], columns: tuple[Column, ...], found: Explanation, empty: str) -> None:
    click.echo()
    emit_table(list(rows), columns, empty=empty, now=found.now)


def _input(each: Input, look: Look, found: Explanation) -> Row:
    seen = look.observation
    known = each.value is not None
    return {
        "field": each.name,
        "value": field_value(each, found),
        "before": "" if each.before is None else value_words(each.before, each.unit, found),
        "age": age(seen.as_of or seen.fetched_at, found.at) if known else "",
        "as_of": (seen.as_of or seen.fetched_at) if known else None,
        "documented": each.documented,
        "source": each.source,
    }


def _window(each: Window, found: Explanation) -> Row:
    seen = each.coverage
    return {
        "window": each.text,
        "value": "unknown" if each.value is None else value_words(each.value, each.unit, found),
        "seen": "" if seen is None else span(seen.known),
        "length": "" if seen is None else span(seen.length),
        "since": None if seen is None else seen.since,
    }


def _position(each: Seen, found: Explanation) -> Row:
    return {
        "subject": each.subject,
        "value": "unknown" if each.value is None else value_words(each.value, found.rule.unit, found),
        "level": "" if each.severity is None else each.severity.label,
    }


def _hearing(each: Hearing, found: Explanation) -> Row:
    failing = "" if each.failing_since is None else f"failing since {moment(each.failing_since, found.now)}: "
    others = "others hear in its place" if each.lost else ""
    heard = ", ".join(level.label for level in each.levels)
    return {
        "receiver": each.receiver,
        "hears": heard or _nothing(each),
        "why": way_words(each, found),
        "told": each.told,
        "trouble": "; ".join(filter(None, (failing + each.trouble, others))),
    }


def _nothing(each: Hearing) -> str:
    mild = not each.ways or any(way.why is Why.TOO_MILD for way in each.ways)
    return f"nothing of this, only {each.min_severity.label} and worse" if mild else "nothing of this"


def _attempts(each: Sent) -> Iterator[Row]:
    message = each.row.message
    about = {"receiver": message.receiver, "state": message.state.value, "severity": message.severity.label}
    if not each.attempts:
        yield {**about, "at": each.row.created_at, "attempt": None, "outcome": "waiting", "detail": each.row.detail}
    for attempt in each.attempts:
        outcome = "in flight" if attempt.outcome is None else attempt.outcome.value
        said = {"at": attempt.started_at, "attempt": attempt.number, "outcome": outcome, "detail": attempt.detail}
        yield {**about, **said}

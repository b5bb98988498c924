"""The sentences and the tree of an explanation."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import Status
from marginwatch.core.because import Blame
from marginwatch.core.fields import Unit
from marginwatch.core.flapping import clear_for
from marginwatch.core.hold import HoldKind
from marginwatch.core.result import Occurred
from marginwatch.core.rule import RuleKind
from marginwatch.notify.phrases import WHY
from marginwatch.notify.words import against, amount, clean, clip, difference, moment, points, span, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from marginwatch.app.explain.model import Explanation, Input, Look
    from marginwatch.core.alert import Alert
    from marginwatch.core.condition.trace import Part
    from marginwatch.core.condition.units import Measure
    from marginwatch.core.model import Value
    from marginwatch.core.result import Known
    from marginwatch.core.rule import Level, Rule

_STYLES: Final = {Status.FIRING: "bold red", Status.PENDING: "yellow"}
_OPEN: Final = frozenset(_STYLES)
_INDENT: Final = "  "
_WIDEST: Final = 64
"""Columns for the expressions of a tree; a longer one pushes its own value to the right."""
_MOST_POSITIONS: Final = 5
"""Positions shown below `any` and `all`."""

_LONGEST: Final = 240
"""Characters of a sentence that may name any number of things."""

Facts = "Iterator[tuple[str, str]]"


def value_words(value: Value, unit: Measure, found: Explanation, *, own_currency: bool = False) -> str:
    """A value as messages print it."""
    if isinstance(value, Decimal):
        currency = found.currency if unit is Unit.MONEY and not own_currency else ""
        return amount(value, unit or Unit.QUANTITY, currency)
    return value_of(value, found.now)


def field_value(each: Input, found: Explanation) -> str:
    """A field's value, or why it has none and what it last was."""
    if each.value is not None:
        return value_words(each.value, each.unit, found, own_currency=each.own_currency)
    last = "" if each.last is None else f"; last known {value_words(each.last, each.unit, found)}"
    return clean(each.gap) + last


def briefly(text: str) -> str:
    """The text, or as much of it as takes three lines of a terminal."""
    short = clip(clean(text), _LONGEST)
    return f"{short} (--json has all of it)" if short.endswith("…") else short


def verdict(found: Explanation) -> tuple[str, str]:
    """All of it in one line, and its colour."""
    about = clean(f"{found.rule.id} of {_who(found)}") + (f", {clean(found.subject)}" if found.subject else "")
    if found.past:
        about += f" at {moment(found.at, found.now)}"
    if found.excluded:
        return f"{about}: does not apply here, because {briefly(found.excluded)}", "cyan"
    status, state = _state(found)
    return f"{about}: {'; '.join([state, *_held_up(found)])}", _STYLES.get(status, "green")


def rule_facts(found: Explanation) -> Iterator[tuple[str, str]]:
    """The rule as it is today."""
    rule = found.rule
    yield "rule", f"{clean(rule.title)} ({rule.place})"
    if rule.expression:
        yield "looks at", clean(rule.expression) + (", for each position" if rule.each else "")
    for level in rule.levels:
        yield "levels", level.severity.label + _limit(level, found)
    timing = [
        f"must hold for {span(rule.hold)}" if rule.hold else "fires at once",
        f"must be good for {span(rule.clear_for)}" if rule.clear_for else "",
        "" if rule.worsens_by is None else f"worse by {_distance(rule.worsens_by, found)} is told again",
        _reminds(rule),
        "" if rule.flapping is None else f"flaps at {rule.flapping.times} firings within {span(rule.flapping.within)}",
    ]
    if rule.kind not in {RuleKind.EVENT, RuleKind.HEALTH}:
        yield "timing", ", ".join(filter(None, timing))
    if found.look is not None:
        yield "answer", _answer(found, found.look)
        if found.look.lost:
            yield "answer", clean(found.look.lost)


def tree_lines(tree: Part | None, found: Explanation) -> list[str]:
    """The expression and its parts below each other, their values in one column."""
    if tree is None:
        return []
    rows = [("EXPRESSION", "VALUE"), *_branches(tree, found, 0)]
    width = min(_WIDEST, max(len(text) for text, _ in rows))
    return [f"{text:<{width}}  {value}".rstrip() for text, value in rows]


def outcome_lines(found: Explanation, look: Look) -> list[str]:
    """What the value comes to: the level it holds, and how far it is from each."""
    outcome = look.outcome
    if isinstance(outcome, Blame):
        return [f"unknown, because {clean(outcome.sentence)}"]
    if isinstance(outcome, Occurred):
        return [f"changed: {'; '.join(difference(each, found.now) for each in outcome.differences)}"]
    if found.rule.kind is RuleKind.EVENT:
        return ["nothing changed against the last known values"]
    if outcome.value is None:
        return [f"it holds: {found.rule.levels[-1].severity.label}" if outcome.held[0] else "it does not hold"]
    return list(_climbed(found, outcome, outcome.value))


def standing_facts(found: Explanation) -> Iterator[tuple[str, str]]:
    """Where the alert stands, and in the past also what was recorded."""
    alert, last = found.standing.alert, found.recorded
    if found.excluded and last is None:
        return
    if alert is not None:
        yield "state", f"{alert.status.value}, {alert.severity.label}, true since {_at(found, alert.active_at)}"
        fired = "not told yet" if alert.fired_at is None else f"fired at {_at(found, alert.fired_at)}"
        yield "state", f"{fired}, alert {alert.alert_id}"
        if alert.detail:
            yield "state", clean(alert.detail)
        yield from _flapping(found, alert)
    elif last is None or not found.past or found.agrees is not None:
        yield "state", "inactive"
    if last is not None and (alert is None or found.past):
        words = f"{last.after.value}, {last.severity.label}, at {_at(found, last.at)}: {WHY[last.reason]}"
        yield "recorded" if found.past else "latest", f"{words} (alert {last.alert_id})"
    if found.agrees is not None:
        again = "gives the same" if found.agrees else "does not give that: the state above is what it gives"
        yield "recorded", f"decided again from the stored answers, today's rule {again}"
    if alert is not None and alert.unknown_since is not None:
        because = f", because {clean(alert.because)}" if alert.because else ""
        yield "unknown", f"since {_at(found, alert.unknown_since)}{because}"
    elif found.standing.blind_since is not None:
        what = "not every position can" if found.rule.each else "it cannot"
        yield "unknown", f"{what} be decided since {_at(found, found.standing.blind_since)}"


def clocks(found: Explanation) -> Iterator[tuple[str, str]]:
    """How long each level has been held, or been good, and when the next reminder is due."""
    alert, rule = found.standing.alert, found.rule
    if alert is None:
        return
    for timer in alert.timers:
        if timer.held is not None and (rule.hold or alert.status is Status.PENDING):
            yield "clock", f"{timer.severity.label} has held for {span(timer.held)}; it takes {span(rule.hold)}"
        takes = clear_for(rule, alert)
        if timer.clear is not None and takes and timer.severity <= alert.severity:
            yield "clock", f"{timer.severity.label} has been good for {span(timer.clear)}; it takes {span(takes)}"
    if rule.count > 1 and alert.status is Status.PENDING:
        yield "clock", f"seen {alert.count} times of {rule.count}"
    if found.standing.reminder_at is not None:
        yield "reminder", f"due at {_at(found, found.standing.reminder_at)}"
    elif rule.remind_every is not None and alert.status is Status.FIRING and found.acknowledgement is not None:
        yield "reminder", "none while it is acknowledged"


def _reminds(rule: Rule) -> str:
    if rule.remind_every is None:
        return ""
    if not rule.remind_then:
        return f"reminds every {span(rule.remind_every)}"
    *waits, last = (span(each) for each in (rule.remind_every, *rule.remind_then))
    return f"reminds after {', '.join(waits)}, then every {last}"


def _flapping(found: Explanation, alert: Alert) -> Iterator[tuple[str, str]]:
    flaps = alert.flaps
    if flaps is not None and flaps.since is not None:
        now = "good" if flaps.good else "true"
        yield "flapping", f"fired {flaps.times} times since {_at(found, flaps.since)}, and is {now} now"


def holding_back(found: Explanation) -> Iterator[tuple[str, str]]:
    """Acknowledgement and silences."""
    given = found.acknowledgement
    if given is not None:
        until = "it ends or gets worse" if given.until is None else _at(found, given.until)
        yield "acknowledged", f"by {clean(given.by)} at {_at(found, given.at)}, until {until}{_note(given.note)}"
    for silence in found.silences:
        until = _at(found, silence.ends_at)
        yield "silenced", f"by {clean(silence.by)} until {until}, silence {silence.id}{_note(silence.note)}"
    if not found.silences and not found.excluded:
        yield "silenced", "no"
    for hold in found.holds:
        until = "" if hold.until is None else f" until {_at(found, hold.until)}"
        waits = ", which holds something of it back" if hold.alerts else ""
        who = f" from {', '.join(hold.receivers)}" if hold.receivers and hold.kind is not HoldKind.QUIET else ""
        yield "held back", f"{hold.in_words}{who}{until}{_note(hold.note)}{waits}"


def _who(found: Explanation) -> str:
    key = found.account.key
    return f"{found.account.name or key.id} ({key.venue})" if key.id else str(key)


def _at(found: Explanation, at: datetime) -> str:
    """A time, and how far it is from the moment."""
    length = span(abs(found.at - at))
    if at == found.at:
        return moment(at, found.now)
    if at < found.at:
        return f"{moment(at, found.now)} ({length} {'before' if found.past else 'ago'})"
    return f"{moment(at, found.now)} ({f'{length} later' if found.past else f'in {length}'})"


def _state(found: Explanation) -> tuple[Status, str]:
    """The state with how bad it is, and since when it has been so."""
    alert, recorded = found.standing.alert, found.recorded
    if alert is not None:
        began = alert.active_at if alert.fired_at is None else alert.fired_at
        return alert.status, f"{alert.severity.label}, {alert.status.value} since {moment(began, found.now)}"
    if found.past and found.agrees is None and recorded is not None and recorded.after in _OPEN:
        return recorded.after, f"{recorded.severity.label}, {recorded.after.value} as recorded"
    return Status.INACTIVE, Status.INACTIVE.value


def _held_up(found: Explanation) -> Iterator[str]:
    """What is to be said beside the state: unknown, acknowledged, silenced, or the distance to the first level."""
    look = found.look
    if look is not None and (look.lost or isinstance(look.outcome, Blame)):
        yield "data unknown now" if not found.past else "data unknown"
    elif look is not None and not isinstance(look.outcome, Occurred | Blame) and look.outcome.value is not None:
        yield _nearest(found, look.outcome, look.outcome.value)
    if found.acknowledgement is not None:
        yield f"acknowledged by {clean(found.acknowledgement.by)}"
    if found.silences:
        yield "silenced"
    yield from (hold.in_words for hold in found.holds if hold.kind is HoldKind.MAINTENANCE)


def _nearest(found: Explanation, outcome: Known, value: Decimal) -> str:
    """How far the value is from the worst level that holds, or else from the mildest."""
    held = [level for level, holds in zip(found.rule.levels, outcome.held, strict=True) if holds]
    level = held[-1] if held else found.rule.levels[0]
    return _apart(found, value, level)


def _apart(found: Explanation, value: Decimal, level: Level) -> str:
    assert level.limit is not None
    currency = found.currency if found.rule.unit is Unit.MONEY else ""
    shown, limit, gap = against(value, level.limit, found.rule.unit, currency, level.operator)
    return f"{shown} is {gap} {level.severity.label} ({level.operator} {limit})"


def _climbed(found: Explanation, outcome: Known, value: Decimal) -> Iterator[str]:
    for level, held, kept in zip(found.rule.levels, outcome.held, outcome.kept, strict=True):
        text = _apart(found, value, level)
        if held:
            yield f"{text}, which holds"
        elif kept and level.clear is not None:
            yield f"{text}, but not yet past {value_words(level.clear, found.rule.unit, found)}, where it is left"
        else:
            yield text


def _limit(level: Level, found: Explanation) -> str:
    if level.limit is None:
        return ""
    text = f" {level.operator} {value_words(level.limit, found.rule.unit, found)}"
    if level.clear is None or level.clear == level.limit:
        return text
    return f"{text}, left at {value_words(level.clear, found.rule.unit, found)}"


def _distance(value: Decimal, found: Explanation) -> str:
    text = value_words(value, found.rule.unit, found)
    return points(text) if found.rule.unit is Unit.RATIO else text


def _answer(found: Explanation, look: Look) -> str:
    seen = look.observation
    text = f"came at {_at(found, seen.fetched_at)}"
    return text if seen.as_of is None else f"{text}, with numbers of {_at(found, seen.as_of)}"


def _note(note: str) -> str:
    return f": {clean(note)}" if note else ""


def _branches(part: Part, found: Explanation, depth: int) -> Iterator[tuple[str, str]]:
    name = f"{clean(part.subject)}: " if part.subject else ""
    yield f"{_INDENT * depth}{name}{part.joined or part.text}", _worth(part, found)
    shown = _deciding(part) if any(below.subject for below in part.parts) else part.parts
    for below in shown:
        yield from _branches(below, found, depth + 1)
    if len(shown) < len(part.parts):
        yield f"{_INDENT * (depth + 1)}and {len(part.parts) - len(shown)} more positions", ""


def _deciding(part: Part) -> Sequence[Part]:
    """Of a part for each position those that decide first: what `any` looks for, and what `all` must not have."""
    dull = part.text.startswith("all(")
    return sorted(part.parts, key=lambda below: below.value is dull)[:_MOST_POSITIONS]


def _worth(part: Part, found: Explanation) -> str:
    if part.absent:
        return "absent: the venue has no such field"
    if part.known:
        return value_words(part.value, part.unit, found)
    return f"unknown: {clean(part.because)}" if part.because else "unknown"

"""An explanation for programs: stable keys, exact numbers, durations in seconds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from marginwatch.app.explain.look import highest
from marginwatch.core.because import Blame
from marginwatch.core.result import Known, Occurred
from marginwatch.ops.links import without_links

if TYPE_CHECKING:
    from datetime import timedelta

    from marginwatch.app.explain.model import Explanation, Hearing, Input, Look, Sent, Window
    from marginwatch.app.explain.ways import Call, Way
    from marginwatch.core.alert import Acknowledgement, Alert, LevelTimer, Silence, Transition
    from marginwatch.core.condition.trace import Part
    from marginwatch.core.rule import Flapping, Level, Rule

Document = dict[str, object]


def document(found: Explanation) -> Document:
    """All of it."""
    alert, given = found.standing.alert, found.acknowledgement
    return {
        "now": found.now,
        "at": found.at,
        "rule": _rule(found.rule),
        "venue": found.account.key.venue,
        "account": found.account.key.id,
        "account_name": found.account.name,
        "subject": found.subject,
        "applies": not found.excluded,
        "excluded_because": found.excluded,
        "notes": list(found.notes),
        "currency": found.currency,
        "answer": None if found.look is None else _look(found, found.look),
        "state": "inactive" if alert is None else alert.status.value,
        "alert": None if alert is None else _alert(alert),
        "unknown_since": found.standing.blind_since if alert is None else alert.unknown_since,
        "reminder_at": found.standing.reminder_at,
        "recorded": None if found.recorded is None else _step(found.recorded),
        "agrees": found.agrees,
        "acknowledgement": None if given is None else _given(given),
        "silences": [_silence(each) for each in found.silences],
        "holds": [asdict(each) for each in found.holds],
        "receivers": [_hearing(each) for each in found.receivers],
        "ladder": [_call(each) for each in found.calls],
        "messages": [_sent(each) for each in found.sent],
        "steps": [_step(each) for each in found.steps],
    }


def _rule(rule: Rule) -> Document:
    return {
        "id": rule.id,
        "title": rule.title,
        "kind": rule.kind.value,
        "expression": rule.expression,
        "unit": rule.unit.value,
        "levels": [_level(level) for level in rule.levels],
        "hold_seconds": _seconds(rule.hold),
        "clear_seconds": _seconds(rule.clear_for),
        "remind_seconds": _seconds(rule.remind_every),
        "remind_then_seconds": [each.total_seconds() for each in rule.remind_then],
        "flapping": None if rule.flapping is None else _flapping(rule.flapping),
        "worsens_by": rule.worsens_by,
        "each": rule.each,
        "file": rule.place.file,
        "line": rule.place.line,
        "col": rule.place.col,
    }


def _flapping(flapping: Flapping) -> Document:
    return {
        "times": flapping.times,
        "within_seconds": _seconds(flapping.within),
        "calm_seconds": _seconds(flapping.calm),
    }


def _level(level: Level) -> Document:
    return {
        "severity": level.severity.label,
        "operator": level.operator,
        "limit": level.limit,
        "clear": level.clear,
    }


def _look(found: Explanation, look: Look) -> Document:
    seen, outcome = look.observation, look.outcome
    level = highest(found.rule, outcome)
    return {
        "fetched_at": seen.fetched_at,
        "as_of": seen.as_of,
        "lost_because": look.lost,
        "inputs": [_input(each) for each in look.inputs],
        "windows": [_window(each) for each in look.windows],
        "positions": [
            {
                "subject": each.subject,
                "value": each.value,
                "level": None if each.severity is None else each.severity.label,
            }
            for each in look.positions
        ],
        "expression": None if look.tree is None else _part(look.tree),
        "outcome": _outcome(look),
        "level": None if level is None else level.label,
        "value": outcome.value if isinstance(outcome, Known) else None,
        "distances": _distances(found, look),
        "unknown_because": outcome.sentence if isinstance(outcome, Blame) else "",
    }


def _outcome(look: Look) -> str:
    if isinstance(look.outcome, Known):
        return "holds" if any(look.outcome.held) else "does_not_hold"
    return "changed" if isinstance(look.outcome, Occurred) else "unknown"


def _distances(found: Explanation, look: Look) -> list[Document]:
    """The value less the limit of each level that has one."""
    value = look.outcome.value if isinstance(look.outcome, Known) else None
    if value is None:
        return []
    return [
        {"severity": level.severity.label, "above_limit": value - level.limit}
        for level in found.rule.levels
        if level.limit is not None
    ]


def _input(each: Input) -> Document:
    return {
        "field": each.name,
        "unit": None if each.unit is None else each.unit.value,
        "value": each.value,
        "gap": each.gap,
        "last_known": each.last,
        "before": each.before,
        "source": each.source,
        "documented": each.documented,
    }


def _window(each: Window) -> Document:
    seen = each.coverage
    return {
        "window": each.text,
        "unit": None if each.unit is None else each.unit.value,
        "value": each.value,
        "seen_seconds": None if seen is None else _seconds(seen.known),
        "length_seconds": None if seen is None else _seconds(seen.length),
        "since": None if seen is None else seen.since,
    }


def _part(part: Part) -> Document:
    return {
        "text": part.text,
        "unit": None if part.unit is None else part.unit.value,
        "value": part.value,
        "absent": part.absent,
        "because": part.because,
        "subject": part.subject,
        "parts": [_part(below) for below in part.parts],
    }


def _alert(alert: Alert) -> Document:
    return {
        "alert_id": alert.alert_id,
        "severity": alert.severity.label,
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "value": alert.value,
        "told_at": alert.told_at,
        "told_value": alert.told_value,
        "because": alert.because,
        "flapping_since": alert.flapping_since,
        "times_fired": 0 if alert.flaps is None else alert.flaps.times,
        "clocks": [_clock(timer) for timer in alert.timers],
    }


def _clock(timer: LevelTimer) -> Document:
    return {
        "severity": timer.severity.label,
        "held_seconds": _seconds(timer.held),
        "clear_seconds": _seconds(timer.clear),
    }


def _given(given: Acknowledgement) -> Document:
    return {"by": given.by, "note": given.note, "at": given.at, "until": given.until}


def _silence(silence: Silence) -> Document:
    return {
        "id": silence.id,
        "by": silence.by,
        "note": silence.note,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
    }


def _hearing(each: Hearing) -> Document:
    return {
        "receiver": each.receiver,
        "min_severity": each.min_severity.label,
        "hears_of": [level.label for level in each.levels],
        "ways": [_way(way) for way in each.ways],
        "told": each.told,
        "failing_since": each.failing_since,
        "trouble": each.trouble,
        "others_hear_because": each.lost,
    }


def _way(way: Way) -> Document:
    return {
        "severity": way.severity.label,
        "why": way.why.value,
        "routes": list(way.routes),
        "held_until": way.until,
        "held_by": way.waits_for,
    }


def _call(call: Call) -> Document:
    return {
        "route": call.route,
        "after_seconds": _seconds(call.after),
        "receivers": list(call.receivers),
        "at": call.at,
        "taken": call.taken,
    }


def _sent(each: Sent) -> Document:
    row = each.row
    return {
        "id": row.id,
        "receiver": row.message.receiver,
        "state": row.message.state.value,
        "severity": row.message.severity.label,
        "title": row.message.title,
        "body": without_links(row.message.body),
        "created_at": row.created_at,
        "status": row.status.value,
        "attempts": [
            {
                "number": attempt.number,
                "started_at": attempt.started_at,
                "ended_at": attempt.ended_at,
                "outcome": None if attempt.outcome is None else attempt.outcome.value,
                "detail": attempt.detail,
            }
            for attempt in each.attempts
        ],
    }


def _step(step: Transition) -> Document:
    return {
        "at": step.at,
        "alert_id": step.alert_id,
        "before": step.before.value,
        "after": step.after.value,
        "reason": step.reason.value,
        "told_as": None if step.state is None else step.state.value,
        "severity": step.severity.label,
        "value": step.value,
        "limit": step.limit,
        "differences": [{"field": each.field, "before": each.before, "after": each.after} for each in step.differences],
        "because": step.because,
        "rules_revision": step.revision,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()

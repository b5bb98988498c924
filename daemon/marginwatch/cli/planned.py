"""What `marginwatch plan` says: rules key by key, alerts and who hears of them in a sentence each, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.app.plan import Change, Outcome
from marginwatch.cli.output import age, say
from marginwatch.core.fields import Unit
from marginwatch.core.rule import RuleKind
from marginwatch.notify import words
from marginwatch.notify.phrases import WHY
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.app.plan import Hearers, Hearing, KeyChange, Outlook, Plan, RuleChange
    from marginwatch.app.reading import Reading
    from marginwatch.cli.rows import Row
    from marginwatch.core.alert import Alert
    from marginwatch.core.model import Severity
    from marginwatch.core.rule import Rule
    from marginwatch.core.rulebook import Rulebook

_MARKS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~", Change.MOVED: ">"}
_STYLES = {Change.ADDED: "green", Change.REMOVED: "red", Change.CHANGED: "yellow", Change.MOVED: "dim"}
_BAD = frozenset({Outcome.FIRES, Outcome.WORSENS})
_HOLDING = frozenset({Outcome.FIRES, Outcome.WORSENS, Outcome.BEGINS})
_ENDING = frozenset({Outcome.RESOLVES, Outcome.CLEARS})
_VERDICTS = {
    Outcome.FIRES: "fires at {severity} {when}",
    Outcome.WORSENS: "worsens to {severity} {when}",
    Outcome.BEGINS: "is pending at {severity}, and fires {when}",
    Outcome.EASES: "eases to {severity} {when}",
    Outcome.RESOLVES: "resolves {when}",
    Outcome.CLEARS: "is pending no longer",
    Outcome.CLOSES: "closes",
}
_UNSET = "(not set)"
_LONGEST = 80
"""Columns of a condition that are shown."""


def emit(plan: Plan, reading: Reading, now: datetime) -> None:
    """Print it for a person."""
    if not plan.changes and not plan.rerouted:
        click.echo(f"nothing would change: the rules on disk are those in force{_since(plan.in_force, now)}")
        _emit_unknown(plan)
        return
    click.echo(f"{_counted(plan)}{_against(plan.in_force, now)}")
    for change in plan.changes:
        click.echo()
        say(_rule(change), _STYLES[change.change])
        for key in () if change.change is Change.ADDED else change.keys:
            click.echo(f"    {_key(key)}")
    click.echo()
    if plan.changes:
        _emit_alerts(plan, reading, now)
    _emit_hearings(plan, reading, now)
    click.echo()
    click.echo("nothing is applied yet: a reload does that (SIGHUP, or `systemctl reload marginwatch`)")


def document(plan: Plan, reading: Reading) -> Row:
    """For JSON."""
    return {
        "ok": True,
        "problems": [],
        "in_force_since": None if plan.in_force is None else plan.in_force.since,
        "rules": [_change_row(change) for change in plan.changes],
        "alerts": [_alert_row(outlook, reading) for outlook in plan.forecast.outlooks],
        "undecidable": [
            {"rule": rule, "venue": account.venue, "account": account.id} for rule, account in plan.forecast.undecidable
        ],
        "rerouted": plan.rerouted,
        "hearings": [_hearing_row(each, reading) for each in plan.hearings],
    }


def _counted(plan: Plan) -> str:
    counts = {change: sum(each.change is change for each in plan.changes) for change in Change}
    counted = [f"{plural(count, 'rule')} {change.value}" for change, count in counts.items() if count]
    return ", ".join([*counted, *(["who hears of alerts changed"] if plan.rerouted else [])])


def _against(book: Rulebook | None, now: datetime) -> str:
    if book is None:
        return "; no rules were ever in force on this store, so all are new"
    return f", against the rules in force{_since(book, now)}"


def _since(book: Rulebook | None, now: datetime) -> str:
    return "" if book is None or book.since is None else f" since {words.moment(book.since, now)}"


def _rule(change: RuleChange) -> str:
    where = change.file if change.change is not Change.MOVED else f"{change.old_file} -> {change.file}"
    return f"{_MARKS[change.change]} {change.rule} ({where})"


def _key(change: KeyChange) -> str:
    old, new = (_UNSET if each is None else each for each in (change.old, change.new))
    return f"{change.key}: {old} -> {new}"


def _emit_alerts(plan: Plan, reading: Reading, now: datetime) -> None:
    moving = [each for each in plan.forecast.outlooks if each.outcome is not Outcome.KEEPS]
    kept = len(plan.forecast.outlooks) - len(moving)
    if moving:
        click.echo("with the next answers, if they say what the latest did:")
    for outlook in moving:
        say(f"  {_sentence(outlook, reading, now)}", "bold red" if outlook.outcome in _BAD else "")
    open_still = f"{plural(kept, 'open alert')} {'stays as it is' if kept == 1 else 'stay as they are'}"
    if moving:
        click.echo(f"  {open_still}" if kept else "  no other alert is open")
    else:
        click.echo("no alert would change" + (f": {open_still}" if kept else ""))
    for rule, account in plan.forecast.undecidable:
        click.echo(f"note: {rule} could not be decided for {account} now: what it reads is not known there")


def _emit_hearings(plan: Plan, reading: Reading, now: datetime) -> None:
    if plan.hearings:
        click.echo("of open alerts, as they are, others would hear:")
    elif plan.rerouted:
        click.echo("of open alerts, as they are, the same would hear as now")
    for each in plan.hearings:
        before, after = (_hearers(hearers, now) for hearers in (each.now, each.then))
        severity = each.alert.severity.label
        click.echo(f"  {each.alert.key.rule} on {_place(each.alert, reading)} ({severity}): {before} -> {after}")
    _emit_unknown(plan)


def _emit_unknown(plan: Plan) -> None:
    if plan.rerouted is None and plan.in_force is not None:
        click.echo("note: the routes in force are not on record, so who hears is not compared; a reload records them")


def _hearers(hearers: Hearers, now: datetime) -> str:
    heard = [
        each.receiver if each.until is None else f"{each.receiver} from {words.moment(each.until, now)}"
        for each in hearers.heard
    ]
    steps = [f"{', '.join(receivers)} after {words.span(after)}" for after, receivers in hearers.calls]
    return ", ".join([*(heard or ["nobody"]), *steps])


def _sentence(outlook: Outlook, reading: Reading, now: datetime) -> str:
    alert = outlook.alert
    parts = [f"{alert.key.rule} on {_place(alert, reading)}: {_verdict(outlook)}"]
    numbers = _numbers(outlook, reading)
    if numbers:
        parts.append(f": {numbers}")
    if outlook.receivers:
        parts.append(f"; tells {', '.join(outlook.receivers)}")
    if outlook.outcome is not Outcome.CLOSES:
        lost = _lost(outlook, reading, now)
        parts.append(lost or f" (as of {age(alert.known_at, now)} ago)")
    return "".join(parts)


def _place(alert: Alert, reading: Reading) -> str:
    key = alert.key
    name = reading.name(key.account)
    named = f"{key.account} ({name})" if name and name != key.account.id else str(key.account)
    return f"{named} {key.subject}".rstrip()


def _verdict(outlook: Outlook) -> str:
    when = f"after {words.span(outlook.wait)} if it stays so" if outlook.wait else "at once"
    text = _VERDICTS[outlook.outcome].format(severity=outlook.severity.label, when=when)
    return f"{text}: {WHY[outlook.reason]}" if outlook.outcome is Outcome.CLOSES and outlook.reason else text


def _numbers(outlook: Outlook, reading: Reading) -> str:
    """The value and what it is held against; of a condition, the condition."""
    alert, rule = outlook.alert, outlook.rule
    if rule is None or outlook.outcome is Outcome.CLOSES:
        return ""
    holds = outlook.outcome in _HOLDING or (outlook.outcome is Outcome.EASES and not outlook.wait)
    if rule.kind is not RuleKind.LADDER:
        return f"{words.clip(' '.join(rule.expression.split()), _LONGEST)} is {'so' if holds else 'not so'}"
    level = next(each for each in rule.levels if each.severity == _against_level(outlook, rule))
    if alert.value is None or level.limit is None:
        return ""
    value, limit, _ = words.against(alert.value, level.limit, rule.unit, _currency(outlook, reading))
    return f"{value} is {'' if holds else 'not '}{level.operator} {limit}"


def _against_level(outlook: Outlook, rule: Rule) -> Severity:
    """Whose limit says most: that of the level it comes to, or is about to leave."""
    if outlook.outcome in _ENDING:
        return rule.levels[0].severity
    return rule.levels[outlook.alert.level].severity if outlook.outcome is Outcome.EASES else outlook.severity


def _currency(outlook: Outlook, reading: Reading) -> str:
    state = reading.accounts.get(outlook.alert.key.account)
    currency = None if state is None else state.known.get("currency")
    return currency if isinstance(currency, str) else ""


def _lost(outlook: Outlook, reading: Reading, now: datetime) -> str:
    """That it waits for data, which are missing now."""
    known_at = outlook.alert.known_at
    bounds = {venue.name: venue.stale_after for venue in reading.settings.venues}
    bound = bounds.get(outlook.alert.key.account.venue)
    if bound is None or now - known_at < bound:
        return ""
    return f" (once data are back; the latest are of {words.moment(known_at, now)})"


def _change_row(change: RuleChange) -> Row:
    return {
        "rule": change.rule,
        "change": change.change.value,
        "file": change.file,
        "old_file": None if change.change is Change.ADDED else change.old_file,
        "keys": [{"key": key.key, "old": key.old, "new": key.new} for key in change.keys],
    }


def _alert_row(outlook: Outlook, reading: Reading) -> Row:
    alert, rule, before = outlook.alert, outlook.rule, outlook.before
    return {
        "alert_id": None if before is None else alert.alert_id,
        "rule": alert.key.rule,
        "venue": alert.key.account.venue,
        "account": alert.key.account.id,
        "account_name": reading.name(alert.key.account),
        "subject": alert.key.subject,
        "outcome": outlook.outcome.value,
        "state": alert.status.value,
        "state_before": "inactive" if before is None else before.status.value,
        "severity": outlook.severity.label,
        "severity_before": None if before is None else before.severity.label,
        "value": alert.value,
        "unit": (rule.unit if rule is not None and alert.value is not None else Unit.FLAG).value,
        "wait_seconds": int(outlook.wait.total_seconds()),
        "receivers": list(outlook.receivers),
        "reason": None if outlook.reason is None else outlook.reason.value,
        "data_as_of": alert.as_of or alert.known_at,
    }


def _hearing_row(hearing: Hearing, reading: Reading) -> Row:
    alert = hearing.alert
    return {
        "alert_id": alert.alert_id,
        "rule": alert.key.rule,
        "venue": alert.key.account.venue,
        "account": alert.key.account.id,
        "account_name": reading.name(alert.key.account),
        "subject": alert.key.subject,
        "state": alert.status.value,
        "severity": alert.severity.label,
        **_hearers_row(hearing.now, "now"),
        **_hearers_row(hearing.then, "then"),
    }


def _hearers_row(hearers: Hearers, when: str) -> Row:
    return {
        f"hears_{when}": [
            {"receiver": each.receiver, "why": each.why.value, "until": each.until} for each in hearers.heard
        ],
        f"calls_{when}": [
            {"after_seconds": int(after.total_seconds()), "receivers": list(receivers)}
            for after, receivers in hearers.calls
        ],
    }

"""What surrounds an alert: who would hear of it, what holds its messages back, what was sent, and what was edited."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from marginwatch.app.explain.look import lacking
from marginwatch.app.explain.model import Hearing, Sent
from marginwatch.app.explain.ways import failovers
from marginwatch.config.rulebook import written
from marginwatch.core import condition
from marginwatch.core.alert import State
from marginwatch.core.hold import silence_of
from marginwatch.core.model import GROUPS
from marginwatch.core.rule import RuleKind
from marginwatch.core.selecting import selects_venue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.app.explain.ways import Way
    from marginwatch.app.reading import Reading
    from marginwatch.core.alert import Acknowledgement, Alert, Silence, Transition
    from marginwatch.core.model import Account
    from marginwatch.core.rule import Rule
    from marginwatch.core.rulebook import Rulebook
    from marginwatch.core.ruling import Ruling, Watch
    from marginwatch.core.selecting import Described

_WORDS: Final = frozenset({"title", "summary", "runbook"})
"""Keys of a rule that decide nothing."""
_VOIDING: Final = frozenset({State.FIRING, State.WORSENED})


def exclusion(ruling: Ruling, rule: Rule, account: Account) -> str:
    """Why the rule is not evaluated for the account, as half a sentence; empty when it is."""
    venue = account.key.venue
    watch = ruling.venues.get(venue)
    if rule.kind is RuleKind.HEALTH:
        return ""
    if rule.of_group != (venue == GROUPS):
        one, other = "groups of accounts, not at one by itself", "accounts by themselves, not at groups of them"
        return f"it looks at {one if rule.of_group else other}"
    if watch is None:
        return f"the config has no venue {venue} any more"
    if not watch.selects(account):
        return f"the config's `accounts` of {venue} leave the account out"
    return "" if rule.id in ruling.rules_of(watch, account).numbers else _passed_over(watch, rule, account)


def _passed_over(watch: Watch, rule: Rule, account: Account) -> str:
    """Why a rule does not apply to an account that is watched."""
    globs = rule.selector.accounts
    if not selects_venue(rule.selector, watch.venue):
        return f"it looks only at {_listed('venue', rule.selector.venues)}"
    if rule.id in watch.rules.absent:
        node = condition.parse(rule.expression)
        assert not isinstance(node, condition.Fault), "it is loaded"
        return f"{watch.venue} has no {' and no '.join(lacking(node, watch.rules.catalogue))}, which it needs"
    if globs and not any(fnmatchcase(word, glob) for word in (account.key.id, account.name) for glob in globs):
        return f"it looks only at {_listed('account', globs)}"
    return "it looks only at accounts with other labels, or of other groups"


def hearings(
    reading: Reading,
    ruling: Ruling,
    told: Mapping[str, int],
    found: Mapping[str, tuple[Way, ...]],
    at: datetime,
) -> Iterator[Hearing]:
    """Every receiver of the config, with the trouble that it has now and had then.

    `told` counts messages by name, `found` says which way each hears.
    """
    health, lost = reading.store.outbox.receivers(), failovers(reading.store)
    for receiver in ruling.receivers:
        known = health.get(receiver.name)
        failing = None if known is None or known.failing_since is None or known.failing_since > at else known
        yield Hearing(
            receiver=receiver.name,
            min_severity=receiver.min_severity,
            levels=tuple(way.severity for way in found[receiver.name] if way.why.tells),
            ways=found[receiver.name] if ruling.routes else (),
            told=told.get(receiver.name, 0),
            lost=lost.get(receiver.name, ""),
            failing_since=None if failing is None else failing.failing_since,
            trouble="" if failing is None else failing.detail,
        )


def silences(reading: Reading, rule: str, known: Described, at: datetime) -> tuple[Silence, ...]:
    """Those that hold the rule's messages about the account back then."""
    every = reading.store.operators.silences(ended=True)
    return tuple(each for each in every if silence_of(rule, known, (each,), at) is not None)


def acknowledgement(
    reading: Reading, alert: Alert, steps: Iterable[Transition], at: datetime
) -> Acknowledgement | None:
    """The one that holds then: the latest given by then, unless things got worse since."""
    given = [each for each in reading.store.history.all_acknowledgements(alert.alert_id) if each.at <= at]
    latest = max(given, key=lambda each: each.at, default=None)
    if latest is None or not latest.covers(at):
        return None
    worse = (step for step in steps if step.alert_id == alert.alert_id and step.state in _VOIDING)
    return None if any(latest.at < step.at <= at for step in worse) else latest


def sent(reading: Reading, alert_id: str, until: datetime) -> Iterator[Sent]:
    """The messages of the episode made by then, oldest first, each with the attempts begun by then."""
    outbox = reading.store.outbox
    for row in reversed(outbox.rows(alert_id=alert_id)):
        if row.created_at <= until:
            attempts = (each for each in outbox.attempts(row.id) if each.started_at <= until)
            yield Sent(row, tuple(attempts))


def edited(rule: Rule, then: str, today: str, book: Rulebook | None, *, past: bool) -> str:
    """What to say of a rule that is not the one that decided; empty when it is.

    Args:
        rule: As the files have it today.
        then: Hash of the set of rules that decided.
        today: That of today's.
        book: The set on record as in force then.
        past: It is about the past, and not about a daemon that goes by older files.
    """
    if rule.kind is RuleKind.HEALTH or then in {"", today}:
        return ""
    if book is None or book.revision != then:
        return "the rule files were edited since; this is the rule of today, which may have been another"
    known = {each.id: each.keys for each in book.rules}.get(rule.id)
    apart = "" if known is None else _apart(known, dict(written(rule)))
    if past:
        return "the rule was not there yet" if known is None else apart and f"the rule was edited since: {apart}"
    if known is None:
        return "the daemon does not know the rule yet: reload or restart it"
    return apart and f"the daemon goes by the rule as it was before an edit, until a reload or restart: {apart}"


def _apart(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Key by key what decides and is another; empty when nothing is."""
    keys = [key for key in {**before, **after} if key not in _WORDS and before.get(key) != after.get(key)]
    return "; ".join(f"{key} was {before.get(key, 'not set')}, is {after.get(key, 'not set')}" for key in keys)


def _listed(noun: str, globs: Sequence[str]) -> str:
    return f"{noun}{'' if len(globs) == 1 else 's'} {', '.join(globs)}"

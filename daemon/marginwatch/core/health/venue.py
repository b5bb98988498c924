"""Whether a whole venue can be seen: it answers, accepts the login, and says what it documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.core.health.rules import (
    ANSWER_MALFORMED,
    LOGIN_REFUSED,
    NOTHING_WATCHED,
    RULES,
    VENUE_UNREACHABLE,
    clock,
    known,
)
from marginwatch.core.model import AccountKey, FailureKind, Severity
from marginwatch.core.result import AlertKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from marginwatch.core.model import CycleEnd, VenueFailure
    from marginwatch.core.result import Result
    from marginwatch.core.state import VenueState

_TROUBLE: Mapping[FailureKind, str] = {
    FailureKind.UNREACHABLE: VENUE_UNREACHABLE,
    FailureKind.TIMED_OUT: VENUE_UNREACHABLE,
    FailureKind.SERVER_ERROR: VENUE_UNREACHABLE,
    FailureKind.RATE_LIMITED: VENUE_UNREACHABLE,
    FailureKind.REFUSED: LOGIN_REFUSED,
    FailureKind.BAD_ANSWER: ANSWER_MALFORMED,
}
"""Which rule tells of a cycle that failed as a whole. A venue that merely knows none of the accounts is well itself:
its accounts' stale data are told of one by one."""


def venue_down(venue: VenueState) -> bool:
    """True while the venue's latest cycle failed as a whole: its accounts then keep quiet about the same trouble."""
    return venue.failed_cycles > 0


def explains(key: AlertKey, severity: Severity) -> bool:
    """Whether such an alert says why nothing is known of any account of its venue."""
    if key.account.id or key.rule not in _TROUBLE.values():
        return False
    return key.rule != ANSWER_MALFORMED or severity is Severity.CRITICAL


def next_venue_state(prior: VenueState, cycle: CycleEnd, stale_after: timedelta) -> VenueState:
    """The venue after one more cycle; `stale_after` is its own."""
    if prior.last_cycle_at is not None and cycle.started_at - prior.last_cycle_at >= stale_after:
        prior = replace(prior, watched_since=cycle.started_at)
    cause = _cause(cycle)
    if cause is None:
        return replace(
            prior, failed_cycles=0, failing_since=None, last_cycle_at=cycle.ended_at, last_good_at=cycle.ended_at
        )
    return replace(
        prior,
        failed_cycles=prior.failed_cycles + 1,
        failing_since=prior.failing_since or cycle.ended_at,
        last_cycle_at=cycle.ended_at,
        last_failure=cause,
    )


def venue_results(
    venue: VenueState, cycle: CycleEnd, shared: VenueFailure | None = None, firing: int = 0
) -> list[Result]:
    """What a cycle says of its venue; `venue` is its state after it.

    `shared` is an answer for all accounts that could not be read, while those of accounts could. A failed cycle says
    that one rule holds and nothing of the others: only a good cycle proves that they do not. `firing` alerts of its
    accounts cannot be checked while it fails.
    """
    cause = _cause(cycle)
    if cause is None:
        well = {rule: _result(rule, cycle, "the venue answers", holds=False) for rule in _TROUBLE.values()}
        if shared is not None:
            well[ANSWER_MALFORMED] = _partly(cycle, shared)
        return [*well.values(), _watched(cycle)]
    since = "" if venue.failing_since is None else f" since {clock(venue.failing_since)}"
    cycles = "1 cycle" if venue.failed_cycles == 1 else f"{venue.failed_cycles} cycles in a row"
    blind = "1 firing alert" if firing == 1 else f"{firing} firing alerts"
    meanwhile = f"; {blind} there cannot be checked meanwhile" if firing else ""
    detail = f"{cause.told}; {cycles} failed{since}{meanwhile}"
    return [_result(_TROUBLE[cause.kind], cycle, detail, holds=True)]


def _partly(cycle: CycleEnd, shared: VenueFailure) -> Result:
    """Something is seen of the accounts, so it is a warning."""
    return known(_key(ANSWER_MALFORMED, cycle), cycle.ended_at, (True, False), shared.sentence)


def _watched(cycle: CycleEnd) -> Result:
    """A venue that answers well and has nothing that the config selects is silent for ever: most likely a mistake."""
    detail = "accounts are watched"
    if not cycle.attempted:
        detail = "the venue answers, and none of the accounts it lists is one that the config's `accounts` selects"
    return _result(NOTHING_WATCHED, cycle, detail, holds=not cycle.attempted)


def _cause(cycle: CycleEnd) -> VenueFailure | None:
    return cycle.cause if cycle.cause is not None and cycle.cause.kind in _TROUBLE else None


def _result(rule: str, cycle: CycleEnd, detail: str, *, holds: bool) -> Result:
    held = (holds,) * len(RULES[rule].levels)
    return known(_key(rule, cycle), cycle.ended_at, held, detail)


def _key(rule: str, cycle: CycleEnd) -> AlertKey:
    return AlertKey(rule, AccountKey(cycle.venue, ""))

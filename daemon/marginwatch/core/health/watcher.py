"""Whether marginwatch itself is well: its rules, its receivers and its clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.health.rules import (
    CLOCK_JUMPED,
    OURSELVES,
    RECEIVER_FAILING,
    RELOAD_REJECTED,
    RULE_BROKEN,
    clock,
    known,
)
from marginwatch.core.result import AlertKey, Difference, Occurred, Result

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import AccountKey

_FAILED_ATTEMPTS = 3
_LONGEST_WAIT = timedelta(minutes=5)
_JUMP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Missed:
    """One alert of which a receiver did not get a message."""

    alert_id: str
    ended: tuple[Alert, Transition] | None = None
    """Of an event, or of an alert that is over: as it ended."""


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """How one receiver's deliveries go."""

    name: str
    failures: int = 0
    """Attempts in a row that failed, since the last delivered message."""
    dead: int = 0
    """Messages given up since the last delivered one."""
    waiting: int = 0
    """Messages due and not delivered."""
    oldest: datetime | None = None
    """When the oldest of those was due first."""
    error: str = ""
    """What the latest failed attempt said, without secrets."""
    since: datetime | None = None
    """When the first of those attempts began; None when it is not known."""
    missed: tuple[Missed, ...] = ()
    """What it did not get since then, for those who are to hear it in its place; the oldest first."""


@dataclass(frozen=True, slots=True)
class ReloadState:
    """How the latest reload, or the start, went."""

    problems: tuple[str, ...] = ()
    """Why it was rejected, a sentence each, without secrets; empty when what is on disk is in force."""


def reload_result(state: ReloadState, now: datetime) -> Result:
    """Whether what is on disk was rejected, so that older rules are in force than those an operator sees."""
    return known(AlertKey(RELOAD_REJECTED, OURSELVES), now, (bool(state.problems),), _rejection(state.problems))


def receiver_result(state: ReceiverState, now: datetime) -> Result:
    """Whether a receiver is failing: attempts fail again and again, a message was given up, or one waits too long.

    Once open it stays so until a message is delivered and none waits too long.
    """
    late = state.oldest is not None and now - state.oldest >= _LONGEST_WAIT
    failing = late or state.dead > 0 or state.failures >= _FAILED_ATTEMPTS
    key = AlertKey(RECEIVER_FAILING, OURSELVES, state.name)
    found = known(key, now, (failing,), _delivery(state), kept=(failing or state.failures > 0,))
    began = min((each for each in (state.since, state.oldest if late else None) if each is not None), default=None)
    return found if began is None or not failing else replace(found, observed_at=min(began, now))


def broken_result(rule: str, account: AccountKey, error: str | None, now: datetime) -> Result:
    """Whether evaluating the rule for the account fails with a fault of ours; `error` names it, None when it works."""
    detail = f"the rule {rule} works" if error is None else f"the rule {rule} cannot be evaluated: {error}"
    return known(AlertKey(RULE_BROKEN, account, rule), now, (error is not None,), detail)


def clock_result(before: datetime, after: datetime, passed: timedelta) -> Result | None:
    """The event that the wall clock was set: it went from `before` to `after` while `passed` went by; else None."""
    jump = after - before - passed
    if abs(jump) <= _JUMP:
        return None
    ahead = "forward" if jump > timedelta(0) else "back"
    return Result(
        key=AlertKey(CLOCK_JUMPED, OURSELVES),
        outcome=Occurred((Difference("clock", before + passed, after),)),
        observed_at=after,
        fetched_at=after,
        detail=f"this machine's clock went {ahead} by {abs(jump).total_seconds():.0f} s",
    )


def _rejection(problems: tuple[str, ...]) -> str:
    if not problems:
        return "the rules on disk are in force"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"what is on disk is not in force, the rules of before are: {problems[0]}{more}"


def _delivery(state: ReceiverState) -> str:
    parts = []
    if state.failures:
        parts.append(f"attempts failed in a row: {state.failures}")
    if state.dead:
        parts.append(f"messages given up: {state.dead}")
    if state.oldest is not None:
        parts.append(f"messages waiting: {state.waiting}, the oldest since {clock(state.oldest)}")
    if state.error and parts:
        parts.append(state.error.rstrip("."))
    return "; ".join(parts) or "messages are delivered"

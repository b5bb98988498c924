"""Whether one account can be seen: which rules are blind and since when, and answers that are not as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.health.listing import has_vanished
from marginwatch.core.health.rules import ANSWER_MALFORMED, DATA_STALE, clock, known
from marginwatch.core.model import FailureKind, Observation
from marginwatch.core.result import AlertKey, Result, Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from marginwatch.core.model import AccountKey, VenueFailure
    from marginwatch.core.state import AccountState


def next_blind(prior: AccountState, unknown: Iterable[str]) -> Mapping[str, datetime]:
    """Since when each rule that is unknown now has been so.

    `prior` is the account before this answer, `unknown` the ids of the rules that cannot be decided by it; after a
    failed fetch, all of the account's rules.
    """
    return {rule: prior.blind.get(rule, _last_answer(prior)) for rule in unknown}


def stale_at(state: AccountState, stale_after: timedelta) -> datetime:
    """When `stale_result` begins to hold if nothing more is heard."""
    return min((_last_answer(state), *state.blind.values())) + stale_after


def stale_result(
    state: AccountState,
    because: Mapping[str, str],
    now: datetime,
    *,
    stale_after: timedelta,
    venue_down: bool,
    failure: VenueFailure | None = None,
    elsewhere: str = "",
) -> Result:
    """Whether data of the account are stale: ONE alert however many rules are blind.

    `state` is the account now, `because` says of a blind rule why, `failure` is why the latest fetch gave nothing,
    `elsewhere` is another alert's trouble that says it all.
    Once open it stays so until the account answers and no rule is blind. Decide it for a failed fetch only when its
    cycle is over, for only then is it known whether the whole venue is down.
    """
    key = AlertKey(DATA_STALE, state.account.key)
    if venue_down:
        elsewhere = "the whole venue gives no answer"
    elif has_vanished(state):
        elsewhere = "the venue lists the account no longer"
    if elsewhere:
        return Result(key=key, outcome=Unknown(elsewhere), observed_at=now, fetched_at=now)
    blind = _blind(state)
    silent = _ever_seen(state) and now - _last_answer(state) >= stale_after
    stale = silent or any(now - since >= stale_after for since in blind.values())
    unanswered = silent or failure is not None
    why = set(because.values()) if failure is None else {failure.sentence}
    detail = _silence(state, blind, why) if unanswered else _blindness(blind, because)
    return known(key, now, (stale, silent), detail, kept=(bool(blind) or unanswered, unanswered))


def malformed_result(
    account: AccountKey, seen: Observation | VenueFailure, now: datetime, *, venue_down: bool
) -> Result | None:
    """Whether the account's answer is not what the venue documents; None when this one tells neither way.

    Of an answer for all accounts `venue_results` tells.
    """
    failures = seen.failures if isinstance(seen, Observation) else (seen,)
    bad = [failure for failure in failures if failure.kind is FailureKind.BAD_ANSWER and not failure.of_venue]
    key = AlertKey(ANSWER_MALFORMED, account)
    if bad:
        detail = "; ".join(failure.sentence for failure in bad)
        return None if venue_down else known(key, now, (True, False), detail)
    return None if failures else known(key, now, (False, False), "the answer is as documented")


def _last_answer(state: AccountState) -> datetime:
    return state.fetched_at or state.first_seen


def _ever_seen(state: AccountState) -> bool:
    """False for an account that the login was never allowed to view: that nothing is seen of it is no trouble."""
    return state.account.viewable or state.fetched_at is not None


def _blind(state: AccountState) -> Mapping[str, datetime]:
    """The blind rules; without those that never saw anything of an account that the login may not view."""
    viewable = state.account.viewable
    return {rule: since for rule, since in state.blind.items() if viewable or since > state.first_seen}


def _silence(state: AccountState, blind: Mapping[str, datetime], why: Collection[str]) -> str:
    """That no good answer comes, in words, why where there is one reason, and what cannot be decided for that."""
    reason = f": {next(iter(why))}" if len(why) == 1 else ""
    rules = f"; cannot be decided: {', '.join(sorted(blind))}" if blind else ""
    return f"no good answer since {clock(_last_answer(state))}{reason}{rules}"


def _blindness(blind: Mapping[str, datetime], because: Mapping[str, str]) -> str:
    """The blind rules in words, those of one cause together."""
    if not blind:
        return "every rule can be decided"
    causes: dict[tuple[datetime, str], list[str]] = {}
    for rule, since in sorted(blind.items()):
        causes.setdefault((since, because.get(rule, "")), []).append(rule)
    return "; ".join(
        f"{', '.join(rules)} cannot be decided since {clock(since)}" + (f": {why}" if why else "")
        for (since, why), rules in sorted(causes.items())
    )

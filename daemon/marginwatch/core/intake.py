"""Take one piece of news into a draft: an answer, a failure, or the end of a cycle."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.core import health, outlook
from marginwatch.core.evaluate import QUIET, evaluate, unknown_everywhere
from marginwatch.core.memory import Tally
from marginwatch.core.model import GROUPS, Account, FailureKind
from marginwatch.core.state import TOO_OLD, UNANSWERED, AccountState, StoredObservation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from marginwatch.core.draft import Draft
    from marginwatch.core.evaluate import AccountRules, Evaluated
    from marginwatch.core.model import AccountKey, CycleEnd, Normalised, Observation, Value, VenueFailure
    from marginwatch.core.ruling import Watch
    from marginwatch.core.state import Said

Gaps: TypeAlias = tuple[tuple[str, ...], frozenset[str]]
"""Names of fields that are null, and of fields once known that are missing."""

_NONE: Final[frozenset[str]] = frozenset()
_WHOLE: Final[Gaps] = ((), _NONE)
_SEEING: Final[Mapping[str, datetime]] = {}
"""What an account is blind to whose rules can all be decided: one for all of them."""


def take(draft: Draft, venue: str, news: Normalised) -> None:
    """Everything one normalised answer of the venue says."""
    watch = draft.watch(venue)
    if watch is None or venue == GROUPS:
        return  # what is said of a group is put together anew
    if news.listing is not None:
        _list(draft, watch, news.listing)
    for observation in news.observations:
        observe(draft, watch, observation)
    for failure in news.failures:
        fail(draft, failure)


def fail(draft: Draft, failure: VenueFailure) -> None:
    """A fetch that failed: what it was to answer is unknown."""
    watch = draft.watch(failure.venue)
    if watch is None:
        return
    draft.failures.append(failure)
    tally = draft.tally(failure.venue)
    tally.limited |= failure.kind is FailureKind.RATE_LIMITED
    if failure.account is None:
        tally.cause = failure
        for account in draft.troubled(failure.venue):
            _lose(draft, watch, account, failure)
    else:
        tally.failed[failure.account] = failure
        tally.cause = tally.cause or failure
        _lose(draft, watch, failure.account, failure)


def end_cycle(draft: Draft, cycle: CycleEnd) -> None:
    """One full pass over a venue is over: say whether the venue, and each account that did not answer, can be seen."""
    watch = draft.watch(cycle.venue)
    if watch is None:
        return
    tally = draft.tally(cycle.venue)
    if tally.empty:
        return  # nothing came, not even a failure: that says nothing of the venue
    cause = None if tally.good else tally.cause
    cycle = replace(cycle, attempted=tally.good + len(tally.failed), failed=len(tally.failed), cause=cause)
    draft.cycles.append(cycle)
    draft.tallies[cycle.venue] = Tally()
    before = draft.venue(cycle.venue)
    venue = health.next_venue_state(before, cycle, watch.stale_after)
    if tally.limited:
        venue = replace(venue, limited_at=cycle.ended_at)
    venue = draft.venues[cycle.venue] = replace(venue, pace=outlook.pace_after(draft, watch, venue, cycle))
    firing = draft.firing_at(cycle.venue) if cause is not None else 0
    for result in health.venue_results(venue, cycle, tally.shared, firing):
        draft.judge(result, watch.stale_after)
    if cause is not None and draft.ruling.groups:
        for _, account in draft.accounts_of(cycle.venue):
            _lose_leg(draft, account, f"no good answer came: {cause.detail}")
    # In the first good cycle after an outage some answers are still those of the outage.
    down = health.venue_down(venue) or health.venue_down(before)
    for key, failure in tally.failed.items():
        state = draft.account(key)
        if state is not None:
            malformed = health.malformed_result(key, failure, failure.at, venue_down=down)
            if malformed is not None:
                draft.judge(malformed, watch.stale_after)
            _judge_staleness(draft, watch, state, {}, down=down, failure=failure)


def wake(draft: Draft, key: AccountKey) -> None:
    """An account's staleness is due and nothing was heard."""
    watch, state = draft.watch(key.venue), draft.account(key)
    if watch is None or state is None or not watch.selects(state.account):
        return
    if health.stale_at(state, watch.stale_after) <= draft.now:
        _judge_staleness(draft, watch, state, {}, down=health.venue_down(draft.venue(watch.venue)))


def applies(draft: Draft, watch: Watch, state: AccountState, rule: str) -> bool:
    """True when the rule is evaluated for the account."""
    return rule in _rules(draft, watch, state).numbers


def _list(draft: Draft, watch: Watch, listing: tuple[Account, ...]) -> None:
    draft.tally(watch.venue).listed = True
    if draft.listed(watch) == listing:
        return  # nearly always: it says what is remembered
    selected = {account.key: account for account in listing if watch.selects(account)}
    # An account that the config selects no longer has not vanished from the venue.
    known = draft.accounts_of(watch.venue)
    before = {key: state for key, state in known if watch.selects(state.account) or key in selected}
    after = health.list_accounts(before, selected, draft.now)
    venue = draft.venue(watch.venue)
    # With another selection, accounts are new to us that are not new to the venue.
    baseline = not venue.listed or venue.selection != watch.selection
    draft.accounts.update(after)
    for result in health.listing_results(before, after, draft.now, baseline=baseline):
        draft.judge(result, watch.stale_after)
    if baseline:
        draft.venues[watch.venue] = replace(venue, listed=True, selection=watch.selection)
    whole = selected.keys() == {**before, **after}.keys()
    draft.listings[watch.venue] = (watch, tuple(_as_known(draft, account) for account in listing)) if whole else None


def _as_known(draft: Draft, account: Account) -> Account:
    """The very object that is remembered, so that equal ones are held once."""
    state = draft.account(account.key)
    return state.account if state is not None and state.account == account else account


def observe(draft: Draft, watch: Watch, observation: Observation, *, elsewhere: str = "") -> None:
    """One observation; `elsewhere` is said where another alert already tells of all that is unknown by it."""
    state = draft.account(observation.account)
    if state is None:
        state = draft.enlist(Account(observation.account, observation.account.id))
    if not watch.selects(state.account):
        return
    key = state.account.key  # the very object memory is keyed by, which is found faster than an equal one
    rules = _rules(draft, watch, state)
    troubled = bool(draft.live(key))
    live = draft.live_rules(key) if troubled else ()
    old = watch.too_old(observation)
    if old:
        evaluated = unknown_everywhere(rules, live, old, draft.now)
    else:
        past = draft.look_back(watch, rules, state, observation) if rules.windows else None
        evaluated = evaluate(rules, observation, state, live, past)
    if troubled or evaluated is not QUIET:
        _advance(draft, watch, state, evaluated)
    known, gaps = _known(state.known, observation.fields)
    after = draft.accounts[key] = _remembered(state, observation, evaluated, None if old else known)
    if draft.ruling.groups:
        after.gaps = _leg_gaps(draft, state, {TOO_OLD: old} if old else _why(*gaps))
    if troubled or observation.failures or evaluated is not QUIET:
        _judge_seeing(draft, watch, observation, evaluated, elsewhere=elsewhere)
    if old:
        after.said = _store(draft, state.said, observation, observation.fields, same=True)
    else:
        after.said = _store(draft, state.said, observation, gaps, same=known is state.known)
    draft.tally(watch.venue).see(observation)


def _rules(draft: Draft, watch: Watch, state: AccountState) -> AccountRules:
    return draft.ruling.rules_of(watch, state.account)


def _advance(draft: Draft, watch: Watch, state: AccountState, evaluated: Evaluated) -> None:
    draft.blinded |= bool(evaluated.unknown)
    for result in evaluated.results:
        draft.judge(result, watch.stale_after)
    account = state.account.key
    for rule, error in evaluated.broken.items():
        draft.judge(health.broken_result(rule, account, error, draft.now), watch.stale_after)
    for alert in draft.live_of(account, health.RULE_BROKEN):
        if alert.subject not in evaluated.broken:
            draft.judge(health.broken_result(alert.subject, account, None, draft.now), watch.stale_after)


def _remembered(
    state: AccountState, observation: Observation, evaluated: Evaluated, known: Mapping[str, Value] | None
) -> AccountState:
    """The account after this answer; `known` None for numbers too old to be used."""
    blind = health.next_blind(state, evaluated.unknown) if evaluated.unknown else _SEEING
    if known is None:
        return replace(state, blind=blind)
    seen = state.next_time(observation)
    after = AccountState(state.account, state.first_seen, known, seen, observation.fetched_at, blind, state.missing)
    after.holding = state.holding if observation.positions is None else bool(observation.positions)
    return after


def _known(before: Mapping[str, Value], fields: Mapping[str, Value]) -> tuple[Mapping[str, Value], Gaps]:
    """The last known value of every field, and the names of those that this observation does not have.

    What is already remembered stays the same object, so that equal values are held once.
    """
    if fields == before:
        return before, _WHOLE
    nulls: tuple[str, ...] = ()
    known = fields
    if [True for value in fields.values() if value is None]:  # nearly never: looked at by itself it takes half the time
        nulls = tuple([name for name, value in fields.items() if value is None])
        known = _without(nulls, fields)
    if list(known) == list(before):  # nearly always: the same names as ever
        return (before if nulls and known == before else known), _of_nulls(nulls) if nulls else _WHOLE
    known = {**before, **known}
    return (before if known == before else known), (nulls, frozenset(before.keys() - fields.keys()))


def _without(nulls: Iterable[str], fields: Mapping[str, Value]) -> dict[str, Value]:
    known = dict(fields)
    for name in nulls:
        del known[name]
    return known


@functools.lru_cache(maxsize=1_000)
def _of_nulls(nulls: tuple[str, ...]) -> Gaps:
    """The same object for the same names: most accounts of a venue lack the same, and each is remembered with it."""
    return nulls, _NONE


def _why(nulls: Iterable[str], missing: Iterable[str]) -> Mapping[str, str]:
    return {**dict.fromkeys(nulls, "null"), **dict.fromkeys(missing, "missing from the answer")}


def _leg_gaps(draft: Draft, state: AccountState, gaps: Mapping[str, str]) -> Mapping[str, str] | None:
    """The gaps, to be remembered of an account that belongs to a group: the group is looked at in this tick."""
    groups = () if state.account.key.venue == GROUPS else draft.ruling.groups.of(state.account)
    draft.heard.update(groups)
    return gaps if groups else None


def _judge_seeing(
    draft: Draft, watch: Watch, observation: Observation, evaluated: Evaluated, *, elsewhere: str
) -> None:
    """Whether the account can be seen. Nothing to ask of a whole answer of an account that had no trouble."""
    state = draft.accounts[observation.account]
    key = state.account.key
    if observation.failures or draft.live_of(key, health.ANSWER_MALFORMED):
        malformed = health.malformed_result(key, observation, observation.fetched_at, venue_down=False)
        if malformed is not None:
            draft.judge(malformed, watch.stale_after)
    if evaluated.unknown or draft.live_of(key, health.DATA_STALE):
        _judge_staleness(draft, watch, state, evaluated.unknown, down=False, elsewhere=elsewhere)


def _judge_staleness(
    draft: Draft,
    watch: Watch,
    state: AccountState,
    because: Mapping[str, str],
    *,
    down: bool,
    failure: VenueFailure | None = None,
    elsewhere: str = "",
) -> None:
    begun = (draft.memory.watching_since, draft.venue(watch.venue).watched_since)
    if failure is not None and any(since is not None and draft.now - since < watch.stale_after for since in begun):
        return  # we have not looked for long enough to say that nothing comes
    result = health.stale_result(
        state,
        because,
        draft.now,
        stale_after=watch.stale_after,
        venue_down=down,
        failure=failure,
        elsewhere=elsewhere,
    )
    draft.judge(result, watch.stale_after)


def _lose(draft: Draft, watch: Watch, key: AccountKey, failure: VenueFailure) -> None:
    state = draft.account(key)
    if state is None or not watch.selects(state.account):
        return
    rules = _rules(draft, watch, state)
    because = f"no good answer came: {failure.detail}"
    evaluated = unknown_everywhere(rules, draft.live_rules(key), because, failure.at)
    for result in evaluated.results:
        draft.judge(result, watch.stale_after)
    if failure.account is not None:
        _lose_leg(draft, state, because)


def _lose_leg(draft: Draft, state: AccountState, because: str) -> None:
    """Its groups cannot be reckoned either. A failure for the whole venue shows by the end of its cycle."""
    if draft.ruling.groups:
        gaps = _leg_gaps(draft, state, {UNANSWERED: because})
        if gaps is not None and gaps != state.gaps:
            draft.accounts[state.account.key] = replace(state, gaps=gaps)


def _store(draft: Draft, before: Said | None, observation: Observation, beside: object, *, same: bool) -> Said:
    """Keep it; when it says the same as the one before, that it was said again is all there is to keep.

    The first that says again what had just changed is still kept whole (see `Said`). `same`: what is known of the
    account did not change by it. `beside`: what else its fields say.
    """
    failures = tuple((failure.call, failure.kind) for failure in observation.failures) if observation.failures else ()
    said = (beside, _hash(observation.positions) if same else None, failures, observation.optional)
    draft.observations.append(StoredObservation(observation, same and before == said))
    return said


def _hash(positions: tuple[Mapping[str, Value], ...] | None) -> int:
    """Of the positions as they are written: the numbers -1 and -2 have the same hash."""
    if positions is None:
        return 0
    return hash(tuple((*position, *map(repr, position.values())) for position in positions))

"""What the accounts of a venue show at the end of a cycle that decides how often it is asked. Pure.

Everything is looked up in what is remembered, so that a restart changes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from marginwatch.core import health
from marginwatch.core.alert import Status
from marginwatch.core.model import GROUPS
from marginwatch.core.nearness import in_order
from marginwatch.core.pace import Mood, Pace, Pacing, Sight, next_pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.draft import Draft
    from marginwatch.core.groups import Groups
    from marginwatch.core.model import AccountKey, CycleEnd
    from marginwatch.core.nearness import Near, Reach
    from marginwatch.core.ruling import Ruling, Watch
    from marginwatch.core.state import AccountState, VenueState

_BEGUN = frozenset({Status.PENDING, Status.FIRING})


def pace_after(draft: Draft, watch: Watch, venue: VenueState, cycle: CycleEnd) -> Pace | None:
    """The pace at which the venue is asked from now on; `venue` is its state after the cycle.

    None where the config knows one pace alone: then nothing is looked at.
    """
    pacing = watch.pacing
    if pacing is None:
        return None
    took = cycle.ended_at - cycle.started_at
    if health.venue_down(venue):
        sight = Sight(took=took, limited_at=venue.limited_at)  # to press one that fails helps nobody
    else:
        hurry, open_ = _alerts(draft, watch.venue)
        wide = venue.pace is not None and venue.pace.mood is Mood.FAST
        near = None if hurry else _nearest(draft, watch, wide=wide)
        idle = "" if hurry or near or open_ or cycle.failed else _idle(draft, watch, pacing)
        sight = Sight(hurry if near is None else near.in_words, idle, took, venue.limited_at)
    return next_pace(pacing, venue.pace, sight, draft.now)


def breached(transitions: Iterable[Transition], groups: Groups) -> frozenset[str]:
    """The venues at which a rule of the user's began to hold: what was seen once is worth a second look."""
    found: set[str] = set()
    for step in transitions:
        if step.before is Status.INACTIVE and step.after in _BEGUN and step.key.rule not in health.RULES:
            account = step.key.account
            group = groups.named.get(account.id) if account.venue == GROUPS else None
            found.update((account.venue,) if group is None else group.venues)
    return frozenset(found)


def _alerts(draft: Draft, venue: str) -> tuple[str, bool]:
    """Why the user's alerts at the venue ask for speed, and whether there are any."""
    alerts = [alert for place in _places(draft, venue) for alert in _of_rules(draft, place)]
    pending = [alert.key for alert in alerts if alert.status is Status.PENDING]
    hurry = min((f"{key.rule} is pending for {key.account}" for key in pending), default="")
    return hurry, bool(alerts)


def _places(draft: Draft, venue: str) -> Iterator[AccountKey]:
    """Accounts of the venue, and groups of such, that have an open alert."""
    yield from draft.troubled(venue)
    groups = draft.ruling.groups.named
    yield from (key for key in draft.troubled(GROUPS) if key.id in groups and venue in groups[key.id].venues)


def _of_rules(draft: Draft, account: AccountKey) -> list[Alert]:
    return [alert for key, alert in draft.live(account).items() if key.rule not in health.RULES]


def _nearest(draft: Draft, watch: Watch, *, wide: bool) -> Near | None:
    groups = draft.ruling.groups.named
    here = {name for name, group in groups.items() if watch.venue in group.venues}
    own = [state for _, state in draft.accounts_of(watch.venue)]
    found = list(_near(draft.ruling, watch, own, wide=wide))
    at_groups = draft.watch(GROUPS) if here else None
    if at_groups is not None:
        states = [state for key, state in draft.accounts_of(GROUPS) if key.id in here]
        found += _near(draft.ruling, at_groups, states, wide=wide)
    return min(found, key=in_order, default=None)


def _near(ruling: Ruling, watch: Watch, states: Sequence[AccountState], *, wide: bool) -> Iterator[Near]:
    """The nearest of accounts that share their rules."""
    counts = partial(_counts, watch)
    shared = watch.rules.shared
    groups: dict[Reach, list[AccountState]] = {}
    if shared is None:
        for state in states:
            groups.setdefault(ruling.rules_of(watch, state.account).reach, []).append(state)
    for reach, some in groups.items() if shared is None else ((shared.reach, states),):
        near = reach.nearest(some, counts, wide=wide)
        if near is not None:
            yield near


def _counts(watch: Watch, state: AccountState) -> bool:
    """Whether the venue still lists the account, and the config still selects it."""
    return not state.missing and watch.selects(state.account)


def _idle(draft: Draft, watch: Watch, pacing: Pacing) -> str:
    """Why nothing can happen at the venue; empty when it can, or where it makes no difference."""
    if pacing.slowest == pacing.every:
        return ""
    idle = _closed(pacing, draft.now) or ("every account is flat" if _flat(draft, watch) else "")
    return "" if idle and _blind(draft, watch) else idle


def _blind(draft: Draft, watch: Watch) -> bool:
    """Whether some rule cannot be decided: at a slow pace the next answer or two would have to show that it can."""
    return any(state.blind and _counts(watch, state) for _, state in draft.accounts_of(watch.venue))


def _closed(pacing: Pacing, now: datetime) -> str:
    """That the session is closed, and opens no sooner than the slowest pace looks again."""
    calendar = pacing.calendar
    if calendar is None:
        return ""
    session, following = calendar.at(now), calendar.after(now)
    if session is not None and now < session.closes:
        return ""
    if following is None:
        return "no session is near"
    soon = following.opens - now <= pacing.slowest
    return "" if soon else f"the session is closed until {following.opens:%Y-%m-%d %H:%M} UTC"


def _flat(draft: Draft, watch: Watch) -> bool:
    """No account has a position or margin in use, and there is an account that says so."""
    seen = False
    for _, state in draft.accounts_of(watch.venue):
        if state.fetched_at is None:
            continue  # the login may not look at it, or has not yet
        if (state.holding or state.known.get("margin_used") != 0) and _counts(watch, state):
            return False  # nearly always the very first
        seen = True
    return seen

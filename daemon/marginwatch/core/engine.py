"""Decide what a batch of news means: the one engine of the daemon, of replays and of tests. Pure.

    what was held back    -> settle                       what nothing holds back any more goes out
    news                  -> observe, fail, end a cycle   results: true, false or unknown per rule and subject
    groups heard of       -> join, observe                the same of groups of accounts, once a tick
    timers that ran out   -> elapse                       unknown told, reminders
    results               -> advance                      transitions, each with a reason
    transitions           -> route past what holds back   notices: who hears of what
    nobody acknowledged   -> climb                        notices: who is called by a ladder
    a receiver is lost    -> fail over, pass on           notices: who hears in its place

`Memory` is read here and changed only by `remember`, after the decision was committed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core import escalation, fallback, health, intake, joining
from marginwatch.core.alert import Reason
from marginwatch.core.desk import Desk
from marginwatch.core.draft import OURS, Draft
from marginwatch.core.holding import free, route, settle
from marginwatch.core.machine import close, due, elapse, rebase
from marginwatch.core.model import GROUPS, AccountKey, CycleEnd, Normalised, VenueFailure
from marginwatch.core.route import Routed
from marginwatch.core.withheld import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from marginwatch.core.alert import Acknowledgement, Alert, Silence
    from marginwatch.core.memory import Memory, TimerKey
    from marginwatch.core.route import Notice
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Commit


@dataclass(slots=True)
class Answer:
    """A venue's normalised answer. Never changed once made."""

    venue: str
    normalised: Normalised


@dataclass(frozen=True, slots=True)
class ClockJump:
    """The wall clock was set: it went from `before` to `after` while `passed` went by."""

    before: datetime
    after: datetime
    passed: timedelta


News: TypeAlias = Answer | VenueFailure | CycleEnd | ClockJump | health.ReceiverState | health.ReloadState


@dataclass(frozen=True, slots=True)
class Wishes:
    """What operators wrote since the last tick; None in a field: nothing new."""

    silences: tuple[Silence, ...] | None = None
    acknowledgements: Mapping[str, Acknowledgement] | None = None
    forget: tuple[tuple[int, AccountKey], ...] = ()
    """Requests to give an account up: their id and the account."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a tick decided; `commit` still lacks the messages, whose words are made from the notices."""

    commit: Commit
    notices: tuple[Notice, ...]
    draft: Draft
    timers: tuple[TimerKey, ...]
    """Those that ran out and were attended to."""
    looked_again: bool = False
    """What is held back was looked at, where the configuration may have changed."""


def decide(
    memory: Memory,
    ruling: Ruling,
    news: Iterable[News],
    now: datetime,
    wishes: Wishes | None = None,
    *,
    crowded: bool = False,
) -> Decision:
    """Everything that follows from the news, the time and the operators' wishes.

    `crowded`: more has arrived already, so timers wait; nobody is to hear that an answer is missing which is there.
    """
    wishes = wishes or Wishes()
    draft = Draft(
        memory,
        ruling,
        now,
        memory.silences if wishes.silences is None else wishes.silences,
        memory.acknowledgements if wishes.acknowledgements is None else wishes.acknowledgements,
    )
    _draw_back(draft)
    rows = Rows(memory.waiting)
    settled = _settle(draft, rows)
    for _, account in wishes.forget:
        _forget(draft, account)
    for item in news:
        _take(draft, item)
    joining.join(draft)
    timers = () if crowded else tuple(memory.due(now))
    for timer in timers:
        _wake(draft, timer)
    failed = fallback.fail_over(draft)
    routed = _route(draft, rows)
    further = _go_further(draft, rows, timers, failed)
    commit = replace(
        draft.commit(),
        released=rows.released,
        withheld=rows.withheld,
        settled=tuple(silence.id for silence in draft.ended_silences()),
        forgotten=tuple(account for _, account in wishes.forget),
        requests=tuple(request for request, _ in wishes.forget),
    )
    return Decision(commit, settled.notices + routed.notices + further.notices, draft, timers, looked_again=True)


def remember(memory: Memory, decision: Decision) -> None:
    """Take the decision over into memory; to be called only after its commit is durable."""
    draft, commit = decision.draft, decision.commit
    memory.silences = tuple(silence for silence in draft.silences if silence.id not in commit.settled)
    memory.acknowledgements = {
        alert_id: given for alert_id, given in draft.acknowledgements.items() if alert_id not in commit.lapsed
    }
    memory.waiting.take(commit.released, commit.withheld)
    memory.look_again &= not decision.looked_again
    memory.receivers.update(draft.receivers)
    memory.accounts.update(draft.accounts)
    memory.venues.update(draft.venues)
    memory.tallies.update(draft.tallies)
    memory.listings.update(draft.listings)
    memory.windows.update((account, pending.keep()) for account, pending in draft.windows.items())
    for account in commit.forgotten:
        memory.accounts.pop(account, None)
        memory.listings.pop(account.venue, None)
        memory.windows.pop(account, None)
    over = {alert.alert_id for alert in draft.ended()}
    for alert in commit.alerts:
        if alert.is_open or alert.alert_id in over:  # not one that ended before, whose end is told late
            memory.keep(alert)
    for key, position in draft.positions.items():
        if key in memory.open.get(key.account, {}):
            memory.positions[key] = position
    set_timers(memory, draft.ruling, decision)


def start(memory: Memory, ruling: Ruling, now: datetime) -> Decision:
    """What follows from rules and accounts that differ from those of the last run: alerts out of scope are closed."""
    draft = Draft(memory, ruling, now, memory.silences, memory.acknowledgements)
    for alert in list(memory.alerts()):
        _reconcile(draft, alert)
    rows = Rows(memory.waiting)
    routed = _route(draft, rows)
    memory.look_again = True  # by the next tick, which knows what operators wrote meanwhile
    return Decision(replace(draft.commit(), released=rows.released, withheld=rows.withheld), routed.notices, draft, ())


def set_timers(memory: Memory, ruling: Ruling, decision: Decision) -> None:
    """Wake for what the decision left running."""
    draft = decision.draft
    for timer in decision.timers:
        memory.set_timer(timer, None)
    attended = [key for key in decision.timers if isinstance(key, AccountKey) and key not in draft.accounts]
    for account in memory.untimed((*attended, *draft.accounts)):
        _time_account(memory, ruling, account, draft.now)
    for alert in _to_time(memory, decision):
        memory.set_timer(alert.alert_id, _due(draft, alert))


def time_all(memory: Memory, ruling: Ruling, now: datetime) -> None:
    """Wake for everything remembered; once, at start."""
    draft = Draft(memory, ruling, now, memory.silences, memory.acknowledgements)
    for account in memory.accounts:
        _time_account(memory, ruling, account, now)
    for alert in memory.alerts():
        memory.set_timer(alert.alert_id, _due(draft, alert))


def _draw_back(draft: Draft) -> None:
    """What was told while the clock was ahead counts as told now: reminders would wait for that time otherwise."""
    for alert in list(draft.memory.alerts()) if draft.memory.look_again else ():
        if alert.told_at is not None and alert.told_at > draft.now:
            draft.keep(replace(alert, told_at=draft.now))


def _settle(draft: Draft, rows: Rows) -> Routed:
    """What held back before this tick and does no longer lets go."""
    memory = draft.memory
    anew = memory.look_again or draft.silences != memory.silences
    due = memory.waiting.alerts if anew else memory.waiting.due(draft.now)
    alerts = {alert_id: alert for alert_id in due if (alert := draft.find(alert_id)) is not None}
    accounts = [rows.of(alert_id)[0].transition.key.account for alert_id in due]
    desk = Desk(alerts, draft.audience(accounts), draft.holds(accounts), rows)
    routed = settle(due, alerts, draft.ruling.rules, desk=desk, revision=draft.ruling.revision)
    draft.told(routed)
    return routed


def _route(draft: Draft, rows: Rows) -> Routed:
    new = draft.transitions
    accounts = [transition.key.account for transition in new]
    routed = route(new, draft.alerts, audience=draft.audience(accounts), holds=draft.holds(accounts), rows=rows)
    draft.told(routed)
    _free(draft, rows)
    return routed


def _go_further(draft: Draft, rows: Rows, timers: Iterable[TimerKey], failed: Sequence[str]) -> Routed:
    """Who is called by ladders, and what those hear who stand in for others from now on."""
    calls = escalation.climb(draft, timers)
    if not calls.transitions and not failed:
        return Routed()
    accounts = [transition.key.account for transition in calls.transitions]
    audience = replace(draft.audience(accounts), called=calls.called)
    desk = Desk(draft.alerts, audience, draft.holds(accounts), rows)
    for transition in calls.transitions:
        desk.tell(transition)
    fallback.pass_on(draft, failed, desk)
    routed = desk.routed()
    draft.told(routed)
    return routed


def _free(draft: Draft, rows: Rows) -> None:
    """An outage that is over holds nothing back but until its accounts have had time to answer."""
    for alert in draft.ended():
        if health.explains(alert.key, alert.severity):
            blind = dict.fromkeys((*draft.memory.waiting.alerts, *draft.alerts))
            free(alert.alert_id, blind, rows, draft.now + draft.stale_after(alert))


def _take(draft: Draft, item: News) -> None:
    if isinstance(item, Answer):
        intake.take(draft, item.venue, item.normalised)
    elif isinstance(item, VenueFailure):
        intake.fail(draft, item)
    elif isinstance(item, CycleEnd):
        intake.end_cycle(draft, item)
    elif isinstance(item, ClockJump):
        jump = health.clock_result(item.before, item.after, item.passed)
        if jump is not None:
            draft.judge(jump, OURS)
    elif isinstance(item, health.ReloadState):
        draft.judge(health.reload_result(item, draft.now), OURS)
    else:
        draft.receivers[item.name] = item
        draft.judge(health.receiver_result(item, draft.now), OURS)


def _wake(draft: Draft, timer: TimerKey) -> None:
    if isinstance(timer, AccountKey):
        intake.wake(draft, timer)
        return
    alert = draft.find(timer)
    rule = None if alert is None else draft.ruling.rules.get(alert.key.rule)
    if alert is not None and rule is not None:
        draft.follow(alert, elapse(rule, alert, draft.now, draft.policy(alert, draft.stale_after(alert))))


def _forget(draft: Draft, account: AccountKey) -> None:
    for alert in list(draft.live(account).values()):
        draft.follow(alert, close(alert, Reason.FORGOTTEN, draft.now, draft.ruling.revision))


def _reconcile(draft: Draft, alert: Alert) -> None:
    """Close an alert whose rule, venue or account is no longer configured; fit the others to their edited rule."""
    rule = draft.ruling.rules.get(alert.key.rule)
    reason = Reason.RULE_REMOVED if rule is None else _out_of_scope(draft, alert)
    fitted = None if reason or rule is None else rebase(alert, rule)
    if fitted is None:
        ended = close(alert, reason or Reason.RULE_REMOVED, draft.now, draft.ruling.revision)
        draft.follow(alert, ended)
    elif fitted != alert:
        draft.keep(fitted)


def _out_of_scope(draft: Draft, alert: Alert) -> Reason | None:
    account = alert.key.account
    if account == health.OURSELVES:
        gone = alert.key.rule == health.RECEIVER_FAILING and alert.key.subject not in draft.ruling.receiver_names
        return Reason.RECEIVER_REMOVED if gone else None
    watch, state = draft.watch(account.venue), draft.account(account)
    if watch is None or (state is not None and not watch.selects(state.account)):
        return Reason.ACCOUNT_REMOVED
    if state is None or alert.key.rule in health.RULES or intake.applies(draft, watch, state, alert.key.rule):
        return None
    return Reason.SCOPE_CHANGED


def _time_account(memory: Memory, ruling: Ruling, account: AccountKey, now: datetime) -> None:
    watch, state = ruling.venues.get(account.venue), memory.accounts.get(account)
    if watch is None or state is None or account.venue == GROUPS:
        return  # that a group is not heard of is told of its accounts
    due_at = health.stale_at(state, watch.stale_after)
    if memory.watching_since is not None:
        due_at = max(due_at, memory.watching_since + watch.stale_after)
    # One that is stale already waits for the next answer or cycle; its alert has its own timer.
    if due_at > now:
        memory.set_timer(account, due_at)


def _to_time(memory: Memory, decision: Decision) -> list[Alert]:
    """Open alerts whose timers may have changed: those decided on, and those an acknowledgement stopped."""
    changed = {alert.alert_id for alert in decision.commit.alerts}
    changed.update(timer for timer in decision.timers if isinstance(timer, str))
    changed.update(memory.acknowledgements)
    return [alert for alert in memory.alerts() if alert.alert_id in changed] if changed else []


def _due(draft: Draft, alert: Alert) -> datetime | None:
    """When time alone moves the alert on; at the latest when its acknowledgement expires."""
    rule = draft.ruling.rules.get(alert.key.rule)
    if rule is None or not alert.is_open:
        return None
    policy = draft.policy(alert, draft.stale_after(alert))
    times = (due(rule, alert, policy), escalation.due(draft, alert), fallback.due(draft, alert))
    at = min((each for each in times if each is not None), default=None)
    given = draft.acknowledgement(alert)
    if given is not None and given.until is not None:  # it holds now, so its end lies ahead
        return given.until if at is None else min(at, given.until)
    return at

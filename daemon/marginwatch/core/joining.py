"""Put together what the accounts of a group answered last: the observation that the group's rules look at. Pure.

One account of which something cannot be known makes every sum over the group unknown, and never smaller. `any` is
true as soon as one account surely is, `all` is false as soon as one surely is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core import intake
from marginwatch.core.condition import BREAKS
from marginwatch.core.condition.aggregate import CONDITIONS, CURRENCY
from marginwatch.core.condition.arithmetic import OPERATIONS
from marginwatch.core.condition.functions import QUANTIFIERS
from marginwatch.core.model import GROUPS, AccountKey, Observation
from marginwatch.core.state import TOO_OLD, UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.draft import Draft
    from marginwatch.core.groups import Asked, Group, Member, Question
    from marginwatch.core.model import Value
    from marginwatch.core.ruling import Watch
    from marginwatch.core.state import AccountState

_SHOWN: Final = 3
"""Accounts named in one sentence."""
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Leg:
    """One account of a group, as of now."""

    name: str
    """`fx/ACC-1`; of an entry that no account is known of, the entry."""
    venue: str
    fields: Mapping[str, Value]
    """What its latest answer said, without what that did not say."""
    gaps: Mapping[str, str]
    """Why a field is not among `fields`, by name."""
    because: str = ""
    """Why nothing of it can be used; empty when it can."""
    told: bool = False
    """That is told of the account itself."""
    observed_at: datetime | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """What the accounts of a group say together."""

    observation: Observation
    told: bool
    """All that is unknown is so of accounts that gave no answer, which is told of these."""


def join(draft: Draft) -> None:
    """Look at every group of which an account was heard of in this tick, or was not when it should have been."""
    watch = draft.watch(GROUPS)
    if watch is None:
        return
    for name in sorted(draft.heard):
        group = draft.ruling.groups.named[name]
        joined = joined_of(group, draft.ruling.groups.questions[name], list(legs(draft, group)))
        if joined is not None:
            intake.observe(draft, watch, joined.observation, elsewhere=_ELSEWHERE if joined.told else "")


_ELSEWHERE: Final = "some of its accounts give no answer"


def legs(draft: Draft, group: Group) -> Iterator[Leg]:
    """The group's accounts, each once, with what cannot be used of them; none where a part of them is not known."""
    found: dict[AccountKey, tuple[AccountState, Watch]] = {}
    for member in group.members:
        watch = draft.ruling.venues[member.venue]
        known = list(_known(draft, watch, member))
        if not _listed(draft, watch):
            yield Leg(member.venue, member.venue, {}, {}, "its accounts are not listed yet")
        elif not known:
            yield Leg(member.text, member.venue, {}, {}, "there is no such account")
        else:
            found.update((state.account.key, (state, watch)) for state in known)
    times = [state.observed_at for state, _ in found.values() if state.observed_at is not None]
    newest = max(times, default=draft.now)
    for _, (state, watch) in sorted(found.items(), key=lambda each: each[0]):
        yield leg(state, watch, group, draft.now, newest)


def leg(state: AccountState, watch: Watch, group: Group, now: datetime, newest: datetime) -> Leg:
    """One account; `newest` is the observation time of the account of the group that was seen last."""
    gaps, observed_at, fetched_at = state.gaps, state.observed_at, state.fetched_at
    because, told = "", False
    if gaps is None or observed_at is None or fetched_at is None:
        because = "nothing was heard of it yet"
    elif told := UNANSWERED in gaps:
        because = gaps[UNANSWERED]
    elif told := state.missing > 0:
        because = f"{watch.venue} lists it no longer"
    elif TOO_OLD in gaps:
        because = gaps[TOO_OLD]
    elif told := now - fetched_at > watch.stale_after:
        because = f"no good answer since {fetched_at:%Y-%m-%d %H:%M:%S} UTC"
    elif newest - observed_at > group.within:
        because = f"its numbers are of {observed_at:%Y-%m-%d %H:%M:%S} UTC, too long before those of the others"
    fields = {} if because or gaps is None else {name: state.known[name] for name in state.known.keys() - gaps.keys()}
    return Leg(str(state.account.key), watch.venue, fields, gaps or {}, because, told, observed_at, fetched_at)


def joined_of(group: Group, questions: Iterable[Question], found: Sequence[Leg]) -> Joined | None:
    """What they say together; None as long as no account ever answered."""
    fetched = [each.fetched_at for each in found if each.fetched_at is not None]
    if not fetched:
        return None
    fields: dict[str, Value] = {CURRENCY.name: group.currency}
    reasons: dict[str, str] = {}
    told = True
    for question in questions:
        answered = [_answer(question, group, each) for each in found]
        value = fields[question.text] = combined(question.function, [answer.value for answer in answered])
        if value is None:
            unknown = [answer for answer in answered if answer.value is None]
            reasons[question.text] = _reason(unknown)
            told = told and all(answer.leg.told for answer in unknown)
    used = [each.observed_at for each in found if each.observed_at is not None and not each.because]
    key = AccountKey(GROUPS, group.name)
    observation = Observation(key, max(fetched), min(used, default=None), fields, reasons=reasons)
    return Joined(observation, told)


def combined(function: str, values: Sequence[Value]) -> Value:
    """The answer of a group from those of its accounts; None stands for unknown."""
    if function in QUANTIFIERS:
        decisive = function == "any"
        return decisive if decisive in values else None if None in values or not values else not decisive
    if None in values or not values:
        return None
    if function == "count":
        return Decimal(values.count(True))
    return _REDUCED[function](sorted(value for value in values if isinstance(value, Decimal)))


def _sum(numbers: Sequence[Decimal]) -> Decimal | None:
    total: Decimal | None = numbers[0]
    for number in numbers[1:]:
        total = OPERATIONS["+"](total, number)
    return total


_REDUCED: Final[Mapping[str, Callable[[Sequence[Decimal]], Decimal | None]]] = {
    "min": lambda numbers: numbers[0],
    "max": lambda numbers: numbers[-1],
    "sum": _sum,
    "mean": lambda numbers: OPERATIONS["/"](_sum(numbers), Decimal(len(numbers))),
}
"""Of numbers in ascending order, so that a sum of many digits is the same whichever account has which."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one account answers to one question."""

    leg: Leg
    value: Value
    why: str = ""
    """Why it is unknown."""


def _answer(question: Question, group: Group, each: Leg) -> _Answer:
    if each.because:
        return _Answer(each, None, each.because)
    asked = question.at[each.venue]
    fields, foreign = _converted(asked, group, each)
    try:
        value = asked.evaluation(fields, {}, None)
    except BREAKS as error:
        return _Answer(each, None, f"{type(error).__name__}: {error}")
    if isinstance(value, bool if question.function in CONDITIONS else Decimal):
        return _Answer(each, value)
    gaps = [f"{name} is {each.gaps.get(name, 'not known')}" for name in asked.reads if name not in each.fields]
    return _Answer(each, None, foreign or ", ".join(gaps) or "its value cannot be worked out")


def _converted(asked: Asked, group: Group, each: Leg) -> tuple[Mapping[str, Value], str]:
    """Its fields with money in the group's currency, which is unknown where that cannot be; and why it cannot."""
    currency = each.fields.get(CURRENCY.name)
    rate, why = None, "its currency is not known"
    if isinstance(currency, str):
        rate, why = group.rates.get(currency), f"it is in {currency}, and the config has no rate of that"
        rate = _ONE if currency == group.currency else rate
    if rate == _ONE or not asked.money:
        return each.fields, ""
    amounts = ((name, each.fields.get(name)) for name in asked.money)
    money = {name: OPERATIONS["*"](value, rate) for name, value in amounts if isinstance(value, Decimal)}
    return {**each.fields, **money}, "" if rate is not None else why


def _reason(unknown: Sequence[_Answer]) -> str:
    by_reason: dict[str, list[str]] = {}
    for answer in unknown:
        by_reason.setdefault(answer.why, []).append(answer.leg.name)
    return f"unknown ({'; '.join(f'{_several(accounts)}: {why}' for why, accounts in by_reason.items())})"


def _several(accounts: list[str]) -> str:
    more = len(accounts) - _SHOWN
    return ", ".join(accounts if more <= 0 else [*accounts[:_SHOWN], f"{more} more"])


def _listed(draft: Draft, watch: Watch) -> bool:
    """Whether all accounts that the config asks for are known: the venue listed them since it asks for these."""
    venue = draft.venue(watch.venue)
    return venue.listed and venue.selection == watch.selection


def _known(draft: Draft, watch: Watch, member: Member) -> Iterator[AccountState]:
    for _, state in draft.accounts_of(watch.venue):
        if watch.selects(state.account) and member.selects(state.account):
            yield state

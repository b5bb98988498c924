"""Windows kept step by step against the same windows worked out from every observation there was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import Past, Scene, check, interpret, parse, written
from marginwatch.core.condition.nodes import Windowed
from marginwatch.core.windows import AccountWindows, Answers, Pending, Plan, sampled
from marginwatch.core.windows.plan import micros, moment
from support.expressions import NAMES, SMALL
from support.zones import CALENDARS, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.core.model import Value
    from marginwatch.core.windows import Sample

START: Final = datetime(2026, 3, 8, 21, 58, tzinfo=UTC)
"""Two minutes before the first futures session after the clocks went forward, two hours and two before midnight."""
STALE_AFTER: Final = timedelta(seconds=60)
ARGUMENTS: Final = ("equity", "equity - cash", "cash / equity")
FUNCTIONS: Final = ("max", "min", "mean", "first", "last", "delta", "rate", "drawdown")
LENGTHS: Final = ("1s", "30s", "60s", "2m", "1h", "3d", "session")
NODES: Final[list[Windowed]] = []
for _argument in ARGUMENTS:
    for _function in FUNCTIONS:
        for _length in LENGTHS:
            if (_function, _length) != ("rate", "session"):
                _node = parse(f'{_function}({_argument}, "{_length}")')
                for _calendar in ("us-futures", "always") if _length == "session" else ("",):
                    _checked = check(_node, SMALL, NAMES, calendar=_calendar).node  # type: ignore[arg-type]  # these texts are parsed without a fault
                    assert isinstance(_checked, Windowed)
                    NODES.append(_checked)

AMOUNTS: Final = st.one_of(
    st.sampled_from([Decimal(number) for number in ("0", "100", "100.00", "-5", "99.99")]),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000),
    st.none(),
)


@dataclass(frozen=True)
class Seen:
    """One observation: how long after the last, and what it says."""

    pause: timedelta
    equity: Decimal | None
    cash: Decimal | None
    then: str
    """What happens next: nothing, as more is in the batch; a commit; one with which is forgotten what may be; or a
    restart, which reads what is needed from the store."""

    @property
    def fields(self) -> dict[str, Value]:
        """What the venue said."""
        return {"equity": self.equity, "cash": self.cash}


PAUSES: Final = st.one_of(
    st.sampled_from([0, 1, 10, 10, 10, 29, 30, 31, 59, 60, 61, 120, 120, 3600, 7200, 86_400, 200_000]).map(
        lambda seconds: timedelta(seconds=seconds)
    ),
    st.integers(0, 10**8).map(lambda micros: timedelta(microseconds=micros)),
)
NEXT: Final = st.sampled_from(["", "", "commit", "trim", "restart"])
HISTORIES: Final = st.lists(st.builds(Seen, PAUSES, AMOUNTS, AMOUNTS, NEXT), min_size=1, max_size=25)
ASKED: Final = st.lists(st.sampled_from(NODES), min_size=1, max_size=6)


@given(HISTORIES, ASKED)
def test_windows_are_what_all_observations_say(history: list[Seen], asked: list[Windowed]) -> None:
    """Every function over every window is as by brute force: in batches, over gaps, nulls, sessions and restarts."""
    plan = Plan(asked, sessions())
    kept, past = AccountWindows(STALE_AFTER), list[Past]()
    pending: list[Sample] = []
    batch = Pending(kept)
    now = START
    for seen in history:
        now += seen.pause
        past.append(Past(now, seen.fields))
        pending.append(sampled(plan, seen.fields, now, pending[-1].at if pending else kept.latest))

        told = {written(node): interpret(node, scene(past)) for node in asked}
        assert Answers(plan, kept, pending).values() == told
        assert batch.see(plan, seen.fields, now).values() == told
        if seen.then:
            kept, pending = batch.keep(), []
        if seen.then == "trim":
            kept._trim(plan.begins(micros(now)))
        if seen.then == "restart":
            kept = _seeded(plan, past)
        if seen.then:
            batch = Pending(kept)


@given(HISTORIES, ASKED)
def test_coverage_is_the_time_in_which_something_was_known(history: list[Seen], asked: list[Windowed]) -> None:
    """What is said of how much of a window was seen is what adds up from every observation."""
    plan = Plan(asked, sessions())
    kept, past = AccountWindows(STALE_AFTER), list[Past]()
    pending: list[Sample] = []
    now = START
    for seen in history:
        now += seen.pause
        past.append(Past(now, seen.fields))
        pending.append(sampled(plan, seen.fields, now, pending[-1].at if pending else kept.latest))
        if seen.then:
            _keep(kept, plan, pending[:-1])
            pending = pending[-1:]

    answers = Answers(plan, kept, pending)
    for question in plan.questions:
        known = [each.at for each in past if interpret(question.node.argument, Scene(each.fields)) is not None]
        found = answers.coverage([question.text])
        if interpret(question.node.argument, Scene(past[-1].fields)) is None:
            assert found == ()
            continue
        begins = now - found[0].length
        holds = [(at, min(at + STALE_AFTER, after)) for at, after in zip(known, [*known[1:], now], strict=True)]
        assert found[0].known == sum(
            (max(until - max(at, begins), timedelta(0)) for at, until in holds), start=timedelta(0)
        )
        earlier = (max(at, begins) for at, until in holds[:-1] if until > begins)
        assert found[0].since == min([*earlier, max(known[-1], begins)])


def _keep(kept: AccountWindows, plan: Plan, pending: Sequence[Sample]) -> None:
    for sample in pending:
        kept.keep(plan, sample)


def _seeded(plan: Plan, past: Sequence[Past]) -> AccountWindows:
    """Made anew from the observations that the windows reach back to, and no others."""
    kept = AccountWindows(STALE_AFTER)
    begins = moment(plan.begins(micros(past[-1].at))) - STALE_AFTER
    for seen in past:
        if seen.at >= begins:
            kept.keep(plan, sampled(plan, seen.fields, seen.at, kept.latest))
    return kept


def scene(past: Sequence[Past]) -> Scene:
    """What the brute force sees."""
    opened = {}
    for name, calendar in CALENDARS.items():
        session = calendar.at(past[-1].at)
        assert session is not None
        opened[name] = session.opens
    return Scene(past[-1].fields, past=past, stale_after=STALE_AFTER, opened=opened)

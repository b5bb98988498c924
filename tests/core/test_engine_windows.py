"""Rules that look back: they fire and resolve, restarts change nothing, and messages say what was not seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.draft import Draft
from marginwatch.core.engine import Wishes, decide, remember
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.fields import Unit
from marginwatch.core.model import FailureKind, Severity
from marginwatch.core.rule import Level, Rule, RuleKind, Selector
from marginwatch.core.seeding import fill
from marginwatch.core.windows.later import Later
from marginwatch.store.errors import StoreError
from support.catalogues import FUTURES
from support.desk import (
    ONE,
    TWO,
    VENUE,
    Desk,
    Paper,
    after,
    answer,
    cycle_end,
    failed,
    fields,
    permissions_rule,
    ruling,
    seen,
    steps,
)
from support.stores import opened
from support.zones import CALENDARS

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Answer
    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.state import Commit
    from marginwatch.store.types import Committed

EVERYWHERE = Selector()


def drawdown_rule(
    expression: str = 'drawdown(equity, "1h")',
    rule_id: str = "drawdown",
    limit: int = 100,
    selector: Selector = EVERYWHERE,
) -> Rule:
    """More than that below the peak is a warning."""
    return Rule(
        id=rule_id,
        title="Drawdown",
        kind=RuleKind.LADDER,
        levels=(Level(Severity.WARNING, ">", Decimal(limit)),),
        expression=expression,
        unit=Unit.MONEY,
        selector=selector,
        revision="1",
    )


def money(amount: int | str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def test_a_drawdown_fires_and_resolves() -> None:
    """Far below the peak of the window it fires; once the peak is out of the window it is over."""
    desk = Desk(ruling(drawdown_rule()))
    assert desk.see(0, equity=money(1000)) == []
    assert desk.see(30, equity=money(1100)) == []
    assert desk.see(60, equity=money(1000)) == []
    assert steps(desk.see(90, equity=money(990))) == ["drawdown:inactive>firing:held"]
    assert [each.value for each in desk.transitions] == [Decimal(110)]
    for second in range(120, 3660, 30):
        assert desk.see(second, equity=money(990)) == []
    (over,) = desk.see(3660, equity=money(990))
    assert (steps([over]), over.value) == (["drawdown:firing>resolved:cleared"], Decimal(10))


def test_nothing_is_said_of_a_drawdown_while_the_value_is_not_known() -> None:
    """A null makes the rule unknown, an outage leaves the alert as it is, and what was seen before still counts."""
    desk = Desk(ruling(drawdown_rule()))
    desk.see(0, equity=money(1200))
    assert steps(desk.see(10, equity=money(1000))) == ["drawdown:inactive>firing:held"]
    assert desk.see(20, equity=None) == []
    assert desk.see(30, equity=money(1050)) == []
    desk.lose(40)
    found = [each for each in desk.see(50, equity=money(1190)) if each.key.rule == "drawdown"]
    assert steps(found) == ["drawdown:firing>resolved:cleared"]


def test_a_batch_sees_its_own_observations() -> None:
    """Several answers of one account in one batch are decided in their order, each with those before it."""
    desk = Desk(ruling(drawdown_rule()))
    peak, fall = (seen(second, fields(equity=money(equity))) for second, equity in ((0, 1500), (1, 1000)))
    assert steps(desk.tick(1, answer(peak, fall, listing=[ONE]), cycle_end(1))) == ["drawdown:inactive>firing:held"]


def test_rules_of_several_windows_each_have_their_own() -> None:
    """The windows of one number over several lengths, and of another account, do not disturb each other."""
    short = drawdown_rule('drawdown(equity, "20s")', "short")
    desk = Desk(ruling(drawdown_rule(), short, drawdown_rule('delta(equity - margin_used, "1h") * -1', "delta")))
    desk.tick(0, answer(*(seen(0, fields(equity=money(1000)), who) for who in (ONE, TWO)), listing=[ONE, TWO]))
    fallen = [seen(30, fields(equity=money(equity)), who) for equity, who in ((850, ONE), (1000, TWO))]
    found = desk.tick(30, answer(*fallen, listing=[ONE, TWO]))
    assert sorted(f"{each.key}" for each in found) == ["delta desk/one", "drawdown desk/one", "short desk/one"]
    fallen = [seen(60, fields(equity=money(equity)), who) for equity, who in ((850, ONE), (1000, TWO))]
    assert steps(desk.tick(60, answer(*fallen, listing=[ONE, TWO]))) == ["short:firing>resolved:cleared"]


def test_an_answer_too_old_is_not_seen() -> None:
    """What is not fit to be used is no peak."""
    desk = Desk(ruling(drawdown_rule()))
    desk.tick(2000, answer(seen(2000, fields(equity=money(9000)), as_of=10), listing=[ONE]), cycle_end(2000))
    assert desk.see(2010, equity=money(1000)) == []


class FailingPaper(Paper):
    """A ledger that refuses to write now and then."""

    refuses = False

    def commit(self, commit: Commit) -> Committed:
        """Refuse, or keep it."""
        if self.refuses:
            self.refuses = False
            raise StoreError
        return super().commit(commit)


def test_a_decision_that_is_dropped_leaves_no_trace() -> None:
    """A peak of a batch whose commit failed counts once the same batch is committed, and only then."""
    ledger = FailingPaper()
    desk = Desk(ruling(drawdown_rule()), ledger)
    desk.see(0, equity=money(1000))
    ledger.refuses = True
    with pytest.raises(StoreError):
        desk.see(10, equity=money(5000))
    peak = desk.ticker.memory.windows[ONE]._series["equity"].highest(0, Later(0, 10**18, Decimal(0)))
    assert peak == Decimal(1000)
    assert steps(desk.see(20, equity=money(1000))) == ["drawdown:inactive>firing:held"]
    assert desk.transitions[-1].value == Decimal(4000)


def test_an_account_given_up_is_forgotten() -> None:
    """Of one that an operator had forgotten no window stays."""
    desk = Desk(ruling(drawdown_rule()))
    desk.see(0, equity=money(1000))
    assert ONE in desk.ticker.memory.windows
    memory = desk.ticker.memory
    remember(memory, decide(memory, desk.rules, (), after(1), Wishes(forget=((1, ONE),))))
    assert ONE not in memory.windows


def test_what_a_window_did_not_see_is_told(snapshot: SnapshotAssertion) -> None:
    """A message says how much of a window there is to speak of, until it was seen in full."""
    desk = Desk(ruling(drawdown_rule('drawdown(equity, "2m") + drawdown(equity, "session")')))
    desk.see(0, equity=money(1000))
    desk.see(30, equity=money(800))
    assert desk.messages[0].body == snapshot
    whole = Desk(ruling(drawdown_rule('drawdown(equity, "30s")', limit=50)))
    whole.see(0, equity=money(1000))
    whole.see(30, equity=money(1000))
    whole.see(60, equity=money(900))
    assert "Window" not in whole.messages[0].body


@dataclass(frozen=True)
class Cycle:
    """One cycle: how long after the last, what it says, and whether the process is started again after it."""

    pause: int
    equity: int | None
    fails: str
    restart: str = field(default="")


CYCLES = st.lists(
    st.builds(
        Cycle,
        pause=st.sampled_from([1, 10, 10, 10, 30, 60, 61, 90, 300, 4000]),
        equity=st.sampled_from([1000, 1000, 1090, 1110, 1210, 950, 890, 800, None]),
        fails=st.sampled_from(["", "", "", "", "", "venue", "one"]),
        restart=st.sampled_from(["", "", "same", "more"]),
    ),
    min_size=1,
    max_size=14,
)
FEW = (drawdown_rule(), permissions_rule())
MANY = (
    *FEW,
    drawdown_rule('drawdown(equity - margin_used, "5m")', "net"),
    drawdown_rule('max(equity, "session") - mean(equity, "2m")', "mean"),
    drawdown_rule('rate(equity, "10m") * -1', "rate", 300),
)


@given(CYCLES)
def test_restarts_and_edits_change_no_transition(cycles: list[Cycle]) -> None:
    """Windows made anew from what is stored, also those of rules that come later, go on as if kept in memory."""
    restarted, steady = play(cycles, FEW, restarts=True), play(cycles, MANY, restarts=False)
    for rule in FEW:
        for account in (ONE, TWO):
            assert _of(steady, rule, account) == _of(restarted, rule, account)
    second = sum(cycle.pause for cycle in cycles) + 10
    if ONE in steady.ticker.memory.accounts:
        restarted.ticker.ruling = steady.rules
        fill(restarted.ticker.memory, steady.rules, after(second), restarted.ledger.observations)
        assert _values(restarted, second) == _values(steady, second)


def _of(desk: Desk, rule: Rule, account: AccountKey) -> list[Transition]:
    return [each for each in desk.transitions if (each.key.rule, each.key.account) == (rule.id, account)]


def play(cycles: list[Cycle], rules: tuple[Rule, ...], *, restarts: bool) -> Desk:
    """The desk after these cycles."""
    desk = Desk(ruling(*rules))
    second = 0
    for cycle in cycles:
        second += cycle.pause
        _run(desk, second, cycle)
        if restarts and cycle.restart:
            desk.ticker.memory.windows.clear()
            if cycle.restart == "more":
                desk.ticker.ruling = desk.rules = ruling(*MANY)
            fill(desk.ticker.memory, desk.rules, after(second), desk.ledger.observations)
    return desk


def _run(desk: Desk, second: int, cycle: Cycle) -> None:
    if cycle.fails == "venue":
        desk.tick(second, failed(second, None, FailureKind.UNREACHABLE), cycle_end(second))
        return
    news = [failed(second, ONE)] if cycle.fails else [_answer(second, cycle, ONE)]
    desk.tick(second, *news)
    desk.tick(second, _answer(second, cycle, TWO), cycle_end(second))


def _answer(second: int, cycle: Cycle, account: AccountKey) -> Answer:
    return answer(seen(second, fields(equity=money(cycle.equity)), account), listing=[ONE, TWO])


def test_windows_survive_a_restart_to_the_last_digit(tmp_path: Path) -> None:
    """Every window's value after a restart is what it would have been without one."""
    names = ("mean", "max", "first")
    texts = [f'{name}(equity / margin_used, "{window}")' for name in names for window in ("1m", "1h")]
    rules = ruling(*(drawdown_rule(f"{text} * equity", f"rule-{number}") for number, text in enumerate(texts)))
    store = opened(tmp_path / "store.db")
    desk = Desk(rules, store)
    for number in range(40):
        desk.see(7 * number, equity=money(1000 + number * number), margin_used=money(3 + number % 5))
    before = _values(desk, 290)
    desk.start(285)
    assert _values(desk, 290) == before
    assert len(before) == len(texts)
    store.close()


def _values(desk: Desk, second: int) -> dict[str, Value]:
    memory, in_force = desk.ticker.memory, desk.ticker.ruling
    watch, state = in_force.venues["desk"], memory.accounts[ONE]
    draft = Draft(memory, in_force, after(second), (), {})
    rules = in_force.rules_of(watch, state.account)
    return draft.look_back(watch, rules, state, seen(second, fields(equity=money(7), margin_used=money(3)))).values()


def test_an_answer_too_old_is_not_looked_back_at() -> None:
    """What was not fit to be used when it came is not used after a restart, and rules that look at now read nothing."""
    rules = ruling(drawdown_rule(selector=Selector(accounts=("one",))), permissions_rule())
    ledger = Paper()
    desk = Desk(rules, ledger)
    late, fresh = seen(2000, fields(equity=money(9000)), as_of=10), seen(2010, fields(equity=money(1000)))
    desk.tick(2010, answer(late, fresh, seen(2010, fields(), TWO), listing=[ONE, TWO]), cycle_end(2010))
    desk.ticker.memory.windows.clear()
    everything = [each.observation for commit in ledger.commits for each in commit.observations]
    fill(desk.ticker.memory, rules, after(2010), lambda _accounts, _since: everything)
    assert list(desk.ticker.memory.windows) == [ONE]
    assert desk.see(2020, equity=money(1000)) == []


def test_an_account_out_of_sight_is_not_looked_back_at(tmp_path: Path) -> None:
    """One that the config selects no longer costs no reading, and has its windows again when it is selected."""
    store = opened(tmp_path / "store.db")
    desk = Desk(ruling(drawdown_rule()), store)
    desk.see(0, equity=money(1000))
    desk.start(10, ruling(drawdown_rule(), accounts=["two"]))
    assert desk.ticker.memory.windows == {}
    desk.start(20, ruling(drawdown_rule()))
    assert list(desk.ticker.memory.windows) == [ONE]
    assert desk.ticker.memory.windows[ONE].tracks["equity"].reach == timedelta(hours=1)
    store.close()


def test_a_session_that_turns_out_to_begin_earlier_is_looked_back_at() -> None:
    """After an edit of its calendar a window sees from the new open on, also what was let go before."""
    rule = drawdown_rule('max(equity, "session")', limit=10**6)
    early = {"us-futures": replace(CALENDARS["us-futures"], hours=CALENDARS["always"].hours, zone=UTC)}
    desk = Desk(ruling(rule))
    desk.see(0, equity=money(9000))
    second = 9 * 3600  # 17:00 in Chicago, when the next session opens
    for _ in range(100):
        second += 10
        desk.see(second, equity=money(1000))
    assert list(_values(desk, second + 10).values()) == [Decimal(1000)]
    watch = replace(desk.rules.venues[VENUE], rules=VenueRules(VENUE, FUTURES, [rule], early, "us-futures"))
    desk.ticker.ruling = replace(desk.rules, venues={VENUE: watch})
    fill(desk.ticker.memory, desk.ticker.ruling, after(second), desk.ledger.observations)
    assert list(_values(desk, second + 10).values()) == [Decimal(9000)]

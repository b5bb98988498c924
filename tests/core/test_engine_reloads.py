"""A reload changes nothing but what the edit is about, and takes effect as a whole between two ticks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.health import ReloadState
from marginwatch.core.model import FailureKind, Severity
from marginwatch.core.route import Receiver
from marginwatch.core.rule import Rule, RuleKind
from marginwatch.core.seen import left_by
from marginwatch.store.errors import DatabaseBusyError
from support.desk import (
    ONE,
    RECEIVERS,
    TWO,
    Desk,
    Paper,
    after,
    answer,
    call_rule,
    cycle_end,
    failed,
    fields,
    permissions_rule,
    ruling,
    seen,
    steps,
    usage_rule,
)

if TYPE_CHECKING:
    from marginwatch.core.alert import Transition
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Commit
    from marginwatch.store.types import Committed

USAGE = usage_rule(hold=timedelta(seconds=15), clear_for=timedelta(seconds=15), remind_every=timedelta(seconds=45))
CALL = call_rule(remind_every=timedelta(seconds=60))
PEAK = Rule(
    id="peak",
    title="Below its peak",
    kind=RuleKind.CONDITION,
    levels=CALL.levels,
    expression='drawdown(equity, "10m") > 50',
    revision="1",
)


WRITTEN = (USAGE, CALL, permissions_rule(), PEAK)


def rules(suffix: str = "") -> Ruling:
    """The same rules at every call, as loaded anew; the suffix is of all titles and summaries."""
    return ruling(*(replace(rule, title=rule.title + suffix, summary=suffix) for rule in WRITTEN))


@dataclass(frozen=True)
class Event:
    """What happens after a pause; a reload may come at any moment, in the middle of a cycle too."""

    pause: float
    usage: str | None
    equity: int
    second_account: bool
    fails: str
    ends: bool
    reload: bool


@dataclass(frozen=True)
class Edit:
    """What a reload may change beside the rules that there were."""

    receivers: set[str]
    """Beside those there are."""
    venues: set[str]
    """As above."""
    rule: bool
    """One more."""
    words: str

    def made(self) -> Ruling:
        """Everything that decides then."""
        more = (replace(CALL, id="beside"),) if self.rule else ()
        written = (*(replace(rule, title=rule.title + self.words) for rule in WRITTEN), *more)
        found = ruling(
            *written, receivers=(*RECEIVERS, *(Receiver(name, Severity.INFO) for name in sorted(self.receivers)))
        )
        (watch,) = found.venues.values()
        others = {name: replace(watch, venue=name) for name in self.venues}
        return replace(found, venues={**found.venues, **others}, revision=f"r{hash(str(self)) % 1000}")


EVENTS = st.lists(
    st.builds(
        Event,
        pause=st.sampled_from([0.5, 5, 10, 10, 30, 55, 70]),
        usage=st.sampled_from(["0.5", "0.78", "0.81", "0.85", "0.88", "0.92", "0.95", None]),
        equity=st.sampled_from([1000, 1030, 960, 940]),
        second_account=st.booleans(),
        fails=st.sampled_from(["", "", "", "", "venue", "account"]),
        ends=st.booleans(),
        reload=st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


@given(EVENTS)
def test_a_reload_of_the_same_rules_changes_no_transition(events: list[Event]) -> None:
    """Timers, windows and a cycle that is under way go on as if nothing had happened."""
    assert play(events, rules()) == play(events, None)


@given(EVENTS)
def test_an_edit_of_words_changes_nothing_but_words(events: list[Event]) -> None:
    """Other titles and summaries leave every step as it was."""
    edited = play(events, rules(" (edited)"))
    assert [replace(each, title="") for each in edited] == [replace(each, title="") for each in play(events, None)]


EDITS = st.lists(
    st.builds(
        Edit,
        receivers=st.sets(st.sampled_from(["mail", "night", "phone"]), max_size=3),
        venues=st.sets(st.sampled_from(["fx", "clearing"]), max_size=2),
        rule=st.booleans(),
        words=st.sampled_from(["", " (edited)", " (once more)"]),
    ),
    min_size=1,
    max_size=6,
)


@given(EVENTS, EDITS)
def test_no_sequence_of_reloads_moves_a_timer(events: list[Event], edits: list[Edit]) -> None:
    """Receivers and venues come and go, rules beside come and go: what was there before ticks on to the same steps.

    After every event the clocks of each alert, and when it is woken next, are those of a life without a reload.
    """
    lives = [Desk(rules()), Desk(rules())]
    second = 0.0
    for place, event in enumerate(events):
        second += event.pause
        for desk in lives:
            _pass_time(desk, second - 0.25)
        if event.reload:
            lives[1].reload(second - 0.25, edits[place % len(edits)].made())
        for desk in lives:
            _pass_time(desk, second)
            _happen(desk, second, event)
        assert _clocks(lives[1]) == _clocks(lives[0])
    assert _of_before(lives[1]) == _of_before(lives[0])


def _of_before(desk: Desk) -> list[Transition]:
    return [replace(each, title="", revision="") for each in desk.transitions if each.key.rule != "beside"]


def _clocks(desk: Desk) -> dict[object, object]:
    """Of every open alert: its clocks, and when time alone moves it."""
    memory = desk.ticker.memory
    kept = {alert.key: alert for alert in memory.alerts() if alert.key.rule != "beside"}
    return {
        key: (alert.alert_id, alert.timers, alert.active_at, alert.count, memory._timed.get(alert.alert_id))
        for key, alert in kept.items()
    }


def play(events: list[Event], edited: Ruling | None) -> list[Transition]:
    """What is decided of these events, with reloads or without any."""
    desk = Desk(rules())
    second = 0.0
    for event in events:
        second += event.pause
        _pass_time(desk, second - 0.25)
        if edited is not None and event.reload:
            desk.reload(second - 0.25, edited)
        _pass_time(desk, second)
        _happen(desk, second, event)
    return desk.transitions


def _pass_time(desk: Desk, until: float) -> None:
    while (due := desk.ticker.next_timer()) is not None and due < after(until):
        desk.ticker.tick([], due)


def _happen(desk: Desk, second: float, event: Event) -> None:
    account = TWO if event.second_account else ONE
    if event.fails:
        desk.tick(second, failed(second, account if event.fails == "account" else None, FailureKind.UNREACHABLE))
    else:
        observed = seen(second, fields(event.usage, equity=Decimal(event.equity)), account)
        desk.tick(second, answer(observed, listing=[ONE, TWO]))
    if event.ends:
        desk.tick(second, cycle_end(second))


def test_an_edited_rule_keeps_its_alert() -> None:
    """With its id, clocks and those who were told; the next message says that the rule changed."""
    desk = Desk(ruling(USAGE))
    for second in (0, 10, 20):
        desk.see(second, "0.85")
    (firing,) = desk.ticker.memory.alerts()
    lower = (replace(USAGE.levels[0], limit=USAGE.levels[0].clear, clear=None), *USAGE.levels[1:])
    desk.reload(25, ruling(replace(USAGE, levels=lower, revision="2"), revision="r2"))
    (kept,) = desk.ticker.memory.alerts()
    desk.see(30, "0.95")
    desk.see(40, "0.95")
    (worse,) = desk.see(50, "0.95")

    assert (kept.alert_id, kept.told, kept.timers[0]) == (firing.alert_id, firing.told, firing.timers[0])
    assert (worse.alert_id, worse.rule_changed, worse.revision) == (firing.alert_id, True, "r2")


def test_a_removed_rule_closes_its_alert() -> None:
    """Those who were told are told that it was closed, and why."""
    desk = Desk(ruling(usage_rule(), CALL))
    desk.see(0, "0.95")

    assert steps(desk.reload(5, ruling(CALL, revision="r2"))) == ["usage:firing>closed:rule_removed"]
    assert desk.told() == ["usage:firing:critical", "usage:closed:critical"]
    assert desk.see(10, "0.95") == []


def test_a_new_rule_begins_with_the_next_answer() -> None:
    """The reload itself fires nothing: it looks at no old number."""
    desk = Desk(ruling(CALL))
    desk.see(0, "0.95")

    assert desk.reload(5, ruling(CALL, usage_rule(), revision="r2")) == []
    assert steps(desk.see(10, "0.95")) == ["usage:inactive>firing:held"]


def test_a_new_window_has_seen_what_is_stored() -> None:
    """A rule that looks back is not blind to what was before it."""
    desk = Desk(ruling(CALL))
    desk.see(0, equity=Decimal(1000))
    desk.see(10, equity=Decimal(990))
    desk.reload(15, ruling(CALL, PEAK, revision="r2"))

    assert steps(desk.see(20, equity=Decimal(940))) == ["peak:inactive>firing:held"]


@pytest.mark.parametrize("met", [False, True], ids=["the same accounts", "another account meanwhile"])
def test_windows_filled_while_the_old_rules_went_on_are_the_same(met: bool) -> None:
    """What was prepared before the reload sees what came in between, each observation once."""
    edited = ruling(CALL, PEAK, revision="r2")
    drawdowns = []
    for ahead in (True, False):
        desk = Desk(ruling(CALL))
        desk.see(0, equity=Decimal(1000))
        desk.see(10, equity=Decimal(1040))
        prepared = desk.ticker.prepare(edited, after(15)) if ahead else None
        if prepared is not None:
            ledger = desk.ledger
            assert isinstance(ledger, Paper)
            past = ledger.observations(prepared.accounts, prepared.since)
            prepared.take(each for each in past if each.fetched_at < prepared.before)
        desk.see(20, equity=Decimal(1020))
        if met:
            desk.tick(21, answer(seen(21, fields(equity=Decimal(2000)), TWO), listing=[ONE, TWO]))
        desk.ticker.reload(edited, after(25), prepared)
        told = [desk.see(30, equity=Decimal(995)), desk.see(40, equity=Decimal(985))]
        other = desk.tick(41, answer(seen(41, fields(equity=Decimal(1940)), TWO)))
        drawdowns.append([[step for step in steps(each) if step.startswith("peak")] for each in (*told, other)])

    assert drawdowns[0] == drawdowns[1]
    assert drawdowns[0] == [[], ["peak:inactive>firing:held"], ["peak:inactive>firing:held"] if met else []]


def test_what_time_brought_before_is_decided_by_the_old_rules() -> None:
    """A reminder that is due when rules are reloaded is that of the rule it is due by."""
    desk = Desk(ruling(usage_rule(remind_every=timedelta(seconds=30))))
    desk.see(0, "0.95")
    desk.see(20, "0.95")

    assert steps(desk.reload(31, ruling(usage_rule(), revision="r2"))) == ["usage:firing>firing:remind"]


class Refusing(Paper):
    """A ledger that refuses commits for a while."""

    refusals = 0

    def commit(self, commit: Commit) -> Committed:
        """Refuse, or keep it."""
        if self.refusals:
            self.refusals -= 1
            raise DatabaseBusyError(where="there")
        return Paper.commit(self, commit)


@pytest.mark.parametrize("refusals", [1, 2, 3])
def test_a_reload_that_cannot_be_stored_is_repeated_until_it_is(refusals: int) -> None:
    """Until then the old rules are in force; it closes and tells once."""
    ledger = Refusing()
    desk = Desk(ruling(usage_rule()), ledger)
    desk.see(0, "0.95")
    before, fewer = desk.ticker.ruling, ruling(CALL, revision="r2")
    ledger.refusals = refusals
    for _ in range(refusals):
        with pytest.raises(DatabaseBusyError):
            desk.reload(5, fewer)
        assert desk.ticker.ruling is before
    desk.reload(6, fewer)

    assert desk.ticker.ruling is fewer
    assert desk.told() == ["usage:firing:critical", "usage:closed:critical"]
    assert ledger.commits[-1].revision == "r2"
    assert ledger.commits[-2].revision == "r1"


def test_a_reload_after_a_tick_in_doubt_commits_that_first() -> None:
    """What was decided by the old rules stays as it was decided, and the reload follows."""
    ledger = Refusing()
    desk = Desk(ruling(usage_rule()), ledger)
    desk.see(0, "0.5")
    ledger.refusals = 1
    with pytest.raises(DatabaseBusyError):
        desk.see(10, "0.95")
    desk.reload(11, ruling(CALL, revision="r2"))

    assert desk.told() == ["usage:firing:critical", "usage:closed:critical"]


def test_a_second_rejection_is_told_where_it_says_another_thing() -> None:
    """Whoever edits once more and is wrong again hears of it, acknowledged or not; the same again is no news."""
    desk = Desk(ruling(usage_rule()))
    told = [
        steps(desk.tick(second, ReloadState(problems)))
        for second, problems in enumerate([("a",), ("a",), ("b",), ("b", "c"), ("b", "c"), (), ("b",)])
    ]

    again = ["reload-rejected:firing>firing:other_trouble"]
    fires = ["reload-rejected:inactive>firing:held"]
    assert told == [fires, [], again, again, [], ["reload-rejected:firing>resolved:cleared"], fires]
    assert desk.told() == [
        "reload-rejected:firing:critical",
        "reload-rejected:reminder:critical",
        "reload-rejected:reminder:critical",
        "reload-rejected:resolved:critical",
        "reload-rejected:firing:critical",
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_venue_that_is_taken_up_again_has_its_time_to_answer(*, restarts: bool) -> None:
    """An account that fails in its first cycles is stale only once nothing has come for `stale_after`."""
    desk = Desk(ruling(USAGE))
    whole = desk.rules
    desk.tick(1, answer(seen(1, fields()), seen(1, fields(), TWO), listing=[ONE, TWO]), cycle_end(1))
    desk.reload(10, replace(whole, venues={}))
    desk.reload(1000, whole)
    for second in (1001, 1010, 1059, 1061):
        assert desk.told() == []
        desk.tick(second, answer(seen(second, fields()), listing=[ONE, TWO]), failed(second, TWO), cycle_end(second))
        if restarts:
            assert isinstance(desk.ledger, Paper)
            desk.ledger.prior = left_by(desk.ticker.memory)
            desk.start(second)

    assert desk.told() == ["data-stale:firing:critical"]

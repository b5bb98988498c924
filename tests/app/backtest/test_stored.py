"""The store's past: thinned stretches are filled, and a span begins with what led to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.backtest.play import Play
from marginwatch.app.backtest.stored import LONGEST_HELD, StoredPast
from marginwatch.store.retention import Retention
from support.desk import Desk, after, answer, call_rule, cycle_end, failed, fields, ruling, seen, usage_rule, wrap
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.store.store import Store

RULES = ruling(usage_rule(hold=timedelta(minutes=5)), call_rule())
MINUTE = timedelta(minutes=1)
DAY = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with owned(tmp_path) as opened:
        yield opened


def steps(play: Play, past: StoredPast) -> list[str]:
    found = (each for moment in play.take(list(past)) for each in moment.transitions)
    return [f"{each.key.rule}:{each.reason.value}" for each in found]


def filled(store: Store, until: int) -> Desk:
    """Every ten seconds an answer; in breach from minute 3 to minute 10."""
    desk = Desk(RULES, store)
    for second in range(0, until, 10):
        desk.see(second, "0.85" if 180 <= second < 600 else "0.5")
    return desk


def test_a_thinned_stretch_is_decided_nearly_as_it_was(store: Store) -> None:
    """What did not change is seen again each minute, so that timers count as they did."""
    desk = filled(store, 900)
    live = [f"{each.key.rule}:{each.reason.value}" for each in desk.transitions]
    keep = Retention(timedelta(days=400), timedelta(hours=1))
    store.prune(after(DAY), keep)
    desk.see(900, "0.5")
    past = StoredPast(store.history, after(0), after(DAY), MINUTE)
    play = Play(RULES, RULES.revision)

    assert steps(play, past) == live == ["usage:became_true", "usage:held", "usage:cleared"]
    assert past.thinned_until is not None
    assert not play.exact


def test_what_was_seen_long_ago_is_not_seen_again(store: Store) -> None:
    """A value is taken to hold for a day at most."""
    desk = filled(store, 120)
    store.prune(after(DAY), Retention(timedelta(days=400), timedelta(hours=1)))
    desk.see(5 * DAY, "0.5")
    turns = list(StoredPast(store.history, after(0), after(10 * DAY), timedelta(hours=1)))
    seen_at = [each.fetched_at for turn in turns for each in turn.observations()]

    assert after(5 * DAY) - seen_at[-2] > timedelta(days=3)
    assert seen_at[-2] - seen_at[0] <= LONGEST_HELD + MINUTE


def test_other_rules_have_timers_of_their_own(store: Store) -> None:
    """What did not run then is decided with the timers it would have had, through restarts and outages."""
    desk = Desk(ruling(call_rule(), revision="before"), store)
    for second in range(0, 300, 10):
        desk.see(second, "0.85")
    for second in range(300, 400, 10):
        desk.ticker.tick([failed(second, None), cycle_end(second)], after(second))
    desk.start(400)
    desk.ticker.tick([wrap(answer(seen(410, fields("0.85"))))], after(410))
    play = Play(ruling(usage_rule(hold=MINUTE, remind_every=2 * MINUTE)), "now")
    found = steps(play, StoredPast(store.history, after(0), after(DAY), MINUTE))

    assert (play.differed, play.exact) == (True, False)
    assert [each.removeprefix("usage:") for each in found if each.startswith("usage")] == [
        *("became_true", "already_true", "remind", "remind", "data_lost", "data_back"),
    ]


def test_variants_are_silenced_by_nobody(store: Store) -> None:
    """Operators' wishes are those of the rules that ran; accounts given up are gone for all."""
    desk = filled(store, 500)
    (alert,) = [each for each in desk.ticker.memory.alerts() if each.key.rule == "usage"]
    store.operators.acknowledge(alert.alert_id, by="ann", note="", now=after(500), until=None)
    store.operators.forget(alert.key.account, by="ann", now=after(501))
    desk.see(510, "0.85")
    past = list(StoredPast(store.history, after(0), after(DAY), MINUTE))
    tried, live = Play(RULES, None), Play(RULES, RULES.revision)
    for play in (tried, live):
        assert "usage:forgotten" in [f"{t.key.rule}:{t.reason.value}" for m in play.take(past) for t in m.transitions]
    assert tried.accounts.keys() == live.accounts.keys()

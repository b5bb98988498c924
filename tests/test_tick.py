"""What a tick does when something in it goes wrong: nothing is lost by it, and nothing told twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch import tick
from marginwatch.core.model import FailureKind
from marginwatch.notify import wording
from marginwatch.store.errors import DatabaseBusyError, DatabaseFullError, StoreError
from marginwatch.store.store import Store
from marginwatch.store.types import OperatorInput, Request, RequestKind
from marginwatch.venues.protocol import Fetched, Part
from support.desk import ONE, TWO, VENUE, Desk, Paper, after, answer, cycle_end, fields, ruling, seen, usage_rule, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.core.engine import Answer
    from marginwatch.core.model import Normalised
    from marginwatch.core.state import Commit
    from marginwatch.store.types import Committed


def poison(seconds: float) -> Fetched:
    """An answer of the second account on which the adapter itself fails."""
    return Fetched(VENUE, TWO, {"all": Part(b"poison", after(seconds))}, after(seconds))


def test_an_answer_the_adapter_fails_on_costs_no_other() -> None:
    """The other accounts' news are decided in the same tick, and the account's own trouble is told with its cause."""
    desk = Desk(ruling(usage_rule()))
    desk.tick(0, answer(seen(0, fields()), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
    for second in range(10, 80, 10):
        usage = "0.95" if second == 10 else "0.96"
        desk.tick(second, poison(second), wrap(answer(seen(second, fields(usage)))), cycle_end(second))

    assert desk.told() == ["usage:firing:critical", "answer-malformed:firing:warning", "data-stale:firing:critical"]
    assert "by a fault of its own (ValueError)" in desk.messages[-1].body


def test_a_message_whose_words_fail_goes_out_in_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is to be told is told, with every key a machine reads."""

    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(wording, "render", fail)
    desk = Desk(ruling(usage_rule()))
    desk.see(0, "0.95")
    (plain, _) = desk.messages
    monkeypatch.undo()
    usual = Desk(ruling(usage_rule()))
    usual.see(0, "0.95")

    assert plain.title == "CRITICAL, firing: usage desk/one"
    assert "by a fault of marginwatch" in plain.body
    assert plain.payload == {**usual.messages[0].payload, "value": "", "limit": ""}
    assert (plain.alert_id, plain.number) == (usual.messages[0].alert_id, 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An owned store."""
    opened = Store.open(f"sqlite:///{tmp_path}/marginwatch.db")
    opened.own()
    yield opened
    opened.close()


def test_a_commit_that_got_through_after_all_is_not_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks just after the commit: the tick goes on from it, with one alert and one message."""

    def broken(_: object) -> None:
        raise DatabaseBusyError(where="there")

    desk = Desk(ruling(usage_rule()), ledger=store)
    batch = [wrap(answer(seen(10, fields("0.95")), listing=[ONE]))]
    with monkeypatch.context() as breaking:
        breaking.setattr(store, "_learn", broken)
        with pytest.raises(StoreError):
            desk.ticker.tick(batch, after(10))
    desk.ticker.tick(batch, after(12))
    desk.see(20, "0.96")

    assert len(store.load_prior().alerts) == 1
    assert len(store.outbox.rows()) == len(desk.rules.receivers)


def test_what_a_full_disk_refused_is_committed_once_there_is_room(store: Store) -> None:
    """The decision is held as it was made: nothing of it is lost, told twice or decided anew."""
    desk = Desk(ruling(usage_rule()), ledger=store)
    desk.see(0)
    with store._database.raw() as raw:
        raw.execute("PRAGMA max_page_count=1")  # as many as there are: nothing may be added
    ballast = {f"note {number}": str(number) * 900 for number in range(50)}
    batch = [wrap(answer(seen(10, {**fields("0.95"), **ballast}), listing=[ONE]))]
    for second in (10, 12):
        with pytest.raises(DatabaseFullError):
            desk.ticker.tick(batch, after(second))
    assert [store.load_prior().alerts, store.outbox.rows(), desk.transitions] == [(), [], []]
    with store._database.raw() as raw:
        raw.execute("PRAGMA max_page_count=1000000")
    desk.ticker.tick(batch, after(14))
    desk.see(20, "0.96")

    (step,) = store.history.transitions()
    assert (step.at, step.value) == (after(10), Decimal("0.95"))
    assert [row.created_at for row in store.outbox.rows()] == [after(10)] * len(desk.rules.receivers)
    seconds = [each.observation.fetched_at for each in store.history.observations(ONE, after(0), after(99))]
    assert seconds == [after(0), after(10), after(20)]


class Refusing(Paper):
    """A ledger that refuses as long as it is told to."""

    refuse = True

    def commit(self, commit: Commit) -> Committed:
        """Keep it, or not."""
        if self.refuse:
            raise DatabaseBusyError(where="there")
        return Paper.commit(self, commit)


def test_what_was_refused_is_committed_before_anything_new() -> None:
    """The words and times are those of when it was decided, and other news follow."""
    ledger = Refusing()
    desk = Desk(ruling(usage_rule()), ledger=ledger)
    with pytest.raises(StoreError):
        desk.see(0, "0.95")
    ledger.refuse = False
    desk.see(30, "0.5")

    assert desk.told() == ["usage:firing:critical", "usage:resolved:critical"]
    assert [step.at for step in desk.transitions] == [after(0), after(30)]


def pages_of(desk: Desk, *pages: Answer) -> list[Fetched]:
    """A batch of one answer that the adapter reads in these pages."""
    desk.ticker.normalisers = {VENUE: lambda _: iter([page.normalised for page in pages])}
    return [wrap(pages[0])]


def test_an_answer_for_very_many_accounts_takes_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page as if it had come in parts: all of it is decided, and each part is on record before the next."""
    monkeypatch.setattr(tick, "MOST", 1)
    ledger = Paper()
    desk = Desk(ruling(usage_rule()), ledger=ledger)
    good, bad = seen(0, fields()), seen(0, fields("0.95"), TWO)
    ticked = desk.ticker.tick(pages_of(desk, answer(good, listing=[ONE, TWO]), answer(bad)), after(0))

    assert [len(commit.observations) for commit in ledger.commits if commit.observations] == [1, 1]
    assert [bool(commit.seen and commit.seen.listings) for commit in ledger.commits[-2:]] == [True, False]
    assert (ticked.messages, ticked.transitions) == (2, 1)


def test_a_refused_part_of_an_answer_holds_up_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given again after the refusal, the batch goes on where it stopped: nothing is told twice or left out."""
    monkeypatch.setattr(tick, "MOST", 1)
    ledger = Refusing()
    desk = Desk(ruling(usage_rule()), ledger=ledger)
    bad = [answer(seen(0, fields("0.95"), account)) for account in (ONE, TWO)]
    batch = pages_of(desk, *bad)
    for _ in range(2):
        with pytest.raises(StoreError):
            desk.ticker.tick(batch, after(0))
    ledger.refuse = False
    desk.ticker.tick(batch, after(5))

    assert desk.told() == ["usage:firing:critical"] * 2
    assert [step.key.account for step in desk.transitions] == [ONE, TWO]


def test_a_page_that_cannot_be_read_costs_what_follows_alone() -> None:
    """The pages before it count, and somebody hears of the rest."""
    ledger = Paper()
    desk = Desk(ruling(usage_rule()), ledger=ledger)

    def breaking(_: Fetched) -> Iterator[Normalised]:
        yield answer(seen(0, fields("0.95")), listing=[ONE]).normalised
        raise ValueError

    desk.ticker.normalisers = {VENUE: breaking}
    desk.ticker.tick([wrap(answer())], after(0))

    assert desk.told() == ["usage:firing:critical"]
    assert [failure.kind for commit in ledger.commits for failure in commit.failures] == [FailureKind.BAD_ANSWER]


def test_a_clock_set_forward_is_no_silence_of_the_venue() -> None:
    """An hour that nobody lived through makes no data stale and no alert unknown; silence from then on does."""
    desk = Desk(ruling(usage_rule()))
    desk.see(0, "0.95")
    desk.see(10, "0.95")
    desk.ticker.look_anew(after(3620))
    desk.tick(3620)
    assert desk.told() == ["usage:firing:critical"]

    desk.tick(3620 + 59)
    assert desk.told() == ["usage:firing:critical"]
    due = desk.ticker.next_timer()
    assert due == after(3620) + timedelta(seconds=60)
    desk.tick(3620 + 60)

    assert desk.told()[1:] == ["data-stale:firing:critical", "usage:unknown:critical"]


def test_operators_wishes_survive_a_refused_commit() -> None:
    """A request that met a store that refuses is carried out once, when it commits again."""
    ledger = Refusing()
    ledger.refuse = False
    desk = Desk(ruling(usage_rule()), ledger=ledger)
    desk.see(0, "0.95")
    ledger.wishes = OperatorInput(1, (), {}, (Request(7, RequestKind.FORGET, ONE, "jo", after(5)),))
    ledger.refuse = True
    with pytest.raises(StoreError):
        desk.tick(10)
    ledger.refuse = False
    desk.tick(20)
    desk.tick(30)

    assert [commit.requests for commit in ledger.commits] == [(), (7,)]
    assert desk.told() == ["usage:firing:critical", "usage:closed:critical"]


def test_the_log_is_as_loud_as_the_trouble() -> None:
    """What begins or gets worse stands out where only warnings are read, critical above the rest; its end does not."""
    desk = Desk(ruling(usage_rule()))
    with capture_logs() as logs:
        for second, usage in enumerate(("0.5", "0.85", "0.95", "0.85", "0.5")):
            desk.see(second * 10, usage)

    told = [(entry["after"], entry["severity"], entry["log_level"]) for entry in logs if entry["event"] == "transition"]
    assert told == [
        ("firing", "warning", "warning"),
        ("firing", "critical", "error"),
        ("firing", "warning", "info"),
        ("resolved", "warning", "info"),
    ]

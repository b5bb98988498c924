"""The engine from news to messages, on a made-up venue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marginwatch.core.alert import Acknowledgement, Silence
from marginwatch.core.engine import Answer, ClockJump, Wishes, decide, remember
from marginwatch.core.health import ReceiverState
from marginwatch.core.model import AccountKey, FailureKind, Normalised, Severity
from marginwatch.core.route import Receiver
from marginwatch.core.rule import Level, RuleKind, Selector
from marginwatch.store.types import OperatorInput, Request, RequestKind
from support.desk import (
    ALL_RULES,
    ONE,
    STALE_AFTER,
    TWO,
    VENUE,
    Desk,
    Paper,
    after,
    answer,
    call_rule,
    cycle_end,
    failed,
    fields,
    ruling,
    seen,
    steps,
    usage_rule,
)


def test_a_breach_is_told_once_and_its_end_once() -> None:
    """A value over its limit fires, stays quiet while it lasts, and resolves on a good answer."""
    desk = Desk()
    desk.see(0)
    desk.see(10, "0.85")
    desk.see(20, "0.86")
    desk.see(30, "0.5")
    desk.see(40, "0.5")

    assert desk.told() == ["usage:firing:warning", "usage:resolved:warning"]


def test_levels_reach_receivers_by_severity_and_close_what_was_told() -> None:
    """The pager hears from critical on, and of the end although it is milder."""
    desk = Desk()
    for second, usage in ((0, "0.5"), (10, "0.85"), (20, "0.95"), (30, "0.85"), (40, "0.5")):
        desk.see(second, usage)

    assert desk.told("pager") == ["usage:worsened:critical", "usage:eased:warning", "usage:resolved:warning"]


def test_an_outage_resolves_nothing_and_returns_quietly() -> None:
    """While the venue fails the alert keeps firing, and the venue's own alert says all there is to say."""
    desk = Desk()
    desk.see(0)
    desk.see(10, "0.95")
    for second in range(20, 100, 10):
        desk.lose(second)
    desk.see(100, "0.95")

    assert desk.told() == [
        "usage:firing:critical",
        "venue-unreachable:firing:critical",
        "venue-unreachable:resolved:critical",
    ]
    assert [str(step.state) for step in desk.transitions if step.key.rule == "usage"] == [
        "firing",
        "unknown",
        "reminder",
    ]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (FailureKind.UNREACHABLE, "venue-unreachable"),
        (FailureKind.TIMED_OUT, "venue-unreachable"),
        (FailureKind.SERVER_ERROR, "venue-unreachable"),
        (FailureKind.RATE_LIMITED, "venue-unreachable"),
        (FailureKind.REFUSED, "login-refused"),
        (FailureKind.BAD_ANSWER, "answer-malformed"),
    ],
)
def test_a_failing_venue_is_told_by_kind(kind: FailureKind, rule: str) -> None:
    """Each way a whole venue fails has its own alert, after three cycles and 30 s, and resolves at once."""
    desk = Desk()
    desk.see(0)
    for second in (10, 20, 30):
        assert [step for step in desk.lose(second, kind) if step.state] == []
    desk.lose(40, kind)
    desk.see(50)

    assert [f"{rule}:firing:critical", f"{rule}:resolved:critical"] == desk.told()


def test_one_account_that_fails_is_told_when_its_data_are_stale() -> None:
    """An account without a good answer for `stale_after` is told of, with the venue well."""
    desk = Desk()
    desk.tick(0, answer(seen(0, fields()), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
    for second in range(10, 80, 10):
        desk.tick(second, answer(seen(second, fields())), failed(second, TWO), cycle_end(second))
    desk.tick(80, answer(seen(80, fields()), seen(80, fields(), TWO)), cycle_end(80))

    assert desk.told() == ["data-stale:firing:critical", "data-stale:resolved:critical"]


def test_a_null_field_is_told_as_blind_rules_and_never_resolves() -> None:
    """A field that turns null leaves its alert firing; one health alert lists the rules that are blind."""
    desk = Desk()
    desk.see(0)
    desk.see(10, "0.95")
    for second in range(20, 90, 10):
        desk.see(second, None)

    told = desk.told()
    assert "usage:resolved:critical" not in told
    assert told.count("data-stale:firing:warning") == 1
    stale = next(each for each in desk.transitions if each.key.rule == "data-stale")
    assert "usage" in stale.detail


def test_an_account_that_stays_silent_is_told_by_time_alone() -> None:
    """When not even a failure arrives, the timer raises it."""
    desk = Desk()
    desk.see(0)
    assert after(60) == desk.ticker.next_timer()

    desk.tick(59.9)
    desk.tick(60)

    assert desk.told() == ["data-stale:firing:critical"]


def test_an_answer_with_old_numbers_is_unknown() -> None:
    """An `as_of` older than `max_age` fires nothing and resolves nothing."""
    desk = Desk()
    desk.tick(0, answer(seen(0, fields("0.95")), listing=[ONE]), cycle_end(0))
    for second in range(10, 80, 10):
        desk.tick(second, answer(seen(second, fields("0.5"), as_of=second - 1000)), cycle_end(second))

    assert desk.told() == ["usage:firing:critical", "usage:unknown:critical", "data-stale:firing:critical"]


def test_a_malformed_answer_is_told() -> None:
    """An account whose answers are not as documented three times in a row is told of, with where."""
    desk = Desk()
    desk.tick(0, answer(seen(0, fields()), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
    for second in range(10, 50, 10):
        bad = replace(failed(second, TWO, FailureKind.BAD_ANSWER), where="data.equity")
        desk.tick(second, answer(seen(second, fields())), bad, cycle_end(second))
    assert desk.told() == ["answer-malformed:firing:warning"]

    partly = replace(seen(50, fields(), TWO), failures=(failed(50, TWO, FailureKind.BAD_ANSWER),))
    desk.tick(50, answer(seen(50, fields()), partly), cycle_end(50))
    assert desk.told() == ["answer-malformed:firing:warning"]
    desk.tick(60, answer(seen(60, fields()), seen(60, fields(), TWO)), cycle_end(60))
    assert desk.told() == ["answer-malformed:firing:warning", "answer-malformed:resolved:warning"]


def test_an_account_that_vanishes_keeps_its_alerts() -> None:
    """Leaving two good lists is told; its open alert stays; coming back resolves the vanishing alone."""
    desk = Desk()
    both = [ONE, TWO]
    desk.tick(0, answer(seen(0, fields()), seen(0, fields("0.95"), TWO), listing=both), cycle_end(0))
    for second in (10, 20, 30):
        desk.tick(second, answer(seen(second, fields()), listing=[ONE]), cycle_end(second))
    desk.tick(40, answer(seen(40, fields()), seen(40, fields("0.95"), TWO), listing=both), cycle_end(40))

    assert desk.told() == [
        "usage:firing:critical",
        "account-vanished:firing:critical",
        "account-vanished:resolved:critical",
    ]


def test_a_venue_without_an_account_to_watch_is_told() -> None:
    """A config that selects none of the listed accounts is not a quiet success."""
    desk = Desk(ruling(*ALL_RULES, accounts=["three"]))
    for second in range(0, 50, 10):
        desk.tick(second, answer(listing=[ONE, TWO]), cycle_end(second))

    assert desk.told() == ["nothing-watched:firing:critical"]


def test_an_account_seen_before_it_is_listed_vanishes_like_any_other() -> None:
    """A list that says the same again is still held against the accounts that were met since."""
    desk = Desk()
    for second in (0, 10):
        desk.see(second)
    desk.tick(20, answer(seen(20, fields()), seen(20, fields(), TWO)), cycle_end(20))
    for second in (30, 40):
        desk.see(second)

    assert desk.told() == ["account-vanished:firing:critical"]


def test_an_account_given_up_appears_again_when_it_is_listed() -> None:
    """A list that says the same again is still held against the accounts that are remembered."""
    desk = Desk()
    for second in (0, 10):
        desk.see(second)
    memory = desk.ticker.memory
    remember(memory, decide(memory, desk.rules, (), after(15), Wishes(forget=((1, ONE),))))
    desk.see(20)

    assert desk.told() == ["account-appeared:event:warning"]


def test_a_new_account_is_an_event_and_the_first_list_is_not() -> None:
    """Accounts of the first list have not appeared; a later one has."""
    desk = Desk()
    desk.see(0)
    desk.tick(10, answer(seen(10, fields()), seen(10, fields(), TWO), listing=[ONE, TWO]), cycle_end(10))

    assert desk.told() == ["account-appeared:event:warning"]


def test_a_condition_true_at_first_sight_fires_and_says_so() -> None:
    """What is wrong before we look is told all the same."""
    desk = Desk()
    desk.see(0, "0.95", in_margin_call=True)

    assert {"usage:firing:critical", "call:firing:critical"} == set(desk.told())
    assert all(each.already_true for each in desk.transitions)


def test_an_event_compares_with_the_last_known_value() -> None:
    """A gap between two values hides no difference, and the first sight is no difference."""
    desk = Desk()
    desk.see(0)
    desk.see(10, permissions=None)
    desk.lose(20)
    steps_now = [step for step in desk.see(30, permissions=frozenset({"view"})) if step.state]

    assert steps(steps_now) == ["permissions:inactive>closed:occurred"]
    assert (frozenset({"view", "trade"}), frozenset({"view"})) == (
        steps_now[0].differences[0].before,
        steps_now[0].differences[0].after,
    )


def test_reminders_come_by_time_and_an_acknowledgement_stops_them() -> None:
    """A timer reminds without any answer; acknowledged, nothing reminds until it expires."""
    ledger = Paper()
    desk = Desk(ruling(usage_rule(remind_every=timedelta(seconds=30))), ledger)
    desk.see(0, "0.95")
    desk.tick(30)
    given = Acknowledgement(desk.transitions[0].alert_id, "ann", "", after(31), after(45))
    ledger.wishes = OperatorInput(1, (), {given.alert_id: given}, ())
    desk.tick(31)
    assert after(45) == desk.ticker.next_timer()
    desk.tick(59, answer(seen(59, fields("0.95"))))
    desk.tick(60)

    assert desk.told() == ["usage:firing:critical", "usage:reminder:critical", "usage:reminder:critical"]
    assert after(60) == desk.transitions[-1].at


def test_an_acknowledgement_without_end_lapses_when_things_get_worse() -> None:
    """A higher level voids the acknowledgement and reminders begin again."""
    ledger = Paper()
    desk = Desk(ruling(usage_rule(remind_every=timedelta(seconds=30))), ledger)
    desk.see(0, "0.85")
    given = Acknowledgement(desk.transitions[0].alert_id, "ann", "", after(1), None)
    ledger.wishes = OperatorInput(1, (), {given.alert_id: given}, ())
    desk.see(10, "0.85")
    desk.see(40, "0.85")
    assert desk.told() == ["usage:firing:warning"]
    desk.see(50, "0.95")
    desk.see(80, "0.95")

    assert desk.told() == ["usage:firing:warning", "usage:worsened:critical", "usage:reminder:critical"]
    assert (given.alert_id,) == ledger.commits[-2].lapsed


def test_a_silence_loses_nothing() -> None:
    """What fires in a silence and lasts is told at its end; what fires and ends in it is not; what was told before is
    closed."""
    ledger = Paper()
    desk = Desk(ruling(usage_rule(), call_rule()), ledger)
    desk.see(0, in_margin_call=True)
    ledger.wishes = OperatorInput(1, (Silence(1, "ann", "", after(5), after(35)),), {}, ())
    desk.see(10, "0.95")
    desk.see(20, "0.95")
    assert desk.told() == ["call:firing:critical"]
    ledger.wishes = OperatorInput(2, (Silence(1, "ann", "", after(5), after(35)),), {}, ())
    desk.see(40, "0.95")

    assert desk.told() == ["call:firing:critical", "usage:firing:critical", "call:resolved:critical"]
    assert ledger.commits[-1].settled == (1,)


def test_a_forgotten_account_closes_its_alerts() -> None:
    """An operator's request is carried out once: alerts closed and told, the account gone from memory."""
    ledger = Paper()
    desk = Desk(ledger=ledger)
    desk.see(0, "0.95")
    ledger.wishes = OperatorInput(1, (), {}, (Request(7, RequestKind.FORGET, ONE, "ann", after(5)),))
    desk.tick(10)
    ledger.wishes = OperatorInput(1, (), {}, ())
    desk.tick(100)

    assert desk.told() == ["usage:firing:critical", "usage:closed:critical"]
    assert (ledger.commits[-1].requests, ledger.commits[-1].forgotten) == ((7,), (ONE,))


def test_a_failing_receiver_is_told_through_the_others() -> None:
    """The failing receiver is not told of its own failure."""
    desk = Desk()
    desk.tick(0, ReceiverState("all", failures=3, waiting=1, oldest=after(0), error="refused"))
    desk.tick(10, ReceiverState("all"))

    assert (
        desk.told("all"),
        desk.told("pager"),
    ) == ([], ["receiver-failing:firing:critical", "receiver-failing:resolved:critical"])


def test_a_clock_that_was_set_is_an_event() -> None:
    """An hour's jump is told, a second's is not."""
    desk = Desk()
    desk.tick(0, ClockJump(after(0), after(3601), timedelta(seconds=1)))
    desk.tick(1, ClockJump(after(0), after(2), timedelta(seconds=1)))

    assert desk.told() == ["clock-jumped:event:warning"]


def test_news_of_a_venue_that_left_the_config_is_passed_over() -> None:
    """Late answers of a removed venue change nothing."""
    desk = Desk()
    gone = AccountKey("gone", "one")
    failure = replace(failed(0, gone), venue="gone")
    desk.tick(0, failure, replace(cycle_end(0), venue="gone"))

    assert desk.transitions == []


def test_an_account_the_config_does_not_select_is_passed_over() -> None:
    """Neither its values nor its failures count."""
    desk = Desk(ruling(*ALL_RULES, accounts=["one"]))
    desk.tick(0, answer(seen(0, fields("0.95"), TWO)), failed(0, TWO), cycle_end(0))

    assert desk.told() == []


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (ruling(call_rule(), revision="r2"), "rule_removed"),
        (ruling(usage_rule(selector=Selector(accounts=("two",))), revision="r2"), "scope_changed"),
        (ruling(usage_rule(), accounts=["two"], revision="r2"), "account_removed"),
        (replace(ruling(usage_rule()), venues={}), "account_removed"),
        (ruling(usage_rule(kind=RuleKind.EVENT, expression="changed(permissions)")), "rule_removed"),
    ],
)
def test_what_leaves_the_config_is_closed_at_start(rules: object, reason: str) -> None:
    """An alert that nothing would ever resolve is closed with the reason, and told."""
    desk = _restarted(rules)

    assert [f"usage:firing>closed:{reason}"] == steps(desk.transitions[1:])
    assert desk.told()[-1] == "usage:closed:critical"


def test_an_edited_rule_keeps_its_alert() -> None:
    """Other limits under the same id go on with the same alert, and the next message says that the rule changed."""
    edited = usage_rule(
        levels=(Level(Severity.WARNING, ">", usage_rule().levels[0].limit, usage_rule().levels[0].clear),),
        revision="2",
    )
    desk = _restarted(ruling(edited, revision="r2"))
    desk.see(20, "0.5")

    assert steps(desk.transitions[1:]) == ["usage:firing>resolved:cleared"]
    assert desk.transitions[0].alert_id == desk.transitions[-1].alert_id
    assert desk.transitions[-1].rule_changed


def test_alerts_about_ourselves_and_health_survive_a_change_of_rules() -> None:
    """What marginwatch says of itself and of its data does not hang on rule files."""
    desk = Desk()
    desk.see(0)
    for second in range(10, 50, 10):
        desk.lose(second)
    desk.tick(50, ReceiverState("all", failures=3))
    open_before = tuple(desk.ticker.memory.alerts())
    prior = replace(Paper().load_prior(), alerts=open_before, accounts=desk.ticker.memory.accounts)
    again = Desk(ruling(call_rule(), revision="r2"), Paper(prior=prior))

    assert again.transitions == []
    assert {"venue-unreachable", "receiver-failing"} == {alert.key.rule for alert in again.ticker.memory.alerts()}


def test_a_receiver_that_was_not_told_hears_when_it_gets_bad_enough() -> None:
    """A receiver of critical alerts alone hears of one when it becomes critical."""
    desk = Desk(ruling(usage_rule(), receivers=(Receiver("pager", Severity.CRITICAL),)))
    desk.see(0, "0.85")
    assert desk.told("pager") == []
    desk.see(10, "0.95")

    assert desk.told("pager") == ["usage:worsened:critical"]


def test_a_tick_without_news_leaves_no_row() -> None:
    """Nothing is committed when nothing arrived and nothing was due."""
    ledger = Paper()
    desk = Desk(ledger=ledger)
    desk.tick(1)
    desk.tick(2)

    assert ledger.commits == []


def test_a_commit_that_fails_changes_nothing() -> None:
    """The same news after a refused commit gives the same decisions."""

    class Refusing(Paper):
        refuse = True

        def commit(self, commit: object) -> object:  # type: ignore[override]  # it only refuses
            if self.refuse:
                raise OSError
            return super().commit(commit)  # type: ignore[arg-type]  # passed on as it came

    ledger = Refusing()
    desk = Desk(ledger=ledger)
    with pytest.raises(OSError):  # noqa: PT011  (whatever the ledger raises)
        desk.see(0, "0.95")
    ledger.refuse = False
    desk.see(0, "0.95")

    assert desk.told() == ["usage:firing:critical"]


def test_unchanged_observations_are_marked() -> None:
    """An equal answer is stored as unchanged, but for the first after a change; a different one is not."""
    ledger = Paper()
    desk = Desk(ledger=ledger)
    for second, usage in ((0, "0.5"), (10, "0.5"), (20, "0.5"), (30, "0.6")):
        desk.see(second, usage)

    assert [commit.observations[0].unchanged for commit in ledger.commits] == [False, False, True, False]


def test_staleness_waits_until_we_have_looked_for_long_enough() -> None:
    """After a long stop of ours, the first failed fetch is no news of a silent account."""
    desk = Desk()
    desk.tick(0, answer(seen(0, fields()), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
    memory = desk.ticker.memory
    prior = replace(Paper().load_prior(), accounts=memory.accounts, venues=memory.venues)
    again = Desk(ledger=Paper(prior=prior))
    again.start(1000)
    again.tick(1005, answer(seen(1005, fields())), failed(1005, TWO), cycle_end(1005))
    assert again.told() == []
    again.tick(1060, answer(seen(1060, fields())), failed(1060, TWO), cycle_end(1060))

    assert again.told() == ["data-stale:firing:critical"]
    assert timedelta(seconds=60) == STALE_AFTER


def test_an_answer_before_any_listing_is_taken() -> None:
    """When the list fails and the account still answers, it is known by its id."""
    desk = Desk()
    desk.tick(0, answer(seen(0, fields("0.95"))), cycle_end(0))

    assert desk.told() == ["usage:firing:critical"]
    assert VENUE in desk.messages[0].title


def _restarted(rules: object) -> Desk:
    """A desk that fired at second 0 under the usage rule, started again under other rules."""
    desk = Desk(ruling(usage_rule()))
    desk.see(0, "0.95")
    memory = desk.ticker.memory
    prior = replace(Paper().load_prior(), accounts=memory.accounts, venues=memory.venues, alerts=tuple(memory.alerts()))
    desk.ledger = Paper(prior=prior)
    desk.start(10, rules)  # type: ignore[arg-type]  # parametrised as object
    return desk


def test_the_times_of_an_observation_are_no_news_and_can_be_asked_for() -> None:
    """Numbers that stay the same are stored as unchanged although their time moves; a rule may look at their age."""
    old = call_rule(id="old", title="Old numbers", expression='age > "1m"')
    ledger = Paper()
    desk = Desk(ruling(old), ledger)
    for second, made in ((0, 0), (10, 10), (20, 15), (100, 20)):
        desk.tick(second, answer(seen(second, fields(), as_of=made), listing=[ONE]), cycle_end(second))

    assert desk.told() == ["old:firing:critical"]
    marks = [commit.observations[0].unchanged for commit in ledger.commits if commit.observations]
    assert marks == [False, False, True, True]


def test_a_rule_that_breaks_is_told_and_breaks_no_other() -> None:
    """A value of a type that its catalogue does not promise breaks its rule alone; the alert ends with the fault."""
    desk = Desk(ruling(usage_rule(), call_rule(id="rich", expression="equity > 5000")))
    desk.see(0)
    desk.see(10, "0.95", equity="a text")
    desk.see(20, "0.95")

    assert desk.told() == ["usage:firing:critical", "rule-broken:firing:critical", "rule-broken:resolved:critical"]
    assert "rich" in next(each.detail for each in desk.transitions if each.key.rule == "rule-broken")


def test_an_answer_of_a_venue_that_left_the_config_is_passed_over() -> None:
    """What still comes from it changes nothing."""
    desk = Desk(replace(ruling(usage_rule()), venues={}))
    desk.tick(0, answer(seen(0, fields("0.95")), listing=[ONE]))

    assert desk.transitions == []


def test_an_account_that_never_answered_and_is_not_listed_is_no_alert() -> None:
    """A failure of an account nobody knows says nothing at the cycle's end."""
    desk = Desk()
    desk.see(0)
    desk.tick(10, answer(seen(10, fields())), failed(10, AccountKey(VENUE, "nobody")), cycle_end(10))

    assert desk.told() == []


def test_failures_inside_an_answer_count_as_those_beside_it() -> None:
    """What normalising finds wrong is a failure of that account, whoever found it."""
    desk = Desk()
    desk.tick(0, answer(seen(0, fields()), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
    for second in range(10, 50, 10):
        bad = failed(second, TWO, FailureKind.BAD_ANSWER)
        news = Answer(VENUE, Normalised(observations=(seen(second, fields()),), failures=(bad,)))
        desk.tick(second, news, cycle_end(second))

    assert desk.told() == ["answer-malformed:firing:warning"]


def test_a_call_that_fails_beside_a_good_one_says_nothing_of_malformed_answers() -> None:
    """An answer in part, without a malformed one, neither begins nor ends that alert."""
    desk = Desk()
    desk.see(0)
    for second in (10, 20, 30):
        partly = replace(seen(second, fields()), failures=(failed(second),))
        desk.tick(second, answer(partly), cycle_end(second))

    assert desk.told() == []


def test_answers_that_are_decided_on_late_are_told_once_as_old() -> None:
    """A machine that lags behind says so once, not that data are lost and back with every answer."""
    desk = Desk(ruling(usage_rule()))
    desk.see(0)
    desk.see(10, "0.95")
    for second in range(20, 120, 10):
        desk.tick(second + 65, answer(seen(second, fields("0.95")), listing=[ONE]), cycle_end(second))
    late = desk.told()
    desk.see(190, "0.95")

    assert late == ["usage:firing:critical", "usage:unknown:critical", "data-stale:firing:critical"]
    assert desk.told()[len(late) :] == ["usage:reminder:critical", "data-stale:resolved:critical"]

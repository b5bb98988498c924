"""Rules over groups of accounts at two venues."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core import health
from marginwatch.core.applied import UncheckedRuleError
from marginwatch.core.fields import Unit
from marginwatch.core.model import Severity
from marginwatch.core.rule import Level, RuleKind
from support.desk import after, steps
from support.family import (
    FAMILY,
    HEDGE,
    LISTS,
    OTHER,
    SPOT,
    Family,
    cycle_end,
    failed,
    fields,
    group,
    listed,
    member,
    only_of,
    rule_of,
    ruling,
    seen,
    usage_rule,
)
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Answer
    from marginwatch.core.groups import Group
    from marginwatch.core.model import Value
    from marginwatch.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A real one."""
    with owned(tmp_path) as found:
        yield found


def of_group(transitions: list[Transition]) -> list[str]:
    return steps([each for each in transitions if each.key.account == FAMILY])


def test_a_group_is_judged_by_the_sums_over_its_accounts() -> None:
    """One account is at 95 %, and both together are at 85 %: the group has a warning of its own."""
    family = Family(ruling(usage_rule()))

    told = family.both(10, fields("1000", "950"), fields("1000", "750"))

    assert steps(told) == ["usage:inactive>firing:already_true"]
    assert (told[0].key.account, told[0].value, told[0].severity) == (FAMILY, Decimal("0.85"), Severity.WARNING)
    assert family.messages[0].payload["venue"] == "group"
    assert family.messages[0].payload["account"] == "family"


def test_what_is_told_of_a_group(snapshot: SnapshotAssertion) -> None:
    """The message names the group and says how old the oldest of its numbers are."""
    family = Family(ruling(usage_rule()))

    family.tick(10, *LISTS, seen(10, HEDGE, fields("1000", "950")))
    family.tick(25, seen(25, SPOT, fields("1000", "750"), as_of=20))

    (message,) = family.messages
    assert (message.title, message.body, dict(message.payload)) == snapshot


def test_nothing_is_said_before_every_account_has_answered() -> None:
    """The sum of the accounts that happened to answer first is not the sum of the group."""
    family = Family(ruling(rule_of("sum(equity) < 1_500")))

    assert family.tick(10, listed(HEDGE), seen(10, HEDGE, fields("1000"))) == []
    assert family.tick(11, listed(SPOT)) == []
    assert family.said()["sum(equity)"] is None
    assert family.tick(12, seen(12, SPOT, fields("1000"))) == []
    assert family.said()["sum(equity)"] == 2000


def test_a_group_of_which_nothing_was_ever_heard_says_nothing() -> None:
    """A failure before the first answer is told of the account."""
    family = Family(ruling(usage_rule()))

    assert family.tick(10, *LISTS, failed(10)) == []
    assert [each for commit in family.commits for each in commit.observations] == []


@pytest.mark.parametrize("lost", ["null", "missing", "failed", "venue", "silent", "apart", "old", "unlisted"])
def test_a_missing_leg_makes_the_sum_unknown_and_never_smaller(lost: str, snapshot: SnapshotAssertion) -> None:
    """Whatever keeps one account from being known: nothing fires and nothing is resolved by what is left."""
    family = Family(ruling(rule_of("sum(equity) < 1_500"), rule_of("sum(equity) > 1_500", id="more")))
    family.both(10, fields(), fields())
    family.tick(11, cycle_end(11))
    second = 30.0
    others = {
        "null": lambda: family.tick(30, seen(30, SPOT, fields(None))),
        "missing": lambda: family.tick(30, seen(30, SPOT, {"currency": "USD"})),
        "failed": lambda: family.tick(30, failed(30)),
        "venue": lambda: family.tick(30, failed(30, None), cycle_end(30)),
        "silent": lambda: family.tick(60, seen(60, HEDGE, fields())),
        "apart": lambda: family.tick(200, seen(200, SPOT, fields(), as_of=40)),
        "old": lambda: family.tick(2000, seen(2000, SPOT, fields(), as_of=10)),
        "unlisted": lambda: family.tick(30, listed(venue="fx")),
    }
    others[lost]()
    second = {"silent": 80.0, "apart": 205.0, "old": 2001.0}.get(lost, second)

    told = family.tick(second + 1, seen(second + 1, HEDGE, fields("900")))

    assert family.said()["sum(equity)"] is None
    assert [each for each in told if each.key.rule == "rule"] == []
    alerts = family.ticker.memory.open[FAMILY]
    assert [alert.because for key, alert in alerts.items() if key.rule == "more"] == snapshot
    back = {step for step in of_group(family.tick(second + 2, *LISTS, *_good(second + 2))) if "data-stale" not in step}
    assert back <= {"more:firing>firing:data_back"}
    assert family.said()["sum(equity)"] == 2000


def _good(second: float) -> tuple[Answer, Answer]:
    return seen(second, HEDGE, fields()), seen(second, SPOT, fields())


def test_one_account_in_trouble_is_enough_for_any() -> None:
    """`any` is true by the account that answers, whatever is not known of the other; `all` is false by one."""
    family = Family(ruling(rule_of("any(in_margin_call)"), rule_of("not all(equity > 500)", id="poor")))
    family.both(10, fields(), fields())

    family.tick(20, failed(20))
    told = family.tick(21, seen(21, HEDGE, fields("100", in_margin_call=True)))

    assert steps(told) == ["rule:inactive>firing:held", "poor:inactive>firing:held"]
    assert told[0].as_of == after(21)


def test_every_function_of_the_accounts() -> None:
    """Sum, least, most, mean and number of accounts."""
    texts = ("sum(equity)", "min(equity)", "max(equity - margin_used)", "mean(equity)", "count(equity > 1_500)")
    family = Family(ruling(*(rule_of(f"{text} > 5_000", id=f"rule-{n}") for n, text in enumerate(texts))))

    family.both(10, fields("1000"), fields("2000"))

    said = family.said()
    assert {text: value for text, value in said.items() if text != "currency"} == {
        "sum(equity)": 3000,
        "min(equity)": 1000,
        "max(equity - margin_used)": 1500,
        "mean(equity)": 1500,
        "count(equity > 1500)": 1,
    }


def test_money_is_reckoned_in_the_currency_of_the_group() -> None:
    """An account in another currency counts by the configured rate; numbers and ratios as they are."""
    rules = (rule_of("sum(equity) < 2_090"), rule_of("max(margin_usage) > 95%", id="usage"))
    family = Family(ruling(*rules, groups=[group(rates={"EUR": Decimal("1.08")})]))
    usage: dict[str, Value] = {"margin_usage": Decimal("0.5")}

    told = family.both(10, fields("1000", **usage), fields("1000", currency="EUR", **usage))

    assert steps(told) == ["rule:inactive>firing:already_true"]
    assert family.said()["sum(equity)"] == 2080
    assert family.said()["max(margin_usage)"] == Decimal("0.5")


@pytest.mark.parametrize("currency", ["GBP", None])
def test_money_of_which_no_rate_is_known_is_unknown_and_told(currency: str | None, snapshot: SnapshotAssertion) -> None:
    """Amounts in two currencies are never added up; ratios need no rate."""
    family = Family(ruling(rule_of("sum(equity) < 5_000"), rule_of("max(margin_usage) > 95%", id="usage")))
    usage: dict[str, Value] = {"margin_usage": Decimal("0.5")}

    for second in (10, 50, 90):
        family.both(second, fields("1000", **usage), fields("1000", currency=currency, **usage))

    assert [each.detail for each in family.transitions] == snapshot
    assert {each.key.rule for each in family.transitions} == {health.DATA_STALE}
    assert family.said()["max(margin_usage)"] == Decimal("0.5")


def test_a_group_keeps_quiet_about_what_is_told_of_its_accounts() -> None:
    """A venue that gives no answer is one trouble: the group's alerts are unknown, and no other begins."""
    family = Family(ruling(usage_rule()))
    family.both(10, fields("1000", "850"), fields("1000", "850"))

    for second in (20, 40, 60, 80, 100):
        family.tick(second, seen(second, HEDGE, fields("1000", "850")), failed(second, None), cycle_end(second))

    told = [(each.key.account, each.reason.value) for each in family.transitions[1:]]
    assert (FAMILY, "data_lost") in told
    assert {str(each.key) for each in family.transitions} == {"usage group/family", "venue-unreachable fx"}


def test_an_entry_without_an_account_makes_the_group_unknown(snapshot: SnapshotAssertion) -> None:
    """A group that asks for an account that is not there is told of, by the entry."""
    members = (member("futures", "hedge"), member("fx", "gone"))
    family = Family(ruling(usage_rule(), groups=[group(members=members)]))

    for second in (10, 50, 90):
        family.both(second, fields(), fields())

    assert [(str(each.key), each.detail) for each in family.transitions] == snapshot


def test_an_account_counts_once_however_often_it_is_named() -> None:
    """Entries may overlap."""
    members = (member("futures", "*"), member("fx", "*"), member("fx", "spot"))
    family = Family(ruling(usage_rule(), groups=[group(members=members)]))

    family.tick(10, listed(HEDGE), listed(SPOT, OTHER), *(seen(10, key, fields()) for key in (HEDGE, SPOT, OTHER)))

    assert family.said()["sum(equity)"] == 3000


def test_an_account_that_opens_makes_the_sum_unknown_until_it_answers() -> None:
    """A sum without it would be too small."""
    members = (member("futures", "*"), member("fx", "*"))
    family = Family(ruling(usage_rule(), groups=[group(members=members)]))
    family.both(10, fields(), fields())

    family.tick(20, listed(SPOT, OTHER), seen(20, SPOT, fields()))
    assert family.said()["sum(equity)"] is None

    family.tick(21, seen(21, OTHER, fields()))
    assert family.said()["sum(equity)"] == 3000


def test_events_tell_what_changed_of_the_whole_group() -> None:
    """`increased(count(…))` compares with the last known answer of the group."""
    family = Family(ruling(rule_of("increased(count(in_margin_call))", RuleKind.EVENT)))
    family.both(10, fields(), fields())

    told = family.both(20, fields(), fields(in_margin_call=True))

    assert [(each.field, each.before, each.after) for each in told[0].differences] == [("count(in_margin_call)", 0, 1)]


def test_windows_look_back_over_the_sums_of_the_group(store: Store) -> None:
    """A drawdown is that of the sum, and a restart in between sees the same."""
    rule = rule_of('drawdown(sum(equity), "1h") >= 500')
    family = Family(ruling(rule), store)
    family.both(10, fields("1000"), fields("2000"))
    family.both(20, fields("2000"), fields("1000"))
    assert family.transitions == []

    family.start(25)
    told = family.both(30, fields("1000"), fields("1500"))

    assert steps(told) == ["rule:inactive>firing:held"]


def test_a_rule_looks_at_the_groups_it_names_and_others_at_their_accounts() -> None:
    """`groups` picks groups for a rule about groups, and their accounts for a rule about accounts."""
    small = group("small", [member("fx", "spot")])
    about_groups = rule_of("sum(equity) < 5_000", selector=only_of("small"))
    about_accounts = replace(rule_of("equity < 5_000", id="each", selector=only_of("small")), of_group=False)
    family = Family(ruling(about_groups, about_accounts, groups=[group(), small]))

    told = family.both(10, fields(), fields())

    assert [str(each.key) for each in told] == ["each fx/spot", "rule group/small"]


@pytest.mark.parametrize("groups", [[group("others")], []])
def test_a_group_that_left_the_config_has_its_alerts_closed(store: Store, groups: list[Group]) -> None:
    """Also when it was the last."""
    family = Family(ruling(usage_rule()), store)
    family.both(10, fields("1000", "850"), fields("1000", "850"))

    assert steps(family.start(20, ruling(usage_rule(), groups=groups))) == ["usage:firing>closed:account_removed"]


def test_an_account_that_joins_a_group_counts_from_its_next_answer(store: Store) -> None:
    """What its last answer lacked was not kept while it belonged to none."""
    rules = (rule_of("sum(equity) < 5_000"),)
    family = Family(ruling(*rules, groups=[group(members=[member("futures", "*")])]), store)
    family.both(10, fields(), fields(None))

    family.start(11, ruling(*rules))
    family.tick(12, seen(12, HEDGE, fields()))
    assert family.said()["sum(equity)"] is None

    family.tick(13, seen(13, SPOT, fields()))
    assert family.said()["sum(equity)"] == 2000


def test_a_value_of_the_wrong_type_makes_the_answer_unknown() -> None:
    """A text where the catalogue promises a number breaks nothing."""
    family = Family(ruling(rule_of("sum(equity) < 5_000"), rule_of("sum(equity - margin_used) < 1", id="other")))

    family.both(10, fields(), {**fields(), "equity": "many"})

    assert (family.said()["sum(equity)"], family.said()["sum(equity - margin_used)"]) == (None, None)


@pytest.mark.parametrize("expression", ["sum(in_stop_out) > 5", "equity > 5", "sum(equity"])
def test_a_rule_that_its_loader_should_have_refused_is_refused(expression: str) -> None:
    """With the rule's name, as everywhere."""
    with pytest.raises(UncheckedRuleError, match="the rule rule cannot be evaluated"):
        ruling(rule_of(expression))


def test_a_group_may_have_a_ladder_of_its_currency() -> None:
    """Levels, clear_by and durations are those of any rule."""
    levels = (Level(Severity.WARNING, "<", Decimal(1500), Decimal(1600)),)
    rule = rule_of("sum(equity)", RuleKind.LADDER, levels=levels, unit=Unit.MONEY, hold=timedelta(seconds=15))
    family = Family(ruling(rule))

    family.both(10, fields(), fields())
    assert steps(family.both(20, fields("700"), fields("700"))) == ["rule:inactive>pending:became_true"]
    assert steps(family.tick(37, seen(37, HEDGE, fields("701")))) == ["rule:pending>firing:held"]
    assert steps(family.tick(40, seen(40, HEDGE, fields("850")))) == []
    assert steps(family.tick(50, seen(50, HEDGE, fields("1000")))) == ["rule:firing>resolved:cleared"]

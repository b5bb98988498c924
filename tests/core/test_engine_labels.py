"""Rules that go by labels look at who has them now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.core.labels import Labelled, Labels
from marginwatch.core.rule import Selector
from support.desk import ONE, TWO, VENUE, Desk, answer, cycle_end, fields, ruling, seen, steps, usage_rule

if TYPE_CHECKING:
    from marginwatch.core.ruling import Ruling

RULE = usage_rule(selector=Selector(labels={"desk": "rates"}))


def labelled(account: str) -> Ruling:
    """The rule, with one account at the desk."""
    given = Labelled(VENUE, lambda each: each.key.id == account, {"desk": "rates"})
    return replace(ruling(RULE), labels=Labels([given]))


def test_an_account_that_loses_its_label_leaves_the_rules_that_go_by_it() -> None:
    """An edit of labels closes what is open on it, and brings others in, between two ticks."""
    desk = Desk(labelled("one"))
    values = (seen(0, fields("0.85")), seen(0, fields("0.95"), TWO))
    desk.tick(0, answer(*values, listing=[ONE, TWO]), cycle_end(0))
    assert desk.told() == ["usage:firing:warning"]

    assert steps(desk.reload(5, labelled("two"))) == ["usage:firing>closed:scope_changed"]
    values = (seen(10, fields("0.85")), seen(10, fields("0.95"), TWO))
    desk.tick(10, answer(*values, listing=[ONE, TWO]), cycle_end(10))
    assert desk.told()[1:] == ["usage:closed:warning", "usage:firing:critical"]

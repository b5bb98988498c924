"""Rules that are asked of each position."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.evaluate import Evaluated, VenueRules, evaluate
from marginwatch.core.fields import Unit, catalogue
from marginwatch.core.result import AlertKey, Known, Unknown
from marginwatch.core.rule import RuleKind
from support.expressions import SMALL, field
from support.watching import ACCOUNT, KEY, ladder, look, on, only, seen, state, when

if TYPE_CHECKING:
    from marginwatch.core.model import Value

LARGE = when("position.quantity * position.price > equity * 20%", each="position")
EQUITY: dict[str, Value] = {"equity": Decimal(1000)}


def lot(symbol: str | None, quantity: int | None, price: int = 1) -> dict[str, Value]:
    return {"symbol": symbol, "quantity": None if quantity is None else Decimal(quantity), "price": Decimal(price)}


def making(symbol: str, pnl: int) -> dict[str, Value]:
    return {"symbol": symbol, "unrealized_pnl": Decimal(pnl)}


def subjects(evaluated: Evaluated) -> dict[str, bool | str]:
    """What is said of each position: true, false, or why it is unknown."""
    said: dict[str, bool | str] = {}
    for result in evaluated.results:
        assert isinstance(result.outcome, Known | Unknown)
        said[result.key.subject] = (
            result.outcome.held[-1] if isinstance(result.outcome, Known) else result.outcome.because
        )
    return said


def test_one_result_a_position() -> None:
    """The positions for which it holds are told by name, the others are quiet."""
    found = look(LARGE, seen(EQUITY, (lot("ES", 300), lot("NQ", 100), lot("CL", 201))))
    assert subjects(found) == {"ES": True, "CL": True}
    assert found.unknown == {}


def test_quiet_positions_leave_nothing() -> None:
    """Nothing is made when it holds for none, or when there are none."""
    assert look(LARGE, seen(EQUITY, (lot("ES", 3),))) == Evaluated()
    assert look(LARGE, seen(EQUITY, ())) == Evaluated()


def test_a_ladder_of_positions() -> None:
    """Every position climbs by itself."""
    rule = ladder("position.unrealized_pnl", ("<", "-100", "-80"), ("<", "-500", "-450"), each="position")
    found = look(rule, seen({}, (making("A", -600), making("B", -90), making("C", -90))), live=["B"])
    assert {result.key.subject: result.outcome for result in found.results} == {
        "A": Known((True, True), (True, True), Decimal(-600)),
        "B": Known((False, False), (True, False), Decimal(-90)),
    }


def test_an_event_beside_positions() -> None:
    """A change of the account is told for every position that fits."""
    rule = on("changed(trading_status) and position.quantity > 0", each="position")
    found = look(
        rule, seen({"trading_status": "DISABLED"}, (lot("ES", 3), lot("NQ", -3))), state({"trading_status": "FULL"})
    )
    assert [result.key.subject for result in found.results] == ["ES"]


def test_lots_of_one_symbol_are_told_apart() -> None:
    """Further lots are numbered in the order listed, so that their alerts stay apart."""
    found = look(LARGE, seen(EQUITY, (lot("ES", 300), lot("ES", 400), lot("ES", 1), lot("ES#2", 300), lot("ES", 500))))
    assert subjects(found) == {"ES": True, "ES#2": True, "ES#2#2": True, "ES#4": True}


def test_a_position_without_a_name_is_still_watched() -> None:
    """Null and missing names are numbered too."""
    nameless: dict[str, Value] = {"quantity": Decimal(500), "price": Decimal(1)}
    found = look(LARGE, seen(EQUITY, (lot(None, 500), nameless)))
    assert subjects(found) == {"position": True, "position#2": True}


def test_the_venues_own_id_is_the_better_name() -> None:
    """Where positions have an id, that is the subject."""
    with_ids = catalogue("ids", [field("equity", Unit.MONEY)], [field("id", Unit.TEXT), *SMALL.positions.values()])
    rules = VenueRules("desk", with_ids, [LARGE]).for_account(ACCOUNT, {})
    rows = tuple({**lot("ES", 500), "id": name} for name in ("pos_1", "pos_2"))
    assert list(subjects(evaluate(rules, seen(EQUITY, rows), state(), []))) == ["pos_1", "pos_2"]


def test_one_unknown_position_hides_no_other() -> None:
    """It is unknown by itself; the rule is listed as blind."""
    found = look(LARGE, seen(EQUITY, (lot("ES", None), lot("NQ", 300))))
    assert subjects(found) == {"ES": "position.quantity is null", "NQ": True}
    assert found.unknown == {"rule": "position.quantity is null"}


def test_a_closed_position_is_told_as_gone() -> None:
    """An open alert whose position is in a complete answer no more hears that it is false, and why."""
    found = look(LARGE, seen(EQUITY, (lot("NQ", 300),)), live=["ES", "NQ"])
    assert subjects(found) == {"NQ": True, "ES": False}
    gone = next(result for result in found.results if result.key.subject == "ES")
    assert (gone.gone, gone.detail) == (True, "position closed")
    assert all(not result.gone for result in found.results if result is not gone)


@pytest.mark.parametrize("live", [[], ["ES", "NQ"]])
def test_without_the_list_nothing_is_known(live: list[str]) -> None:
    """A failed call closes no position: what was open is unknown, and the rule is blind."""
    found = look(LARGE, seen(EQUITY, None), live=live)
    because = "the list of positions is missing from the answer"
    assert subjects(found) == dict.fromkeys(live, because)
    assert found.unknown == {"rule": because}


def test_a_rule_broken_by_one_position_is_unknown_for_all() -> None:
    """Open alerts stay open, and the rule is listed as broken."""
    found = look(LARGE, seen(EQUITY, (lot("ES", 300), {**lot("NQ", 1), "quantity": "many"})), live=["ES"])
    assert list(found.broken) == ["rule"]
    assert subjects(found) == {"ES": f"the rule failed ({found.broken['rule']})"}


def test_an_edit_from_account_to_positions_ends_the_old_alert() -> None:
    """The alert about the whole account has no subject any more, and the other way round."""
    to_positions = look(LARGE, seen(EQUITY, (lot("ES", 300),)), live=[""])
    assert subjects(to_positions) == {"ES": True, "": False}
    to_account = look(when("equity < 0"), seen(EQUITY), live=["ES"])
    assert subjects(to_account) == {"ES": False}
    assert only(to_account).gone
    assert only(to_account).detail == "the rule no longer looks at each position"


def test_positions_are_no_part_of_an_alerts_identity_beyond_the_subject() -> None:
    """The key is rule, account and subject."""
    found = look(LARGE, seen(EQUITY, (lot("ES", 300),)))
    assert only(found).key == AlertKey("rule", KEY, "ES")
    assert LARGE.kind is RuleKind.CONDITION

"""The simulated accounts change safely, lose fields on demand, and venues go wrong as planned."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from marginwatch.simulator.faults import Fault, FaultKind, Faults
from marginwatch.simulator.world import SimAccount, UnknownSimAccountError, World, with_gaps

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BODY = {"a": {"x": 1, "y": 2}, "b": {"x": 3}, "rows": [{"x": 4, "z": 5}]}


def _account(**changes: object) -> SimAccount:
    world = World()
    world.add(SimAccount("helio", "1", "One"))
    return world.change("helio", "1", **changes)


def test_a_change_replaces_only_what_it_names() -> None:
    """Changing one field gives a new account with the rest as before."""
    world = World()
    world.add(SimAccount("helio", "1", "One", equity=Decimal(5)))
    before = world.account("helio", "1")

    after = world.change("helio", "1", in_margin_call=True)

    assert (before.in_margin_call, after.in_margin_call, after.equity) == (False, True, Decimal(5))
    assert world.account("helio", "1") is after


def test_an_unlisted_account_is_still_there() -> None:
    """A vanished account is in no list and can come back."""
    world = World()
    world.add(SimAccount("helio", "1", "One"), SimAccount("helio", "2", "Two"), SimAccount("stonex", "3", "Three"))
    world.change("helio", "1", listed=False)

    assert [account.id for account in world.accounts("helio")] == ["2"]
    assert world.find("helio", "1") is not None
    assert world.find("helio", "9") is None


def test_an_unknown_account_is_named_with_the_known_ones() -> None:
    """A wrong id in a scenario says which there are."""
    world = World()
    world.add(SimAccount("helio", "1", "One"))

    with pytest.raises(UnknownSimAccountError, match="helio has no account 2; it has 1"):
        world.account("helio", "2")
    with pytest.raises(UnknownSimAccountError, match="it has none"):
        world.account("stonex", "2")


def test_money_that_is_not_said_follows_from_the_rest() -> None:
    """The balance is equity without unrealized P&L; margin leaves the rest withdrawable, never less than nothing."""
    account = _account(equity=Decimal(100), unrealized_pnl=Decimal(20), margin_used=Decimal(90))

    assert (account.balance, account.withdrawable) == (Decimal(80), Decimal(0))
    assert _account(cash=Decimal(7)).withdrawable == 7


@pytest.mark.parametrize(
    ("gaps", "left"),
    [
        ({}, BODY),
        ({"nulls": frozenset({"x"})}, {"a": {"x": None, "y": 2}, "b": {"x": None}, "rows": [{"x": None, "z": 5}]}),
        ({"missing": frozenset({"x"})}, {"a": {"y": 2}, "b": {}, "rows": [{"z": 5}]}),
        ({"nulls": frozenset({"a.x"})}, {"a": {"x": None, "y": 2}, "b": {"x": 3}, "rows": [{"x": 4, "z": 5}]}),
        ({"missing": frozenset({"metrics:b"})}, {"a": {"x": 1, "y": 2}, "rows": [{"x": 4, "z": 5}]}),
        ({"missing": frozenset({"portfolio:b"})}, BODY),
    ],
)
def test_fields_are_nulled_or_left_out_by_name(gaps: dict[str, frozenset[str]], left: object) -> None:
    """A key, the end of a path, or either at one call only names what is missing."""
    assert with_gaps(BODY, _account(**gaps), "metrics") == left  # type: ignore[arg-type]  # a literal's type is narrower


def test_faults_are_used_up_in_their_order() -> None:
    """A fault for so many times comes first; one without a number stays; the call's own come before those of all."""
    faults = Faults()
    hang, reset, empty = (Fault(kind) for kind in (FaultKind.HANG, FaultKind.RESET, FaultKind.EMPTY))
    faults.fail("*", empty)
    faults.fail("login", hang, times=2)
    faults.fail("login", reset, times=1)

    assert [faults.take("login") for _ in range(4)] == [hang, hang, reset, empty]
    assert faults.take("metrics") == empty
    faults.clear()
    assert faults.take("login") is None


def test_a_standing_fault_is_replaced_and_cleared_by_call() -> None:
    """The latest standing fault of a call counts; clearing one call leaves the others."""
    faults = Faults()
    for call in ("login", "metrics"):
        faults.fail(call, Fault(FaultKind.HANG))
        faults.fail(call, Fault(FaultKind.RESET))
    faults.clear("login")

    assert faults.take("login") is None
    assert faults.take("metrics") == Fault(FaultKind.RESET)


def test_a_fault_may_be_for_one_account_only() -> None:
    """Other accounts of the same call are answered well."""
    faults = Faults()
    faults.fail("portfolio", Fault(FaultKind.HANG), account="1")

    assert faults.take("portfolio", "2") is None
    assert faults.take("portfolio", "1") == Fault(FaultKind.HANG)


def test_what_was_asked_is_on_record() -> None:
    """Calls are kept in order, for all calls or one, until forgotten."""
    faults = Faults()
    faults.record("login", "", NOW)
    faults.record("metrics", "1", NOW)

    assert [asked.call for asked in faults.asked()] == ["login", "metrics"]
    assert [asked.account for asked in faults.asked("metrics")] == ["1"]
    faults.forget_asked()
    assert faults.asked() == ()

"""The names rules may use at Architect: complete, of the agreed units, and each backed by a real answer."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path

from marginwatch.core.fields import COMMON_UNITS, Unit
from marginwatch.core.model import TIMES
from marginwatch.venues.architect import VENUE
from marginwatch.venues.architect.normalise import Scope, normalise
from marginwatch.venues.architect.wire import ACCOUNTS, MARGIN_CALLS, SUMMARIES, AccountPosition, AccountSummary
from support.architect import fetched, listed, margin_call, summary

BODIES = Path(__file__).parent / "bodies"
TYPE_OF = {
    Unit.RATIO: Decimal,
    Unit.MONEY: Decimal,
    Unit.PRICE: Decimal,
    Unit.QUANTITY: Decimal,
    Unit.COUNT: Decimal,
    Unit.DURATION: Decimal,
    Unit.FLAG: bool,
    Unit.TEXT: str,
    Unit.TIME: datetime,
    Unit.SET: frozenset,
}


def test_the_venue_is_found_by_its_entry_point() -> None:
    """The built-in venue comes through the same door as a third party's."""
    (entry,) = entry_points(group="marginwatch.venues", name="architect")
    assert entry.load() is VENUE


def test_common_names_have_the_agreed_units() -> None:
    """A name that several venues share means the same unit everywhere."""
    for field in VENUE.catalogue:
        assert COMMON_UNITS.get(field.name, field.unit) is field.unit


def test_every_documented_scalar_is_a_name() -> None:
    """A field in the vendor's manual is a field in a rule; maps and lists have names of their own."""
    documented = {*json.loads((BODIES / "account_summary.json").read_text()), *AccountSummary.__struct_fields__}
    assert documented - {"account", "balances", "positions"} <= VENUE.catalogue.fields.keys()
    assert set(AccountPosition.__struct_fields__) <= VENUE.catalogue.positions.keys()
    flags = json.loads((BODIES / "accounts.json").read_text())[0]["permissions"]
    assert {f"permissions.{flag}" for flag in flags} <= VENUE.catalogue.fields.keys()


def test_a_full_answer_gives_every_name() -> None:
    """No name of the catalogue is without a source, and each value has the type of its unit."""
    amounts = {
        name: "5" for name in AccountSummary.__struct_fields__ if name not in {"account", "timestamp", "positions"}
    }
    lot = dict.fromkeys(AccountPosition.__struct_fields__, "5") | {"trade_time": "2025-05-15T14:03:11Z"}
    parts = {
        ACCOUNTS: {"accounts": [listed(trading_enabled=True)]},
        SUMMARIES: {"account_summaries": [summary(**amounts, positions={"A/USD": [lot]})]},
        MARGIN_CALLS: {"margin_calls": [margin_call("000000", due_date="2025-05-16T00:00:00Z")]},
    }
    (observation,) = normalise(fetched(parts), Scope(lambda _: True, "USD")).observations
    for seen in (observation, VENUE.sample):
        assert seen.fields.keys() | TIMES == VENUE.catalogue.fields.keys()
        assert seen.positions is not None
        assert seen.positions[0].keys() == VENUE.catalogue.positions.keys()
        for name in seen.fields:
            assert isinstance(seen.fields[name], TYPE_OF[VENUE.catalogue.fields[name].unit])
        for name, field in VENUE.catalogue.positions.items():
            assert isinstance(seen.positions[0][name], TYPE_OF[field.unit])


def test_the_table_of_names_reads_well(snapshot: object) -> None:
    """What the documentation lists: name, unit, place and meaning."""
    rows = [*VENUE.catalogue.fields.values(), *VENUE.catalogue.positions.values()]
    assert [f"{field.name} | {field.unit} | {field.path} | {field.meaning}" for field in rows] == snapshot

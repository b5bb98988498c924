"""Whatever StoneX Clearing answers, reading it never raises and never makes up a number."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.model import FailureKind
from marginwatch.venues.stonex.fields import BALANCES, CATALOGUE, POSITIONS
from marginwatch.venues.stonex.normalise import CONFIGURED, normalise
from marginwatch.venues.stonex.said import explain, refuses_token
from support.bodies import changed, documented, fetched, key
from support.fuzz import bodies, decimals_are_sane

GOOD_POSITIONS = changed(documented("stonex", "position-summary"), hasErrors=False)
GOOD_BALANCES = documented("stonex", "balance-summary")


@given(positions=bodies(GOOD_POSITIONS), balances=bodies(GOOD_BALANCES), currency=st.none() | st.just("USD"))
def test_no_answer_makes_it_raise(positions: bytes, balances: bytes, currency: str | None) -> None:
    """Every answer becomes an observation of known fields with sane numbers, or failures, one a call at most."""
    said = normalise(fetched(key("string"), {POSITIONS: positions, BALANCES: balances}), currency)

    failures = said.failures + tuple(failure for found in said.observations for failure in found.failures)
    assert len({failure.call for failure in failures}) == len(failures)
    assert bool(said.observations) == (len(failures) < 2)
    for observation in said.observations:
        assert set(observation.fields) <= set(CATALOGUE.fields)
        assert all(decimals_are_sane(value) for value in observation.fields.values())
        for position in observation.positions or ():
            assert set(position) <= set(CATALOGUE.positions)
            assert all(decimals_are_sane(value) for value in position.values())
        usage = observation.fields.get("margin_usage")
        assert usage is None or (isinstance(usage, Decimal) and usage >= 0)


@given(body=bodies(["1", "2"]))
def test_no_listing_makes_it_raise(body: bytes) -> None:
    """A listing is read or is a failure, never both."""
    said = normalise(fetched(None, {CONFIGURED: body}), None)
    assert (said.listing is None) == bool(said.failures)


@given(body=bodies(documented("stonex", "position-summary") | {"error": "x", "error_description": "y"}))
def test_no_error_answer_makes_it_raise(body: bytes) -> None:
    """What an error answer says is one short line, or nothing."""
    said = explain(body, ("secret",))
    assert len(said.message) <= 200
    assert said.message.isprintable()
    assert said.kind is None or said.kind in FailureKind
    assert refuses_token(body) in (True, False)

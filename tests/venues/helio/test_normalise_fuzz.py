"""Whatever Helio answers, reading it never raises and never makes up a number."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given

from marginwatch.venues.helio.client import explain
from marginwatch.venues.helio.fields import CATALOGUE, LOGIN, METRICS_CALL, PORTFOLIO_CALL
from marginwatch.venues.helio.normalise import normalise
from support.bodies import documented, fetched, key
from support.fuzz import bodies, decimals_are_sane


@given(portfolio=bodies(documented("helio", "portfolio")), metrics=bodies(documented("helio", "metrics")))
def test_no_answer_makes_it_raise(portfolio: bytes, metrics: bytes) -> None:
    """Every answer becomes an observation of known fields with sane numbers, or failures, one a call at most."""
    said = normalise(fetched(key("acc_123456"), {PORTFOLIO_CALL: portfolio, METRICS_CALL: metrics}), ())

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


@given(body=bodies([{"id": "a", "gid": "g"}, {"id": "b", "gid": "g"}]))
def test_no_listing_makes_it_raise(body: bytes) -> None:
    """A listing is read or is a failure, never both."""
    said = normalise(fetched(None, {LOGIN: body}), ())
    assert (said.listing is None) == bool(said.failures)


@given(body=bodies({"error": {"type": "t", "message": "m", "field": "f"}}))
def test_no_error_answer_makes_it_raise(body: bytes) -> None:
    """What an error answer says is one short line, or nothing."""
    message = explain(body, ("secret",)).message
    assert len(message) <= 200
    assert message.isprintable()

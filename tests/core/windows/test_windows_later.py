"""Values that are not committed yet, as windows that begin among them see them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marginwatch.core.windows.later import Later


@pytest.fixture
def later() -> Later:
    """Three values, ten apart; each holds for at most fifteen."""
    held = Later(15, 0, Decimal(3))
    for time, value in ((10, "1"), (20, "2")):
        held.add(time, Decimal(value))
    return held


def test_a_window_that_begins_among_them_counts_from_there(later: Later) -> None:
    """What held before the window begins is no part of it."""
    assert (later.length(5), later.total(5)) == (15, Decimal(25))
    assert (later.length(-1), later.total(-1)) == (20, Decimal(40))


def test_a_window_sees_what_held_within_it(later: Later) -> None:
    """The value that the window begins in is its first."""
    assert [int(each) for each in (later.first(5), later.min(12), later.max(12), later.present)] == [3, 1, 2, 2]

"""When the outside may be told that all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.pump import Pump, Writer
from marginwatch.app.vitals import Vitals
from marginwatch.store.types import unused
from support.desk import Desk, after, ruling, usage_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marginwatch.store.types import ReceiverHealth

FAILING = replace(unused("desk"), waiting=1, oldest=after(0), failing_since=after(1), failed_attempts=3)
LATE = replace(unused("desk"), waiting=1, oldest=after(-300))


@pytest.fixture
def pump() -> Iterator[Pump]:
    """A pump that ticked at second 0."""
    writer = Writer()
    made = Pump(Desk(ruling(usage_rule())).ticker, writer, lambda _: None)
    made.last_tick = after(0)
    yield made
    writer.close()


@pytest.mark.parametrize(
    ("receivers", "worry"),
    [
        ((unused("desk"), unused("pager")), ""),
        ((FAILING, unused("pager")), ""),
        ((FAILING,), "no receiver takes messages"),
        ((FAILING, replace(FAILING, receiver="pager")), "no receiver takes messages"),
        ((LATE, unused("pager")), "messages to desk wait"),
    ],
    ids=["all well", "one of two fails", "the only one fails", "both fail", "one is late"],
)
def test_a_failing_receiver_is_no_worry_while_another_can_tell_of_it(
    pump: Pump, receivers: tuple[ReceiverHealth, ...], worry: str
) -> None:
    """When nobody is left to tell, the dead man's switch is the last who can."""
    vitals = Vitals(pump, (), after(0), {one.receiver: one for one in receivers})

    assert vitals.worry(after(0)) == worry


def test_without_a_tick_nothing_is_well(pump: Pump) -> None:
    """A loop that stands still tells nobody anything."""
    assert Vitals(pump, (), after(0), {}).worry(after(0) + timedelta(seconds=30)) == "no tick was done lately"

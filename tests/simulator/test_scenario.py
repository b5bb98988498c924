"""A scenario happens along its timetable, and the demo's shows every kind of trouble and ends well."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marginwatch.core.fields import margin_usage
from marginwatch.simulator.demo import DEMO, HARBOR, LOWLAND, RIDGE, TIDEWATER
from marginwatch.simulator.faults import Fault, FaultKind, Faults
from marginwatch.simulator.scenario import Player, Scenario, Step, UnfitScenarioError, play
from marginwatch.simulator.world import SimAccount, World

ACCOUNT = SimAccount("helio", "1", "One", equity=Decimal(100), margin_used=Decimal(10))


class Played:
    """A scenario with its world, its faults and what it told."""

    def __init__(self, *steps: Step, seconds: float = 60) -> None:
        self.world = World()
        self.faults = {"helio": Faults()}
        self.told: list[str] = []
        self.player = Player(Scenario((ACCOUNT,), steps, seconds), self.world, self.faults, self.told.append)

    def equity(self, seconds: float) -> Decimal:
        """The account's equity at a time."""
        self.player.advance(seconds)
        return self.world.account("helio", "1").equity


def test_a_number_drifts_evenly_and_stays_where_it_arrives() -> None:
    """Between two entries a number is on the straight line between their values; afterwards it rests."""
    played = Played(
        Step(10, "helio", "1", drift={"equity": Decimal(200)}),
        Step(30, "helio", "1", since=20, drift={"equity": Decimal(0)}),
    )

    assert [played.equity(at) for at in (0, 5, 10, 15, 25, 30, 50)] == [100, 150, 200, 200, 100, 0, 0]


def test_what_was_skipped_still_happens_in_order() -> None:
    """A player that comes late makes every step happen, the last value of each number winning."""
    played = Played(
        Step(1, "helio", "1", drift={"equity": Decimal(50)}, note="first"),
        Step(2, "helio", "1", drift={"equity": Decimal(70)}, change={"in_margin_call": True}, note="second"),
    )

    played.player.advance(60)

    account = played.world.account("helio", "1")
    assert (account.equity, account.in_margin_call, played.told) == (Decimal(70), True, ["first", "second"])


def test_a_venue_fails_and_heals_on_time() -> None:
    """A step's faults stand from its time until the step that heals."""
    played = Played(Step(10, "helio", fail={"*": Fault(FaultKind.HANG)}), Step(20, "helio", heal=True))

    played.player.advance(10)
    failing = played.faults["helio"].take("portfolio")
    played.player.advance(20)

    assert failing == Fault(FaultKind.HANG)
    assert played.faults["helio"].take("portfolio") is None


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((Step(2, "helio"), Step(1, "helio")), "the step at 1 s comes after one at 2 s"),
        ((Step(1, "helio", "2"),), "there is no account 2 at helio"),
        ((Step(1, "stonex", heal=True),), "the faults of stonex are not given"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused(steps: tuple[Step, ...], why: str) -> None:
    """A wrong timetable is told before anything happens."""
    with pytest.raises(UnfitScenarioError, match=why):
        Played(*steps)


async def test_a_scenario_plays_to_its_end_at_any_speed() -> None:
    """However fast it is played, everything has happened when playing ends."""
    world, told = World(), list[str]()
    scenario = Scenario((ACCOUNT,), (Step(30, "helio", "1", drift={"equity": Decimal(5)}, note="there"),), 60)

    await play(scenario, world, {}, speed=600, tell=told.append)

    assert (world.account("helio", "1").equity, told) == (Decimal(5), ["there"])


def _usage(world: World, venue: str, account: str) -> Decimal:
    found = world.account(venue, account)
    return margin_usage(found.margin_used, found.equity)


def test_the_demo_shows_every_kind_of_trouble() -> None:
    """Usage passes warning and critical, calls are raised and partly met, permissions go, a venue fails in a breach."""
    world, faults = World(), {"architect": Faults(), "stonex": Faults(), "helio": Faults()}
    player = Player(DEMO, world, faults, lambda _: None)

    player.advance(19)
    assert Decimal("0.8") < _usage(world, "architect", HARBOR) < Decimal("0.9")
    assert world.account("stonex", LOWLAND).fed_call == 15_000
    player.advance(40)
    assert _usage(world, "architect", HARBOR) > Decimal("0.9")
    assert "trade" not in world.account("architect", RIDGE).permissions
    assert world.account("stonex", LOWLAND).fed_call == 6_000
    assert faults["stonex"].take("login") is not None
    assert world.account("helio", TIDEWATER).in_margin_call
    assert not world.account("helio", TIDEWATER).in_stop_out
    player.advance(43)
    assert world.account("helio", TIDEWATER).in_stop_out
    player.advance(47)
    assert world.account("architect", HARBOR).margin_calls[0].satisfied_amount == 10_000


def test_the_demo_ends_with_everything_healthy() -> None:
    """At its end no account is in trouble and every venue answers."""
    world, faults = World(), {"architect": Faults(), "stonex": Faults(), "helio": Faults()}

    Player(DEMO, world, faults, lambda _: None).advance(DEMO.seconds)

    for venue, its_faults in faults.items():
        assert its_faults.take("login") is None
        for account in world.accounts(venue):
            assert margin_usage(account.margin_used, account.equity) < Decimal("0.7"), account.name
            assert not account.in_margin_call
            assert not account.in_stop_out
            assert not account.margin_calls
            assert account.fed_call == 0
            assert account.trading_enabled
            assert account.status == "TRADE_STATUS_FULL"

"""Scenarios: accounts that change and venues that fail along a timetable, and the player that makes it happen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch import clock
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from marginwatch.simulator.faults import Fault, Faults
    from marginwatch.simulator.world import SimAccount, World

_FRAME: Final = 0.1
"""Seconds between two changes of a drifting number, as a watch shows them."""
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the timetable. Times are seconds from the start, before any speeding up."""

    at: float
    venue: str
    account: str = ""
    """Empty for what happens to the venue as a whole."""
    since: float | None = None
    """When `drift` begins; None means as soon as the number's drift before has ended."""
    drift: Mapping[str, Decimal] = field(default_factory=dict)
    """Amounts of the account that move evenly and reach these values at `at`."""
    change: Mapping[str, object] = field(default_factory=dict)
    """Fields of the account that are replaced at `at`."""
    fail: Mapping[str, Fault] = field(default_factory=dict)
    """Calls of the venue (or `*`) that go wrong from `at` on."""
    heal: bool = False
    """Whether every fault of the venue ends at `at`."""
    note: str = ""
    """What happens at `at`, for a person who watches."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The accounts at the start and what becomes of them."""

    accounts: tuple[SimAccount, ...]
    steps: tuple[Step, ...]
    """In the order of `at`."""
    seconds: float
    """How long it takes, the quiet end included."""


class UnfitScenarioError(MarginwatchError):
    """A scenario names what is not there, or its steps are out of order."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the scenario cannot be played: {what}")


@dataclass(frozen=True, slots=True)
class _Move:
    """One number's way from one value to another."""

    venue: str
    account: str
    name: str
    begin: float
    end: float
    start: Decimal
    target: Decimal

    def at(self, seconds: float) -> Decimal:
        """The value then; the target's own digits once it is reached."""
        if seconds >= self.end:
            return self.target
        share = Decimal(str((seconds - self.begin) / (self.end - self.begin)))
        return (self.start + (self.target - self.start) * share).quantize(_CENT)


class Player:
    """Brings a world to any later time of a scenario. Knows what happens; does not decide how fast."""

    def __init__(
        self, scenario: Scenario, world: World, faults: Mapping[str, Faults], tell: Callable[[str], None]
    ) -> None:
        """Put the scenario's accounts into the world; `faults` are those of each venue's simulator.

        Raises:
            UnfitScenarioError: It names what is not there, or its steps are out of order.
        """
        what = _fault_of(scenario, faults)
        if what is not None:
            raise UnfitScenarioError(what)
        self._world = world
        self._faults = faults
        self._tell = tell
        self._moves = list(_moves(scenario))
        self._steps = list(scenario.steps)
        world.add(*scenario.accounts)

    def advance(self, seconds: float) -> None:
        """Make everything happen that is due by then, in its order."""
        while self._steps and self._steps[0].at <= seconds:
            step = self._steps.pop(0)
            self._drift(step.at)
            self._do(step)
        self._drift(seconds)

    def _drift(self, seconds: float) -> None:
        for move in [move for move in self._moves if move.begin <= seconds]:
            self._world.change(move.venue, move.account, **{move.name: move.at(seconds)})
            if seconds >= move.end:
                self._moves.remove(move)

    def _do(self, step: Step) -> None:
        if step.account and step.change:
            self._world.change(step.venue, step.account, **step.change)
        if step.heal:
            self._faults[step.venue].clear()
        for call, fault in step.fail.items():
            self._faults[step.venue].fail(call, fault)
        if step.note:
            self._tell(step.note)


async def play(
    scenario: Scenario,
    world: World,
    faults: Mapping[str, Faults],
    *,
    speed: float = 1.0,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Play a scenario from start to end, `speed` times as fast as it is written; `tell` gets each step's note."""
    player = Player(scenario, world, faults, tell)
    began = clock.monotonic()
    while (seconds := (clock.monotonic() - began) * speed) < scenario.seconds:
        player.advance(seconds)
        await asyncio.sleep(_FRAME)
    player.advance(scenario.seconds)


def _moves(scenario: Scenario) -> Iterator[_Move]:
    begun = {(account.venue, account.id): account for account in scenario.accounts}
    last: dict[tuple[str, str, str], tuple[float, Decimal]] = {}
    for step in scenario.steps:
        for name, target in step.drift.items():
            key = (step.venue, step.account, name)
            if key not in last:
                account = begun.get((step.venue, step.account))
                last[key] = (0.0, getattr(account, name, Decimal(0)))
            ended, value = last[key]
            begin = ended if step.since is None else step.since
            yield _Move(step.venue, step.account, name, begin, step.at, value, target)
            last[key] = (step.at, target)


def _fault_of(scenario: Scenario, faults: Mapping[str, Faults]) -> str | None:
    """What makes the scenario unplayable, None when nothing does."""
    accounts = {(account.venue, account.id) for account in scenario.accounts}
    last = 0.0
    for step in scenario.steps:
        if step.at < last:
            return f"the step at {step.at:g} s comes after one at {last:g} s"
        if step.account and (step.venue, step.account) not in accounts:
            return f"there is no account {step.account} at {step.venue}"
        if (step.fail or step.heal) and step.venue not in faults:
            return f"the faults of {step.venue} are not given"
        last = step.at
    return None

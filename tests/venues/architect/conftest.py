"""A simulated installation with three accounts, started for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.simulator.architect import ArchitectSimulator
from marginwatch.simulator.faults import Faults
from marginwatch.simulator.world import World
from support.architect import sim_accounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def simulator() -> AsyncIterator[ArchitectSimulator]:
    """A server on loopback, with its world and its faults at hand."""
    world = World()
    world.add(*sim_accounts())
    async with ArchitectSimulator(world, Faults()) as running:
        yield running

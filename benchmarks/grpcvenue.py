"""Architect for benchmarks, in a process of its own: the simulator, its accounts' numbers others every so often.

grpcvenue.py ACCOUNTS LOTS SECONDS: as many accounts with as many positions each, moved every so many seconds.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from fleet import ARCHITECT, account, account_ids
from marginwatch.simulator.architect import ArchitectSimulator
from marginwatch.simulator.faults import Faults
from marginwatch.simulator.world import World
from processes import say


async def main(accounts: int, lots: int, seconds: float) -> None:
    """Serve on a port of the system's choice, which is said first, until the input ends."""
    world = World()
    ids = account_ids(accounts)
    world.add(*(account(ARCHITECT, each, lots=lots) for each in ids))
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with ArchitectSimulator(world, Faults()) as simulator:
        say(port=simulator.port)
        for moved in count(1):
            await asyncio.wait({ended}, timeout=seconds)
            if ended.done():
                return
            world.add(*(account(ARCHITECT, each, lots=lots, moved=moved) for each in ids))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))

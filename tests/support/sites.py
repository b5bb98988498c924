"""The three simulated venues side by side, and config files that point at them."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from marginwatch import clock
from marginwatch.simulator import architect, helio, stonex
from marginwatch.simulator.architect import ArchitectSimulator
from marginwatch.simulator.faults import Faults
from marginwatch.simulator.helio import HelioSimulator
from marginwatch.simulator.stonex import StonexSimulator
from marginwatch.simulator.world import SimAccount, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

Simulator: TypeAlias = ArchitectSimulator | StonexSimulator | HelioSimulator

NAMES: Final = {"architect": "futures", "stonex": "clearing", "helio": "fx"}
"""What an operator calls each kind of venue."""
KINDS: Final = tuple(NAMES)
ACCOUNTS: Final = ("acc-1", "acc-2")


class Sites:
    """The simulators of the kinds asked for, over one world with two healthy accounts each.

    `secrets` are the secrets their logins ask for, where it is not the simulator's own.
    """

    def __init__(
        self, *kinds: str, accounts: tuple[str, ...] = ACCOUNTS, secrets: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.world = World(clock.now)
        self.accounts = accounts
        self.faults = {kind: Faults() for kind in kinds or KINDS}
        self.simulators: dict[str, Simulator] = {
            kind: _SIMULATORS[kind](self.world, faults, secrets.get(kind, _SECRETS[kind]))
            for kind, faults in self.faults.items()
        }
        for kind in self.faults:
            self.world.add(*(SimAccount(kind, each, f"DESK:{each}") for each in accounts))
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for simulator in self.simulators.values():
            await self._running.enter_async_context(simulator)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    def tables(self, **changes: object) -> str:
        """The `[[venues]]` of a config; `changes` are keys of all of them."""
        return "".join(self.table(kind, **changes) for kind in self.simulators)

    def table(self, kind: str, **changes: object) -> str:
        """One of them."""
        login = _LOGINS[kind](self.simulators[kind])
        accounts = {"accounts": list(self.accounts)} if kind == "stonex" else {}
        return table("[venues]", {"name": NAMES[kind], "kind": kind, "every": "1s", **accounts, **login, **changes})


def table(name: str, keys: Mapping[str, object]) -> str:
    """One table of a config; `[name]` for an item of a list."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items()), "", ""])


def write_config(folder: Path, *tables: str, rules: str, listen: str = "", store: str = "") -> Path:
    """A config with one rule file beside it; the database is in the same folder unless `store` says otherwise."""
    (folder / "rules.toml").write_text(rules)
    file = folder / "config.toml"
    head = [
        table("store", {"url": store or f"sqlite:///{folder}/marginwatch.db"}),
        table("web", {"listen": listen}),
        table("rules", {"files": ["rules.toml"]}),
    ]
    file.write_text("".join([*head, *tables]))
    file.chmod(0o600)
    return file


def receiver(name: str, url: str, **more: object) -> str:
    """A `[[receivers]]`."""
    return table("[receivers]", {"name": name, "url": url, **more})


def _architect_login(simulator: Simulator) -> dict[str, object]:
    assert isinstance(simulator, ArchitectSimulator)
    return {"endpoint": simulator.endpoint, "api_key": architect.API_KEY, "api_secret": architect.API_SECRET}


def _stonex_login(simulator: Simulator) -> dict[str, object]:
    assert isinstance(simulator, StonexSimulator)
    login = {"client_id": stonex.CLIENT_ID, "client_secret": stonex.CLIENT_SECRET}
    return {"base_url": simulator.base_url, **login}


def _helio_login(simulator: Simulator) -> dict[str, object]:
    assert isinstance(simulator, HelioSimulator)
    return {"base_url": simulator.base_url, "email": helio.EMAIL, "password": helio.PASSWORD}


_LOGINS: Final[Mapping[str, Callable[[Simulator], dict[str, object]]]] = {
    "architect": _architect_login,
    "stonex": _stonex_login,
    "helio": _helio_login,
}
_SIMULATORS: Final[Mapping[str, Callable[[World, Faults, str], Simulator]]] = {
    "architect": lambda world, faults, secret: ArchitectSimulator(world, faults, secret=secret),
    "stonex": lambda world, faults, secret: StonexSimulator(world, faults, secret=secret),
    "helio": lambda world, faults, secret: HelioSimulator(world, faults, secret=secret),
}
_SECRETS: Final = {"architect": architect.API_SECRET, "stonex": stonex.CLIENT_SECRET, "helio": helio.PASSWORD}

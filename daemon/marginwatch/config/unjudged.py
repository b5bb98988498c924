"""What a config says that it takes more than its own form to judge, at hand whatever else is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from marginwatch.config.places import Loc


@dataclass(frozen=True, slots=True)
class Written:
    """One text of the config, with references resolved where their secrets are here."""

    loc: Loc
    text: SecretStr
    of: str
    """The receiver's name, the venue's kind; empty for what belongs to neither."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The texts that nothing was found wrong with so far."""

    store: tuple[Written, ...] = ()
    """`[store] url`."""
    accounts: tuple[Written, ...] = ()
    """Each account of each venue whose kind is known."""
    receivers: tuple[Written, ...] = ()
    """Each receiver's `url`."""
    rules: tuple[Written, ...] = ()
    """Each pattern of rules of each route."""


def unjudged(data: Mapping[str, Any], kinds: Collection[str], wrong: Collection[Loc]) -> Unjudged:
    """Pick them from a config that may have any shape; `wrong` says where something was reported already."""
    found = (
        _store(data.get("store")),
        _accounts(data.get("venues"), kinds),
        _receivers(data.get("receivers")),
        _rules(data.get("routes")),
    )
    return Unjudged(*(tuple(one for one in each if one.loc not in wrong) for each in found))


def _accounts(venues: object, kinds: Collection[str]) -> Iterator[Written]:
    for number, venue in _tables(venues):
        accounts = venue.get("accounts")
        if str(venue.get("kind")) in kinds and isinstance(accounts, list):
            for at, account in enumerate(accounts):
                yield from _text(("venues", number, "accounts", at), account, venue["kind"])


def _receivers(receivers: object) -> Iterator[Written]:
    for number, receiver in _tables(receivers):
        name = receiver.get("name")
        yield from _text(
            ("receivers", number, "url"), receiver.get("url"), name if isinstance(name, str) else f"number {number + 1}"
        )


def _rules(routes: object) -> Iterator[Written]:
    for number, route in _tables(routes):
        rules = route.get("rules")
        for at, rule in enumerate(rules if isinstance(rules, list) else ()):
            yield from _text(("routes", number, "rules", at), rule)


def _store(store: object) -> Iterator[Written]:
    yield from _text(("store", "url"), store.get("url") if isinstance(store, dict) else None)


def _tables(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, table in enumerate(value if isinstance(value, list) else ()):
        if isinstance(table, dict):
            yield number, table


def _text(loc: Loc, value: object, of: str = "") -> Iterator[Written]:
    if isinstance(value, str):
        yield Written(loc, SecretStr(value), of)

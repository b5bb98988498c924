"""Overrides from the environment: `MARGINWATCH_STORE__URL` stands for `url` in `[store]`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from marginwatch.config.location import VARIABLE
from marginwatch.config.settings import HeartbeatSettings, LogSettings, RulesSettings, StoreSettings
from marginwatch.config.web import WebSettings
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

_PREFIX = "MARGINWATCH_"
_NESTED = "__"
_TABLES: Mapping[str, type[BaseModel]] = {
    "log": LogSettings,
    "store": StoreSettings,
    "web": WebSettings,
    "heartbeat": HeartbeatSettings,
    "rules": RulesSettings,
}
"""The tables whose keys have a variable; items of a list (venues, receivers) cannot be addressed by one."""


def variable(table: str, key: str) -> str:
    """The variable that overrides `key` in `[table]`."""
    return f"{_PREFIX}{table}{_NESTED}{key}".upper()


def known_variables() -> frozenset[str]:
    """Every variable that overrides a key."""
    return frozenset(variable(name, key) for name, table in _TABLES.items() for key in table.model_fields)


def unknown_variables(environ: Mapping[str, str]) -> list[Problem]:
    """One problem for each `MARGINWATCH_` variable that means nothing, as one with a typing error would."""
    known = known_variables() | {VARIABLE}
    strangers = sorted(name for name in environ if name.upper().startswith(_PREFIX) and name not in known)
    return [
        Problem(Place(f"${name}"), "this environment variable means nothing", _suggestion(name, known))
        for name in strangers
    ]


def overrides(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What the environment sets: table name to key to text."""
    found = {name.lower(): environ[name] for name in known_variables() if name in environ}
    if not found:
        return {}
    from pydantic_settings import BaseSettings, EnvSettingsSource  # noqa: PLC0415  (it takes 0.1 s to import, which a start without a variable need not spend)

    tables: dict[str, Any] = dict.fromkeys(_TABLES, dict[str, str])
    shape = create_model("Overrides", __base__=BaseSettings, **tables)
    source = EnvSettingsSource(shape, env_prefix=_PREFIX, env_nested_delimiter=_NESTED)
    source.env_vars = found
    return source()


def _suggestion(name: str, known: frozenset[str]) -> str:
    short = {variable.removeprefix(_PREFIX): variable for variable in known}
    close = get_close_matches(name.upper().removeprefix(_PREFIX), sorted(short), n=1)
    return (
        f"did you mean {short[close[0]]}?" if close else "only keys of [log] [store] [web] [heartbeat] [rules] have one"
    )

"""Options that several commands share, and what they open."""

from __future__ import annotations

import contextlib
import getpass
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marginwatch.core.model import AccountKey
    from marginwatch.store.store import Store

Command = TypeVar("Command", bound="Callable[..., Any]")


def config_option(command: Command) -> Command:
    """`--config FILE`, given as `config`."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The config file. Default: $MARGINWATCH_CONFIG, ./config.toml, /etc/marginwatch/config.toml.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`, given as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")(command)


def level_option(command: Command) -> Command:
    """`--log-level LEVEL`, given as `log_level`; None leaves it to the config."""
    levels = click.Choice(["debug", "info", "warning", "error"])
    return click.option("--log-level", type=levels, help="How much to log. Default: as the config says.")(command)


class DurationType(click.ParamType[timedelta]):
    """A duration such as `30m`, given as a timedelta."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read `10s`, `5m`, `2h` or `1d`; anything else is a usage error."""
        from marginwatch.config.durations import parse_duration

        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class AccountType(click.ParamType["AccountKey"]):
    """An account written `VENUE/ID`, given as an AccountKey."""

    name = "account"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> AccountKey:
        """Split at the first slash."""
        from marginwatch.core.model import AccountKey

        if isinstance(value, AccountKey):
            return value
        venue, slash, account = str(value).partition("/")
        if not (venue and slash and account):
            self.fail(f"{value} is not an account; write it as VENUE/ID, as `marginwatch status` shows it", param, ctx)
        return AccountKey(venue, account)


@contextlib.contextmanager
def opened_store(config: Path | None) -> Iterator[Store]:
    """The store the config names, for reading and for operators' wishes; the daemon may run meanwhile."""
    from marginwatch.app.build import configure_store

    store = configure_store(config, os.environ)
    try:
        yield store
    finally:
        store.close()


def operator() -> str:
    """Who types: for the records."""
    return os.environ.get("SUDO_USER") or getpass.getuser()

"""Options that several commands share, and what they open."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from marginwatch.core.alert import LONGEST_NAME, LONGEST_NOTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from marginwatch.app.reading import Reading
    from marginwatch.core.model import AccountKey

Command = TypeVar("Command", bound="Callable[..., Any]")

FAILED = 3
"""Exit code when a venue or a receiver failed."""
MOST = 1_000_000
"""Rows that a listing may be asked for."""


def config_option(command: Command) -> Command:
    """`--config FILE`, given as `config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The config file. Default: $MARGINWATCH_CONFIG, ./config.toml, /etc/marginwatch/config.toml.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`, given as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")(command)


def refuse_both(*, as_csv: bool, as_json: bool) -> None:
    """A usage error where one output is asked for in two ways."""
    if as_csv and as_json:
        message = "--csv and --json cannot stand together; choose one"
        raise click.UsageError(message)


def level_option(command: Command) -> Command:
    """`--log-level LEVEL`, given as `log_level`; None leaves it to the config."""
    levels = click.Choice(["debug", "info", "warning", "error"])
    return click.option("--log-level", type=levels, help="How much to log. Default: as the config says.")(command)


class DurationType(click.ParamType[timedelta]):
    """A duration such as `30m`, given as a timedelta."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read `10s`, `5m`, `2h` or `1d`; anything else, and no time at all, is a usage error."""
        from marginwatch.config.durations import parse_duration

        try:
            span = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return span or self.fail("it must be longer than no time at all", param, ctx)


class MomentType(click.ParamType["datetime"]):
    """A moment of the past such as `14:03` or `2h ago`, given in UTC."""

    name = "time"

    def __init__(self, *, ahead: bool = False) -> None:
        """With `ahead` it may also lie ahead, as the end of a span may."""
        self._ahead = ahead

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Anything else, and what lies ahead where it may not, is a usage error."""
        from marginwatch import clock
        from marginwatch.config.moments import BadMomentError, read_moment

        try:
            return read_moment(str(value), clock.now(), ahead=self._ahead)
        except BadMomentError as error:
            self.fail(str(error), param, ctx)


class AccountType(click.ParamType["AccountKey"]):
    """An account written `VENUE/ID` (or `VENUE/NAME`, told apart by `Reading.account`), given as an AccountKey."""

    name = "account"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> AccountKey:
        """Split at the first slash."""
        from marginwatch.core.model import AccountKey

        venue, slash, account = str(value).partition("/")
        if not (venue and slash and account):
            self.fail(f"{value} is not an account; write it as VENUE/ID or VENUE/NAME", param, ctx)
        return AccountKey(venue, account)


class LabelType(click.ParamType[tuple[str, str]]):
    """A label written `KEY=VALUE`, given as the two."""

    name = "key=value"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first equals sign."""
        if isinstance(value, tuple):
            return value
        key, equals, said = str(value).partition("=")
        if not (key and equals and said):
            self.fail(f"{value} is not a label; write it as KEY=VALUE", param, ctx)
        return key, said


class RecordType(click.ParamType[str]):
    """A line of text for the records, as the page takes it."""

    name = "text"

    def __init__(self, longest: int, *, needed: bool = False) -> None:
        """`longest` counts characters; what is `needed` may not be empty."""
        self._longest, self._needed = longest, needed

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """On one line, without what a terminal could take for a command; too much or nothing is a usage error."""
        from marginwatch.notify.words import clean

        text = clean(str(value))
        if len(text) > self._longest:
            self.fail(f"it has {len(text):,} characters, and {self._longest} are the most", param, ctx)
        return text or (self.fail("it is empty", param, ctx) if self._needed else "")


def by_option(whom: str) -> Callable[[Command], Command]:
    """`--by NAME`, for the records; `whom` says what of."""
    who = RecordType(LONGEST_NAME, needed=True)
    return click.option("--by", type=who, default=operator, help=f"{whom} Default: you.")


def note_option(command: Command) -> Command:
    """`--note TEXT`, for the records."""
    return click.option("--note", type=RecordType(LONGEST_NOTE), default="", help="For the records.")(command)


@contextlib.contextmanager
def opened(config: Path | None) -> Iterator[Reading]:
    """The store the config names, for reading and for operators' wishes; the daemon may run meanwhile."""
    from marginwatch.app.reading import open_reading

    log_quietly()
    reading = open_reading(config, os.environ)
    try:
        yield reading
    finally:
        reading.store.close()


def log_quietly() -> None:
    """Log warnings alone, in words: for commands whose output is what matters."""
    from marginwatch.ops.logs import configure_logging

    configure_logging("warning", as_json=False)


@contextlib.contextmanager
def logged_late() -> Iterator[None]:
    """Within, the same from the first line on: what makes lines takes long to import, and most commands log none.

    Not for what logs through structlog, which prints to standard output until it is told otherwise.
    """
    waiting = _FirstLine()
    logging.getLogger().addHandler(waiting)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(waiting)


class _FirstLine(logging.Handler):
    """Waits for a line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prepare the log, and let it have the line."""
        logging.getLogger().removeHandler(self)
        log_quietly()
        logging.getLogger(record.name).handle(record)


def note_strangers(
    reading: Reading, rule: str | None = None, account: AccountKey | None = None, receiver: str | None = None
) -> None:
    """Say on stderr when a filter names what is not there: finding nothing must not look like all is well."""
    from marginwatch.config.suggest import did_you_mean

    strangers: list[tuple[str, str, Iterable[str]]] = []
    if rule and rule not in reading.units:
        strangers.append(("rule", rule, reading.units))
    if account and account not in reading.accounts:
        strangers.append(("account", str(account), reading.written_accounts()))
    receivers = [each.name for each in reading.settings.receivers]
    if receiver and receiver not in receivers:
        strangers.append(("receiver", receiver, receivers))
    for kind, wanted, known in strangers:
        hint = did_you_mean(wanted, known)
        click.echo(f"note: there is no {kind} {wanted}" + (f"; {hint}" if hint else ""), err=True)


def operator() -> str:
    """Who types: for the records. The user's number where nothing names the user."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):  # which of them depends on Python's version
        return str(os.getuid())

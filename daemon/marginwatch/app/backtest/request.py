"""What a backtest is asked to do, and what can be wrong with that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marginwatch.config.durations import BadDurationError, parse_duration
from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from marginwatch.core.model import Account
    from marginwatch.core.rule import Rule


@dataclass(frozen=True, slots=True)
class Request:
    """One backtest; what is left out means all."""

    rules: tuple[str, ...] = ()
    """Ids."""
    since: datetime | None = None
    until: datetime | None = None
    accounts: tuple[str, ...] = ()
    """Globs on id, name or VENUE/ID."""
    sets: tuple[str, ...] = ()
    """As typed: `RULE.KEY=VALUE` or `RULE.KEY=A..B/STEP`."""
    files: tuple[Path, ...] = ()
    """Instead of the store."""
    imported: bool = False
    """Imported history instead of what was seen live."""
    rule_file: Path | None = None
    """Instead of the rule files that the config names."""


class NoSuchRuleError(MarginwatchError):
    """A rule that is asked for is not there."""

    def __init__(self, rule: str, known: Iterable[str]) -> None:
        hint = did_you_mean(rule, known)
        super().__init__(f"there is no rule {rule}" + (f"; {hint}" if hint else ""))


class NothingRecordedError(MarginwatchError):
    """There are no observations to go by."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is nothing to test the rules on: {what}")


class BadTimeError(MarginwatchError):
    """A time that cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text} is no time; write 2026-11-01, 2026-11-01T14:00, or 30d for thirty days ago")


class TwoSourcesError(MarginwatchError):
    """Files and imported history are both asked for."""

    def __init__(self) -> None:
        super().__init__("--file and --imported are two different pasts; give one of them")


class EmptySpanError(MarginwatchError):
    """The span ends before it begins."""

    def __init__(self) -> None:
        super().__init__("--from must lie before --to")


def read_moment(text: str, now: datetime) -> datetime:
    """A day, a time (UTC unless it names a zone), or how long ago.

    Raises:
        BadTimeError: It is none of them.
    """
    try:
        return now - parse_duration(text)
    except BadDurationError:
        pass
    try:
        if len(text) <= len("2026-11-01"):
            return datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadTimeError(text) from None


def chosen(rules: Sequence[Rule], ids: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these ids, all for none.

    Raises:
        NoSuchRuleError: One of them is not there.
    """
    known = {rule.id for rule in rules}
    for wanted in ids:
        if wanted not in known:
            raise NoSuchRuleError(wanted, known)
    return tuple(rule for rule in rules if not ids or rule.id in ids)


def picks(globs: Sequence[str], selects: Callable[[Account], bool]) -> Callable[[Account], bool]:
    """Whether an account is watched and is asked for."""
    if not globs:
        return selects

    def picked(account: Account) -> bool:
        names = (account.key.id, account.name, str(account.key), f"{account.key.venue}/{account.name}")
        return any(fnmatchcase(name, glob) for name in names for glob in globs) and selects(account)

    return picked

"""Everything that can be wrong with the database, one class each; the constructors write the sentences."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from marginwatch.core.alert import Alert
    from marginwatch.core.model import AccountKey


OUTSIDE = 3
"""Exit code for trouble that may pass by itself: systemd is to start the daemon again."""


class StoreError(MarginwatchError):
    """Base of the store's errors. Whatever was being written is rolled back; what was stored before stays."""


class BadStoreUrlError(StoreError):
    """The database URL cannot be used; a password in it is never shown."""

    why = "is not a URL"

    def __init__(self) -> None:
        super().__init__(
            f"the database URL {self.why}; write it as sqlite:////absolute/path.db or postgresql://user@host/name"
        )


class UnknownDatabaseKindError(BadStoreUrlError):
    """The URL begins with something else than sqlite or postgresql."""

    def __init__(self, kind: str) -> None:
        self.why = f"names an unknown kind of database, {kind}"
        super().__init__()


class MemoryDatabaseError(BadStoreUrlError):
    """A SQLite URL without a file."""

    why = "names no file, and what is only in memory would be lost"


class DriverMissingError(StoreError):
    """PostgreSQL was asked for without its driver."""

    def __init__(self) -> None:
        super().__init__("a PostgreSQL database needs the psycopg driver: install marginwatch[postgres]")


class DatabaseMissingError(StoreError):
    """There is no database and this command does not make one."""

    def __init__(self, where: str) -> None:
        super().__init__(f"there is no database at {where}; `marginwatch run` makes it")


class DatabaseDirectoryError(StoreError):
    """The folder of the database file is missing, or may not be written to."""

    def __init__(self, where: str, folder: Path, why: str) -> None:
        super().__init__(f"the database {where} cannot be opened: the folder {folder} {why}")


class DatabaseUnreadableError(StoreError):
    """The database file may not be opened."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the database {where} cannot be opened: {why}")


class DatabaseReadOnlyError(StoreError):
    """The database may be read but not written."""

    def __init__(self, where: str) -> None:
        super().__init__(f"the database {where} is read-only for this user")


class DatabaseFullError(StoreError):
    """No room for more; nothing of the refused write is stored, everything before it is."""

    exit_code = OUTSIDE

    def __init__(self, where: str) -> None:
        super().__init__(f"the disk is full: the database {where} cannot grow; nothing stored so far is lost")


class DatabaseBusyError(StoreError):
    """Another program held the write lock for too long."""

    exit_code = OUTSIDE

    def __init__(self, where: str) -> None:
        super().__init__(f"the database {where} is locked by another program")


class DatabaseCorruptError(StoreError):
    """The file is damaged."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the database {where} is damaged ({why}); restore a backup of it")


class NotADatabaseError(StoreError):
    """The file is something else."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} is not a database")


class ForeignDatabaseError(StoreError):
    """The database belongs to another program."""

    def __init__(self, where: str) -> None:
        super().__init__(f"the database {where} holds tables of another program; name another one")


class DatabaseUnreachableError(StoreError):
    """The server does not answer, or refuses the login."""

    exit_code = OUTSIDE

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the database {where} cannot be reached: {why}")


class DatabaseFailedError(StoreError):
    """Anything else the database said, such as an I/O error."""

    exit_code = OUTSIDE

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the database {where} failed: {why}")


class DatabaseTooNewError(StoreError):
    """A later version of marginwatch wrote it."""

    exit_code = 78

    def __init__(self, where: str, version: str) -> None:
        super().__init__(
            f"the database {where} is of a newer version of marginwatch (schema {version}); install that version"
        )


class DatabaseOwnedError(StoreError):
    """Another process owns the database."""

    exit_code = OUTSIDE

    def __init__(self, where: str, owner: str) -> None:
        self.owner = owner
        super().__init__(f"the database {where} is in use by another marginwatch{_by(owner)}; stop that one first")


class DatabaseOutdatedError(StoreError):
    """A running marginwatch of an earlier version uses tables that this one would have to change."""

    def __init__(self, where: str, owner: str) -> None:
        super().__init__(
            f"the database {where} is in use by an older marginwatch{_by(owner)}; restart that one with this version"
        )


class EpochLostError(StoreError):
    """Another process took the database over; this one may write no more."""

    exit_code = OUTSIDE

    def __init__(self, where: str) -> None:
        super().__init__(f"another marginwatch took over the database {where}; this process must end")


class NotOwnedError(StoreError):
    """This process was to write as the daemon before it owned the database, or after it gave it up."""

    def __init__(self, where: str) -> None:
        super().__init__(f"this process does not own the database {where}, not yet or not any more; nothing is written")


class AlertNotFoundError(StoreError):
    """No alert has that id, nor one that begins so."""

    def __init__(self, wanted: str, known: Sequence[str]) -> None:
        super().__init__(f"no alert has an id that begins with {wanted}{_suggestion(wanted, known)}")


class ShortAlertError(StoreError):
    """Too little of an id to name an alert by."""

    def __init__(self, wanted: str, shortest: int) -> None:
        super().__init__(f'"{wanted}" is too short for an alert; write its id, or at least {shortest} characters of it')


class AmbiguousAlertError(StoreError):
    """A prefix fits several alerts."""

    def __init__(self, wanted: str, found: Sequence[Alert]) -> None:
        shown = [f"{each.alert_id} ({each.key.rule}, {each.key.account})" for each in found[:5]]
        more = [] if len(found) == len(shown) else ["…"]
        super().__init__(f"{wanted} fits {len(found)} alerts: {', '.join(shown + more)}")


class AlertEndedError(StoreError):
    """The alert is over, so there is nothing to acknowledge."""

    def __init__(self, alert_id: str, ended_at: datetime | None) -> None:
        when = f" at {ended_at:%Y-%m-%d %H:%M:%S} UTC" if ended_at else ""
        super().__init__(f"the alert {alert_id} ended{when}; only an open one can be acknowledged")


class SilenceNotFoundError(StoreError):
    """No silence that could still be ended has that id."""

    def __init__(self, silence: int, known: Sequence[int]) -> None:
        numbers = ", ".join(map(str, known))
        super().__init__(f"no silence {silence} is in force" + (f"; those in force: {numbers}" if numbers else ""))


class EmptySilenceError(StoreError):
    """A silence that ends before it begins."""

    def __init__(self) -> None:
        super().__init__("a silence must end after it begins")


class AccountNotFoundError(StoreError):
    """The store remembers no such account."""

    def __init__(self, account: AccountKey, known: Sequence[str]) -> None:
        super().__init__(f"no account {account} is known{_suggestion(str(account), known)}")


class BackupTargetError(StoreError):
    """The backup cannot be written there."""

    def __init__(self, target: Path, why: str) -> None:
        super().__init__(f"no backup was written to {target}: {why}")


class BackupRoomError(BackupTargetError):
    """The place is right, and its disk took no more."""

    exit_code = OUTSIDE


class BackupUnsupportedError(StoreError):
    """PostgreSQL has its own tool for this."""

    def __init__(self, where: str) -> None:
        super().__init__(
            "a PostgreSQL database is backed up by its own tool: "
            f"pg_dump --format=custom --file=FILE --dbname='{where}'"
        )


class RestoreSourceError(StoreError):
    """What is to be restored is no good backup."""

    def __init__(self, source: Path, why: str) -> None:
        super().__init__(f"{source} cannot be restored: {why}; nothing was changed")


class RestoreTargetError(StoreError):
    """There is a database already."""

    def __init__(self, target: Path) -> None:
        super().__init__(f"there is a database at {target} already; --force puts it aside and restores all the same")


class RestoreUnsupportedError(StoreError):
    """PostgreSQL has its own tool for this."""

    def __init__(self, where: str) -> None:
        super().__init__(
            "a PostgreSQL database is restored by its own tool: "
            f"pg_restore --clean --if-exists --single-transaction --dbname='{where}' FILE"
        )


def _by(owner: str) -> str:
    return f" ({owner})" if owner else ""


def _suggestion(wanted: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""

"""The store: everything marginwatch remembers, in one database that one process owns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from marginwatch.store import engine, loading, ownership, schema, writing
from marginwatch.store.audit import Audit
from marginwatch.store.backup import backup
from marginwatch.store.course import Courses
from marginwatch.store.errors import NotOwnedError
from marginwatch.store.history import History
from marginwatch.store.imported import Imports
from marginwatch.store.keys import Keys
from marginwatch.store.operators import Operators
from marginwatch.store.outbox import Outbox, requeue
from marginwatch.store.retention import prune
from marginwatch.store.rulebooks import Rulebooks
from marginwatch.store.staging import Memory, Staged, stage
from marginwatch.store.types import Committed

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.state import Commit, Prior
    from marginwatch.store.engine import Database
    from marginwatch.store.ownership import Owner
    from marginwatch.store.retention import Retention
    from marginwatch.store.types import OperatorInput


_NEVER = datetime.max.replace(tzinfo=UTC)


class Store:
    """An opened database. Every method may raise a `StoreError`, whose text is one sentence for a person.

    The owner's writes (`commit`, `outbox.claim_due`, `outbox.record_attempt`) belong in one thread; reads, and what
    `operators` write, may come from any thread or process. What only the owner may do raises `NotOwnedError` elsewhere,
    and after `close`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner: Owner | None = None
        self._memory = Memory()
        self._doubtful: Staged | None = None
        self.outbox = Outbox(database, self._owned)
        self.operators = Operators(database)
        self.history = History(database)
        self.audit = Audit(database)
        self.imports = Imports(database)
        self.rulebooks = Rulebooks(database, self._owned)
        self.keys = Keys(database, self._owned)
        self.courses = Courses(database)

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Store:
        """Open the database, making or upgrading it as needed; without `create` it must be there."""
        database = engine.connect(url, create=create)
        try:
            schema.migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def own(self) -> int:
        """Become the one process that commits and sends, until `close`; gives the epoch.

        Messages another owner was sending are due at once. Raises `DatabaseOwnedError`.
        """
        owner = ownership.own(self._database)
        try:
            with owner.write() as connection:
                requeue(connection)
                self._memory = loading.memory(connection)
        except BaseException:
            owner.release()
            raise
        self._owner = owner
        return owner.epoch

    def close(self) -> None:
        """Give up ownership, where there is one, and close every connection."""
        if self._owner is not None:
            self._owner.release()
            self._owner = None
        self._database.close()

    def load_prior(self) -> Prior:
        """What the engine starts from: all that the last commit left."""
        with self._database.read() as connection:
            return loading.prior(connection)

    def observations(
        self, accounts: Container[AccountKey], since: datetime, until: datetime = _NEVER
    ) -> Iterator[Observation]:
        """What was committed of these accounts in that time, in the order in which it was; see `History.ticks`."""
        for tick in self.history.ticks(since, until):
            for stored in tick.observations:
                if stored.observation.account in accounts:
                    yield stored.observation

    def commit(self, commit: Commit) -> Committed:
        """Write all of it in one durable transaction, or nothing of it.

        After a `StoreError` the same commit may be given again: should it have got through after all, as it can when
        a connection breaks at the wrong moment, it is not written twice.
        """
        staged = self._earlier()
        if staged is None or staged.commit is not commit:
            staged = self._doubtful = stage(commit, self._memory)
            with self._owned().write() as connection:
                writing.write(connection, staged)
            self._learn(staged)
        return Committed(staged.tick, frozenset(message.receiver for message in commit.messages))

    def _earlier(self) -> Staged | None:
        """The commit whose outcome was in doubt, if it turns out to be stored."""
        doubtful = self._doubtful
        if doubtful is not None:
            with self._owned().write() as connection:
                stored = loading.has_tick(connection, doubtful.tick)
            if stored:
                self._learn(doubtful)
                return doubtful
        return None

    def _learn(self, staged: Staged) -> None:
        staged.remember(self._memory)
        self._doubtful = None

    def changes(self) -> int:
        """A number that grows whenever operators wrote; cheap enough to ask at every tick."""
        return int(self._database.ask(loading.CHANGES) or 0)

    def operator_input(self) -> OperatorInput:
        """What operators wrote and no commit has settled."""
        with self._database.read() as connection:
            return loading.operator_input(connection)

    def prune(self, now: datetime, retention: Retention) -> int:
        """Drop what is older than the retention allows; gives the number of rows dropped.

        In small transactions of its own, so it may run in another thread than `commit`.
        """
        return prune(self._database, self._owned(), now, retention)

    def backup(self, target: Path) -> None:
        """Copy the database to a new file while it is in use. Raises `BackupTargetError`, `BackupUnsupportedError`."""
        backup(self._database, target)

    def _owned(self) -> Owner:
        if self._owner is None:
            raise NotOwnedError(self._database.where)
        return self._owner

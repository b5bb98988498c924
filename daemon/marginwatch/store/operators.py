"""What people write from the command line while the daemon runs: acknowledgements, silences and requests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.alert import Acknowledgement, Silence
from marginwatch.store import loading
from marginwatch.store.deeds import Deed, Via, note_deed
from marginwatch.store.errors import (
    AccountNotFoundError,
    AlertEndedError,
    EmptySilenceError,
    SilenceNotFoundError,
)
from marginwatch.store.keys import use_link
from marginwatch.store.naming import alert_named
from marginwatch.store.tables import accounts, acknowledgements, meta, requests, silences
from marginwatch.store.types import RequestKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.alert import Alert
    from marginwatch.core.model import AccountKey
    from marginwatch.store.engine import Database


class Operators:
    """Writes without owning the database; the daemon sees each by `Store.changes` and acts at its next tick."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acknowledge(
        self,
        alert_id: str,
        *,
        by: str,
        note: str,
        now: datetime,
        until: datetime | None = None,
        via: Via = Via.COMMAND_LINE,
        link: str = "",
    ) -> tuple[Alert, Acknowledgement]:
        """Say that somebody is on the open alert of that id, or of the only id that begins so.

        Replaces an earlier acknowledgement. `link` is the `Claim.serial` of a link that may do it once. Raises
        `AlertEndedError`, `LinkUsedError`, and what `naming.alert_named` raises.
        """
        with self._write() as connection:
            alert = _open_alert(connection, alert_id)
            if link:
                use_link(connection, link, Deed.ACKNOWLEDGED, by, now)
            same = (acknowledgements.c.alert_id == alert.alert_id, acknowledgements.c.lapsed_at.is_(None))
            connection.execute(acknowledgements.update().where(*same).values(lapsed_at=now))
            made = Acknowledgement(alert.alert_id, by, note, now, until)
            values = {"alert_id": alert.alert_id, "by": by, "note": note, "at": now, "until": until}
            connection.execute(acknowledgements.insert().values(values))
            about = {"rule": alert.key.rule, "venue": alert.key.account.venue, "account": alert.key.account.id}
            note_deed(connection, Deed.ACKNOWLEDGED, via, **values, **about)
        return alert, made

    def add_silence(
        self, silence: Silence, now: datetime | None = None, *, via: Via = Via.COMMAND_LINE, link: str = ""
    ) -> Silence:
        """Store a silence; its `id` is ignored and the new one's returned.

        `now` is when it is written, where that is not when it begins; `link` is the `Claim.serial` of a link that may
        do it once. Raises `EmptySilenceError`, `LinkUsedError`.
        """
        if silence.ends_at <= silence.starts_at:
            raise EmptySilenceError
        values = loading.silence_values(silence)
        with self._write() as connection:
            if link:
                use_link(connection, link, Deed.SILENCED, silence.by, now or silence.starts_at)
            made = loading.silence(connection.execute(silences.insert().values(values).returning(silences)).one())
            _note_silence(connection, Deed.SILENCED, made, via=via, by=silence.by, at=now or silence.starts_at)
            return made

    def end_silence(self, silence_id: int, now: datetime, *, by: str, via: Via = Via.COMMAND_LINE) -> Silence:
        """End it now; one that has not begun never will. Raises `SilenceNotFoundError`."""
        with self._write() as connection:
            in_force = {silence.id: silence for silence in loading.silences(connection) if now < silence.ends_at}
            if silence_id not in in_force:
                raise SilenceNotFoundError(silence_id, sorted(in_force))
            values = {"starts_at": min(now, in_force[silence_id].starts_at), "ends_at": now}
            update = silences.update().where(silences.c.id == silence_id).values(values).returning(silences)
            ended = loading.silence(connection.execute(update).one())
            _note_silence(connection, Deed.SILENCE_ENDED, ended, via=via, by=by, at=now)
            return ended

    def forget(self, account: AccountKey, *, by: str, now: datetime, via: Via = Via.COMMAND_LINE) -> int:
        """Ask the daemon to close the account's alerts and forget it; gives the request's id.

        Asking again before it is done gives the same id. Raises `AccountNotFoundError`.
        """
        with self._write() as connection:
            _check_account(connection, account)
            for request in loading.requests(connection):
                if (request.kind, request.account) == (RequestKind.FORGET, account):
                    return request.id
            values = {"kind": RequestKind.FORGET, "venue": account.venue, "account": account.id, "by": by, "at": now}
            made: int = connection.execute(requests.insert().values(values).returning(requests.c.id)).scalar_one()
            about = {"venue": account.venue, "account": account.id}
            note_deed(connection, Deed.FORGOTTEN, via, by=by, at=now, **about)
        return made

    def silences(self, *, ended: bool = False) -> list[Silence]:
        """Silences, oldest first; with `ended`, those over and done as well."""
        wanted = sa.select(silences).order_by(silences.c.id)
        if not ended:
            wanted = wanted.where(silences.c.settled_at.is_(None))
        with self._database.read() as connection:
            return [loading.silence(row) for row in connection.execute(wanted)]

    @contextlib.contextmanager
    def _write(self) -> Iterator[Connection]:
        """A transaction that also tells the daemon that there is something to read."""
        with self._database.write() as connection:
            yield connection
            connection.execute(meta.update().where(meta.c.key == "changes").values(value=meta.c.value + 1))


def _note_silence(connection: Connection, deed: Deed, silence: Silence, *, via: Via, by: str, at: datetime) -> None:
    what = {name: getattr(silence, name) for name in ("rule", "venue", "account", "note")}
    what["choice"] = silence.choice or None
    span = {"since": silence.starts_at, "until": silence.ends_at}
    note_deed(connection, deed, via, by=by, at=at, silence_id=silence.id, **what, **span)


def _open_alert(connection: Connection, wanted: str) -> Alert:
    found = alert_named(connection, wanted)
    if not found.is_open:
        raise AlertEndedError(found.alert_id, found.ended_at)
    return found


def _check_account(connection: Connection, account: AccountKey) -> None:
    known = sa.select(accounts.c.venue, accounts.c.account).where(accounts.c.body.is_not(None))
    names = {f"{row.venue}/{row.account}" for row in connection.execute(known)}
    if str(account) not in names:
        raise AccountNotFoundError(account, sorted(names))

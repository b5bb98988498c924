"""Reads back what the engine starts from, and what operators wrote meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.alert import Acknowledgement, Alert, Silence
from marginwatch.core.flapping import REMEMBERED, counts
from marginwatch.core.model import AccountKey
from marginwatch.core.state import AccountState, Prior, VenueState, Withheld
from marginwatch.store import codec, digests, tables
from marginwatch.store.staging import Memory
from marginwatch.store.tables import OPEN_ALERT
from marginwatch.store.types import OperatorInput, Request, RequestKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.result import AlertKey
    from marginwatch.store.columns import AnyRow

CHANGES = "SELECT value FROM meta WHERE key = 'changes'"
"""How often operators wrote, ever; asked at every tick, so it is as plain as can be."""
NUMBERED = (tables.ticks, tables.failures, tables.cycles, tables.listings, tables.accounts, tables.revisions)
"""Tables whose ids the owner gives out itself."""


def prior(connection: Connection) -> Prior:
    """Everything the engine needs to go on where the last process stopped."""
    operators, absence = operator_input(connection), digests.absence(connection)
    return Prior(
        accounts={state.account.key: state for state in account_states(connection)},
        venues={state.venue: state for state in venue_states(connection)},
        alerts=open_alerts(connection),
        silences=operators.silences,
        acknowledgements=operators.acknowledgements,
        withheld=withheld(connection),
        gathered=digests.gathered(connection),
        absence=absence,
        ended=() if absence is None else ended_alerts(connection, absence.until),
        lately=ended_lately(connection),
    )


def memory(connection: Connection) -> Memory:
    """What a new owner must know of the rows that are there."""
    wanted = sa.select(tables.accounts.c.id, tables.accounts.c.venue, tables.accounts.c.account)
    accounts = {AccountKey(row.venue, row.account): row.id for row in connection.execute(wanted)}
    return Memory(
        next_id={table.name: (connection.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1 for table in NUMBERED},
        accounts=accounts,
        revisions={row.revision: row.id for row in connection.execute(sa.select(tables.revisions))},
        states={row.id: _account_state(row) for row in _account_rows(connection)},
    )


def has_tick(connection: Connection, tick: int) -> bool:
    """Whether that tick is stored."""
    return connection.scalar(sa.select(tables.ticks.c.id).where(tables.ticks.c.id == tick)) is not None


def account_states(connection: Connection) -> list[AccountState]:
    """Every account that is remembered, by venue and id."""
    return [_account_state(row) for row in _account_rows(connection)]


def _account_rows(connection: Connection) -> Iterator[AnyRow]:
    accounts, sightings = tables.accounts, tables.sightings
    yield from connection.execute(
        sa.select(accounts.c.id, accounts.c.body, sightings.c.observed_at, sightings.c.fetched_at)
        .join(sightings)
        .where(accounts.c.body.is_not(None))
        .order_by(accounts.c.venue, accounts.c.account)
    )


def _account_state(row: AnyRow) -> AccountState:
    """The body's times are those of its last change; the sighting's are newer."""
    written = codec.loads(row.body)
    for name in ("observed_at", "fetched_at"):
        moment = row._mapping[name]  # noqa: SLF001  (public in spite of its name)
        written[name] = None if moment is None else moment.isoformat()
    return codec.build(AccountState, written)


def venue_states(connection: Connection) -> list[VenueState]:
    """Every venue, by name."""
    found = connection.scalars(sa.select(tables.venues.c.body).order_by(tables.venues.c.name))
    return [codec.decode(VenueState, body) for body in found]


def open_alerts(connection: Connection) -> tuple[Alert, ...]:
    """Pending and firing ones, oldest first."""
    wanted = (
        sa.select(tables.alerts.c.body).where(OPEN_ALERT).order_by(tables.alerts.c.active_at, tables.alerts.c.alert_id)
    )
    return tuple(codec.decode(Alert, body) for body in connection.scalars(wanted))


def ended_alerts(connection: Connection, since: datetime) -> tuple[Alert, ...]:
    """Those that fired and ended since then."""
    alerts = tables.alerts
    wanted = sa.select(alerts.c.body).where(alerts.c.changed_at >= since, alerts.c.ended_at >= since)
    found = connection.scalars(wanted.where(alerts.c.fired_at.is_not(None)).order_by(alerts.c.ended_at))
    return tuple(codec.decode(Alert, body) for body in found)


def ended_lately(connection: Connection, at: datetime | None = None) -> tuple[Alert, ...]:
    """Of each key the latest that ended (before `at`), where its firings count for the next; oldest end first."""
    alerts = tables.alerts
    latest = at or connection.scalar(sa.select(sa.func.max(alerts.c.changed_at)))
    if latest is None:
        return ()
    since = latest - REMEMBERED
    wanted = sa.select(alerts.c.body).where(alerts.c.changed_at >= since, alerts.c.ended_at >= since)
    if at is not None:
        wanted = wanted.where(alerts.c.ended_at < at)
    found: dict[AlertKey, Alert] = {}
    for body in connection.scalars(wanted.order_by(alerts.c.ended_at, alerts.c.active_at, alerts.c.alert_id)):
        alert = codec.decode(Alert, body)
        found.pop(alert.key, None)
        found[alert.key] = alert
    return tuple(alert for alert in found.values() if counts(alert))


def withheld(connection: Connection) -> tuple[Withheld, ...]:
    """What is held back, oldest first."""
    bodies = connection.scalars(sa.select(tables.held.c.body).order_by(tables.held.c.id))
    return tuple(codec.decode(Withheld, body) for body in bodies)


def operator_input(connection: Connection) -> OperatorInput:
    """What operators wrote and the daemon has not settled."""
    return OperatorInput(changes(connection), silences(connection), acknowledgements(connection), requests(connection))


def changes(connection: Connection) -> int:
    """How often operators wrote, ever."""
    return connection.exec_driver_sql(CHANGES).scalar() or 0


def silences(connection: Connection) -> tuple[Silence, ...]:
    """Those not settled, oldest first."""
    wanted = tables.silences.c.settled_at.is_(None)
    found = connection.execute(sa.select(tables.silences).where(wanted).order_by(tables.silences.c.id))
    return tuple(silence(row) for row in found)


def silence(row: AnyRow) -> Silence:
    """One row of silences."""
    choice = json.loads(row.choice) if row.choice else {}
    return Silence(
        row.id,
        row.by,
        row.note,
        row.starts_at,
        row.ends_at,
        row.rule,
        row.venue,
        row.account,
        tuple(choice.get("groups", ())),
        choice.get("labels", {}),
    )


def silence_values(silence: Silence) -> dict[str, object]:
    """The columns of a row of silences, but for its id."""
    names = ("by", "note", "starts_at", "ends_at", "rule", "venue", "account")
    choice = json.dumps({"groups": silence.groups, "labels": silence.labels}) if silence.choice else None
    return {**{name: getattr(silence, name) for name in names}, "choice": choice}


def acknowledgements(connection: Connection) -> Mapping[str, Acknowledgement]:
    """Those of open alerts that have not lapsed, by alert_id."""
    acks, alerts = tables.acknowledgements, tables.alerts
    found = connection.execute(
        sa.select(acks)
        .join(alerts, alerts.c.alert_id == acks.c.alert_id)
        .where(acks.c.lapsed_at.is_(None), OPEN_ALERT)
        .order_by(acks.c.id)
    )
    return {row.alert_id: acknowledgement(row) for row in found}


def acknowledgement(row: AnyRow) -> Acknowledgement:
    """One row of acknowledgements."""
    return Acknowledgement(row.alert_id, row.by, row.note, row.at, row.until)


def requests(connection: Connection) -> tuple[Request, ...]:
    """Those not carried out, oldest first."""
    wanted = tables.requests.c.settled_at.is_(None)
    found = connection.execute(sa.select(tables.requests).where(wanted).order_by(tables.requests.c.id))
    return tuple(
        Request(row.id, RequestKind(row.kind), AccountKey(row.venue, row.account), row.by, row.at) for row in found
    )

"""What every account said last, put together from its latest stored observation and when it was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.model import Observation
from marginwatch.store.loading import account_states
from marginwatch.store.replay import read_said
from marginwatch.store.tables import accounts, observations

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def latest(connection: Connection) -> list[Observation]:
    """One observation an account that is remembered and was seen, by venue and id.

    Its times are those of the account's state, its `failures` are not in it, and a field they left out is missing.
    """
    found = []
    for state in account_states(connection):
        key, fetched_at = state.account.key, state.fetched_at
        row = connection.execute(
            sa.select(observations.c.as_of, observations.c.data)
            .join(accounts, accounts.c.id == observations.c.account_id)
            .where(accounts.c.venue == key.venue, accounts.c.account == key.id)
            .order_by(observations.c.tick_id.desc(), observations.c.place.desc())
            .limit(1)
        ).one_or_none()
        if row is not None and fetched_at is not None:
            read = read_said(row.data)
            as_of = None if row.as_of is None else state.observed_at
            found.append(
                Observation(
                    account=key,
                    fetched_at=fetched_at,
                    as_of=as_of,
                    fields=read.fields,
                    positions=read.positions,
                    optional=read.optional,
                )
            )
    return found

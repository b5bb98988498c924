"""Which alert is meant by its id, or by the beginning of it: the same for everything a person may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.alert import Alert
from marginwatch.store import codec
from marginwatch.store.errors import AlertNotFoundError, AmbiguousAlertError, ShortAlertError
from marginwatch.store.tables import OPEN_ALERT, alerts

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SHORTEST = 4
"""Characters of an id that say enough: 20 bits. Fewer would soon fit several, and one typed in haste the wrong one."""


def alert_named(connection: Connection, wanted: str) -> Alert:
    """The alert of that id, or of the only id that begins so; open or ended.

    Raises `ShortAlertError`, `AmbiguousAlertError`, `AlertNotFoundError`.
    """
    body = connection.scalar(sa.select(alerts.c.body).where(alerts.c.alert_id == wanted))
    if body is not None:
        return codec.decode(Alert, body)
    if len(wanted) < SHORTEST:
        raise ShortAlertError(wanted, SHORTEST)
    begins = alerts.c.alert_id.startswith(wanted, autoescape=True)
    bodies = connection.scalars(sa.select(alerts.c.body).where(begins).order_by(alerts.c.alert_id))
    found = [codec.decode(Alert, each) for each in bodies]
    if len(found) > 1:
        raise AmbiguousAlertError(wanted, found)
    if not found:
        raise AlertNotFoundError(wanted, connection.scalars(sa.select(alerts.c.alert_id).where(OPEN_ALERT)).all())
    return found[0]

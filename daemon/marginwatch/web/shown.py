"""What templates are given: words, places and times made from the engine's values. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from marginwatch.core.fields import Unit
from marginwatch.notify.words import amount, clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert
    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import AccountState


@lru_cache(maxsize=20_000)
def mark_of(kind: str, text: str) -> str:
    """The id of an element that stands for something with any name."""
    return f"{kind}-{hashlib.blake2s(text.encode(errors='surrogatepass'), digest_size=8).hexdigest()}"


def path_of(key: AccountKey) -> str:
    """Where the page of an account is; empty for a venue and for marginwatch itself."""
    return f"/accounts/{quote(key.venue, safe='')}/{quote(key.id, safe='')}" if key.id and key.venue else ""


def called(key: AccountKey, accounts: Mapping[AccountKey, AccountState]) -> str:
    """What an account is called; `venue futures` and `marginwatch` where it is about no account."""
    state = accounts.get(key)
    name = clean(key.id if state is None else state.account.name) or clean(key.id)
    return name or (f"venue {clean(key.venue)}" if key.venue else "marginwatch")


def currency_of(state: AccountState | None) -> str:
    """The currency of an account's money; empty where nobody says."""
    currency = None if state is None else state.known.get("currency")
    return clean(currency) if isinstance(currency, str) else ""


def money(value: Value, currency: str = "") -> str:
    """An amount as people read it; empty for none."""
    return amount(value, Unit.MONEY, currency) if isinstance(value, Decimal) else ""


def figure(value: Decimal | None, alert: Alert, ruling: Ruling, currency: str) -> str:
    """A rule's number as people read it; empty for none."""
    if value is None:
        return ""
    rule = ruling.rules.get(alert.key.rule)
    return amount(value, Unit.QUANTITY if rule is None else rule.unit, currency)


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert as a list shows it."""

    alert_id: str
    severity: str
    state: str
    title: str
    subject: str
    account: str
    """Of an alert about a venue or about marginwatch itself, that."""
    venue: str
    """The account's; empty where there is none."""
    account_path: str
    value: str
    detail: str
    since: datetime
    """When the trouble began."""
    data_at: datetime
    """How old what is known is."""
    unknown_since: datetime | None
    because: str
    acknowledged_by: str
    acknowledged_until: datetime | None
    note: str
    flapping_since: datetime | None = None
    """While it is kept open because it comes and goes: since when."""
    times_fired: int = 0
    """How often it fired since then."""

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/alerts/{self.alert_id}"


def alert_line(
    alert: Alert,
    given: Acknowledgement | None,
    ruling: Ruling,
    accounts: Mapping[AccountKey, AccountState],
    now: datetime,
) -> AlertLine:
    """The alert, with its acknowledgement where that holds."""
    key = alert.key.account
    holds = given if given is not None and given.covers(now) else None
    return AlertLine(
        alert_id=alert.alert_id,
        severity=alert.severity.label,
        state=alert.status.value,
        title=clean(alert.title),
        subject=clean(alert.key.subject),
        account=called(key, accounts),
        venue=clean(key.venue) if key.id else "",
        account_path=path_of(key) if key in accounts else "",
        value=figure(alert.value, alert, ruling, currency_of(accounts.get(key))),
        detail=clean(alert.detail),
        since=alert.active_at,
        data_at=alert.as_of or alert.known_at,
        unknown_since=alert.unknown_since,
        because=clean(alert.because),
        acknowledged_by="" if holds is None else clean(holds.by),
        acknowledged_until=None if holds is None else holds.until,
        note="" if holds is None else clean(holds.note),
        flapping_since=alert.flapping_since,
        times_fired=0 if alert.flaps is None else alert.flaps.times,
    )

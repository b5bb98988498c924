"""What a store would hold: put together from commits alone, so that a restart finds nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.flapping import counts
from marginwatch.core.state import Prior
from marginwatch.core.withheld import Waiting

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from datetime import datetime

    from marginwatch.app.replay import Moment
    from marginwatch.core.alert import Acknowledgement, Alert, Silence
    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.result import AlertKey
    from marginwatch.core.state import AccountState, VenueState


class Kept:
    """Everything committed so far that a new process would be given."""

    def __init__(self) -> None:
        self.silences: tuple[Silence, ...] = ()
        """Those operators made and that are not settled."""
        self.acknowledgements: dict[str, Acknowledgement] = {}
        self._accounts: dict[AccountKey, AccountState] = {}
        self._venues: dict[str, VenueState] = {}
        self._alerts: dict[str, Alert] = {}
        self._ended: dict[AlertKey, Alert] = {}
        self._waiting = Waiting()
        self._observations: list[tuple[datetime, Observation]] = []

    def commit(self, moment: Moment) -> None:
        """Take one tick over."""
        commit = moment.decision.commit
        self._observations += [(commit.at, each.observation) for each in commit.observations]
        self._accounts.update((state.account.key, state) for state in commit.accounts)
        self._venues.update((state.venue, state) for state in commit.venues)
        for alert in commit.alerts:
            if alert.is_open:
                self._alerts[alert.alert_id] = alert
            else:
                self._alerts.pop(alert.alert_id, None)
        for alert in moment.decision.draft.ended():
            self._ended.pop(alert.key, None)
            self._ended[alert.key] = alert
        for alert_id in commit.lapsed:
            self.acknowledgements.pop(alert_id, None)
        self.silences = tuple(silence for silence in self.silences if silence.id not in commit.settled)
        self._waiting.take(commit.released, commit.withheld)

    def observations(self, accounts: Container[AccountKey], since: datetime) -> Iterator[Observation]:
        """What was committed of these accounts since then."""
        return (seen for at, seen in self._observations if at >= since and seen.account in accounts)

    def prior(self) -> Prior:
        """What a new process is given."""
        return Prior(
            accounts=dict(self._accounts),
            venues=dict(self._venues),
            alerts=tuple(self._alerts.values()),
            silences=self.silences,
            acknowledgements=dict(self.acknowledgements),
            withheld=self._waiting.rows,
            lately=tuple(filter(counts, self._ended.values())),
        )

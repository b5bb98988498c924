"""What keeps a message back from a receiver now, and until when. Pure.

    a silence, a maintenance window      all receivers, whatever the severity
    quiet hours                          one receiver, what is milder than they let through
    hours of a route                     the receivers it names
    an outage of the venue               who was told of it, and only that data are unknown, which it explains

Of several the one that ends last counts; when it is over, is removed or was edited, it is looked at anew.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import State, Status
from marginwatch.core.maintenance import Maintenances
from marginwatch.core.model import Account
from marginwatch.core.selecting import Described

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.alert import Alert, Silence, Transition
    from marginwatch.core.model import AccountKey
    from marginwatch.core.quiet import Quiet
    from marginwatch.core.result import AlertKey
    from marginwatch.core.route import Verdict


_NONE: Final[Mapping[str, Alert]] = MappingProxyType({})


class HoldKind(enum.StrEnum):
    """What kind of thing holds messages back."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    QUIET = "quiet"
    HOURS = "hours"
    """Of a route."""
    OUTAGE = "outage"
    """The receiver was told that the venue gives no answers."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that holds back."""

    kind: HoldKind
    name: str
    """The silence's number; the name of the window, of the receiver whose hours are quiet, or of the route; the
    alert_id of the alert about the venue."""
    until: datetime | None
    """When to look again; None: when the alert about the venue has ended."""

    @property
    def id(self) -> str:
        """Short, unique and stable: `silence:7`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Outage:
    """A venue that gives no answers, or seems to."""

    alert: Alert
    """That says so: it fires, or is pending, for a cycle that fails is none yet."""
    decided_by: datetime
    """By then it has fired, or what it was to explain is told all the same."""


def kind_of(hold: str) -> HoldKind:
    """The kind of a hold, from its id."""
    return HoldKind(hold.partition(":")[0])


def silence_of(rule: str, known: Described, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """The silence that holds back the rule's messages about the account now, the longest of several; None: none."""
    covering = (
        silence
        for silence in silences
        if silence.covers(now) and fnmatchcase(rule, silence.rule) and known.fits(silence.selector)
    )
    return max(covering, key=lambda silence: (silence.ends_at, silence.id), default=None)


@dataclass(frozen=True, slots=True)
class Holds:
    """Everything that may hold back, as of one tick."""

    now: datetime
    accounts: Mapping[AccountKey, Account] = field(default_factory=dict)
    """Those that alerts are about; one that is not there is known by its id alone."""
    silences: Collection[Silence] = ()
    maintenance: Maintenances = field(default_factory=Maintenances)
    quiet: Mapping[str, Quiet] = field(default_factory=dict)
    """By receiver."""
    outages: Callable[[AccountKey], Iterable[Outage]] = lambda _: ()
    """What explains why nothing is known of an account, as of now in this tick."""
    described: Callable[[Account], Described] = Described
    """An account with what silences may choose it by."""

    def on(self, transition: Transition, receiver: str, verdict: Verdict, changed: Mapping[str, Alert]) -> Hold | None:
        """What holds a new transition back from a receiver that is to hear of it; None: nothing does.

        `changed` are alerts of which somebody was told in this very tick, by alert_id.
        """
        return self._longest(transition, receiver, verdict) or self._outage(transition, receiver, changed, begun=False)

    def still(self, transition: Transition, receiver: str, verdict: Verdict) -> Hold | None:
        """What holds back what has waited already; an outage that nobody was told of by now does not."""
        return self._longest(transition, receiver, verdict) or self._outage(transition, receiver, _NONE, begun=True)

    def _longest(self, transition: Transition, receiver: str, verdict: Verdict) -> Hold | None:
        found = list(self._windows(transition.key))
        quiet = self.quiet.get(receiver)
        until = None if quiet is None else quiet.until(transition.severity, self.now)
        if until is not None:
            found.append(Hold(HoldKind.QUIET, receiver, until))
        if verdict.until is not None:
            found.append(Hold(HoldKind.HOURS, verdict.route, verdict.until))
        return max(found, key=lambda hold: (hold.until or self.now, hold.id), default=None)

    def from_all(self, key: AlertKey) -> Hold | None:
        """What keeps an alert from everybody, the longest of several; None: nothing does."""
        return max(self._windows(key), key=lambda hold: (hold.until or self.now, hold.id), default=None)

    def _windows(self, key: AlertKey) -> Iterator[Hold]:
        account = self._account(key)
        silences = self.silences
        silence = silence_of(key.rule, self.described(account), silences, self.now) if silences else None
        if silence is not None:
            yield Hold(HoldKind.SILENCE, str(silence.id), silence.ends_at)
        for window in self.maintenance.of(account, key.rule):
            ends = window.when.ends(self.now)
            if ends is not None:
                yield Hold(HoldKind.MAINTENANCE, window.name, ends)

    def _outage(
        self, transition: Transition, receiver: str, changed: Mapping[str, Alert], *, begun: bool
    ) -> Hold | None:
        if transition.state is not State.UNKNOWN:
            return None
        found = sorted(self.outages(transition.key.account), key=lambda outage: outage.alert.alert_id)
        for outage in found:
            if receiver in changed.get(outage.alert.alert_id, outage.alert).told:
                return Hold(HoldKind.OUTAGE, outage.alert.alert_id, None)
        about = (outage for outage in found if not begun and outage.alert.status is Status.PENDING)
        pending = next(about, None)
        return None if pending is None else Hold(HoldKind.OUTAGE, pending.alert.alert_id, pending.decided_by)

    def _account(self, key: AlertKey) -> Account:
        return self.accounts.get(key.account) or Account(key.account, key.account.id)

"""The tick loop's one step: from what was fetched to what is committed.

tick(batch of fetched results, now):
  observations = [normalise(f) for f in fetched]                 pure  wire reply -> typed Observation, or VenueFailure
  prior        = the memory of the last commit                   ---   alerts, known values, timers; loaded at start
  results      = evaluate(rules, observations, prior)            pure  true(level) / false / unknown, rule by subject
  transitions  = advance(prior.alerts, results, now)             pure  inactive -> pending -> firing -> resolved
  notices      = route(transitions, receivers, silences, now)    pure  which receiver gets what, and why
  messages     = dispatch(notices, what is held for digests)     pure  text fixed now: a retry sends the same words
  store.commit(observations, alerts, transitions, messages)      I/O   ONE transaction, outbox rows included
  memory       = what was committed                              ---   a failed commit leaves it as it was

`tick` never sends; `deliver` never decides. Everything from `evaluate` to `route` is `core.engine.decide`, which
replays and tests call as well.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import structlog

from marginwatch import clock
from marginwatch.core import engine
from marginwatch.core.alert import State
from marginwatch.core.engine import Answer, ClockJump, Wishes
from marginwatch.core.health import ReceiverState, ReloadState
from marginwatch.core.memory import Memory
from marginwatch.core.model import CycleEnd, FailureKind, Normalised, Severity, VenueFailure
from marginwatch.core.outlook import breached
from marginwatch.core.resuming import absent, reload, resume
from marginwatch.core.seeding import Seeding, fill, prepare
from marginwatch.core.seen import Seen, seen_in
from marginwatch.notify.dispatch import Outgoing, dispatch
from marginwatch.notify.wording import PLAIN, Wording
from marginwatch.ops.logs import log_surprise
from marginwatch.store.errors import StoreError
from marginwatch.venues.discretion import discreet, without_secrets
from marginwatch.venues.protocol import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Decision, News
    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Commit, Prior, VenueState
    from marginwatch.store.types import OperatorInput

log = structlog.get_logger(__name__)
steps = structlog.get_logger("marginwatch.transition")
"""Of its own, so that whoever shows alerts in another way can turn it down."""

Arrival: TypeAlias = Fetched | VenueFailure | CycleEnd | ClockJump | ReceiverState | ReloadState
"""What a batch holds."""

Normalisers: TypeAlias = "Mapping[str, Callable[[Fetched], Normalised | Iterable[Normalised]]]"
"""What reads the answers of each venue, by its name: at once, or in pages (`venues.protocol.Paged`)."""

_LOUD = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}
"""How loud the log says that trouble began, or got worse."""
_TROUBLE = frozenset({State.FIRING, State.WORSENED, State.EVENT})

MOST = 1_000
"""Arrivals in one batch, and observations in one transaction."""


class Ledger(Protocol):
    """What a tick needs of the store."""

    def load_prior(self) -> Prior:
        """What the last process left."""
        ...

    def commit(self, commit: Commit) -> object:
        """Write it in one transaction, or raise and write nothing."""
        ...

    def changes(self) -> int:
        """A number that rises whenever an operator wrote something."""
        ...

    def operator_input(self) -> OperatorInput:
        """What operators wrote."""
        ...

    def observations(self, accounts: Container[AccountKey], since: datetime) -> Iterable[Observation]:
        """What was committed of these accounts since then, in the order in which it was."""
        ...


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    messages: int
    transitions: int
    deciding: float = 0.0
    """Seconds."""
    committing: float = 0.0
    """Seconds, what is remembered and logged of it included."""
    venues: tuple[VenueState, ...] = ()
    """Those that changed, as they are now."""
    breached: frozenset[str] = frozenset()
    """Venues at which a rule began to hold."""

    def then(self, more: Ticked) -> Ticked:
        """Both together."""
        return Ticked(
            self.messages + more.messages,
            self.transitions + more.transitions,
            self.deciding + more.deciding,
            self.committing + more.committing,
            self.venues + more.venues,
            self.breached | more.breached,
        )


@dataclass(frozen=True, slots=True)
class _Decided:
    """A tick that is decided and not yet known to be committed."""

    batch: Sequence[Arrival]
    decision: Decision
    commit: Commit
    """The decision's, messages included."""
    seen: int
    """What operators wrote up to here is decided on."""
    ruling: Ruling
    """What decided, and is in force from then on."""
    outgoing: Outgoing
    """What is to be remembered of messages."""
    recorded: bool = False
    """It is to be on record even if nothing happened."""


class Ticker:
    """Runs ticks, one at a time and on one thread; holds the memory they share."""

    def __init__(self, store: Ledger, ruling: Ruling, normalisers: Normalisers) -> None:
        self.ruling = ruling
        self.wording: Wording = PLAIN
        """To be replaced between two ticks."""
        self.normalisers = normalisers
        """To be replaced between two ticks, with the ruling."""
        self._store = store
        self._memory = Memory()
        self._outgoing = Outgoing()
        self._seen = -1
        self._undone: _Decided | None = None
        self._rest: Iterator[tuple[list[News], bool]] = iter(())
        """What is not yet decided of the present batch."""
        self._began: datetime | None = None
        """When this process began, until a tick of it is on record."""
        self._silent: list[datetime] = []
        """Ticks since the one on record in which timers ran out and nothing followed."""

    def start(self, now: datetime, *, continuous: bool = True) -> Ticked:
        """Load what was remembered and close what the configuration no longer covers."""
        self.load(now)
        return self.begin(now, continuous=continuous)

    def load(self, now: datetime) -> None:
        """Load what was remembered; `begin` follows. Filling windows that look far back can take minutes."""
        prior = self._store.load_prior()
        self._memory, self._outgoing = Memory.of(prior), Outgoing(prior.gathered, prior.absence, prior.ended)
        fill(self._memory, self.ruling, now, self._store.observations)

    def begin(self, now: datetime, *, continuous: bool = True) -> Ticked:
        """Close what the configuration no longer covers.

        A process that is `continuous` tells what happened while none was running.
        """
        decision = resume(self._memory, self.ruling, now)
        self._began = now
        absence = absent(self._memory, now) if continuous else None
        if absence is not None:
            pending = self._outgoing.absence
            absence = absence if pending is None else replace(absence, since=pending.since)
            self._outgoing = replace(self._outgoing, absence=absence)
            decision = replace(decision, commit=replace(decision.commit, absence=absence))
        return self._settle(self._decided((), decision, self._seen, Seen(resumed=True)))

    def release(self, now: datetime) -> Ticked:
        """Tick, and let nothing wait for a digest any longer: no later tick of this process would let it go."""
        return self._settle(self._tick((), now, at_once=True))

    def prepare(self, ruling: Ruling, now: datetime) -> Seeding:
        """Find the windows that other rules ask for; to be filled, on any thread, with what is stored before `now`."""
        return Seeding(self._memory, ruling, now)

    def reload(self, ruling: Ruling, now: datetime, prepared: Seeding | None = None) -> Ticked:
        """Go on by other rules: all that was up to now is decided by the old ones, all that comes by the new.

        What was `prepared` makes it short. After a `StoreError` give the very same ruling again before anything else.
        """
        undone = self._undone
        if undone is not None:
            ticked = self._settle(undone)
            if undone.ruling is ruling:
                return ticked
        self._settle(replace(self._tick((), now), recorded=True))
        if prepared is None or not prepared.whole:
            prepared = prepare(self._memory, ruling, now, self._store.observations)
        else:
            prepared.take(list(self._store.observations(prepared.accounts, prepared.before)))
        decision = reload(self._memory, ruling, now, prepared)
        return self._settle(replace(self._decided((), decision, self._seen, Seen(reloaded=True)), ruling=ruling))

    def tick(self, batch: Sequence[Arrival], now: datetime, *, crowded: bool = False) -> Ticked:
        """Decide and commit everything that follows from the batch and from the time.

        `crowded`: more has arrived already, so what time alone brings waits for that.
        A batch that speaks of more than `MOST` accounts takes several transactions, as if it had come in parts. After
        a `StoreError` give the very same batch again: what was decided of it is then committed as it was, for it may
        have got through after all, and must not be told twice.
        """
        undone = self._undone
        ticked = Ticked(0, 0) if undone is None else self._settle(undone)
        if undone is None or undone.batch is not batch:
            ticked = Ticked(0, 0)
            self._rest = self._news(batch, now, crowded=crowded)
        began = clock.monotonic()
        for news, more in self._rest:
            decided = self._tick(news, now, batch=batch, crowded=more)
            ticked = ticked.then(self._part(decided, began))
            news.clear()  # those of a large login are held once only
            began = clock.monotonic()
        return ticked

    def _part(self, decided: _Decided, began: float) -> Ticked:
        """One transaction; reading its news began at `began`."""
        between = clock.monotonic()
        ticked = self._settle(decided)
        return replace(ticked, deciding=between - began, committing=clock.monotonic() - between)

    def look_anew(self, now: datetime) -> None:
        """The wall clock was set forward: the time it left out is no silence of anybody's."""
        self._memory.watching_since = now
        for account in self._memory.accounts:
            self._memory.set_timer(account, None)
        engine.time_all(self._memory, self.ruling, now)

    def look_again(self) -> None:
        """The wall clock was set back: what waits for a time of the old one would wait for too long."""
        self._memory.look_again = True

    def next_timer(self) -> datetime | None:
        """When the next tick is due even if nothing arrives."""
        dues = (self._memory.next_timer(), self._memory.waiting.next, self._outgoing.next_due)
        return min((due for due in dues if due is not None), default=None)

    @property
    def memory(self) -> Memory:
        """What is remembered, for reading on the tick's thread."""
        return self._memory

    def _tick(
        self,
        news: Sequence[News],
        now: datetime,
        *,
        batch: Sequence[Arrival] = (),
        at_once: bool = False,
        crowded: bool = False,
    ) -> _Decided:
        wishes, seen = self._wishes()
        decision = engine.decide(self._memory, self.ruling, news, now, wishes, crowded=crowded)
        given = seen_in(news, decision.commit, self.ruling.venues)
        given = replace(given, wishes=self._new(wishes), crowded=crowded, looked_again=self._memory.look_again)
        return self._decided(batch, decision, seen, given, at_once=at_once)

    def _news(self, batch: Iterable[Arrival], now: datetime, *, crowded: bool) -> Iterator[tuple[list[News], bool]]:
        """What the batch says, in one list for each transaction, one at least; and whether more has arrived."""
        news: list[News] = []
        observations = 0
        for arrival in batch:
            for item in self._read(arrival, now):
                if observations >= MOST:
                    yield news, True
                    news, observations = [], 0
                news.append(item)
                observations += len(item.normalised.observations) if isinstance(item, Answer) else 0
        yield news, crowded

    def _read(self, arrival: Arrival, now: datetime) -> Iterator[News]:
        if not isinstance(arrival, Fetched):
            yield without_secrets(arrival) if isinstance(arrival, VenueFailure) else arrival
            return
        try:
            said = self.normalisers[arrival.venue](arrival)
            for page in (said,) if isinstance(said, Normalised) else said:
                yield Answer(arrival.venue, discreet(page))
        except Exception as error:  # noqa: BLE001  (the loop edge: one answer's surprise must not stop the others)
            about = {"venue": arrival.venue, "account": str(arrival.account or "")}
            log_surprise(log, "an answer cannot be read", error, **about)
            yield unusable(arrival, error, now)

    def _wishes(self) -> tuple[Wishes | None, int]:
        changes = self._store.changes()
        if changes == self._seen:
            return None, changes
        read = self._store.operator_input()
        forget = tuple((request.id, request.account) for request in read.requests)
        return Wishes(read.silences, read.acknowledgements, forget), read.changes

    def _new(self, wishes: Wishes | None) -> Wishes | None:
        """The wishes, where they differ from what is on record: nothing of what was wished while no process ran."""
        known = Wishes(self._memory.silences, self._memory.acknowledgements)
        return None if wishes == (known if self._seen >= 0 else Wishes((), {})) else wishes

    def _decided(
        self, batch: Sequence[Arrival], decision: Decision, seen: int, given: Seen, *, at_once: bool = False
    ) -> _Decided:
        wording = self.wording
        post = dispatch(self._outgoing, decision, wording.worded, at_once=at_once, page=wording.page)
        given = replace(given, began_at=self._began, silent=tuple(self._silent))
        commit = replace(
            decision.commit, messages=post.messages, moved=post.moved, absence_told=post.absence_told, seen=given
        )
        return _Decided(batch, decision, commit, seen, self.ruling, post.outgoing)

    def _settle(self, decided: _Decided) -> Ticked:
        commit, self._undone = decided.commit, None
        told = decided.recorded or commit.says_something
        if told:
            try:
                self._store.commit(commit)
            except StoreError:
                self._undone = decided
                raise
            self._began, self._silent = None, []
        engine.remember(self._memory, decided.decision)
        if not told and any(isinstance(key, str) or not self._memory.has_timer(key) for key in decided.decision.timers):
            self._silent.append(commit.at)
        self._seen, self.ruling, self._outgoing = decided.seen, decided.ruling, decided.outgoing
        for transition in commit.transitions:
            _log_step(transition)
        return Ticked(
            len(commit.messages),
            len(commit.transitions),
            venues=commit.venues,
            breached=breached(commit.transitions, decided.ruling.groups),
        )


def unusable(fetched: Fetched, error: Exception, now: datetime) -> VenueFailure:
    """What stands for an answer that a fault of ours keeps from being used, so that somebody hears of it."""
    detail = f"marginwatch cannot use the answer, by a fault of its own ({type(error).__name__}); its log says more"
    return VenueFailure(fetched.venue, FailureKind.BAD_ANSWER, now, detail, account=fetched.account)


def _log_step(transition: Transition) -> None:
    steps.log(
        _LOUD[transition.severity] if transition.state in _TROUBLE else logging.INFO,
        "transition",
        alert=transition.alert_id,
        rule=transition.key.rule,
        account=str(transition.key.account),
        subject=transition.key.subject or None,
        before=transition.before.value,
        after=transition.after.value,
        reason=transition.reason.value,
        severity=transition.severity.label,
        value=None if transition.value is None else str(transition.value),
        detail=transition.detail or None,
    )

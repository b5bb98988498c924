"""The delivery loop: what is due goes out, and what became of it is recorded.

deliver(now):
  rows     = outbox.claim_due(now, room, lease)        I/O   the earliest of each topic and receiver; on record
  message  = delayed(row.message, created_at, now)     pure  the words fixed at commit, with a line in front when late
  answer   = receiver.send(message, attempt)           I/O   in a thread of its own: a dead receiver delays no other
  due      = next_try(attempts, created_at, now, ...)  pure  backoff with jitter; none when delivered or given up
  outbox.record_attempt(row, answer, due)              I/O   delivered, retryable, permanent or ambiguous

`tick` never sends; `deliver` never decides: whom to tell, and in which words, was committed with the transition.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from marginwatch import clock
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.notify.backoff import next_try
from marginwatch.notify.lane import Lane
from marginwatch.notify.outcome import Answer
from marginwatch.notify.render import LATE, Later, LaterOnes, delayed
from marginwatch.ops.logs import log_surprise
from marginwatch.ops.threads import in_thread
from marginwatch.store.digests import GROUPED
from marginwatch.store.errors import EpochLostError, StoreError
from marginwatch.store.types import AttemptResult, Ended, OutboxStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from marginwatch.core.state import Message
    from marginwatch.notify.receiver import Draw, Receiver
    from marginwatch.store.store import Store
    from marginwatch.store.types import OutboxRow

log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE = timedelta(minutes=5)
"""A claim whose outcome is not recorded by then is due again."""
LONGEST_SEND = 150.0
"""Seconds after which a send's answer is given up. Its thread may live on, and keeps its place in the lane."""
IDLE = 5.0
"""Seconds the loop sleeps at most: another process may have changed what is due, or the clock may have been set."""
STORE_AGAIN = 1.0
"""Seconds until the store is asked again after it failed."""

_HUNG = Answer(AttemptOutcome.AMBIGUOUS, f"it was sent, but its answer did not end within {LONGEST_SEND:.0f} s")


class OnWriter(Protocol):
    """Runs a function on the one thread that writes to the store."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """What `work` returns or raises."""
        ...


class Delivery:
    """Sends what is due to each receiver, at most a lane's worth at a time."""

    def __init__(
        self,
        store: Store,
        receivers: Iterable[Receiver],
        on_writer: OnWriter,
        attempted: Callable[[str, AttemptOutcome], None] | None = None,
    ) -> None:
        """`store` must be owned by this process when `run` begins; `attempted` hears how each send to whom ended."""
        self.draw: Draw | None = None
        """Makes the pictures that go with messages, in the threads that send."""
        self._store = store
        self._attempted = attempted
        self._receivers: dict[str, Receiver] = {}
        self._on_writer = on_writer
        self._lanes: dict[str, Lane] = {}
        self._sends: dict[int, asyncio.Task[None]] = {}
        """In flight, by row id."""
        self._whose: dict[int, str] = {}
        """The receiver of each."""
        self._outcomes: dict[int, Ended] = {}
        """Sends that ended and are not on record yet, by row id."""
        self._recorded: dict[int, OutboxStatus] = {}
        """What became of those that are, until their tasks have seen it."""
        self._recording = asyncio.Lock()
        self._woken = asyncio.Event()
        self._over = asyncio.Event()
        """The loop does not run, so no send begins any more."""
        self._over.set()
        self._stopping = False
        self._buried: set[str] | None = None
        """The receivers beside which nothing waits for any other."""
        self._anew: set[str] = set()
        """Receivers that took the place of one of the same name a moment ago."""
        self.given_up: dict[str, int] = {}
        """Receivers that left the config with messages undelivered, and how many: to be told of through the others."""
        self._lost: EpochLostError | None = None
        self.use(receivers)

    def use(self, receivers: Iterable[Receiver]) -> None:
        """Deliver to these from now on. Call it on the loop.

        One that is the very same goes on as it is. One of the same name that is another takes over the messages that
        wait, without what was learnt of the one before; sends under way end with that. What waits for one that is
        gone is given up as soon as no send to it is under way.
        """
        before, self._receivers = self._receivers, {receiver.name: receiver for receiver in receivers}
        now = clock.monotonic()
        new = {name for name, receiver in self._receivers.items() if before.get(name) is not receiver}
        self._lanes = {
            name: Lane(receiver.gap, now) if name in new else self._lanes[name]
            for name, receiver in self._receivers.items()
        }
        self._anew |= new & before.keys()
        self.wake()

    def wake(self) -> None:
        """Look at the outbox now: a commit put messages there."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until `stop`.

        Raises:
            EpochLostError: Another process took the database over; this one must not send any more.
        """
        self._over.clear()
        try:
            while not self._stopping:
                await self._turn()
        finally:
            self._over.set()

    async def stop(self, within: float) -> None:
        """Start no further send, and give those in flight so many seconds to end.

        What has not ended by then is on record as begun, and is sent again at the next start.
        """
        self._stopping = True
        self.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._over.wait()
                while self._sends:
                    await asyncio.wait(self._sends.values())
        unfinished = list(self._sends.values())
        for send in unfinished:
            send.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        if unfinished:
            log.warning("stopped with sends unfinished; they are repeated at the next start", sends=len(unfinished))

    async def _turn(self) -> None:
        self._woken.clear()
        try:
            await self._bury_unknown()
            await self._hurry()
            await self._send_due()
            seconds = await self._seconds_to_next()
        except EpochLostError:
            raise
        except StoreError as error:
            log.error("the outbox cannot be read", why=str(error))  # noqa: TRY400  (the sentence says it all)
            seconds = STORE_AGAIN
        if self._lost is not None:
            raise self._lost
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _bury_unknown(self) -> None:
        """Messages to receivers that left the config become dead letters, instead of waiting unseen."""
        if self._buried == self._receivers.keys():
            return
        receivers = set(self._receivers)
        under_way = set(self._whose.values()) - receivers
        known = receivers | under_way
        found = await self._on_writer(self._store.outbox.receivers)
        waiting = {name: health.waiting for name, health in found.items() if name not in known and health.waiting}
        await self._on_writer(lambda: self._store.outbox.give_up_unknown(known, clock.now()))
        self._buried = None if under_way else receivers
        self.given_up |= waiting
        if waiting:
            log.warning("messages to receivers that are not configured any more were given up", messages=waiting)

    async def _hurry(self) -> None:
        """Messages that wait for a receiver's sake need not when it is reached by another way."""
        for receiver in tuple(self._anew):
            await self._on_writer(partial(self._store.outbox.make_due, clock.now(), receiver))
            self._anew.discard(receiver)

    async def _send_due(self) -> None:
        room = self._room()
        if not room:
            return
        for row in await self._on_writer(lambda: self._store.outbox.claim_due(clock.now(), room, LEASE)):
            receiver = self._receivers.get(row.message.receiver)  # None: it was dropped while the claim was made
            # A clock set forward ends leases of sends still in flight.
            under_way = row.id in self._sends and row.id not in self._recorded
            if receiver and not under_way:
                self._begin(row, receiver)

    async def _seconds_to_next(self) -> float:
        now, free = clock.monotonic(), list(self._room())
        waits = [wait for lane in self._lanes.values() if (wait := lane.ready_in(now))]  # 0: it is free already
        due = await self._on_writer(lambda: self._store.outbox.next_due(free)) if free else None
        if due is not None:
            waits.append(max(0.0, (due - clock.now()).total_seconds()))
        return min([IDLE, *waits])

    def _room(self) -> dict[str, int]:
        now = clock.monotonic()
        return {name: free for name, lane in self._lanes.items() if (free := lane.room(now))}

    def _begin(self, row: OutboxRow, receiver: Receiver) -> None:
        lane = self._lanes[receiver.name]
        lane.start(clock.monotonic())
        send = asyncio.create_task(self._deliver(row, receiver, lane), name=f"deliver {row.id}")
        self._sends[row.id] = send
        self._whose[row.id] = receiver.name
        send.add_done_callback(partial(self._ended, row.id))

    def _ended(self, row_id: int, send: asyncio.Task[None]) -> None:
        if self._sends.get(row_id) is send:  # its outcome may be on record, and the next try begun
            del self._sends[row_id], self._whose[row_id]
        error = None if send.cancelled() else send.exception()
        if isinstance(error, EpochLostError):
            self._lost = error
        elif error is not None:
            log.error("an outcome was not recorded; the message is due again in a while", row=row_id, exc_info=error)
        self.wake()

    async def _deliver(self, row: OutboxRow, receiver: Receiver, lane: Lane) -> None:
        sending = in_thread(partial(self._send, row, receiver), f"send {row.id}")
        sending.add_done_callback(lambda _: self._free(lane, row.id))
        ended, _ = await asyncio.wait({sending}, timeout=LONGEST_SEND)
        answer = sending.result() if ended else _HUNG
        _note(lane, row.message, answer)
        await self._record(row, answer)

    def _free(self, lane: Lane, row_id: int) -> None:
        """The thread has ended, perhaps long after its answer was given up."""
        lane.end()
        if row_id not in self._sends:
            self.wake()

    def _send(self, row: OutboxRow, receiver: Receiver) -> Answer:
        """Runs in a thread of its own and always has an answer."""
        try:
            now = clock.now()
            since = later(self._store, row) if now - row.created_at > LATE else None
            message = delayed(row.message, row.created_at, now, since)
            return receiver.send(message, row.attempts, self.draw)
        except Exception as error:  # noqa: BLE001  (the loop edge: one row's surprise must not stop the others)
            log_surprise(log, "a send failed unexpectedly", error, row=row.id)
            return Answer(AttemptOutcome.RETRYABLE, f"the send failed ({type(error).__name__})")

    async def _record(self, row: OutboxRow, answer: Answer) -> None:
        """Put the outcome on record, however long the store takes: a delivered message must not go out again."""
        now = clock.now()
        due = next_try(row.attempts, row.created_at, now, answer.outcome, random.random())  # noqa: S311  (it spreads the tries and guards nothing)
        self._outcomes[row.id] = Ended(row.id, AttemptResult(answer.outcome, answer.detail, due), now)
        async with self._recording:  # whoever comes first records for all that ended while the store was busy
            if row.id in self._outcomes:
                await self._record_all(row.id)
        if self._attempted is not None:
            self._attempted(row.message.receiver, answer.outcome)
        status = self._recorded.pop(row.id, None)
        if status is not None:
            _log_outcome(row, status, answer)

    async def _record_all(self, mine: int) -> None:
        ended = list(self._outcomes.values())
        while True:
            try:
                found = await self._on_writer(partial(self._store.outbox.record_attempts, tuple(ended)))
            except EpochLostError:
                raise
            except StoreError as error:
                log.error("outcomes cannot be recorded yet", sends=len(ended), why=str(error))  # noqa: TRY400  (the sentence says it all)
                await asyncio.sleep(STORE_AGAIN)
            except Exception:  # the loop edge: one row's surprise must not stop the others
                if len(ended) == 1:
                    del self._outcomes[mine]
                    raise
                ended = [self._outcomes[mine]]  # whose surprise it is each finds out by itself
            else:
                break
        self._recorded |= found
        for each in ended:
            del self._outcomes[each.row_id]


def later(store: Store, row: OutboxRow) -> Later | LaterOnes | None:
    """What became of its alert, or alerts, since the message was written, as far as the store can say."""
    try:
        if row.message.kind in GROUPED:
            return LaterOnes(**store.outbox.became(row))
        since = store.history.transitions(alert_id=row.message.alert_id, since=row.created_at)
    except StoreError:
        return None
    told = [Later(each.state, each.at) for each in since if each.state and each.at > row.created_at]
    return told[-1] if told else None


def _note(lane: Lane, message: Message, answer: Answer) -> None:
    """Slow down to a receiver that fails and speed up to one that works; say so when it changes."""
    if answer.outcome in {AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT}:
        if lane.failures:
            log.info("the receiver answers again", receiver=message.receiver, failed_attempts=lane.failures)
        lane.taken()
    else:
        if not lane.failures:
            log.warning("the receiver does not take messages", receiver=message.receiver, why=answer.detail)
        lane.failed(clock.monotonic())


def _log_outcome(row: OutboxRow, status: OutboxStatus, answer: Answer) -> None:
    about = {"alert": row.message.alert_id, "receiver": row.message.receiver, "number": row.message.number}
    if status is OutboxStatus.DELIVERED:
        log.info("delivered", **about, attempts=row.attempts)
    elif status is OutboxStatus.DEAD:
        log.error("a message was given up", **about, attempts=row.attempts, why=answer.detail)

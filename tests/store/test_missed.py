"""What a receiver did not get: what waits, what was given up since, and how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.health import Missed
from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.store.types import AttemptResult
from support.records import after, alert, commit, message, transition

if TYPE_CHECKING:
    from marginwatch.store.store import Store

DELIVERED = AttemptResult(AttemptOutcome.DELIVERED, "HTTP 200")
REFUSED = AttemptResult(AttemptOutcome.PERMANENT, "HTTP 404")


def settle(store: Store, seconds: float, **outcomes: AttemptResult) -> None:
    """Send what is due then; one that is not named goes on waiting."""
    for row in store.outbox.claim_due(after(seconds), {"desk": 9}, timedelta(minutes=1)):
        again = AttemptResult(AttemptOutcome.RETRYABLE, "HTTP 503", after(seconds + 600))
        store.outbox.record_attempt(row.id, outcomes.get(row.message.alert_id, again), after(seconds))


def test_what_waits_counts_and_what_arrived_does_not(store: Store) -> None:
    """Each alert once, in the order of their latest messages; nobody else's."""
    store.commit(commit(messages=(message("a"), message("b"), message("c"), message("d", "mail"))))
    store.commit(commit(1, messages=(message("a", number=2, state=State.WORSENED),)))
    settle(store, 2, b=DELIVERED)

    assert store.outbox.missed("desk", after(0)) == (Missed("c"), Missed("a"))
    assert store.outbox.missed("nobody", None) == ()


def test_what_was_given_up_counts_since_it_fails(store: Store) -> None:
    """What was given up long ago is history."""
    store.commit(commit(messages=(message("old"),)))
    settle(store, 1, old=REFUSED)
    store.commit(commit(2, messages=(message("new"),)))
    settle(store, 100, new=REFUSED)

    assert store.outbox.missed("desk", after(50)) == (Missed("new"),)
    assert store.outbox.missed("desk", None) == ()


def test_what_is_over_is_told_as_it_ended(store: Store) -> None:
    """With the step that the message was about and the alert as it is; a digest is none of them."""
    ended = alert("over", status=Status.RESOLVED, told={"desk": 2})
    fired = transition("over", reason=Reason.HELD)
    end = transition("over", 5, state=State.RESOLVED, reason=Reason.CLEARED)
    store.commit(commit(alerts=(ended,), transitions=(fired,), messages=(message("over"),)))
    store.commit(commit(5, transitions=(end,), messages=(message("over", number=2, state=State.RESOLVED),)))
    store.commit(commit(6, messages=(message("summary", kind=Kind.DIGEST), message("gone", state=State.RESOLVED))))

    assert store.outbox.missed("desk", None) == (Missed("over", (ended, end)),)

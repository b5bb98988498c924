"""A store at ten past twelve: venues well and failing, alerts of every state, messages of every fate, silences."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.model import AccountKey, FailureKind, Severity, VenueFailure
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.core.pace import Mood, Pace
from marginwatch.core.result import AlertKey, Difference
from marginwatch.core.state import VenueState
from marginwatch.store.types import AttemptResult
from support.records import account_state, after, alert, commit, message, observation, silence, transition
from support.sites import table, write_config
from support.stores import owned

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import Value
    from marginwatch.core.state import Message
    from marginwatch.store.store import Store

NOW: Final[datetime] = after(600)
FIRST: Final = AccountKey("futures", "A-1")
SECOND: Final = AccountKey("futures", "A-2")
RULES: Final = """\
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }

[[rule]]
id = "thin"
title = "Little left"
value = "margin_excess"
levels = { critical = "< 1_000" }

[[rule]]
id = "changes"
title = "Something changed"
on = "changed(permissions)"
severity = "warning"
"""


def write(folder: Path) -> Path:
    """The config and its rule file; nobody listens at the addresses it names."""
    login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
    futures = {"name": "futures", "kind": "architect", "endpoint": "http://127.0.0.1:1", **login}
    fx = {"name": "fx", "kind": "helio", "base_url": "http://127.0.0.1:1", "email": "a@example.com", "password": "x"}
    new = fx | {"name": "new"}
    receivers = ({"name": name, "url": "json://127.0.0.1:1/"} for name in ("desk", "phone", "spare"))
    tables = [table("[venues]", {**each, "every": "10s"}) for each in (futures, fx, new)]
    return write_config(folder, *tables, *(table("[receivers]", each) for each in receivers), rules=RULES)


def fill(folder: Path) -> Path:
    """The config, and the store it names, with all of it."""
    config = write(folder)
    with owned(folder) as store:
        _commit(store)
        _send(store)
        _operate(store)
    return config


def ended(open_alert: Alert) -> Alert:
    """The same, resolved."""
    return replace(open_alert, status=Status.RESOLVED, ended_at=NOW)


def _commit(store: Store) -> None:
    down = VenueFailure("fx", FailureKind.TIMED_OUT, after(590), "no answer in 10 s", "login", trace_id="7f31")
    numbers: dict[str, Value] = {
        "equity": Decimal("100000.5"),
        "margin_usage": Decimal("0.9512"),
        "margin_excess": Decimal("4880.0244"),
        "currency": "USD",
    }
    calm: dict[str, Value] = {"equity": Decimal(25000), "margin_usage": Decimal(0), "margin_excess": Decimal(25000)}
    first = account_state(observation(590, numbers))
    second = account_state(observation(480, calm, account=SECOND))
    store.commit(
        commit(
            600,
            venues=(
                VenueState("futures", last_cycle_at=after(592), last_good_at=after(592), listed=True, pace=_pace()),
                VenueState("fx", 5, after(550), after(592), after(540), down, listed=True),
            ),
            accounts=(first, second),
            alerts=(_usage(), _thin(), _lost(), _over()),
            transitions=_steps(),
            messages=_messages(),
        )
    )


def _pace() -> Pace:
    why = "futures/A-1 is near margin-usage critical"
    return Pace(Mood.FAST, timedelta(seconds=2), why, since=after(580), asked_at=after(592))


def _usage() -> Alert:
    return alert(
        "k3wq7m2pd9xa",
        severity=Severity.CRITICAL,
        fired_at=after(60),
        known_at=after(590),
        as_of=after(588),
        value=Decimal("0.9512"),
        told={"desk": 2, "phone": 1},
    )


def _thin() -> Alert:
    return alert(
        "k3zz00000000",
        key=AlertKey("thin", FIRST),
        title="Little left",
        status=Status.PENDING,
        severity=Severity.CRITICAL,
        active_at=after(590),
        known_at=after(590),
        value=Decimal("980.5"),
    )


def _lost() -> Alert:
    return alert(
        "p8nd2c41hs0v",
        key=AlertKey("margin-usage", SECOND),
        fired_at=after(300),
        active_at=after(240),
        known_at=after(480),
        unknown_since=after(480),
        because="no good answer came: timed out",
        known=False,
        value=Decimal("0.81"),
    )


def _over() -> Alert:
    return alert(
        "zx81h0w9mz3t",
        key=AlertKey("venue-unreachable", AccountKey("fx", "")),
        title="Venue unreachable",
        status=Status.RESOLVED,
        severity=Severity.CRITICAL,
        active_at=after(100),
        fired_at=after(130),
        known_at=after(200),
        ended_at=after(200),
        value=None,
        detail="the venue answers",
    )


def _steps() -> tuple[Transition, ...]:
    event = transition(
        "ev3nt0000000",
        330,
        key=AlertKey("changes", FIRST),
        title="Something changed",
        before=Status.INACTIVE,
        after=Status.CLOSED,
        reason=Reason.OCCURRED,
        state=State.EVENT,
        value=None,
        differences=(Difference("permissions", frozenset({"trade", "view"}), frozenset({"view"})),),
    )
    worse = transition(
        "k3wq7m2pd9xa",
        400,
        before=Status.FIRING,
        reason=Reason.HIGHER_LEVEL,
        state=State.WORSENED,
        severity=Severity.CRITICAL,
        value=Decimal("0.9512"),
        limit=Decimal("0.9"),
    )
    quiet = transition("k3wq7m2pd9xa", 0, before=Status.INACTIVE, after=Status.PENDING, state=None)
    return (quiet, transition("k3wq7m2pd9xa", 60, limit=Decimal("0.8")), event, worse)


def _messages() -> tuple[Message, ...]:
    title = "WARNING: Account A-1 (futures): Margin usage"
    worse = "CRITICAL, WORSE: Account A-1 (futures): Margin usage"
    return (
        message("k3wq7m2pd9xa", "desk", 1, title=title),
        message("k3wq7m2pd9xa", "phone", 1, title=title),
        message("k3wq7m2pd9xa", "desk", 2, title=worse, state=State.WORSENED, severity=Severity.CRITICAL),
        message("p8nd2c41hs0v", "phone", 1, title="WARNING: Account A-2 (futures): Margin usage"),
    )


def _send(store: Store) -> None:
    """The desk has its first message; the phone refuses one for ever and another for now."""
    rows = store.outbox.claim_due(after(600), {"desk": 1, "phone": 2}, timedelta(minutes=5))
    fates = {
        ("desk", 1): AttemptResult(AttemptOutcome.DELIVERED, ""),
        ("phone", "k3wq7m2pd9xa"): AttemptResult(AttemptOutcome.PERMANENT, "HTTP 400 (bad request)"),
        ("phone", "p8nd2c41hs0v"): AttemptResult(AttemptOutcome.RETRYABLE, "HTTP 503 (unavailable)", after(630)),
    }
    for row in rows:
        key = (row.message.receiver, row.message.number if row.message.receiver == "desk" else row.message.alert_id)
        store.outbox.record_attempt(row.id, fates[key], after(601))


def _operate(store: Store) -> None:
    store.operators.acknowledge("p8nd", by="bob", note="calling them", now=after(500), until=after(4100))
    store.operators.add_silence(silence(300, 3900, rule="thin", note="known"))
    store.operators.add_silence(silence(0, 60, venue="fx"))

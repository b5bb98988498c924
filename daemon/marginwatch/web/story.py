"""An alert's whole story, step by step: what happened and why, who was told what, and who acknowledged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason
from marginwatch.notify.phrases import WHY
from marginwatch.notify.words import amount, clean, difference, span
from marginwatch.ops.links import without_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Transition
    from marginwatch.core.fields import Unit
    from marginwatch.core.state import Message
    from marginwatch.store.types import Attempt, OutboxRow


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to send a message."""

    number: int
    at: datetime
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at: datetime
    kind: str
    """`step`, `message` or `deed`."""
    tone: str
    """A severity, what became of a message, or empty."""
    head: str
    lines: tuple[str, ...] = ()
    text: str = ""
    """A message's words."""
    tries: tuple[Try, ...] = ()


def story(
    steps: Iterable[Transition],
    messages: Mapping[int, tuple[OutboxRow, Sequence[Attempt]]],
    given: Iterable[Acknowledgement],
    unit: Unit,
    currency: str,
) -> tuple[Entry, ...]:
    """Everything, oldest first; a step stands before what it led to."""
    found = [
        *(_step(step, unit, currency) for step in steps),
        *(_message(row, attempts) for row, attempts in messages.values()),
        *(_deed(each) for each in given),
    ]
    return tuple(sorted(found, key=lambda entry: entry.at))


def _step(step: Transition, unit: Unit, currency: str) -> Entry:
    told = step.state.value if step.state is not None else f"{step.after.value}, told to nobody"
    head = f"{told}: {WHY[step.reason]}"
    return Entry(step.at, "step", step.severity.label, head, tuple(_facts(step, unit, currency)))


def _facts(step: Transition, unit: Unit, currency: str) -> Iterator[str]:
    if step.value is not None:
        against = ""
        if step.limit is not None:
            against = f", level {step.operator} {amount(step.limit, unit, currency)}"
        yield f"value {amount(step.value, unit, currency)}{against}"
    for change in step.differences:
        yield difference(change, step.at)
    if step.detail:
        yield clean(step.detail)
    if step.unknown_since is not None and step.because:
        was = "was unknown until then" if step.reason is Reason.DATA_BACK else "unknown"
        yield f"{was} because {clean(step.because)}"
    if step.flapping_since is not None:
        yield f"flapping: fired {step.times_fired} times since {step.flapping_since:%Y-%m-%d %H:%M:%S} UTC"
    if step.already_true:
        yield "already true when first seen"
    if step.rule_changed:
        yield "the rule was edited since the step before"
    data = step.fetched_at if step.as_of is None else min(step.as_of, step.fetched_at)
    yield f"data as of {data:%Y-%m-%d %H:%M:%S} UTC, {span(step.at - data)} old then; rules {step.revision[:12]}"


def _message(row: OutboxRow, attempts: Sequence[Attempt]) -> Entry:
    message = row.message
    status = row.status.value
    lines = [clean(row.detail)] if row.detail else []
    tries = tuple(
        Try(one.number, one.started_at, "under way" if one.outcome is None else one.outcome.value, clean(one.detail))
        for one in attempts
    )
    head = f"message {message.number} to {clean(message.receiver)}, {message.state.value}: {status}"
    return Entry(row.created_at, "message", status, head, tuple(lines), _said(message), tries)


def _said(message: Message) -> str:
    return without_links(f"{message.title}\n{message.body}")


def _deed(given: Acknowledgement) -> Entry:
    until = f" until {given.until:%Y-%m-%d %H:%M:%S} UTC" if given.until else " until it ends or gets worse"
    lines = (clean(given.note),) if given.note else ()
    return Entry(given.at, "deed", "", f"acknowledged by {clean(given.by)}{until}", lines)

"""How a failed test reads: where, what was expected and found, what the rule saw, what was sent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.config.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from marginwatch.app.ruletest.compare import Difference, Failure
    from marginwatch.app.ruletest.look import Telling
    from marginwatch.app.ruletest.model import Case
    from marginwatch.app.ruletest.run import Outcome

_MARGIN: Final = "    "
_LABEL: Final = len("receivers") + 2


def called(case: Case) -> str:
    """The test and where it ran: `fires above 80 % [helio]`."""
    return f"{case.name} [{case.site.name}]"


def offset(case: Case, at: datetime) -> str:
    """A moment by the test's own clock: `1m30s`."""
    return format_duration(at - case.start)


def explain(outcome: Outcome) -> Iterator[str]:
    """Everything about each failure, a line each."""
    for failure in outcome.failures:
        yield f"  {failure.place}: {failure.rule} at {offset(outcome.case, failure.at)}"
        yield from _table(failure.differences)
        yield from _under("saw", failure.saw)
        yield from _under("sent", tuple(_sent(outcome.case, failure)))


def _table(differences: Sequence[Difference]) -> Iterator[str]:
    width = max(len("expected"), *(len(each.expected) for each in differences))
    yield f"{_MARGIN}{'':{_LABEL}}{'expected':{width}}  found"
    for each in differences:
        yield f"{_MARGIN}{each.what:{_LABEL}}{each.expected:{width}}  {each.found}"


def _under(label: str, texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f"{_MARGIN}{'' if number else label:{_LABEL}}{text}".rstrip()


def _sent(case: Case, failure: Failure) -> Iterator[str]:
    """The messages since the look before, with their words where the words are what failed."""
    in_full = any(each.what == "text" for each in failure.differences)
    for telling in _once(failure.tellings):
        to = ", ".join(each.notice.receiver for each in failure.tellings if _same(each, telling))
        yield f"{offset(case, telling.at)} to {to}: {telling.message.title}"
        if in_full:
            yield from (f"  {line}" for line in telling.message.body.splitlines())


def _once(tellings: Sequence[Telling]) -> list[Telling]:
    """One message for each transition, whoever heard of it."""
    return list({id(each.notice.transition): each for each in reversed(tellings)}.values())[::-1]


def _same(one: Telling, other: Telling) -> bool:
    return one.notice.transition is other.notice.transition

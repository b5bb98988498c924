"""The steps of one test: when they are, what the account answers from then on, and what else happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.entry import Entry
from marginwatch.app.ruletest.expectations import read_expected
from marginwatch.app.ruletest.model import Acknowledge, Hush, Step
from marginwatch.app.ruletest.saying import SAYS, SaidReader
from marginwatch.app.ruletest.values import read_time
from marginwatch.config.durations import BadDurationError, parse_duration
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marginwatch.app.ruletest.model import Case, Expected
    from marginwatch.config.document import Node
    from marginwatch.core.fields import Catalogue

KEYS: Final = (
    *("at", "after", "set", "null", "unset", "positions", "fail", "repeat"),
    *("restart", "ack", "silence", "expect"),
)
_FAILURES: Final = {kind.value.replace("_", " "): kind for kind in FailureKind}


class StepReader:
    """Reads the steps of one test at one venue, in order."""

    def __init__(self, case: Case, test: Entry, everywhere: Iterable[Catalogue]) -> None:
        """`everywhere` has the catalogues of all kinds of venue."""
        self._case = case
        self._test = test
        self._problems = test.problems
        self._said = SaidReader(case.site.catalogue, everywhere, test.problems)
        self._now: datetime | None = None

    def steps(self) -> tuple[Step, ...]:
        """All of them, as far as they can be read."""
        nodes = self._test.items("step", "begin each step with [[test.step]]")
        if not nodes and "step" not in self._test:
            self._test.problem(self._test.node.place, "the test has no steps", "begin each step with [[test.step]]")
        found = tuple(self._step(node) for node in nodes)
        if nodes and not any(step.expect is not None for step in found):
            self._test.problem(self._test.node.place, "the test expects nothing", "give a step `expect`")
        return found

    def _step(self, node: Node) -> Step:
        step = Entry(node, self._problems)
        if not isinstance(node.value, dict):
            step.problem(node.place, f"a step must be a table, not {node.kind}")
        step.refuse_unknown(KEYS, "a step")
        self._now = at = self._at(step)
        answers = any(key in step for key in SAYS)
        fails = self._fails(step)
        if "fail" in step and answers:
            key = next(key for key in SAYS if key in step)
            what = f"a step either fails or answers, and this one has `fail` and `{key}`"
            step.problem(step.key_place("fail"), what, "make two steps of it")
        return Step(
            place=node.key_place if node.key >= 0 else node.place,
            at=at,
            says=self._said.says(step),
            positions=self._said.positions(step),
            answers=answers,
            fails=fails,
            pace=self._pace(step),
            restart=step.flag("restart"),
            acknowledge=tuple(Acknowledge(str(each.value), each.place) for each in step.words("ack") or ()),
            silence=self._silence(step),
            expect=self._expect(step),
        )

    def _at(self, step: Entry) -> datetime:
        """When the step is: `at` from the start, `after` the one before, else one answer later."""
        start = self._case.start
        if "at" in step and "after" in step:
            step.problem(step.key_place("after"), "a step has `at` or `after`, not both")
        if "after" in step:
            return (self._now or start) + (step.duration("after") or timedelta(0))
        if "at" not in step:
            return start if self._now is None else self._now + self._case.every
        at = self._moment(step)
        if self._now is not None and at < self._now:
            step.problem(step.place("at"), "the step lies before the one above it", "steps stand in the order of time")
        return at

    def _moment(self, step: Entry) -> datetime:
        item = step.text("at", hint='write it like "1m30s", from the start of the test')
        if item is None:
            return self._now or self._case.start
        text = str(item.value)
        try:
            return self._case.start + parse_duration(text)
        except BadDurationError as error:
            at = read_time(text)
            if at is not None and at >= self._case.start:
                return at
            what = str(error).partition("; ")[0] if at is None else "this is before the start of the test"
            step.problem(item.place, f"`at`: {what}", "" if at is None else "give the test a `start`")
        return self._now or self._case.start

    def _fails(self, step: Entry) -> FailureKind | None:
        item = step.text("fail", hint=f"write one of {', '.join(_FAILURES)}")
        if item is None:
            return None
        word = str(item.value).replace("_", " ")
        if word not in _FAILURES:
            hint = did_you_mean(word, _FAILURES) or f"write one of {', '.join(_FAILURES)}"
            step.problem(item.place, f"no venue fails like `{word}`", hint)
        return _FAILURES.get(word)

    def _pace(self, step: Entry) -> timedelta | None:
        item = step.item("repeat")
        if item is None:
            return None
        if item.value is False:
            return timedelta(0)
        if isinstance(item.value, bool):
            return self._case.every
        span = step.duration("repeat")
        if span is not None and not span:
            step.problem(item.place, "`repeat` must be longer than nothing", "repeat = false ends the answers")
        return span

    def _silence(self, step: Entry) -> Hush | None:
        item = step.item("silence")
        if item is None:
            return None
        if not isinstance(item.value, dict):
            span = step.duration("silence")
            return None if span is None else Hush(span)
        table = Entry(item, self._problems)
        table.refuse_unknown(("for", "rule"), "`silence`")
        span, rule = table.duration("for"), table.text("rule")
        if "for" not in table:
            table.problem(item.place, "`silence` needs `for`", 'as in { for = "10m", rule = "margin-*" }')
        return Hush(span or timedelta(0), "*" if rule is None else str(rule.value))

    def _expect(self, step: Entry) -> tuple[Expected, ...] | None:
        table = step.table("expect", 'write it like expect = { "margin-usage" = "firing" }')
        if table is None:
            return None
        entry = Entry(table.node, self._problems)
        return tuple(read_expected(entry, name, self._case) for name in entry.keys)

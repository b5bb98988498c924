"""From a file of rule tests to its cases, or to everything that is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.entry import Entry
from marginwatch.app.ruletest.model import Case, Suite
from marginwatch.app.ruletest.sites import Known, SiteReader
from marginwatch.app.ruletest.steps import StepReader
from marginwatch.app.ruletest.values import read_time
from marginwatch.config.sourcefile import SUFFIXES, read_document
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.route import Receiver
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.app.ruletest.model import Site
    from marginwatch.config.document import Node

START: Final = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)
"""When a test begins that does not say when: a Monday, with the markets open in London and New York."""
EVERY: Final = timedelta(seconds=10)
MAX_AGE: Final = timedelta(minutes=15)
EVERYONE: Final = Receiver("everyone", Severity.INFO)
"""Who hears of everything where a test names no receivers."""
_LEAST_STALE: Final = timedelta(minutes=1)
_MOST_ANSWERS: Final = 250_000
"""In one test: five months of one a minute."""

_SHARED: Final = ("venue", "account", "receivers", "every", "stale_after", "max_age", "calendar", "start", "strict")
"""Keys that a file may set for all of its tests."""
FILE_KEYS: Final = ("rules", *_SHARED, "test")
TEST_KEYS: Final = ("name", *_SHARED, "step")
_SEVERITIES: Final = tuple(severity.label for severity in Severity)


def read_suite(path: Path, known: Known) -> Suite:
    """The tests in a file. Nothing a user can write raises."""
    document = read_document(path)
    problems = list(document.problems)
    root = document.root
    if root is None or not isinstance(root.value, dict):
        if root is not None:
            problems.append(Problem(root.place, f"a file of tests must be a table, not {root.kind}"))
        return Suite(path, (), problems=tuple(problems))
    table = Entry(root, problems)
    table.refuse_unknown(FILE_KEYS, "a file of tests")
    tests = table.items("test", 'begin each test with [[test]], or in YAML a list below "test:"')
    if not tests and not problems:
        table.problem(root.place, "the file holds no test", "begin each test with [[test]]")
    cases = [case for node in tests for case in _Reader(node, table, known).cases()]
    _refuse_same_names(cases, problems)
    rules = tuple(str(node.value) for node in table.words("rules") or ()) or _beside(path, table)
    return Suite(path, rules, tuple(cases), tuple(dict.fromkeys(problems)))


def _beside(path: Path, table: Entry) -> tuple[str, ...]:
    """The rule files of the same name: those of `margin.test.toml` are `margin.toml` and its like."""
    stem = path.name.removesuffix(path.suffix).removesuffix(".test")
    found = tuple(sorted(stem + suffix for suffix in SUFFIXES if path.with_name(stem + suffix).is_file()))
    if not found and "rules" not in table:
        what = f"there is no {stem}.toml beside this file, and it does not name the rules to test"
        table.problem(Place(table.node.source.file), what, 'write rules = ["my-rules.toml"]')
    return found


def _refuse_same_names(cases: list[Case], problems: list[Problem]) -> None:
    first: dict[tuple[str, str], Case] = {}
    for case in filter(lambda case: case.name, cases):
        earlier = first.setdefault((case.name, case.site.name), case)
        if earlier.place != case.place:
            what = f"there are two tests named `{case.name}`; the first is in line {earlier.place.line}"
            problems.append(Problem(case.place, what, "give one of them another name"))


class _Reader:
    """Reads one `[[test]]`, with what the file sets for all of them."""

    def __init__(self, node: Node, file: Entry, known: Known) -> None:
        self.problems = file.problems
        self._node = node
        self._known = known
        self._file = file
        self._test = Entry(node, file.problems)

    def cases(self) -> list[Case]:
        """The test at each of its venues, as far as it can be read."""
        if not isinstance(self._node.value, dict):
            self._test.problem(self._node.place, f"a test must be a table, not {self._node.kind}")
            return []
        self._test.refuse_unknown(TEST_KEYS, "a test")
        name = self._name()
        return [self._case(name, site) for site in SiteReader(self._test, self._file, self._known).sites()]

    def _name(self) -> str:
        item = self._test.text("name", 120)
        if item is None and "name" not in self._test:
            self._test.problem(self._node.place, "the test has no name", 'say what it shows: name = "fires above 80 %"')
        return "" if item is None else " ".join(str(item.value).split())

    def _owner(self, key: str) -> Entry:
        """The table that sets a shared key: the test's own, else the file's."""
        return self._test if key in self._test else self._file

    def _case(self, name: str, site: Site) -> Case:
        owner = self._owner("account")
        account = owner.text("account")
        called = "test" if account is None else str(account.value)
        every = self._span("every") or EVERY
        receivers = self._receivers()
        start = self._start()
        case = Case(
            place=self._node.key_place if self._node.key >= 0 else self._node.place,
            name=name,
            site=site,
            account=Account(AccountKey(site.name, called), called),
            receivers=receivers,
            start=start,
            every=every,
            stale_after=self._stale_after(every),
            max_age=self._span("max_age") or MAX_AGE,
            strict=self._flag("strict", default=True),
            steps=(),
        )
        steps = StepReader(case, self._test, self._known.catalogues.values()).steps()
        self._refuse_too_long(replace(case, steps=steps))
        return replace(case, steps=steps)

    def _stale_after(self, every: timedelta) -> timedelta:
        span = self._span("stale_after")
        if span is not None and span < every:
            owner = self._owner("stale_after")
            owner.problem(owner.place("stale_after"), "`stale_after` must not be shorter than `every`")
        return span or max(3 * every, _LEAST_STALE)

    def _span(self, key: str) -> timedelta | None:
        owner = self._owner(key)
        span = owner.duration(key)
        if span is not None and not span:
            owner.problem(owner.place(key), f"`{key}` must be longer than nothing")
            return None
        return span

    def _flag(self, key: str, *, default: bool) -> bool:
        return self._owner(key).flag(key, default=default)

    def _start(self) -> datetime:
        owner = self._owner("start")
        item = owner.text("start", hint='write it like "2026-01-05T14:00Z"')
        if item is None:
            return START
        at = read_time(str(item.value))
        if at is None:
            hint = 'write it like "2026-01-05T14:00Z"'
            owner.problem(item.place, "`start` must be a time with its zone", hint)
        return at or START

    def _receivers(self) -> tuple[Receiver, ...]:
        owner = self._owner("receivers")
        table = owner.table("receivers", 'write it like { desk = "warning", pager = "critical" }')
        if table is None:
            return (EVERYONE,)
        found = ((name, table.word(name, _SEVERITIES)) for name in table.keys)
        return tuple(Receiver(name, Severity[word.upper()]) for name, word in found if word)

    def _refuse_too_long(self, case: Case) -> None:
        pace, seen, answers = case.every, case.start, 0
        for step in case.steps:
            if pace:
                answers += (step.at - seen) // pace
            pace, seen = pace if step.pace is None else step.pace, step.at
        if answers > _MOST_ANSWERS:
            what = f"the test comes to {answers:,} answers, and {_MOST_ANSWERS:,} is the most"
            self._test.problem(case.place, what, "make `every` longer, or `repeat` where little happens")

"""From the config's `files` to the rules in force, with every problem in all files reported at once."""

from __future__ import annotations

import glob
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from marginwatch.config.quoting import quoted
from marginwatch.config.rulecheck import check_rule
from marginwatch.config.rulemodel import Draft, draft
from marginwatch.config.rulepacks import PREFIX, pack_files, packs_folder
from marginwatch.config.runbooks import page_of
from marginwatch.config.sourcefile import SUFFIXES, holds_tests, read_document
from marginwatch.config.suggest import did_you_mean
from marginwatch.config.table import Table
from marginwatch.core.evaluate import revision
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marginwatch.config.document import Document
    from marginwatch.config.rulecheck import Scene
    from marginwatch.config.runbooks import Page
    from marginwatch.core.rule import Rule


@dataclass(frozen=True, slots=True)
class Inapplicable:
    """A shipped rule that does not apply everywhere."""

    rule: str
    venues: tuple[str, ...]
    """Where it does not."""
    note: Problem
    """Why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the rule files say."""

    rules: tuple[Rule, ...]
    """The good ones, in the order written."""
    problems: tuple[Problem, ...]
    """Everything wrong; the rules must not be used unless this is empty."""
    files: tuple[Path, ...]
    """Every file that was read or should have been, for watching them."""
    notes: tuple[Problem, ...]
    """What `check` says besides: where a rule of the user's own does not apply, a file without rules."""
    inapplicable: tuple[Inapplicable, ...]
    """Shipped rules: packs serve every kind of venue, and each venue lacks something."""
    revision: str
    """Changes when anything that decides does; not with titles, summaries, comments and places."""
    runbooks: Mapping[str, Page] = field(default_factory=dict)
    """The pages of rules that name one, by the rule's id."""


def load_rules(entries: Sequence[str], scene: Scene, base: Path | None = None, written: Sequence[Place] = ()) -> Loaded:
    """Load every rule file that the config names. Nothing a user can write raises.

    Args:
        entries: Paths of .toml, .yaml and .yml files, globs, and `builtin:PACK`.
        scene: What the rules are held against. Venues of a kind that is not installed are passed over; where none is
            left, one of each kind stands for them.
        base: The folder that relative paths start from; the current one when left out.
        written: Where each entry stands; without, what is wrong with one is told at its own name.
    """
    known = {name: kind for name, kind in scene.venues.items() if kind in scene.catalogues}
    venues = known or {kind: kind for kind in scene.catalogues}
    loading = _Loading(replace(scene, venues=venues), base or Path())
    for entry, place in zip(entries, written or repeat(None), strict=False):
        loading.read(entry, place)
    rules = tuple(loading.rules)
    return Loaded(
        rules=rules,
        problems=tuple(_printable(problem) for problem in loading.problems),
        files=tuple(loading.files),
        notes=tuple(_printable(note) for note in loading.notes),
        inapplicable=tuple(loading.inapplicable),
        revision=revision(rules),
        runbooks=loading.runbooks,
    )


@dataclass(slots=True)
class _Loading:
    """Rules, problems and notes gathered so far."""

    scene: Scene
    base: Path
    rules: list[Rule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    inapplicable: list[Inapplicable] = field(default_factory=list)
    files: dict[Path, None] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    """Where each id was first given."""
    runbooks: dict[str, Page] = field(default_factory=dict)

    def read(self, entry: str, written: Place | None) -> None:
        """Read what one entry of `files` names; a file named twice is read once."""
        paths = _paths(entry, self.base)
        if isinstance(paths, Problem):
            self.problems.append(_at(paths, written))
            return
        for path in paths:
            if path.absolute() not in self.files:
                self.files[path.absolute()] = None
                self._file(path, written, shipped=entry.startswith(PREFIX))

    def _file(self, path: Path, written: Place | None, *, shipped: bool) -> None:
        document = read_document(path)
        problems = list(document.problems)
        drafts = _drafts(document, problems)
        if not drafts and not problems:
            self.notes.append(Problem(Place(str(path)), "the file holds no rule"))
        for found in drafts:
            problems.extend(self._rule(found, shipped=shipped))
        if document.source is not None:
            problems = list(quoted(problems, document.source))
        elif path.name.isprintable() and not path.is_symlink() and not path.exists():
            problems = [replace(problem, hint=problem.hint or _meant(path)) for problem in problems]
        problems = [_at(problem, written) for problem in problems]
        self.problems.extend(sorted(problems, key=lambda problem: problem.place))

    def _rule(self, found: Draft, *, shipped: bool) -> Iterator[Problem]:
        verdict = check_rule(found, self.scene, shipped=shipped)
        yield from verdict.problems
        self.notes.extend(verdict.notes)
        if verdict.note:
            note = Problem(found.place, f"`{found.id}` {verdict.note}")
            if shipped:
                self.inapplicable.append(Inapplicable(found.id, verdict.venues, note))
            else:
                self.notes.append(note)
        if not found.id:
            return
        first = self.places.setdefault(found.id, found.id_place)
        if first is not found.id_place:
            what = f"the id `{found.id}` is already taken by the rule at {first}"
            yield Problem(found.id_place, what, "give one of them another id")
        elif verdict.rule is not None:
            self.rules.append(verdict.rule)
            if page := page_of(found):
                self.runbooks[found.id] = page


def _at(problem: Problem, written: Place | None) -> Problem:
    """What is wrong with a file as a whole at the place that names it, if that is known."""
    if written is None or problem.place.line:
        return problem
    return replace(problem, place=written, what=f"{problem.place.file}: {problem.what}")


def _meant(path: Path) -> str:
    """The pack or the file beside it that was probably meant."""
    prefix, colon, pack = path.name.partition(":")
    if colon and did_you_mean(prefix + colon, [PREFIX]):
        return f"did you mean {PREFIX}{pack}?"
    with suppress(OSError, ValueError):
        return did_you_mean(path.name, (each.name for each in path.parent.iterdir() if _may_hold_rules(each)))
    return ""


def _printable(problem: Problem) -> Problem:
    """The same with every character that a terminal could take for a command written as its escape."""
    place = replace(problem.place, file=_escaped(problem.place.file))
    return replace(problem, place=place, what=_escaped(problem.what), hint=_escaped(problem.hint))


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _paths(entry: str, base: Path) -> tuple[Path, ...] | Problem:
    """The files an entry names."""
    if entry.startswith(PREFIX):
        return pack_files(entry, packs_folder())
    if not glob.has_magic(entry):
        if holds_tests(Path(entry)):
            return Problem(Place(entry), "this file holds tests of rules, not rules", "`marginwatch test` runs it")
        return (base / entry,)
    files = tuple(path for path in _matching(str(base / entry)) if _may_hold_rules(path) and path.is_file())
    if not files:
        return Problem(Place(entry), "no rule file has a name like this", "rule files end in .toml, .yaml or .yml")
    return files


def _may_hold_rules(path: Path) -> bool:
    return path.suffix in SUFFIXES and not holds_tests(path)


def _matching(pattern: str) -> list[Path]:
    try:
        names = glob.glob(pattern, recursive=True)  # noqa: PTH207  (because: Path.glob takes no absolute pattern)
    except ValueError:  # a NUL in the name
        return []
    return sorted(Path(name) for name in names)


def _drafts(document: Document, problems: list[Problem]) -> list[Draft]:
    """The rules of one file, as far as they can be read."""
    if document.root is None:
        return []
    top = Table(document.root, problems)
    if not isinstance(document.root.value, dict):
        top.problem(document.root.place, f"a rule file must be a table with the key `rule`, not {document.root.kind}")
        return []
    top.refuse_unknown(("rule",), "a rule file")
    rules = top.items("rule", 'begin each rule with [[rule]], or in YAML a list below "rule:"')
    return [found for node in rules if (found := draft(node, problems)) is not None]

"""Which files of tests a person means: files, folders, globs and packs, or those beside the rules in use."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from marginwatch.config.rulepacks import PREFIX, pack_files, pack_names, packs_folder
from marginwatch.config.sourcefile import SUFFIXES, holds_tests
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def every_pack() -> tuple[str, ...]:
    """Entries for all shipped packs."""
    return tuple(f"{PREFIX}{name}" for name in pack_names(packs_folder()))


def find(entries: Sequence[str]) -> tuple[list[Path], list[Problem]]:
    """The files of tests that the entries of a command line name, each once, and the entries that name none.

    A folder stands for all tests in it, at any depth, a rule file for the tests of its name.
    """
    found: dict[Path, None] = {}
    problems: list[Problem] = []
    for entry in entries:
        files = _of_entry(entry)
        if isinstance(files, Problem):
            problems.append(files)
        else:
            found.update(dict.fromkeys(files))
    return list(found), problems


def beside(entries: Iterable[str]) -> list[Path]:
    """The files of tests in the folders of the rule files that entries of a config name; an entry may name none."""
    folders: dict[Path, None] = {}
    for entry in entries:
        files = pack_files(entry, packs_folder()) if entry.startswith(PREFIX) else _matching(entry)
        if not isinstance(files, Problem):
            folders.update(dict.fromkeys(file.parent for file in files))
    return [file for folder in folders for file in _tests_in(folder.glob("*"))]


def _of_entry(entry: str) -> list[Path] | Problem:
    if entry.startswith(PREFIX):
        rules = pack_files(entry, packs_folder())
        if isinstance(rules, Problem):
            return rules
        files = _tests_in(rules[0].parent.glob("*"))
        return files or Problem(Place(entry), "the pack has no tests")
    path = Path(entry)
    if path.is_dir():
        files = _tests_in(path.rglob("*"))
        return files or Problem(Place(entry), "no file in this folder holds tests", "their names end in .test.toml")
    if glob.has_magic(entry):
        files = [test for file in _matching(entry) for test in _tests_of(file)]
        hint = "tests of margin.toml are in margin.test.toml"
        return list(dict.fromkeys(files)) or Problem(Place(entry), "no file of a name like this has tests", hint)
    if holds_tests(path) or not path.exists():
        return [path]
    name = path.with_suffix(f".test{path.suffix}").name
    hint = f"they would be in {name}, beside it"
    return list(_tests_of(path)) or Problem(Place(entry), "the file has no tests", hint)


def _matching(pattern: str) -> list[Path]:
    try:
        names = glob.glob(pattern, recursive=True)  # noqa: PTH207  (because: Path.glob takes no absolute pattern)
    except ValueError:  # a NUL in the name
        return []
    return [path for path in map(Path, sorted(names)) if path.is_file()]


def _tests_in(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if holds_tests(path) and path.is_file())


def _tests_of(file: Path) -> Iterator[Path]:
    """A file of tests itself, or those of the rule file's name beside it."""
    if holds_tests(file):
        yield file
    elif file.suffix in SUFFIXES:
        beside_it = (file.with_name(f"{file.stem}.test{suffix}") for suffix in sorted(SUFFIXES))
        yield from (path for path in beside_it if path.is_file())

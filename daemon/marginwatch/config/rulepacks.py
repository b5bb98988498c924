"""Finds the shipped rule packs: `builtin:PACK` in the config."""

from __future__ import annotations

from pathlib import Path

from marginwatch.config.sourcefile import holds_tests
from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import Place, Problem

PREFIX = "builtin:"
_PACKAGE = Path(__file__).resolve().parents[1]


def packs_folder(package: Path = _PACKAGE) -> Path:
    """The folder that holds one folder a pack: inside the installed package, or `rules/` of an editable checkout."""
    installed = package / "rulepacks"
    return installed if installed.is_dir() else package.parents[1] / "rules"


def pack_names(folder: Path) -> tuple[str, ...]:
    """The packs in a folder, sorted."""
    return tuple(sorted({file.parent.name for file in folder.glob("*/*.toml") if not holds_tests(file)}))


def pack_files(entry: str, folder: Path) -> tuple[Path, ...] | Problem:
    """The rule files of a pack, sorted, for an entry such as `builtin:margin`."""
    name = entry.removeprefix(PREFIX)
    names = pack_names(folder)
    if name in names:
        return tuple(sorted(file for file in (folder / name).glob("*.toml") if not holds_tests(file)))
    what = f"there is no rule pack `{name}`"
    hint = did_you_mean(name, names) or f"the packs are {', '.join(names) or 'not installed'}"
    return Problem(Place(entry), what, hint)

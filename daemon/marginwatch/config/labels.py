"""`[[accounts]]`: what the config says of accounts beside what their venues do."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import field_validator as validates

from marginwatch.config.groups import Entry  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.keys import Name, Table, wrong
from marginwatch.config.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from marginwatch.config.places import Loc


class AccountSettings(Table):
    """One `[[accounts]]`."""

    match: tuple[Entry, ...]
    """`venue/account`, both globs; the account by its id or name."""
    labels: dict[Name, str]
    """Yours, for rules and routes to choose by. Of one that an account is given twice, the later counts."""

    @validates("match")
    @classmethod
    def _some(cls, match: tuple[str, ...]) -> tuple[str, ...]:
        if not match:
            what = 'must name an account at least; write it like "fx/ACC-1" or "fx/*"'
            raise wrong(what)
        return match

    @validates("labels")
    @classmethod
    def _some_label(cls, labels: dict[str, str]) -> dict[str, str]:
        if not labels:
            what = 'must hold a label at least, for example { desk = "rates" }'
            raise wrong(what)
        return labels


def label_values(tables: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """The values of every label; of tables that may be written in any way, those that have one."""
    found: dict[str, frozenset[str]] = {}
    for table in tables:
        labels = table.get("labels")
        for key, value in labels.items() if isinstance(labels, dict) else ():
            found[key] = found.get(key, frozenset()) | {str(value)}
    return found


def label_definitions(tables: Iterable[Mapping[str, Any]]) -> str:
    """All of them as a text, equal for equal ones; empty without any."""
    written = list(tables)
    return json.dumps(written, sort_keys=True, default=str) if written else ""


def misplaced_labels(tables: Iterable[Mapping[str, Any]], venues: Iterable[str]) -> Iterator[tuple[Loc, str, str]]:
    """Each entry that names no venue of the config: where, what is wrong, and what to do."""
    known = list(venues)
    for number, table in enumerate(tables):
        match = table.get("match")
        for at, entry in enumerate(match if isinstance(match, list) else ()):
            venue, slash, account = entry.partition("/") if isinstance(entry, str) else ("", "", "")
            if venue and slash and account and not any(fnmatchcase(name, venue) for name in known):
                hint = did_you_mean(venue, known) or f"the venues are {', '.join(known)}"
                yield ("accounts", number, "match", at), f"no venue in the config is named `{venue}`", hint

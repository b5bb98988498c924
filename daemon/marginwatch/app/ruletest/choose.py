"""Which tests a command line asks for, read with the rules they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.app.files import read_settings
from marginwatch.app.ruletest.find import beside, every_pack, find
from marginwatch.app.ruletest.sites import ConfiguredVenue, Known
from marginwatch.app.ruletest.suites import Suites, known_of, read_suites
from marginwatch.config.calendars import calendars_of
from marginwatch.config.location import NoConfigError
from marginwatch.errors import InvalidInputError, MarginwatchError
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.config.load import Loaded
    from marginwatch.venues.protocol import VenueKind


class NoTestsError(MarginwatchError):
    """The rules of the config have no tests."""

    def __init__(self) -> None:
        hint = "those of margin.toml would be in margin.test.toml; `marginwatch test builtin:margin` runs a pack's"
        super().__init__(f"there are no tests beside the rule files of the config; {hint}")


class NoSuchTestError(MarginwatchError):
    """No test fits what was asked for."""

    def __init__(self, words: str) -> None:
        super().__init__(f"no test has `{words}` in its name, its rules or the name of its file")


def choose(paths: Sequence[str], config: Path | None, environ: Mapping[str, str]) -> Suites:
    """The tests in these paths; without any, those beside the config's rules, without a config those of the packs.

    Raises:
        NoConfigError, NoTestsError: The config that is named is not there; its rules have no tests.
        InvalidInputError: The config is wrong, where that matters.
    """
    kinds = venue_kinds()
    loaded = _config(config, environ, kinds, needed=config is not None or not paths)
    sketch = None if loaded is None else loaded.sketch
    files, problems = find(paths or (every_pack() if sketch is None else ()))
    if not paths and sketch is not None:
        files = beside(sketch.files)
        if not files:
            raise NoTestsError
    suites = read_suites(files, kinds, _known(loaded, kinds))
    suites.problems = [*problems, *suites.problems]
    return suites


def chosen(tests: Sequence[Bound], words: str | None) -> list[Bound]:
    """The tests with these words in their name, rules or file, all of them for None.

    Raises:
        NoSuchTestError: There are none.
    """
    if words is None:
        return list(tests)
    found = [bound for bound in tests if words.lower() in bound.words.lower()]
    if not found:
        raise NoSuchTestError(words)
    return found


def _config(
    path: Path | None, environ: Mapping[str, str], kinds: Mapping[str, VenueKind], *, needed: bool
) -> Loaded | None:
    """What the config says; None where there is none and none was named."""
    try:
        loaded = read_settings(path, environ, kinds, need_secrets=False)
    except NoConfigError:
        return None
    if loaded.sketch is None and needed:
        raise InvalidInputError(loaded.problems)
    return loaded


def _known(loaded: Loaded | None, kinds: Mapping[str, VenueKind]) -> Known:
    """The config's names as far as it is right: tests need not wait for the rest of it."""
    if loaded is None or loaded.sketch is None:
        return known_of(kinds)
    if loaded.settings is None:
        return known_of(kinds, {name: ConfiguredVenue(kind) for name, kind in loaded.sketch.venues.items()})
    venues = {venue.name: ConfiguredVenue(venue.kind, venue.calendar) for venue in loaded.settings.venues}
    return known_of(kinds, venues, calendars_of(loaded.settings.calendars))

"""What is wrong with a config that its form does not show: databases, accounts and receivers there cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.errors import Problem
from marginwatch.store.errors import MemoryDatabaseError, UnknownDatabaseKindError
from marginwatch.venues.selection import is_glob

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.config.load import Loaded
    from marginwatch.config.unjudged import Written
    from marginwatch.errors import MarginwatchError
    from marginwatch.store.errors import BadStoreUrlError
    from marginwatch.venues.protocol import VenueKind


def judge(loaded: Loaded, kinds: Mapping[str, VenueKind]) -> Iterator[Problem]:
    """Every problem of what the reading of the config left unjudged, whatever that found itself."""
    yield from _store_problems(loaded)
    yield from _account_problems(loaded, kinds)
    yield from _receiver_problems(loaded)


def _store_problems(loaded: Loaded) -> Iterator[Problem]:
    """What shows without opening it; importing the database's library would take a check longer than all the rest."""
    for url in loaded.unjudged.store:
        scheme, _, rest = url.text.get_secret_value().partition("://")
        kind = scheme.partition("+")[0]
        error: BadStoreUrlError | None = None
        if kind not in {"sqlite", "postgresql", "postgres"}:
            error = UnknownDatabaseKindError(kind)
        elif kind == "sqlite" and rest.lstrip("/") in {"", ":memory:"}:
            error = MemoryDatabaseError()
        if error is not None:
            yield _problem(loaded, url, *_halves(error))


def _account_problems(loaded: Loaded, kinds: Mapping[str, VenueKind]) -> Iterator[Problem]:
    """Patterns for accounts at a venue that lists none to match them with."""
    for account in loaded.unjudged.accounts:
        if getattr(kinds[account.of].settings, "accounts_required", False) and is_glob(account.text.get_secret_value()):
            what = f"`accounts`: a venue of kind {account.of} lists none to match a pattern with"
            yield _problem(loaded, account, what, "write each account in full")


def _receiver_problems(loaded: Loaded) -> Iterator[Problem]:
    for url in loaded.unjudged.receivers:
        from marginwatch.notify.receiver import BadReceiverUrlError, Receiver  # noqa: PLC0415  (Apprise takes a third of a check's time to import, and one away from its secrets needs it for nothing)

        try:
            Receiver(url.of, url.text)
        except BadReceiverUrlError as error:
            yield _problem(loaded, url, *_halves(error))


def _halves(error: MarginwatchError) -> tuple[str, str]:
    """What is wrong, and what to do."""
    what, _, hint = str(error).partition("; ")
    return what, hint


def _problem(loaded: Loaded, at: Written, what: str, hint: str) -> Problem:
    assert loaded.places is not None  # there is something to judge only where the file was read
    return Problem(loaded.places.value(at.loc), what, hint)

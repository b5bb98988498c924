"""What commands need that look at the store and run nothing: the config, the store, and what numbers are."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from marginwatch.app.files import read_rules, read_settings
from marginwatch.core import health
from marginwatch.core.fields import Unit
from marginwatch.core.model import AccountKey
from marginwatch.errors import InvalidInputError
from marginwatch.notify import words
from marginwatch.store.store import Store
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal
    from pathlib import Path

    from marginwatch.config.load import Loaded as LoadedSettings
    from marginwatch.config.rulefile import Loaded
    from marginwatch.config.settings import Settings
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import AccountState
    from marginwatch.errors import Problem
    from marginwatch.venues.protocol import VenueKind


class Reading:
    """An opened store and the config that names it. The daemon may run meanwhile, or not."""

    def __init__(
        self, settings: Settings, store: Store, kinds: Mapping[str, VenueKind], read: Callable[[], Loaded]
    ) -> None:
        """`read` reads the rule files, which not every look needs."""
        self.settings = settings
        self.store = store
        self.kinds = kinds
        self._read = read

    @cached_property
    def loaded(self) -> Loaded:
        """What the rule files say as they are now, with what is wrong in them."""
        return self._read()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The user's rules; without those of a rule file that is wrong just now."""
        return self.loaded.rules

    @cached_property
    def units(self) -> Mapping[str, Unit]:
        """What the numbers of each rule are, by rule id; without those of a rule file that is wrong just now."""
        return {rule.id: rule.unit for rule in (*health.RULES.values(), *self.rules)}

    @cached_property
    def accounts(self) -> Mapping[AccountKey, AccountState]:
        """Every account that is remembered."""
        return {state.account.key: state for state in self.store.history.account_states()}

    def name(self, account: AccountKey) -> str:
        """What its venue calls the account: its id when it is not remembered, empty for what is about no account."""
        state = self.accounts.get(account)
        return account.id if state is None else state.account.name

    def called(self, account: AccountKey) -> str:
        """The same for a person, what is about no account included: `venue futures`, `marginwatch`."""
        return self.name(account) or (f"venue {account.venue}" if account.venue else str(account))

    def written_accounts(self) -> list[str]:
        """Each account in the two ways a person may write it, `VENUE/ID` and `VENUE/NAME`."""
        return [*map(str, self.accounts), *(f"{key.venue}/{self.name(key)}" for key in self.accounts)]

    def amount(self, value: Decimal | None, rule: str, account: AccountKey) -> str:
        """A rule's number as people read it; empty for none."""
        if value is None:
            return ""
        state = self.accounts.get(account)
        currency = None if state is None else state.known.get("currency")
        unit = self.units.get(rule, Unit.QUANTITY)
        return words.amount(value, unit, currency if isinstance(currency, str) else "")

    def account(self, wanted: AccountKey) -> AccountKey:
        """The account of that id, or of that name; what was wanted itself where nothing fits."""
        if wanted in self.accounts:
            return wanted
        named = (key for key in self.accounts if AccountKey(key.venue, self.name(key)) == wanted)
        return next(named, wanted)


def open_reading(path: Path | None, environ: Mapping[str, str]) -> Reading:
    """The store the config names, for reading and for operators' wishes; it must exist.

    Raises:
        InvalidInputError: The config is wrong.
        StoreError: There is no store yet, or it cannot be opened.
    """
    kinds = venue_kinds()
    loaded = read_settings(path, environ, kinds, need_secrets=False)
    url = _url_of(loaded)
    if loaded.settings is None or loaded.sketch is None:
        raise InvalidInputError(loaded.problems)
    return Reading(loaded.settings, Store.open(url, create=False), kinds, partial(read_rules, loaded.sketch, kinds))


def store_url(path: Path | None, environ: Mapping[str, str]) -> str:
    """The URL of the store that the config names, whether there is one or not.

    Raises:
        InvalidInputError: The config is wrong.
    """
    return _url_of(read_settings(path, environ, venue_kinds(), need_secrets=False))


def _url_of(loaded: LoadedSettings) -> str:
    if loaded.settings is None:
        raise InvalidInputError(loaded.problems)
    url = loaded.settings.store.url.get_secret_value()
    if "${" in url:
        raise InvalidInputError(_of_store(loaded))
    return url


def _of_store(loaded: LoadedSettings) -> tuple[Problem, ...]:
    """A secret that is not there is only a note, unless it is the database's own."""
    assert loaded.places is not None  # the file was read
    place = loaded.places.value(("store", "url"))
    return tuple(note for note in loaded.notes if (note.place.file, note.place.line) == (place.file, place.line))

"""What lines of observations have in common, whatever their form: whose they are, and what fields there may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.cells import moment, reader
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import AccountKey
from marginwatch.errors import InvalidInputError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from marginwatch.app.backtest.cells import Reader
    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Value

WHO: Final = ("time", "venue", "account", "as_of")
"""What says of whom and when a line is; everything else is a field."""


class Lines:
    """Reads the parts of lines; what is wrong with one is raised with file and line."""

    def __init__(self, path: Path, catalogues: Mapping[str, Catalogue]) -> None:
        """`catalogues` by name of the venue in the config."""
        self.path = path
        self.catalogues = catalogues
        self._keys: dict[tuple[str, str], AccountKey] = {}
        """By venue and account as the lines have them."""

    def key(self, number: int, venue: object, account: object) -> AccountKey:
        """The account that a line names; the one venue there is when it names none."""
        if not isinstance(account, str):
            raise self.wrong(number, "the line names no account")
        written = (venue if isinstance(venue, str) else "" if venue is None else str(venue), account)
        found = self._keys.get(written)
        if found is None:
            found = self._keys[written] = self._named(number, *written)
        return found

    def _named(self, number: int, venue: str, account: str) -> AccountKey:
        if not venue and len(self.catalogues) == 1:
            (venue,) = self.catalogues
        if venue not in self.catalogues:
            hint = did_you_mean(venue, self.catalogues) or f"the venues are {', '.join(self.catalogues)}"
            raise self.wrong(number, f"no venue in the config is named `{venue}`", hint)
        if not account:
            raise self.wrong(number, "the line names no account")
        return AccountKey(venue, account)

    def moment(self, number: int, value: object, name: str) -> datetime:
        """A time of a line."""
        try:
            return moment(value)
        except ValueError as error:
            raise self.wrong(number, f"`{name}` must be {error}") from None

    def reader(self, number: int, fields: Mapping[str, Field], name: str, owner: str) -> Reader:
        """What reads the values of a field that the venue has."""
        field = fields.get(name)
        if field is None:
            raise self.wrong(number, f"{owner} has no field `{name}`", did_you_mean(name, fields))
        return reader(field)

    def read(self, number: int, name: str, read: Reader, value: object) -> Value:
        """One value."""
        try:
            return read(value)
        except ValueError as error:
            raise self.wrong(number, f"`{name}` must be {error}") from None

    def wrong(self, number: int, what: str, hint: str = "") -> InvalidInputError:
        """What is wrong with a line."""
        return wrong_line(self.path, number, what, hint)


def wrong_line(path: Path, number: int, what: str, hint: str = "") -> InvalidInputError:
    """One problem of a file; line 0 is the file as a whole."""
    return InvalidInputError((Problem(Place(str(path), number), what, hint),))

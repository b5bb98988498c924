"""Column types that keep money and time exact on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect, Row
    from sqlalchemy.types import TypeEngine

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row of a query, its columns as attributes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_EXPONENT = 1000
"""Far beyond any money, far below what NUMERIC refuses."""


def to_micros(moment: datetime) -> int:
    """Whole microseconds since 1970 UTC; a naive time is a TypeError."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC time of that many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def fits(value: Decimal | None) -> Decimal | None:
    """The value where a `DecText` column takes it, None where it is not finite or absurdly large or small."""
    if value is None or not value.is_finite() or abs(value.adjusted()) > _MAX_EXPONENT:
        return None
    return value


class DecText(TypeDecorator[Decimal]):
    """A Decimal: exact text on SQLite, NUMERIC on PostgreSQL.

    SQLite's own NUMERIC is a binary float. As text the digits stay, but the column neither orders nor compares
    as numbers there, so comparisons belong in Python. Floats and values that are not finite are refused.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str] | TypeEngine[Decimal]:
        """NUMERIC where it is exact."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.Numeric())
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """The digits as they are; TypeError for anything but a Decimal, ValueError for what does not fit."""
        if value is None:
            return None
        if not isinstance(value, Decimal):
            msg = f"a Decimal is needed, not {type(value).__name__}"
            raise TypeError(msg)
        if fits(value) is None:
            msg = f"{value} is not a finite number of reasonable size"
            raise ValueError(msg)
        return value if dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  (the signature is SQLAlchemy's)
        """The same Decimal again."""
        return None if value is None else Decimal(value)


class Utc(TypeDecorator[datetime]):
    """An aware time: integer microseconds since 1970 on SQLite, timestamptz on PostgreSQL; always UTC when read."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int] | TypeEngine[datetime]:
        """Timestamptz where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        """Refuse a naive time with a ValueError: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"the time {value} has no time zone"
            raise ValueError(msg)
        return value if dialect.name == "postgresql" else to_micros(value)

    def process_result_value(self, value: datetime | int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  (the signature is SQLAlchemy's)
        """Aware, UTC."""
        if value is None:
            return None
        return from_micros(value) if isinstance(value, int) else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from outside: what UTF-8 or PostgreSQL cannot hold (lone surrogates, NUL) becomes U+FFFD."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  (the signature is SQLAlchemy's)
        """The text, with what cannot be stored replaced."""
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """The text with every lone surrogate and NUL replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A row id. SQLite numbers rows by itself only when the type is exactly INTEGER."""

"""`digest` in `[[receivers]]`: when many messages become one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic import field_validator as validates

from marginwatch.config.durations import PATTERN, Duration, format_duration
from marginwatch.config.keys import Count, Table, wrong
from marginwatch.core.digest import LONGEST_GATHER, Digesting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.config.settings import ReceiverSettings

_SECOND = timedelta(seconds=1)
_DEFAULT = Digesting()
_MOST = 1_000
FOR_MACHINES = ("json://", "jsons://")
"""Receivers that hear of every alert by itself, for there machines read."""


class DigestSettings(Table):
    """One `digest` table."""

    after: Count = _DEFAULT.after
    """More messages at once than this become one."""
    gather: Duration = _DEFAULT.gather
    """How long what follows such a storm is gathered; critical messages go out at once."""

    @validates("after")
    @classmethod
    def _some(cls, after: int) -> int:
        if not 1 <= after <= _MOST:
            what = f"must be from 1 to {_MOST}"
            raise wrong(what)
        return after

    @validates("gather")
    @classmethod
    def _short(cls, gather: timedelta) -> timedelta:
        if not _SECOND <= gather <= LONGEST_GATHER:
            what = f"must be from {format_duration(_SECOND)} to {format_duration(LONGEST_GATHER)}"
            raise wrong(what)
        return gather


def _table(value: object) -> object:
    """False is no table, which stands for none at all."""
    if value is False:
        return None
    if not isinstance(value, (dict, DigestSettings)):
        what = 'must be false or a table like { after = 10, gather = "30s" }'
        raise wrong(what)
    return value


DigestKey = Annotated[
    DigestSettings | None,
    BeforeValidator(_table),
    PlainSerializer(lambda value: False if value is None else value),
    WithJsonSchema(
        {
            "description": "When many messages become one; false: never.",
            "oneOf": [
                {"const": False},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "after": {"type": "integer", "minimum": 1, "maximum": _MOST, "default": _DEFAULT.after},
                        "gather": {"type": "string", "pattern": PATTERN, "default": format_duration(_DEFAULT.gather)},
                    },
                },
            ],
        }
    ),
]
"""What a receiver's `digest` may be; None: no digests."""


def digests_of(receivers: Iterable[ReceiverSettings]) -> Mapping[str, Digesting]:
    """When messages become a digest, by receiver; those that machines read have none."""
    return {
        receiver.name: _digesting(receiver.digest)
        for receiver in receivers
        if not receiver.url.get_secret_value().lower().startswith(FOR_MACHINES)
    }


def _digesting(digest: DigestSettings | None) -> Digesting:
    return Digesting(on=False) if digest is None else Digesting(digest.after, digest.gather)

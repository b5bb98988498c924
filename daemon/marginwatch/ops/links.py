"""Signed links in messages: each lets its reader act on one alert, for a while, and on nothing else."""

from __future__ import annotations

import enum
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

LASTS = timedelta(hours=24)
"""How long a link may be used."""
PATH = "/act/"
"""What the page serves links under; the token follows."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = 1_000
"""Characters. No token of ours is longer."""
_MADE = re.compile(rf"{re.escape(PATH)}[\w.=-]+")


class LinkFault(enum.StrEnum):
    """Why a link is refused; the value is a sentence for whoever followed it."""

    FORGED = "This link was not made by this marginwatch, or was cut off or changed on its way."
    EXPIRED = "This link is too old: links in messages work for 24 hours."


@dataclass(frozen=True, slots=True)
class Claim:
    """What a good link says."""

    alert_id: str
    receiver: str
    """Who was sent it."""
    made_at: datetime

    @property
    def serial(self) -> str:
        """Which link it is: no two have the same, and however its token is spelt, one has no other."""
        return f"{self.alert_id}/{(self.made_at - _EPOCH) // _MICROSECOND}/{self.receiver}"

    @property
    def expires_at(self) -> datetime:
        """From then on it is refused."""
        return self.made_at + LASTS


class Links:
    """Makes and reads links signed with one key."""

    def __init__(self, key: bytes, public_url: str) -> None:
        """`public_url` is where people reach the page, without a slash at its end."""
        self._url = public_url.rstrip("/")
        self._signed = URLSafeSerializer(
            key, salt="act on an alert", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def alert(self, alert_id: str, receiver: str, now: datetime) -> str:
        """The address of a page that offers to acknowledge or silence that alert; following it does nothing yet."""
        return f"{self._url}{PATH}{self._signed.dumps([alert_id, receiver, (now - _EPOCH) // _MICROSECOND])}"

    def read(self, token: str, now: datetime) -> Claim | LinkFault:
        """What the last part of such an address says, or why it is refused."""
        try:
            alert_id, receiver, micros = self._signed.loads(token[:_LONGEST])
        except BadSignature:
            return LinkFault.FORGED
        claim = Claim(alert_id, receiver, _EPOCH + micros * _MICROSECOND)
        return claim if now < claim.expires_at else LinkFault.EXPIRED


def without_links(text: str) -> str:
    """The words of a message but for what its link is known by: a link is a right to act, and reading them is not."""
    return _MADE.sub(f"{PATH}…", text)

"""Who may see and do what: sessions in a signed cookie, and a mark in every form that only its page can know."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, URLSafeSerializer

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIE = "marginwatch"
LASTS = timedelta(hours=12)
"""How long a login lasts."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNER = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """One browser, known by its cookie."""

    name: str
    """Random; what its forms are bound to."""
    since: datetime
    known: bool
    """It gave the token."""


class Sessions:
    """Makes and reads cookies and the marks of forms. Nothing is kept here: what is needed is in the cookie, signed."""

    def __init__(self, key: bytes, token: str | None) -> None:
        """`token` is what the page asks for; None asks for nothing. Another token ends every session."""
        of_token = hashlib.sha256((token or "").encode()).hexdigest()
        self._token = token
        self._cookie = URLSafeSerializer(key, salt=f"session {of_token}", signer_kwargs=_SIGNER)
        self._form = URLSafeSerializer(key, salt=f"form {of_token}", signer_kwargs=_SIGNER)

    @property
    def asks(self) -> bool:
        """Whether there is a token to give."""
        return self._token is not None

    def right(self, given: str) -> bool:
        """Whether that is the token; takes as long for any text of its length."""
        return self._token is not None and hmac.compare_digest(given.strip().encode(), self._token.encode())

    def read(self, cookies: Mapping[str, str], now: datetime) -> Session | None:
        """The session the browser is in, None where it has none or an old one."""
        try:
            name, since, known = self._cookie.loads(cookies.get(COOKIE, "")[:_LONGEST])
        except BadSignature:
            return None
        session = Session(name, _EPOCH + timedelta(seconds=since), known)
        return session if session.since <= now + LASTS and now < session.since + LASTS else None

    def begin(self, now: datetime, *, known: bool) -> Session:
        """A new one."""
        return Session(secrets.token_urlsafe(18), now.replace(microsecond=0), known)

    def cookie(self, session: Session) -> str:
        """Its value for the browser."""
        return str(self._cookie.dumps([session.name, int(session.since.timestamp()), session.known]))

    def mark(self, of: str) -> str:
        """What a form of that session, or of that link, carries."""
        return str(self._form.dumps(of))

    def marked(self, mark: str, of: str) -> bool:
        """Whether the form is one of that session or link."""
        try:
            return bool(self._form.loads(mark[:_LONGEST]) == of)
        except BadSignature:
            return False

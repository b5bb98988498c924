"""What a form says, once it is sure that it came from a page of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from marginwatch.core.alert import LONGEST_NAME, LONGEST_NOTE
from marginwatch.notify.words import clean
from marginwatch.web.refusals import BadFormError, ForgedError, NotLoggedInError, ReadOnlyError
from marginwatch.web.site import site_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request


_KIND: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
LONGEST: Final = {
    "by": LONGEST_NAME,
    "note": LONGEST_NOTE,
    "rule": 200,
    "venue": 40,
    "account": 200,
    "group": 200,
    "label": 400,
}
"""Characters of each text."""
_LONGEST_OTHER = 2_000
"""Of tokens, and of what is chosen."""
SPANS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "30m": ("30 minutes", timedelta(minutes=30)),
    "1h": ("1 hour", timedelta(hours=1)),
    "2h": ("2 hours", timedelta(hours=2)),
    "4h": ("4 hours", timedelta(hours=4)),
    "8h": ("8 hours", timedelta(hours=8)),
    "1d": ("1 day", timedelta(days=1)),
    "3d": ("3 days", timedelta(days=3)),
    "7d": ("7 days", timedelta(days=7)),
}
"""How long something may be acknowledged or silenced from here, by what forms call it."""


class Form:
    """Texts by the names of their fields."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def get(self, name: str) -> str:
        """The text, one line without blanks around it; empty where there is none. Raises `BadFormError`."""
        text = clean(self._fields.get(name, ""))
        longest = LONGEST.get(name, _LONGEST_OTHER)
        if len(text) > longest:
            what = f"The field {name} takes {longest:,} characters; nothing was done."
            raise BadFormError(what)
        return text

    def needed(self, name: str, what: str) -> str:
        """The same where there must be one. Raises `BadFormError`."""
        text = self.get(name)
        if not text:
            said = f"Say {what}; nothing was done."
            raise BadFormError(said)
        return text

    def span(self, name: str = "span") -> timedelta | None:
        """How long; None for until it ends. Raises `BadFormError`."""
        text = self.get(name)
        if not text:
            return None
        if text not in SPANS:
            what = f"Choose how long: one of {', '.join(SPANS)}. Nothing was done."
            raise BadFormError(what)
        return SPANS[text][1]


async def form_of(request: Request, of: str) -> Form:
    """The form of that session or link.

    Raises:
        ForgedError: It did not come from a page of ours, or is too old.
    """
    _check_origin(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise ForgedError
    body = (await request.body()).decode("ascii", "replace")
    try:
        fields = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise ForgedError from None
    if not site_of(request).sessions.marked(fields.get("mark", ""), of):
        raise ForgedError
    return Form(fields)


async def action(request: Request) -> Form:
    """The form of somebody who may act.

    Raises:
        ReadOnlyError: Nobody may act here.
        NotLoggedInError: He did not give the token, or too long ago.
        ForgedError: It did not come from a page of his session.
    """
    site = site_of(request)
    session = site.session(request)
    if not site.may_act(session):
        raise NotLoggedInError if site.sessions.asks else ReadOnlyError
    return await form_of(request, session.name)


def _check_origin(request: Request) -> None:
    """A browser says where a form came from; what is no browser says nothing and has no cookie to abuse.

    Our pages ask browsers to tell nobody where a request comes from, so the origin of our own forms is `null`.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site not in {None, "same-origin", "none"}:
        raise ForgedError
    if origin == "null" and site is not None:
        return
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers["host"].lower():
        raise ForgedError

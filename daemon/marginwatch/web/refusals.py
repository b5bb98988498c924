"""Why a request is refused: each a sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.errors import MarginwatchError
from marginwatch.store.errors import (
    AlertEndedError,
    AlertNotFoundError,
    AmbiguousAlertError,
    ShortAlertError,
    SilenceNotFoundError,
    StoreError,
)
from marginwatch.store.keys import LinkUsedError

if TYPE_CHECKING:
    from marginwatch.ops.links import LinkFault


class RefusedError(MarginwatchError):
    """Base of them; `status` is HTTP's."""

    status = 400


class NotFoundError(RefusedError):
    """There is no such page."""

    status = 404

    def __init__(self, what: str = "There is no such page.") -> None:
        super().__init__(what)


class NotLoggedInError(RefusedError):
    """The session ended before the form was sent."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Your login has ended, so nothing was done. Log in and try again.")


class ReadOnlyError(RefusedError):
    """The page has no token, so anybody on this machine could be asking."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Nobody can act on this page before [web] token is set, so nothing was done. "
            "Set it and restart marginwatch, or use the commands marginwatch ack and marginwatch silence."
        )


class ForgedError(RefusedError):
    """The form did not come from a page of ours in this session."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This form is too old or came from another page, so nothing was done. Reload it and try again."
        )


class BadFormError(RefusedError):
    """A field of the form is missing or makes no sense."""

    status = 422


class BadLinkError(RefusedError):
    """A link of a message is refused."""

    status = 403

    def __init__(self, fault: LinkFault) -> None:
        super().__init__(f"{fault.value} Nothing was done. Open the page itself, or use marginwatch ack.")


def status_of(error: MarginwatchError) -> int:
    """HTTP's number for it: what cannot be found, what does not go together with how things are, what may pass."""
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, AlertNotFoundError | AmbiguousAlertError | ShortAlertError | SilenceNotFoundError):
        return 404
    if isinstance(error, AlertEndedError | LinkUsedError):
        return 409
    return 503 if isinstance(error, StoreError) else 400

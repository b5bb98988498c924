"""Receivers: one Apprise URL each, asked to take one message at a time."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyBase, NotifyFormat, NotifyType, OverflowMode
from apprise.attachment.memory import AttachMemory
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email import NotifyEmail

from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.errors import MarginwatchError
from marginwatch.notify.channel import MACHINES, Channel, Picture, Words
from marginwatch.notify.forms import Form
from marginwatch.notify.outcome import DELIVERED, UNEXPLAINED, quiet_loggers, witness
from marginwatch.notify.plugins import build_plugin, scheme_of, schemes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    from marginwatch.core.state import Message
    from marginwatch.notify.outcome import Answer

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
"""How long a receiver may take to answer at the first attempt; a receiver's URL may say otherwise (`?rto=`)."""
MOST_READ_SECONDS = 60.0
UNSTATED_GAP = 1.0
"""Seconds between sends where Apprise knows no figure of the service's own."""

_PLAINER = {Form.TAGS: Form.TEXT, Form.MARKDOWN: Form.TEXT, Form.SLACK: Form.TEXT}
"""What is sent where a service refuses a form for good; a mail server does not look at it."""
_NO_WORDS = Words("", "", NotifyFormat.TEXT)
_SECOND = re.compile(r"[\s,;][A-Za-z][A-Za-z0-9+.-]{0,20}://")
_WITH_HEADERS = (*MACHINES, NotifyEmail)
_TYPES: Mapping[Severity, NotifyType] = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}


class BadReceiverUrlError(MarginwatchError):
    """A receiver's URL cannot be used. Says why without repeating it: it holds tokens."""

    def __init__(self, receiver: str, why: str) -> None:
        super().__init__(f"the url of receiver {receiver} {why}")


Draw: TypeAlias = "Callable[[Message], bytes | None]"
"""Makes the picture, a PNG, that goes with a message; None where there is nothing to be seen."""


class Receiver:
    """Somebody who is told, by one Apprise URL. Safe to use from several threads at once."""

    def __init__(self, name: str, url: SecretStr, *, chart: bool | None = None) -> None:
        """Check the URL without any network.

        `chart` says whether it is sent pictures; None: where it is known to show them.

        Raises:
            BadReceiverUrlError: Apprise does not understand it, or it names several recipients.
        """
        quiet_loggers()
        self.name = name
        self._url = url
        self._asset = AppriseAsset(
            app_id="marginwatch",
            app_desc="marginwatch",
            app_url="",
            image_url_mask="",
            image_url_logo="",
            async_mode=False,
            interpret_emojis=False,
            allow_templates=False,
            service_timeout=0,  # a limit would move the send to Apprise's own small pool
        )
        if _SECOND.search(url.get_secret_value()):
            raise BadReceiverUrlError(name, "holds several URLs; write a [[receivers]] table for each")
        plugin = self._plugin()
        if len(plugin) > 1:
            why = f"names {len(plugin)} recipients; write a [[receivers]] table for each, so that each is retried alone"
            raise BadReceiverUrlError(name, why)
        self._channel = Channel.of(plugin, chart=chart)
        rate = float(plugin.request_rate_per_sec)
        self.gap = rate if rate != NotifyBase.request_rate_per_sec else UNSTATED_GAP
        """Seconds the service wants between sends; 0 where it does not mind."""

    def __repr__(self) -> str:
        return f"Receiver({self.name!r})"

    def send(self, message: Message, attempt: int = 1, draw: Draw | None = None) -> Answer:
        """Ask the service to take the message; blocks until it answered or its time is up.

        `draw` is asked for the picture that goes with it where the service takes one, at the first attempt.
        The answer may take longer with every attempt, so that a slow service that does take messages is found out
        before it has taken many copies.
        """
        seconds = min(READ_SECONDS * 2 ** (attempt - 1), MOST_READ_SECONDS)
        form = self._channel.form
        words = self._channel.words(message, form)
        picture = self._channel.picture(words)
        # A picture that a service chokes on must not be what keeps the message from it.
        drawn = None if draw is None or picture is Picture.NEVER or attempt > 1 else draw(message)
        within = drawn if picture is Picture.WITHIN else None
        answer = self._notify(message, words, seconds, within)
        if answer.outcome is AttemptOutcome.PERMANENT and (within or form in _PLAINER):
            words = self._channel.words(message, _PLAINER.get(form, form))
            answer = self._notify(message, words, seconds)
        elif drawn and picture is Picture.AFTER and answer is DELIVERED:
            self._show(message, seconds, drawn)
        return answer

    def _show(self, message: Message, seconds: float, drawn: bytes) -> None:
        """Send the picture by itself. The message was taken, whatever becomes of this."""
        shown = self._notify(message, _NO_WORDS, seconds, drawn)
        if shown is not DELIVERED:
            import structlog  # noqa: PLC0415  (a check judges receivers and logs nothing)

            log = structlog.get_logger(__name__)
            log.info("a chart was not taken", receiver=self.name, alert=message.alert_id, why=shown.detail)

    def _notify(self, message: Message, words: Words, seconds: float, picture: bytes | None = None) -> Answer:
        """One request, or one mail; the service's own steps where it needs several."""
        plugin = self._plugin()
        _be_patient(plugin, seconds)
        _address(plugin, message)
        if picture and isinstance(plugin, NotifyEmail):
            plugin.inline = True
        apprise = Apprise(asset=self._asset)
        apprise.add(plugin)
        with witness() as found:
            taken = apprise.notify(
                title=words.title,
                body=words.body,
                notify_type=_type_of(message),
                body_format=words.format,
                attach=self._attached(picture) if picture else None,
            )
        if taken:
            return DELIVERED
        return found[-1] if found else UNEXPLAINED

    def _attached(self, picture: bytes) -> AppriseAttachment:
        attached = AppriseAttachment(asset=self._asset)
        attached.add(AttachMemory(content=picture, name="chart.png", mimetype="image/png"))  # type: ignore[no-untyped-call]  # apprise annotates only parts of it
        return attached

    def _plugin(self) -> NotifyBase:
        """A fresh one: Apprise's own throttle sleeps, in the thread that sends, and only between sends of one object.

        What the URL could switch that would break our promises is switched back: no retries inside one attempt, no
        failure passed off as success, no body sent on to another host, no message split in two.
        """
        url = self._url.get_secret_value()
        plugin = build_plugin(url, self._asset)
        if plugin is None:
            raise BadReceiverUrlError(self.name, _why_not(url))
        plugin.retry = 0
        plugin.optional = False
        plugin.redirects = False
        plugin.overflow_mode = OverflowMode.TRUNCATE
        return plugin


def message_key(message: Message) -> str:
    """Identity of the outbox row, the same at every attempt; fit for a header."""
    return f"{message.alert_id}.{message.number}.{quote(message.receiver, safe='')}"


def _be_patient(plugin: NotifyBase, seconds: float) -> None:
    """Set the time limits the URL does not set. A mail server has one limit, for each step of the dialogue."""
    if isinstance(plugin, NotifyEmail):
        if plugin.socket_connect_timeout == type(plugin).socket_connect_timeout:
            plugin.socket_connect_timeout = int(seconds)
        return
    if plugin.socket_connect_timeout == type(plugin).socket_connect_timeout:
        plugin.socket_connect_timeout = CONNECT_SECONDS
    if plugin.socket_read_timeout == type(plugin).socket_read_timeout:
        plugin.socket_read_timeout = seconds


def _address(plugin: NotifyBase, message: Message) -> None:
    """Add the ids where the channel takes headers, and the machine-readable keys where it takes JSON."""
    if isinstance(plugin, _WITH_HEADERS):
        plugin.headers["X-Alert-Id"] = message.alert_id
        plugin.headers["Idempotency-Key"] = message_key(message)
    if isinstance(plugin, NotifyEmail):
        plugin.headers["References"] = f"<{message.alert_id}@marginwatch>"
    if isinstance(plugin, NotifyJSON):
        plugin.payload_extras.update(message.payload)


def _type_of(message: Message) -> NotifyType:
    if message.state is State.RESOLVED:
        return NotifyType.SUCCESS
    return NotifyType.INFO if message.state is State.CLOSED else _TYPES[message.severity]


def _why_not(url: str) -> str:
    scheme = scheme_of(url)
    if not scheme:
        return "has no service in front, such as slack:// or mailto://"
    if scheme in {"http", "https"}:
        return f"is a plain web address; write {'jsons' if scheme == 'https' else 'json'}:// to post JSON to it"
    known = schemes()
    if scheme in known:
        return f"is not complete for {scheme}://"
    close = difflib.get_close_matches(scheme, known, n=1)
    return f"names the unknown service {scheme}://" + (f"; did you mean {close[0]}://?" if close else "")

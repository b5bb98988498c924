"""No secret of a receiver's URL leaves the process, at any log level and however a send ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from apprise.plugins.slack import NotifySlack
from pydantic import SecretStr

from marginwatch.notify.receiver import BadReceiverUrlError, Receiver
from support.notices import message
from support.sinks import Close, Hang, HttpSink, Reply, Reset, SlackSink, SmtpSink, Truncate, refusing_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2-TIiajkdnlazk"
EVERYWHERE = f"/{SECRET}/hook?-token={SECRET}&+Authorization={SECRET}&:key={SECRET}&cto=0.3&rto=0.3"
ENDS = [Reply(), Reply(500, SECRET.encode()), Reply(400, SECRET.encode()), Close(), Reset(), Truncate(), Hang()]


class Everything(logging.Handler):
    """Keeps every line that reaches the root logger, as it would be printed; the mail server's own are not ours."""

    def __init__(self) -> None:
        super().__init__(1)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "mail.log":
            self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line that any library prints, everything turned on that an operator can turn on."""
    root, handler = logging.getLogger(), Everything()
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    logging.getLogger("somebody").debug("heard")
    assert handler.lines == ["heard"]
    yield handler.lines
    root.setLevel(before)
    root.removeHandler(handler)


def told(url: str, lines: list[str]) -> str:
    """All that a send to that URL leaves behind for anybody to read."""
    desk = Receiver("desk", SecretStr(url))
    return "\n".join([repr(desk), repr(desk.send(message())), *lines])


@pytest.mark.parametrize("end", ENDS)
def test_web_service(end: Reply | Close | Reset | Truncate | Hang, lines: list[str]) -> None:
    """Path, query, headers, body fields and login stay secret whatever the service does."""
    with HttpSink() as sink:
        sink.script(end)

        assert SECRET not in told(f"json://user:{SECRET}@{sink.address}{EVERYWHERE}", lines)

        assert SECRET in sink.posts[0].path


@pytest.mark.parametrize(
    "url",
    [
        f"json://user:{SECRET}@127.0.0.1:PORT{EVERYWHERE}",
        f"json://{SECRET}.invalid{EVERYWHERE}",
        f"jsons://127.0.0.1:PORT{EVERYWHERE}",
        f"mailto://user:{SECRET}@127.0.0.1:PORT?to=a@example.com&from=b@example.com&mode=insecure&+X={SECRET}",
        f"json://127.0.0.1:PORT/?+X-Bad={SECRET}%0d%0aX:%20y",
    ],
)
def test_nobody_there(url: str, lines: list[str]) -> None:
    """A failed connection says nothing of where to."""
    with refusing_port() as port:
        assert SECRET not in told(url.replace("PORT", str(port)), lines)


def test_mail_server(lines: list[str]) -> None:
    """A refused login or mail does not repeat the password."""
    with SmtpSink() as mail:
        login = f"mailto://user:{SECRET}@127.0.0.1:{mail.port}?to=a@example.com&from=b@example.com&mode=insecure"
        mail.at_recipient.append(f"550 no {SECRET}")

        assert SECRET not in told(login, lines)
        assert SECRET not in told(mail.url(), lines)


@pytest.mark.parametrize("reply", [Reply(), Reply(404, b"no_service"), Reply(500)])
def test_slack(reply: Reply, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """The tokens of a webhook are its address."""
    with SlackSink() as slack:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack.webhook)
        slack.script(reply)

        said = told(slack.slack_url, lines)

        assert not any(token in said for token in slack.TOKENS)


@pytest.mark.parametrize(
    "url", [f"slack://{SECRET}", f"nosuch://{SECRET}/x", f"mailto://{SECRET}", f"json://h/ json://u:{SECRET}@h/"]
)
def test_bad_url(url: str, lines: list[str]) -> None:
    """A URL that cannot be used is not repeated either."""
    with pytest.raises(BadReceiverUrlError) as caught:
        Receiver("desk", SecretStr(url))

    assert SECRET not in "\n".join([str(caught.value), repr(caught.value.args), *lines])

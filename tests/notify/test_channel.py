"""Which form each service is given, and how it is sent a picture: real requests to servers on loopback."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.pushover import NotifyPushover
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from PIL import Image
from pydantic import SecretStr

from marginwatch.core.outbox import AttemptOutcome
from marginwatch.notify.forms import Form
from marginwatch.notify.outcome import DELIVERED
from marginwatch.notify.receiver import Receiver
from support.notices import message
from support.sinks import HttpSink, Reply, SlackSink, SmtpSink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.state import Message
    from marginwatch.notify.outcome import Answer
    from marginwatch.notify.receiver import Draw

TITLE = "CRITICAL: JDoe @here (futures): Margin_usage *now*"
BODY = """margin_usage 92.1%, 2.1 points above the limit (> 90%).
Equity may fall 7,900.50 USD (7.9%) before it no longer covers margin.
trading_status: OPEN -> <!channel> *CLOSE_ONLY* [us](https://evil.example.com)
Critical since 14:02:10 UTC (1 min 12 s).
Data as of 14:03:10 UTC (12 s old).
Open or acknowledge: https://risk.example.com/act/WyJr_M2Y.5-abc
Runbook: marginwatch runbook margin-usage
Why: the condition held for as long as the rule asks. Alert k3f9, message 1."""
ROLES = ("value", "distance", "change", "standing", "data", "link", "runbook", "why")
TELEGRAM = "tgram://123456789:AAbcdefghijklmnopqrstuvwxyz012345678/12345"
DISCORD = f"discord://{'1' * 18}/{'a' * 60}"
PUSHOVER = f"pover://{'u' * 30}@{'t' * 30}"


def picture() -> bytes:
    """A small PNG."""
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(made, "PNG")
    return made.getvalue()


def told(**changes: Any) -> Message:  # noqa: ANN401  (whatever a message has)
    """A message with every kind of line, and with what others wrote in it."""
    return message(title=TITLE, body=BODY, roles=ROLES, **changes)


def receiver(url: str, chart: bool | None = None) -> Receiver:
    """Somebody behind that URL."""
    return Receiver("desk", SecretStr(url), chart=chart)


def send(url: str, sent: Message | None = None, *, chart: bool | None = None, draw: Draw | None = None) -> Answer:
    """Send it there, with a picture drawn."""
    return receiver(url, chart).send(sent or told(), draw=draw or (lambda _: picture()))


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    """A server that stands for every chat there is."""
    with HttpSink() as running:
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://{running.address}/bot")
        monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://{running.address}/hooks")
        monkeypatch.setattr(NotifyPushover, "notify_url", f"http://{running.address}/pushover")
        running.always = Reply(200, b'{"ok": true, "result": {}}')
        yield running


@pytest.fixture
def mail() -> Iterator[SmtpSink]:
    """A mail server."""
    with SmtpSink() as running:
        yield running


def test_mail_has_text_and_html_and_the_picture_in_it(mail: SmtpSink, snapshot: SnapshotAssertion) -> None:
    """Both parts say the same; the HTML shows the picture, and both the link's address."""
    assert send(mail.url()) == DELIVERED

    [letter] = mail.mails
    plain, rich = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().replace("\r\n", "\n") == snapshot
    assert rich.get_content().replace("\r\n", "\n") == snapshot
    [image] = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert image["Content-ID"] == "<chart.png>"
    assert image.get_content() == picture()
    assert letter["Subject"] == TITLE


def test_mail_without_html_is_the_text_as_it_was_written(mail: SmtpSink) -> None:
    """Where its URL asks for text alone."""
    send(mail.url(extra="&format=text"), chart=False)

    assert mail.mails[0].get_content().splitlines() == BODY.splitlines()
    assert mail.mails[0].get_content_type() == "text/plain"


def test_a_mail_too_large_with_its_picture_goes_without(mail: SmtpSink) -> None:
    """A picture that is refused takes no message with it."""
    mail.at_data.extend(["552 5.3.4 too big"])

    assert send(mail.url()) == DELIVERED

    [letter] = mail.mails
    assert not [part for part in letter.walk() if part.get_content_type() == "image/png"]


def test_telegram_has_tags_and_the_picture_above_them(sink: HttpSink, snapshot: SnapshotAssertion) -> None:
    """One message: the text is the picture's caption."""
    assert send(TELEGRAM) == DELIVERED

    [post] = sink.posts
    assert post.path.endswith("/sendPhoto")
    assert picture() in post.body
    send(TELEGRAM, chart=False)
    assert sink.posts[1].path.endswith("/sendMessage")
    assert sink.posts[1].json["parse_mode"] == "HTML"
    assert sink.posts[1].json["text"] == snapshot


def test_a_text_too_long_for_a_caption_goes_first(sink: HttpSink) -> None:
    """The message is sent, and the picture behind it."""
    send(TELEGRAM, message(body="word " * 199))

    assert [post.path.rpartition("/")[2] for post in sink.posts] == ["sendMessage", "sendPhoto"]


def test_discord_has_markdown_and_then_the_picture(sink: HttpSink, snapshot: SnapshotAssertion) -> None:
    """It shows the title as part of the text."""
    assert send(DISCORD) == DELIVERED

    text, image = sink.posts
    assert text.json["content"] == snapshot
    assert picture() in image.body
    assert b"margin_usage" not in image.body


def test_slack_has_its_own_markup_and_no_picture(monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    """Webhooks drop pictures, so none is drawn for them."""
    with SlackSink() as slack:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack.webhook)

        assert send(slack.slack_url, draw=_never) == DELIVERED

        [attachment] = slack.posts[0].json["attachments"]
        assert (attachment["title"], attachment["text"]) == snapshot
        assert slack.posts[0].json["mrkdwn"] is True


def test_ntfy_has_text_and_the_picture_in_one(sink: HttpSink, snapshot: SnapshotAssertion) -> None:
    """A service that takes both takes both in one request."""
    assert send(f"ntfy://{sink.address}/topic") == DELIVERED
    assert send(f"ntfy://{sink.address}/topic", chart=False) == DELIVERED

    image, text = sink.posts
    assert image.body == picture()
    assert "filename=chart.png" in image.path
    assert text.json["message"] == snapshot


def test_pushover_has_what_matters(sink: HttpSink, snapshot: SnapshotAssertion) -> None:
    """A small screen shows the figures, their age and the link, and the picture."""
    sink.always = Reply(200, b'{"status": 1, "request": "x"}')
    send(PUSHOVER, chart=False)
    send(PUSHOVER)

    text, image = sink.posts
    assert parse_qs(text.body.decode())["message"][0] == snapshot
    assert picture() in image.body


def test_a_channel_of_short_texts_keeps_the_figures() -> None:
    """Where there is room for little, whole lines are left out, the least important first."""
    desk = receiver("d7sms://token@15551234567", chart=False)

    words = desk._channel.words(told(), Form.SHORT)

    assert desk._channel.form is Form.SHORT
    assert len(words.body) <= 160
    assert words.body.startswith("CRITICAL: JDoe @\u200bhere (futures): Margin_usage *now*\nmargin_usage 92.1%")


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("json://h/", Form.EXACT),
        ("json://h/?format=markdown", Form.MARKDOWN),
        ("json://h/?format=html", Form.TAGS),
        ("xml://h/", Form.EXACT),
        ("form://h/", Form.EXACT),
        ("mailto://h?to=a@b.com&from=c@d.com", Form.HTML),
        (f"slack://{'/'.join(SlackSink.TOKENS)}", Form.SLACK),
        (f"slack://{'/'.join(SlackSink.TOKENS)}?format=text", Form.TEXT),
        (TELEGRAM, Form.TAGS),
        (f"{TELEGRAM}?format=markdown", Form.MARKDOWN),
        (DISCORD, Form.MARKDOWN),
        (PUSHOVER, Form.SHORT),
        (f"{PUSHOVER}&format=html", Form.TAGS),
        ("ntfy://h/topic", Form.TEXT),
        (f"mmost://h/{'a' * 24}", Form.TEXT),
        (f"gchat://space/key/{'t' * 30}", Form.MARKDOWN),
    ],
)
def test_every_service_has_the_form_it_shows_best(url: str, form: Form) -> None:
    """And its URL may ask for another."""
    assert receiver(url.replace("&", "?", 1) if "?" not in url else url)._channel.form is form


@pytest.mark.parametrize(("chart", "pictures"), [(None, 0), (False, 0), (True, 1)])
def test_programs_get_a_picture_only_where_it_is_asked_for(sink: HttpSink, chart: bool | None, pictures: int) -> None:
    """The keys of a post stay as they are documented; the words are the very ones."""
    send(sink.url(), chart=chart)

    assert len(sink.posts[0].json["attachments"]) == pictures
    assert (sink.posts[0].json["title"], sink.posts[0].json["message"]) == (TITLE, BODY)


def test_a_service_that_chokes_on_markup_gets_plain_text(sink: HttpSink) -> None:
    """A refusal for good of a form is not one of the message."""
    sink.script(Reply(400, b'{"ok": false}'))

    assert send(TELEGRAM, chart=False) == DELIVERED

    assert "<b>" in sink.posts[0].json["text"]
    assert "<" not in sink.posts[1].json["text"]


def test_a_service_that_refuses_the_picture_gets_the_message(sink: HttpSink) -> None:
    """In the same attempt where the refusal is for good, and in the next where it may pass."""
    url = f"ntfy://{sink.address}/topic"
    sink.script(Reply(413), Reply(200), Reply(429))

    assert send(url) == DELIVERED
    assert send(url).outcome is AttemptOutcome.RETRYABLE
    assert receiver(url).send(told(), 2, lambda _: picture()) == DELIVERED
    assert [post.body == picture() for post in sink.posts] == [True, False, True, False]


def test_a_picture_refused_behind_its_message_is_let_go(sink: HttpSink) -> None:
    """The message was taken, so it is not sent again for the picture's sake."""
    sink.script(Reply(200), Reply(500))

    assert send(DISCORD) == DELIVERED

    assert len(sink.posts) == 2


def test_nothing_to_draw_is_no_obstacle(sink: HttpSink) -> None:
    """A message without a picture goes out without one."""
    assert send(f"ntfy://{sink.address}/topic", draw=lambda _: None) == DELIVERED

    assert sink.posts[0].json["topic"] == "topic"


def _never(_: Message) -> bytes:
    raise AssertionError

"""Messages sent through Apprise to real servers on loopback."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from apprise.plugins.slack import NotifySlack
from pydantic import SecretStr

from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.notify.outcome import DELIVERED
from marginwatch.notify.receiver import BadReceiverUrlError, Receiver, _be_patient, message_key
from support.notices import message
from support.sinks import (
    Close,
    Hang,
    HttpSink,
    Reply,
    Reset,
    SlackSink,
    SmtpSink,
    Truncate,
    deaf_port,
    refusing_port,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from support.sinks import Behaviour


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """An HTTP server that keeps what it gets."""
    with HttpSink() as running:
        yield running


@pytest.fixture
def mail() -> Iterator[SmtpSink]:
    """A mail server that keeps what it gets."""
    with SmtpSink() as running:
        yield running


def receiver(url: str) -> Receiver:
    """Somebody called desk, behind that URL."""
    return Receiver("desk", SecretStr(url))


def test_json_carries_the_words_and_every_key(sink: HttpSink) -> None:
    """One post holds title, message and type, and beside them the machine-readable keys as text."""
    sent = message()

    assert receiver(sink.url("/hook?:team=risk&+X-Team=risk")).send(sent) == DELIVERED

    [post] = sink.posts
    assert post.json == {
        "version": "1.0",
        "title": sent.title,
        "message": sent.body,
        "type": "failure",
        "attachments": [],
        "team": "risk",
        **sent.payload,
    }
    assert post.path == "/hook"
    assert post.headers["x-team"] == "risk"
    assert post.headers["x-alert-id"] == "k3f9"
    assert post.headers["idempotency-key"] == "k3f9.1.desk"
    assert post.headers["user-agent"] == "marginwatch"


def test_a_url_cannot_replace_the_keys(sink: HttpSink) -> None:
    """The documented keys are ours even when a URL names them."""
    receiver(sink.url("/?:severity=none&+X-Alert-Id=mine")).send(message())

    assert sink.posts[0].json["severity"] == "critical"
    assert sink.posts[0].headers["x-alert-id"] == "k3f9"


def test_a_retry_says_the_same_with_the_same_ids(sink: HttpSink) -> None:
    """Two attempts of one message cannot be told apart by what is in them."""
    sink.script(Reply(503))
    desk, sent = receiver(sink.url()), message()

    first, second = desk.send(sent, 1), desk.send(sent, 2)

    assert (first.outcome, second) == (AttemptOutcome.RETRYABLE, DELIVERED)
    assert sink.posts[0] == sink.posts[1]


@pytest.mark.parametrize(
    ("state", "severity", "kind"),
    [
        (State.FIRING, Severity.CRITICAL, "failure"),
        (State.FIRING, Severity.WARNING, "warning"),
        (State.EVENT, Severity.INFO, "info"),
        (State.RESOLVED, Severity.CRITICAL, "success"),
        (State.CLOSED, Severity.CRITICAL, "info"),
    ],
)
def test_the_type_follows_severity_and_end(sink: HttpSink, state: State, severity: Severity, kind: str) -> None:
    """Channels that colour messages show trouble as trouble and a resolve as good news."""
    receiver(sink.url()).send(message(state=state, severity=severity))

    assert sink.posts[0].json["type"] == kind


def test_the_key_of_a_row_fits_a_header() -> None:
    """Whatever a receiver is called."""
    assert message_key(message("Büro/ops", number=3)) == "k3f9.3.B%C3%BCro%2Fops"


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Reply(201), AttemptOutcome.DELIVERED),
        (Reply(204, b""), AttemptOutcome.DELIVERED),
        (Reply(400), AttemptOutcome.PERMANENT),
        (Reply(401), AttemptOutcome.RETRYABLE),
        (Reply(403), AttemptOutcome.RETRYABLE),
        (Reply(404), AttemptOutcome.RETRYABLE),
        (Reply(408), AttemptOutcome.RETRYABLE),
        (Reply(413), AttemptOutcome.PERMANENT),
        (Reply(422), AttemptOutcome.PERMANENT),
        (Reply(425), AttemptOutcome.RETRYABLE),
        (Reply(429), AttemptOutcome.RETRYABLE),
        (Reply(500), AttemptOutcome.RETRYABLE),
        (Reply(503), AttemptOutcome.RETRYABLE),
        (Reply(599), AttemptOutcome.RETRYABLE),
        (Close(), AttemptOutcome.AMBIGUOUS),
        (Reset(), AttemptOutcome.AMBIGUOUS),
        (Truncate(), AttemptOutcome.AMBIGUOUS),
        (Hang(), AttemptOutcome.AMBIGUOUS),
    ],
)
def test_what_a_web_service_does(
    sink: HttpSink, behaviour: Behaviour, outcome: AttemptOutcome, snapshot: SnapshotAssertion
) -> None:
    """Each way to answer has its outcome and its sentence; what may have arrived is never called lost."""
    sink.script(behaviour)

    answer = receiver(sink.url("/hook?rto=0.3" if isinstance(behaviour, Hang) else "/hook")).send(message())

    assert answer.outcome is outcome
    assert answer.detail == snapshot
    assert len(sink.posts) == 1


def test_a_redirect_takes_no_message_elsewhere(sink: HttpSink) -> None:
    """A 307 is a failure: neither body nor headers reach another address, even where the URL asks for it."""
    with HttpSink() as elsewhere:
        sink.script(Reply(307, headers={"Location": f"http://{elsewhere.address}/"}))
        answer = receiver(sink.url("/?redirect=yes&+X-Api-Key=k")).send(message())

        assert answer.outcome is AttemptOutcome.RETRYABLE
        assert "redirects are not followed" in answer.detail
        assert elsewhere.posts == []


def test_nobody_there(snapshot: SnapshotAssertion) -> None:
    """A refused connection, an unknown host and a missing certificate mean that nothing was sent."""
    with refusing_port() as port, HttpSink() as no_tls:
        urls = (
            f"json://127.0.0.1:{port}/",
            "json://nobody.invalid/",
            f"jsons://{no_tls.address}/",
            f"mailto://127.0.0.1:{port}?to=a@example.com&from=b@example.com&mode=insecure",
            "mailto://nobody.invalid?to=a@example.com&from=b@example.com&mode=insecure",
            f"mailto://{no_tls.address}?to=a@example.com&from=b@example.com&mode=ssl",
        )
        answers = [receiver(url).send(message()) for url in urls]

    assert {answer.outcome for answer in answers} == {AttemptOutcome.RETRYABLE}
    assert [answer.detail for answer in answers] == snapshot


def test_a_switched_off_failure_is_still_a_failure(sink: HttpSink) -> None:
    """Options of a URL that would hide a failure, retry inside an attempt or split a message have no effect."""
    sink.always = Reply(500)

    answer = receiver(sink.url("/?optional=yes&retry=3&wait=0&overflow=split")).send(message())

    assert answer.outcome is AttemptOutcome.RETRYABLE
    assert len(sink.posts) == 1


def test_threads_do_not_mix_up_their_answers(sink: HttpSink) -> None:
    """Sends of several receivers at the same time each get their own outcome."""
    with HttpSink() as bad:
        bad.always = Reply(400)
        urls = [sink.url(), bad.url()] * 4
        answers: dict[int, AttemptOutcome] = {}

        def send(place: int, url: str) -> None:
            answers[place] = receiver(url).send(message()).outcome

        threads = [threading.Thread(target=send, args=each) for each in enumerate(urls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [answers[place] for place in range(8)] == [AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT] * 4


def test_mail_has_the_ids_in_its_headers(mail: SmtpSink) -> None:
    """One mail, threaded with the others of its alert, its text as it was written."""
    sent = message()

    assert receiver(mail.url()).send(sent) == DELIVERED

    [letter] = mail.mails
    assert letter["Subject"] == sent.title
    assert letter["To"] == "risk@example.com"
    assert letter["X-Alert-Id"] == "k3f9"
    assert letter["Idempotency-Key"] == "k3f9.1.desk"
    assert letter["References"] == "<k3f9@marginwatch>"
    plain = letter.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == sent.body.splitlines()


@pytest.mark.parametrize(
    ("at_recipient", "at_data", "outcome"),
    [
        ("550 5.1.1 no such user", "", AttemptOutcome.PERMANENT),
        ("451 4.3.0 try later", "", AttemptOutcome.RETRYABLE),
        ("530 5.7.0 log in first", "", AttemptOutcome.RETRYABLE),
        ("", "552 5.2.2 too big", AttemptOutcome.PERMANENT),
        ("", "451 4.3.0 try later", AttemptOutcome.RETRYABLE),
        ("", "hang", AttemptOutcome.AMBIGUOUS),
    ],
)
def test_what_a_mail_server_does(
    mail: SmtpSink, at_recipient: str, at_data: str, outcome: AttemptOutcome, snapshot: SnapshotAssertion
) -> None:
    """5xx is final, 4xx is not, a login may be mended, and silence after the text may mean that it arrived."""
    mail.at_recipient.extend([at_recipient] if at_recipient else [])
    mail.at_data.extend([at_data] if at_data else [])

    answer = receiver(mail.url(extra="&cto=0.5" if at_data == "hang" else "")).send(message())

    assert answer.outcome is outcome
    assert answer.detail == snapshot


def test_a_copy_that_is_refused_is_not_taken_for_delivered(mail: SmtpSink) -> None:
    """Where one of several addresses of a mail is refused for good, the message is not delivered."""
    mail.at_recipient.extend(["250 OK", "550 5.1.1 no such user"])

    answer = receiver(mail.url(extra="&cc=boss@example.com")).send(message())

    assert answer.outcome is AttemptOutcome.PERMANENT
    assert answer.detail == "the mail server refused a recipient (550)"


def test_a_mail_server_without_login_or_greeting(mail: SmtpSink) -> None:
    """Nothing was sent when the dialogue never came to the mail."""
    login = f"mailto://user:secret@127.0.0.1:{mail.port}?to=a@example.com&from=b@example.com&mode=insecure"
    with deaf_port() as port:
        silent = f"mailto://127.0.0.1:{port}?to=a@example.com&from=b@example.com&mode=insecure&cto=0.3"
        answers = [receiver(url).send(message()) for url in (login, silent)]

    assert [answer.outcome for answer in answers] == [AttemptOutcome.RETRYABLE] * 2


def test_slack_gets_title_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slack webhook gets one post in Slack's own shape."""
    with SlackSink() as slack:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack.webhook)
        sent = message()

        assert receiver(slack.slack_url).send(sent) == DELIVERED

        [post] = slack.posts
        assert post.path == f"/services/{'/'.join(slack.TOKENS)}"
        [attachment] = post.json["attachments"]
        value, standing = sent.body.split("\n")
        assert (attachment["title"], attachment["text"]) == (sent.title, f"*{value}*  \n{standing}")
        assert post.json["channel"] == "#risk"


def test_a_service_without_titles_gets_the_title_as_the_first_line() -> None:
    """A body says nothing twice, so where there is no title the text begins with it."""
    with HttpSink() as sink:
        sent = message()

        assert receiver(f"mmost://127.0.0.1:{sink.port}/{'a' * 24}").send(sent) == DELIVERED

        assert sink.posts[0].json["text"].splitlines() == [sent.title, *sent.body.splitlines()]


def test_words_from_outside_stay_words_in_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a venue writes can address a channel, make a link or turn into a picture."""
    with SlackSink() as slack:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack.webhook)

        evil = "usage > 90% & <!channel> <https://example.com|us> :fire: @here _x_"
        receiver(slack.slack_url).send(message(title=f"{evil}!", body=f"{evil}\n{evil}", roles=("value",)))

        [attachment] = slack.posts[0].json["attachments"]
        for said in (attachment["title"], *attachment["text"].split("\n")):
            assert not re.search(r"<|:fire:|@here|!channel", said)
        assert "\u02cdx\u02cd" in attachment["text"]
        assert "usage &gt; 90% &amp; &lt;!" in attachment["text"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(404, b"channel_not_found"), AttemptOutcome.RETRYABLE),
        (Reply(400, b"invalid_payload"), AttemptOutcome.PERMANENT),
        (Reply(200, b"<html>who are you?</html>"), AttemptOutcome.AMBIGUOUS),
    ],
)
def test_what_slack_does(monkeypatch: pytest.MonkeyPatch, reply: Reply, outcome: AttemptOutcome) -> None:
    """A good status with a strange text is no receipt."""
    with SlackSink() as slack:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack.webhook)
        slack.always = reply

        assert receiver(slack.slack_url).send(message()).outcome is outcome


def test_patience_grows_with_the_attempts() -> None:
    """A slow service that does take messages is waited for longer each time, unless its URL sets the time."""
    plain, own, mailed = (
        receiver(url)._plugin()
        for url in ("json://127.0.0.1/", "json://127.0.0.1/?rto=3&cto=2", "mailto://h?to=a@b.com&from=c@d.com")
    )
    for plugin in (plain, own, mailed):
        _be_patient(plugin, 40)

    assert plain.request_timeout == (5, 40)
    assert own.request_timeout == (2, 3)
    assert mailed.socket_connect_timeout == 40


def test_the_gap_between_sends_is_the_services_own() -> None:
    """Where Apprise knows what a service wants it is kept; its blanket figure is not."""
    slack = f"slack://{'/'.join(SlackSink.TOKENS)}"

    assert [receiver(url).gap for url in ("json://h/", slack, "ntfy://h/topic")] == [0, 1.2, 1.0]


@pytest.mark.parametrize(
    "url",
    [
        "TIiajkdnlazkcOXrIdevi7",
        "slak://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7",
        "zzzzzzzzzz://TIiajkdnlazkcOXrIdevi7",
        "slack://TIiajkdnlazkcOXrIdevi7",
        "https://hooks.example.com/TIiajkdnlazkcOXrIdevi7",
        "http://hooks.example.com/TIiajkdnlazkcOXrIdevi7",
        f"slack://{'/'.join(SlackSink.TOKENS)}/#a/#b",
        "json://one/TIiajkdnlazkcOXrIdevi7, json://two",
    ],
)
def test_a_url_that_cannot_work_is_found_at_load(url: str, snapshot: SnapshotAssertion) -> None:
    """The sentence says what to do and never repeats the URL."""
    with pytest.raises(BadReceiverUrlError) as caught:
        receiver(url)

    assert str(caught.value) == snapshot
    assert "TIiajkdnlazkcOXrIdevi7" not in str(caught.value)


def test_what_a_receiver_prints_is_its_name() -> None:
    """No token shows in a debugger or a log line."""
    assert repr(receiver("json://h/TIiajkdnlazkcOXrIdevi7")) == "Receiver('desk')"

"""Real servers on loopback that take notifications and keep them: HTTP, a Slack-shaped webhook, SMTP.

Each is a context manager with a thread of its own, so synchronous, asynchronous and process tests can all use it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import EmailMessage

PATIENCE = 20.0
"""Seconds a test waits for something that must happen."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer so."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and answer nothing until `release`, then answer well: a send with an unknown outcome."""


@dataclass(frozen=True, slots=True)
class Close:
    """Take the request and hang up without an answer."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Take the request and reset the connection."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Promise a longer answer than is sent."""


Behaviour = Reply | Hang | Close | Reset | Truncate


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class HttpSink:
    """Keeps every request and answers as told; well by default."""

    def __init__(self, port: int = 0) -> None:
        self.posts: list[Post] = []
        self.always: Behaviour = Reply()
        """What is done when nothing is scripted."""
        self._script: deque[Behaviour] = deque()
        self._news = threading.Condition()
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/hook") -> str:
        """An Apprise URL that posts JSON here."""
        return f"json://{self.address}{path}"

    def script(self, *behaviours: Behaviour) -> None:
        """What to do with the next requests, in order."""
        self._script.extend(behaviours)

    def release(self) -> None:
        """Let every hanging request go on."""
        self._released.set()

    def wait(self, count: int, timeout: float = PATIENCE) -> list[Post]:
        """Block until so many requests came in."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.posts) >= count, timeout), (
                f"{len(self.posts)} of {count} requests came in"
            )
            return list(self.posts)

    async def arrived(self, count: int) -> list[Post]:
        """Wait until so many requests came in."""
        return await asyncio.to_thread(self.wait, count)

    def take(self, post: Post) -> Behaviour:
        """Keep a request; what to do with it."""
        with self._news:
            self.posts.append(post)
            behaviour = self._script.popleft() if self._script else self.always
            self._news.notify_all()
        if isinstance(behaviour, Hang):
            self._released.wait(PATIENCE)
            return Reply()
        return behaviour


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    sink: HttpSink


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # its sender died in the middle of it: no server would take that for a message
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        behaviour = self.server.sink.take(Post(self.path, headers, body))
        self.close_connection = True
        match behaviour:
            case Reply():
                with suppress(OSError):
                    self._answer(behaviour)
            case Truncate():
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            case Reset():
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    do_GET = do_POST  # noqa: N815  (the name is the base class's)

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the signature is the base class's)
        """Print nothing."""


class SlackSink(HttpSink):
    """Shaped like Slack's incoming webhooks: JSON in, the text `ok` out."""

    TOKENS = ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7")

    @property
    def webhook(self) -> str:
        """What stands in for Slack's own address, without the tokens."""
        return f"http://{self.address}/services"

    @property
    def slack_url(self) -> str:
        """An Apprise URL; Apprise must be made to use `webhook`."""
        return f"slack://{'/'.join(self.TOKENS)}/#risk"


class SmtpSink:
    """A real mail server that keeps every mail; refuses or hangs as told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.at_recipient: deque[str] = deque()
        """Replies to the next recipients, such as `550 5.1.1 no such user`; well when empty."""
        self.at_data: deque[str] = deque()
        """Replies to the next mails; `hang` answers nothing."""
        self.port = 0
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    def url(self, to: str = "risk@example.com", extra: str = "") -> str:
        """An Apprise URL that mails here."""
        return f"mailto://127.0.0.1:{self.port}?to={to}&from=marginwatch@example.com&mode=insecure{extra}"

    def wait(self, count: int) -> list[EmailMessage]:
        """Block until so many mails were taken."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.mails) >= count, PATIENCE)
            return list(self.mails)

    async def handle_RCPT(  # noqa: N802  (the name is aiosmtpd's)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient, or refuse it as told."""
        reply = self.at_recipient.popleft() if self.at_recipient else "250 OK"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802  (the name is aiosmtpd's)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail, or refuse it as told."""
        reply = self.at_data.popleft() if self.at_data else "250 OK"
        if reply.startswith("250") or reply == "hang":
            with self._news:
                self.mails.append(message_from_bytes(envelope.content or b"", policy=modern))  # type: ignore[arg-type]  # bytes unless decode_data is set
                self.recipients.append(list(envelope.rcpt_tos))
                self._news.notify_all()
        if reply == "hang":
            await asyncio.Event().wait()
        return reply

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that nobody listens on and nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])

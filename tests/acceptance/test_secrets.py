"""Secrets in every place a config can hold one: none comes out, whatever goes wrong and however much is logged."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import signal
import sqlite3
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
import pytest

from marginwatch.ops.logs import configure_logging
from marginwatch.simulator.architect import API_KEY, ArchitectSimulator
from marginwatch.simulator.faults import Fault, FaultKind
from support.house import RULES, House
from support.logging_state import logging_restored
from support.process import run, started
from support.shell import Said, Shell
from support.sinks import PATIENCE, HttpSink, Reply, refusing_port
from support.sites import KINDS, Sites, receiver, table, write_config
from support.waiting import asked_again

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.manual_clock import ManualClock

SECRETS: Final = {
    "architect": "ArchitectSecretPlantedInTheConfigForATest12=",
    "stonex": "stonex-Secret-7f3a9c",
    "helio": 'helio "p4ss/w%rd',
    "user": "receiver-Passw0rd-51",
    "path": "T0kenInThePath8812",
    "header": "T0kenInAHeader4471",
    "parameter": "T0kenInAParameter93",
    "field": "T0kenInAField2765",
    "dead": "T0kenOfTheDeadOne66",
    "beat": "T0kenOfTheHeartbeat7",
    "beat key": "T0kenBesideTheHeartbeat",
    "page": "T0kenOfThePageItself-5",
}
LOGINS: Final = {"architect": "Auth/CreateJwt", "stonex": "login", "helio": "login"}


@dataclass(frozen=True)
class Planted:
    """A config full of secrets, and what it refers to."""

    config: Path
    environ: dict[str, str]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture
def sites() -> Sites:
    """Venues that ask for the planted secrets."""
    return Sites(secrets={kind: SECRETS[kind] for kind in KINDS})


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver that answers."""
    with HttpSink() as running:
        yield running


@pytest.fixture
def dead_port() -> Iterator[int]:
    """Where nobody listens."""
    with refusing_port() as port:
        yield port


def planted(folder: Path, sites: Sites, sink: HttpSink, dead_port: int, listen: str = "") -> Planted:
    """Secrets written out, from the environment, from files and from credentials."""
    (folder / "stonex").write_text(SECRETS["stonex"] + "\n")
    (folder / "credentials").mkdir()
    (folder / "credentials" / "beat").write_text(f"http://127.0.0.1:{dead_port}/ping/{SECRETS['beat']}")
    query = f"+X-Token={SECRETS['header']}&-key={SECRETS['parameter']}&:field={SECRETS['field']}&rto=2"
    tables = (
        sites.table("architect", api_secret=SECRETS["architect"]),
        sites.table("stonex", client_secret=f"${{file:{folder}/stonex}}"),
        sites.table("helio", password="${env:HELIO_PASSWORD}"),
        receiver("hook", f"json://desk:{SECRETS['user']}@{sink.address}/{SECRETS['path']}?{query}"),
        receiver("dead", f"json://127.0.0.1:{dead_port}/{SECRETS['dead']}?{query}"),
        table("heartbeat", {"url": f"${{credential:beat}}?key={SECRETS['beat key']}"}),
    )
    config = write_config(folder, *tables, rules=RULES, listen=listen)
    environ = {
        "HELIO_PASSWORD": SECRETS["helio"],
        "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
        "MARGINWATCH_WEB__TOKEN": SECRETS["page"],
    }
    return Planted(config, environ)


def tokens(sites: Sites, *kinds: str) -> list[str]:
    """The tokens that logins were given and that are good now."""
    simulators = [sites.simulators[kind] for kind in kinds or KINDS]
    apis = [each.api if isinstance(each, ArchitectSimulator) else each._api for each in simulators]
    return [token for api in apis for token in api._tokens._until]  # type: ignore[union-attr]  # every simulated API has them


def spellings(secrets: list[str]) -> Iterator[str]:
    """The ways in which a secret may be written."""
    for secret in secrets:
        yield from {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
        yield from (base64.b64encode(f"desk:{secret}".encode()).decode(), base64.b64encode(secret.encode()).decode())


def nothing_leaked(text: str, sites: Sites, where: str) -> None:
    """None of it stands there."""
    assert text, where
    leaked = [each for each in spellings([*SECRETS.values(), API_KEY, *tokens(sites)]) if each in text]
    assert leaked == [], where


def everything_in(database: Path) -> str:
    """The bytes of a database, and the text of every value in it, unpacked."""
    files = [path for path in database.parent.glob(f"{database.name}*") if path.suffix != ".lock"]
    found = [path.read_bytes().decode("latin-1") for path in files]
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                found += [unpacked(value) for value in row]
    return "\n".join(found)


def unpacked(value: object) -> str:
    """A value as text; packed ones as what is in them."""
    if isinstance(value, bytes):
        with suppress(zlib.error):
            value = zlib.decompress(value)
        assert isinstance(value, bytes)
        return value.decode("latin-1")
    return str(value)


def words(message: dict[str, object]) -> str:
    """What a message says; the URL's own field in it is where it was asked to be."""
    return json.dumps({key: value for key, value in message.items() if key != "field"}, ensure_ascii=False)


def misbehave(sites: Sites, kind: str, how: str) -> None:
    """Let a venue fail in a way that says what it was sent."""
    faults, echo = sites.faults[kind], " ".join([SECRETS[kind], *tokens(sites, kind)])
    match how:
        case "errors":
            faults.fail("*", Fault(FaultKind.STATUS, status=500, message=f"do not know {echo}"))
        case "has errors":
            faults.fail("*", Fault(FaultKind.HAS_ERRORS, message=f"client_secret={echo}"))
        case "refuses":
            faults.fail("*", Fault(FaultKind.REVOKED), times=1)
            faults.fail(LOGINS[kind], Fault(FaultKind.STATUS, status=401, message=f"wrong password {echo}"))
        case "garbage":
            faults.fail("*", Fault(FaultKind.BODY, body=f"<pre>Authorization: Bearer {echo}</pre>".encode()))
        case _:
            body = json.dumps(
                {"data": {"equity": echo}, "account_id": [echo], "account_summaries": [{"account": echo}]}
            )
            faults.fail("*", Fault(FaultKind.BODY, body=body.encode()))


HOWS: Final = ("errors", "has errors", "refuses", "garbage", "another shape")


@pytest.mark.usefixtures("no_pauses")
async def test_nothing_in_messages_database_and_log(
    tmp_path: Path, manual: ManualClock, sites: Sites, sink: HttpSink, dead_port: int
) -> None:
    """Venues that repeat what they were sent, in every kind of failure until it is told, and receivers that fail."""
    log = io.StringIO()
    async with sites:
        config = planted(tmp_path, sites, sink, dead_port)
        configure_logging("debug", stream=log, as_json=True)
        async with House(config.config, manual, sites, sink, config.environ) as house:
            await house.cycle()
            for kind in KINDS:
                house.change(kind, margin_used=Decimal(95_000))
            await house.cycle()
            for how in HOWS:
                for kind in KINDS:
                    misbehave(sites, kind, how)
                sink.script(Reply(500, SECRETS["user"].encode()))
                await house.cycle(20, times=5)
                for kind in KINDS:
                    sites.faults[kind].clear()
                manual.push(600)
                await house.cycle(20, times=2)
        told = "\n".join(words(post.json) for post in sink.posts)

    assert told.count("login-refused") >= 6
    assert told.count("answer-malformed") >= 6
    nothing_leaked(told, sites, "messages")
    nothing_leaked(log.getvalue(), sites, "log")
    nothing_leaked(everything_in(tmp_path / "marginwatch.db"), sites, "database")


COMMANDS: Final = (
    *(
        "status",
        "alerts --all",
        "history",
        "outbox",
        "check --verbose",
        "explain margin-usage fx/acc-1",
        "audit",
        "plan",
    ),
    *(
        "status --json",
        "alerts --json",
        "outbox --json",
        "audit --json",
        "audit --csv",
        "report",
        "backtest",
        "silence list",
    ),
    *("silence add --for 1h --rule margin-usage --note quiet", "forget fx/acc-2", "backup copy.db"),
)
"""What is typed beside the daemon while all its venues fail."""


@pytest.mark.acceptance
async def test_nothing_in_what_a_process_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sites: Sites, sink: HttpSink, dead_port: int
) -> None:
    """Neither its output at the debug level, nor its page, nor any command shows one, while everything fails."""
    async with sites:
        for kind in KINDS:
            sites.world.change(kind, "acc-1", margin_used=Decimal(95_000))
        config = planted(tmp_path, sites, sink, dead_port, listen="127.0.0.1:0")
        arguments = ("--config", config.config, "--log-level", "debug")
        async with started("run", *arguments, environ=config.environ) as process:
            address = (await process.logged("listening"))["address"]
            await sink.arrived(3)
            await process.logged("the heartbeat did not get through")
            for how in HOWS:
                for kind in KINDS:
                    misbehave(sites, kind, how)
                for faults in sites.faults.values():
                    await asked_again(faults)
            pages = [await page(address, path) for path in ("/healthz", "/readyz", "/", "/metrics", "/nothing")]
            pages += await shown(address)
            shell = Shell(tmp_path, monkeypatch)
            spoken = [await typed(shell, config, each) for each in COMMANDS]
            for kind in KINDS:
                sites.faults[kind].clear()
                refusal = f"wrong password {SECRETS[kind]}"
                sites.faults[kind].fail(LOGINS[kind], Fault(FaultKind.STATUS, status=401, message=refusal))
            tried = [await typed(shell, config, each) for each in ("check --online", "nothing")]
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0
            code, refused = await run("notify-test", "--config", config.config, environ=config.environ)

    assert {each: said.err for each, said in zip(COMMANDS, spoken, strict=True) if said.code != 0} == {}
    assert (code, [each.code for each in tried]) == (3, [3, 2])
    assert "the receiver does not take messages" in "\n".join(process.errors)
    nothing_leaked("\n".join([*process.errors, *process.output]), sites, "log")
    nothing_leaked("\n".join([*refused.errors, *refused.output]), sites, "notify-test")
    nothing_leaked("\n".join(pages), sites, "pages")
    nothing_leaked("\n".join(each.out + each.err for each in [*spoken, *tried]), sites, "commands")
    nothing_leaked(everything_in(tmp_path / "marginwatch.db"), sites, "database")


@pytest.mark.parametrize("command", ["run", "once", "status"])
def test_a_database_server_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sink: HttpSink, dead_port: int, command: str
) -> None:
    """The password of the store's URL is not in the sentence that says so, nor in the log."""
    url = f"postgresql://watcher:{SECRETS['user']}@127.0.0.1:{dead_port}/margin"
    venue = {"name": "fx", "kind": "helio", "base_url": "http://127.0.0.1:9", "email": "x@example.com", "password": "x"}
    tables = (table("[venues]", venue), receiver("hook", sink.url()), table("log", {"level": "debug"}))
    config = write_config(tmp_path, *tables, rules=RULES, store=url)
    said = Shell(tmp_path, monkeypatch)(command, "--config", config)

    assert said.code == 3
    assert "cannot be reached" in said.err
    assert SECRETS["user"] not in said.err + said.out


async def page(address: str, path: str) -> str:
    """A whole answer."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer.decode()


async def typed(shell: Shell, config: Planted, words: str) -> Said:
    """What a command says."""
    given = (*words.split(), "--config", config.config)
    return await asyncio.to_thread(lambda: shell(*given, terminal=0, **config.environ))


async def shown(address: str) -> list[str]:
    """Every page as it is shown to somebody who gave the token, headers included."""
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, follow_redirects=True) as browser:
        form = await browser.get("/login")
        mark = re.findall(r'name="mark" value="([^"]+)"', form.text)[-1]
        first = await browser.post("/login", data={"mark": mark, "token": SECRETS["page"], "then": "/"})
        alert = re.findall(r'href="(/alerts/[a-z0-9]+)"', first.text)[0]
        metrics = await browser.get("/metrics", headers={"Authorization": f"Bearer {SECRETS['page']}"})
        paths = ("/accounts/fx/acc-1", "/accounts/futures/acc-1", alert, "/silences", "/login")
        found = [form, first, metrics, *[await browser.get(path) for path in paths]]
    assert [answer.status_code for answer in found] == [200] * len(found)
    return [f"{answer.headers}\n{answer.text}" for answer in found]

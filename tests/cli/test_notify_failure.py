"""What people are told when systemd has given the service up, and what keeps them from being told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.app import failure
from marginwatch.app.failure import Failure, failure_message
from marginwatch.config.location import DEFAULTS
from marginwatch.ops.redact import REDACTOR
from support import ledger
from support.sinks import HttpSink, Reply
from support.sites import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

SECRET = "T1JJ3T3L2A1BRTD4JD"


TOOLS = {
    "systemctl": """\
printf 'Result=exit-code\\nExecMainStatus=78\\n'
printf 'ActiveEnterTimestamp=Fri 2026-03-06 11:58:00 UTC\\nInactiveEnterTimestamp=Fri 2026-03-06 12:00:00 UTC\\n'
""",
    "journalctl": """\
echo '{"timestamp": "2026-03-06T11:59:59.000Z", "level": "info", "logger": "x", "event": "stopping", "alerts": 3}'
echo 'config.toml:4:1: there is no key pasword; did you mean password?'
echo '{"one": 1}'
echo 'marginwatch.service: Main process exited, url=slack://%(secret)s/x'
""",
}


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    REDACTOR.forget()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries need not be waited for."""
    monkeypatch.setattr(failure, "PAUSE", 0.0)


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver."""
    with HttpSink() as running:
        yield running


@pytest.fixture
def service(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A machine whose service has failed, as systemd's tools tell it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, body in TOOLS.items():
        (tools / name).write_text("#!/bin/sh\n" + body.replace("%(secret)s", SECRET))
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr("socket.gethostname", lambda: "desk-1")
    monkeypatch.setattr(clock, "now", lambda: ledger.NOW)
    return shell


def write(shell: Shell, *tables: str) -> None:
    """The config."""
    (shell.folder / "config.toml").write_text("".join(tables))


def test_what_is_told(service: Shell, sink: HttpSink, snapshot: SnapshotAssertion) -> None:
    """Which unit on which machine, how it ended and when, what that means, and the end of the log, without secrets."""
    (service.folder / "tokens").write_text(SECRET)
    write(
        service,
        '[rules]\nfiles = ["nowhere.toml"]\n',
        receiver("desk", sink.url(f"/${{file:{service.folder}/tokens}}")),
    )
    said = service("notify-failure", "marginwatch")

    (post,) = sink.posts
    assert (said.code, said.out) == (0, "desk: told\n")
    assert SECRET in post.path
    assert post.json == snapshot


def test_a_config_with_mistakes_tells_whom_it_can(service: Shell, sink: HttpSink) -> None:
    """Each receiver's table counts by itself, whatever is wrong in it or around it."""
    write(
        service,
        "[[venues]\nname = nonsense",
        "\n[[receivers]]\nname = broken\n",
        receiver("bare", "no url"),
        receiver("lost", "slack://${file:/nowhere/tokens}"),
        receiver("misspelt", "slakc://a/b/c"),
        receiver("desk", sink.url("/desk")),
        receiver("mail", sink.url("/mail")).rstrip() + "  # the last line",
    )
    said = service("notify-failure", "marginwatch")

    assert sorted(post.path for post in sink.posts) == ["/desk", "/mail"]
    assert (said.code, sorted(said.out.splitlines())) == (3, ["desk: told", "mail: told"])
    assert said.err.splitlines() == [
        "receiver 1 is not TOML",
        "bare has no good name or url",
        "lost: ${file:/nowhere/tokens}: cannot be read: no such file or directory",
        "misspelt: the url of receiver misspelt names the unknown service slakc://; did you mean slack://?",
    ]


def test_a_good_config_is_read_as_the_daemon_reads_it(service: Shell, sink: HttpSink) -> None:
    """Whatever made the service fail was something else; those named are told, the others not."""
    ledger.write(service.folder)
    config = service.folder / "config.toml"
    head = config.read_text().partition("[[receivers]]")[0]
    config.write_text(head + receiver("desk", sink.url("/desk")) + receiver("mail", sink.url("/mail")))
    said = service("notify-failure", "marginwatch", "mail", "male")

    assert [post.path for post in sink.posts] == ["/mail"]
    assert (said.code, said.out) == (3, "mail: told\n")
    assert said.err == "there is no receiver male\n"


def test_secrets_of_a_service_that_is_gone(service: Shell, sink: HttpSink) -> None:
    """They are read from where the unit takes them, unless this unit was given its own."""
    (service.folder / "tokens").write_text(SECRET)
    write(service, receiver("desk", f"json://{sink.address}/${{credential:tokens}}"))
    assert service("notify-failure", "marginwatch").code == 3
    assert service("notify-failure", "marginwatch", "--credentials", service.folder).code == 0
    (service.folder / "own").mkdir()
    (service.folder / "own" / "tokens").write_text("other-tokens")
    own = str(service.folder / "own")
    assert service("notify-failure", "m", "--credentials", service.folder, CREDENTIALS_DIRECTORY=own).code == 0
    assert [post.path for post in sink.posts] == [f"/{SECRET}", "/other-tokens"]


def test_a_receiver_that_does_not_answer_well_is_tried_again(service: Shell, sink: HttpSink) -> None:
    """A few times."""
    sink.script(*[Reply(503)] * 2, Reply(200), *[Reply(503)] * 3)
    write(service, receiver("desk", sink.url()))
    assert [service("notify-failure", "m").code for _ in range(2)] == [0, 3]
    assert len(sink.posts) == 6


@pytest.mark.parametrize("there", [True, False], ids=["no receiver", "no config"])
def test_nobody_to_tell_is_said(service: Shell, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """In the journal, where the unit's output goes."""
    monkeypatch.setattr("marginwatch.config.location.DEFAULTS", DEFAULTS[:1])
    if there:
        write(service, "[rules]\n")
        said = service("notify-failure", "m")
        assert (said.code, said.err) == (3, "nobody was told: no receiver of the config can be used\n")
    else:
        said = service("notify-failure", "m", "--config", "/nowhere.toml")
        assert said.code == 3
        assert said.err.startswith("/nowhere.toml cannot be read: no such file or directory\n")


def test_without_systemd_it_still_tells(shell: Shell, sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it failed is the news; the rest is for whoever looks."""
    monkeypatch.setenv("PATH", "/nowhere")
    write(shell, receiver("desk", sink.url()))
    assert shell("notify-failure", "marginwatch").code == 0
    assert "in a way that is not known" in sink.posts[0].json["message"]


def test_a_tool_that_hangs_delays_nothing_for_long(
    service: Shell, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left alone, and people are told what is known."""
    monkeypatch.setattr(failure, "_WAIT", 0.05)
    (service.folder / "bin" / "systemctl").write_text("#!/bin/sh\nexec sleep 5\n")
    write(service, receiver("desk", sink.url()))
    assert service("notify-failure", "marginwatch").code == 0


def test_what_systemd_hands_over_counts(snapshot: SnapshotAssertion) -> None:
    """The unit that `OnFailure=` starts is given the end of just this run."""
    found = failure.diagnose(
        "none-such", {"MONITOR_EXIT_STATUS": "KILL", "MONITOR_SERVICE_RESULT": "watchdog", "PATH": ""}
    )
    assert (found.status, found.result) == ("KILL", "watchdog")
    told = failure_message(Failure("marginwatch", "desk-1", "KILL", "watchdog"), "desk", ledger.NOW)
    assert f"{told.title}\n{told.body}" == snapshot

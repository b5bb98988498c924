"""The service on a machine of its own, by the commands of the guide: from nothing to an alert, and through bad days.

It takes root, and skips with the reason where systemd cannot be booted in namespaces.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.simulator import helio
from support.machine import Machine, why_not
from support.sinks import HttpSink, Reply
from support.sites import Sites, receiver, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.sinks import Post

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "install.md").read_text()
UNIT = "marginwatch.service"
RULES = """\
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
"""
SOONER = "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\nRestartSec=100ms\n"
"""What is waited for, so that the test need not."""
SECRET = "T1JJ3T3L2A1BRTD4JDTIiajkdnlazkcOX"

pytestmark = [pytest.mark.acceptance, pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can be booted")]


def guide(heading: str) -> list[str]:
    """The shell commands below a heading of the guide, block by block."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert section, heading
    return re.findall(r"^```sh\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)


class Desk:
    """The machine, a venue and a receiver on it, and what the receiver has heard."""

    def __init__(self, machine: Machine, sites: Sites, sink: HttpSink) -> None:
        self.machine = machine
        self.sites = sites
        self.sink = sink
        self._heard = 0
        self._open: list[tuple[str, str, str]] = []

    def follow(self, heading: str, *blocks: int) -> str:
        """Do as the guide says below a heading: all blocks, or those of these numbers."""
        found = guide(heading)
        scripts = [found[number] for number in blocks] or found
        return "".join(self.machine.run(f"cd /root\n{script}").stdout for script in scripts)

    def config(self, *more: str) -> str:
        """A config as the guide has it."""
        return "".join(
            (
                table("store", {"url": "sqlite:////var/lib/marginwatch/marginwatch.db"}),
                table("rules", {"files": ["/etc/marginwatch/rules/*.toml"]}),
                self.sites.table("helio", password="${credential:helio-password}"),
                receiver("desk", f"json://{self.sink.address}/${{credential:slack-tokens}}"),
                *more,
            )
        )

    def use(self, account: str, margin: int) -> None:
        """The account uses so much of its 100,000."""
        self.sites.world.change("helio", account, margin_used=Decimal(margin))

    def hears(self, *expected: str) -> list[Post]:
        """Wait for exactly these messages, `rule state`, in any order."""
        first, self._heard = self._heard, self._heard + len(expected)
        posts = self.sink.wait(self._heard)[first:]
        assert sorted(f"{post.json['rule']} {post.json['state']}" for post in posts) == sorted(expected)
        return posts

    def alerts(self) -> list[tuple[str, str, str]]:
        """The open ones, by id, account and since when; from now on what is to stay."""
        rows = json.loads(self.machine.run("marginwatch alerts --json").stdout)
        self._open = sorted((row["alert_id"], row["account"], row["fired_at"]) for row in rows)
        return self._open

    def keeps_alerts(self) -> None:
        """What was open is open, and nothing else."""
        before = self._open
        assert self.alerts() == before

    def main_pid(self) -> int:
        """The daemon's process number on the machine."""
        return int(self.machine.shows(UNIT, "MainPID"))

    def restarts(self) -> int:
        """How often systemd has started it again by itself."""
        return int(self.machine.shows(UNIT, "NRestarts"))

    def restarted(self, count: int, previous: int) -> None:
        """Wait until it works again in another process."""
        self.machine.becomes(UNIT, "NRestarts", str(count))
        self.machine.becomes(UNIT, "SubState", "running")
        assert self.main_pid() not in {0, previous}


@contextmanager
def venue(machine: Machine) -> Iterator[Sites]:
    """The simulated venue, on the machine's network."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()
    found: list[Sites] = []

    async def live() -> None:
        async with Sites("helio") as sites:
            found.append(sites)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=machine.within, args=(lambda: loop.run_until_complete(live()),))
    thread.start()
    try:
        assert ready.wait(20)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The wheel as it is, and the same as the next version, by the names that the guide has."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    version = built.name.split("-")[1]
    (before, after) = re.findall(r"^version=(.*)$", GUIDE, re.MULTILINE)
    found = {}
    for wanted in (before, after):
        path = folder / f"marginwatch-{wanted}-py3-none-any.whl.new"
        with zipfile.ZipFile(built) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                body = old.read(name)
                if name.endswith(("/METADATA", "/RECORD")):
                    body = body.replace(f"marginwatch-{version}.".encode(), f"marginwatch-{wanted}.".encode())
                    body = body.replace(f"\nVersion: {version}\n".encode(), f"\nVersion: {wanted}\n".encode())
                new.writestr(name.replace(f"marginwatch-{version}.", f"marginwatch-{wanted}."), body)
        found[path.name.removesuffix(".new")] = path.read_bytes()
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A machine without marginwatch, with a venue and a receiver to come."""
    folder = tmp_path / "machine"
    folder.mkdir()
    with (
        Machine(folder) as machine,
        venue(machine) as sites,
        machine.within(HttpSink) as sink,
    ):
        yield Desk(machine, sites, sink)


def test_the_service_by_the_guide(desk: Desk, wheels: dict[str, bytes]) -> None:
    """Installed, alerting, reloaded, killed, wedged, misconfigured, backed up, updated, moved and removed."""
    install(desk, wheels)
    start(desk)
    reload(desk)
    kill(desk)
    wedge(desk)
    restore(desk)
    give_up(desk)
    update(desk)
    move(desk)
    uninstall(desk)


def install(desk: Desk, wheels: dict[str, bytes]) -> None:
    """The program, the config, and secrets that only root can read."""
    machine = desk.machine
    machine.write("/root/requirements-run.lock", (ROOT / "requirements-run.lock").read_bytes())
    for name, body in wheels.items():
        machine.write(f"/root/{name}", body)
    with_packages(desk, "The program")
    desk.follow("The files", 0)
    machine.write("/etc/marginwatch/config.toml", desk.config())
    machine.write("/etc/marginwatch/rules/rules.toml", RULES)
    assert desk.follow("The files", 1).endswith("is good: 1 rule, 1 venue, 1 receiver\n")
    machine.write("/etc/marginwatch/secrets/helio-password", f"{helio.PASSWORD}\n", 0o600)
    machine.write("/etc/marginwatch/secrets/slack-tokens", f"{SECRET}\n", 0o600)
    desk.follow("Secrets", 1, 2)
    (test,) = desk.sink.wait(1)
    desk._heard = 1
    assert test.json["title"] == "TEST: marginwatch can reach you"
    assert SECRET in test.path


def with_packages(desk: Desk, heading: str) -> None:
    """Make an environment as the guide does; what would be fetched, and what takes long to unpack, is there already."""
    (script,) = guide(heading)
    (version,) = re.findall(r"^version=(.*)$", script, re.MULTILINE)
    place = f"/opt/marginwatch/{version}"
    given = f"""
echo /opt/packages >$(echo {place}/lib/python3*/site-packages)/trial.pth
printf '#!/bin/sh\\nexec {place}/bin/python -m pip "$@"\\n' >{place}/bin/pip
chmod 755 {place}/bin/pip
"""
    before, made, after = script.partition("python3 -m venv /opt/marginwatch/$version\n")
    made = made.replace("-m venv", "-m venv --without-pip")
    environ = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    desk.machine.run(f"cd /root\n{before}{made}{given}{after}", environ)


def start(desk: Desk) -> None:
    """It is ready when the start returns, runs as nobody else, can do nothing, and alerts."""
    machine = desk.machine
    machine.write(f"/etc/systemd/system/{UNIT}.d/sooner.conf", SOONER)
    said = desk.follow("Start")
    assert "watching; venues: 1, receivers: 1" in said
    status = dict(
        line.split(":\t", 1) for line in machine.run(f"cat /proc/{desk.main_pid()}/status").stdout.splitlines()
    )
    assert 61_184 <= int(status["Uid"].split()[0]) <= 65_519
    assert (status["CapEff"], status["NoNewPrivs"], status["Seccomp"]) == ("0" * 16, "1", "2")
    modes = machine.run("stat -Lc %a /var/lib/marginwatch /var/lib/marginwatch/marginwatch.db").stdout
    assert modes.split() == ["700", "600"]
    desk.follow("The first alert", 0)
    desk.hears("first-alert firing", "first-alert firing")
    desk.follow("The first alert", 1)
    desk.hears("first-alert closed", "first-alert closed")
    desk.use("acc-1", 95_000)
    desk.hears("margin-usage firing")


def reload(desk: Desk) -> None:
    """A wrong edit is rejected and told; a good one brings another receiver."""
    machine = desk.machine
    desk.alerts()
    machine.write("/etc/marginwatch/rules/rules.toml", RULES.replace("80%", "80 USD"))
    machine.run("systemctl reload marginwatch")
    (rejected,) = desk.hears("reload-rejected firing")
    assert "/etc/marginwatch/rules/rules.toml:5:" in rejected.json["message"]
    machine.write("/etc/marginwatch/rules/rules.toml", RULES)
    machine.write("/etc/marginwatch/config.toml", desk.config(receiver("other", desk.sink.url("/other"))))
    machine.run("systemctl reload marginwatch")
    desk.hears("reload-rejected resolved")
    machine.becomes(UNIT, "StatusText", "watching; reloaded, rules: 1")
    desk.keeps_alerts()
    desk.use("acc-2", 85_000)
    told = desk.hears("margin-usage firing", "margin-usage firing")
    assert sorted(post.path for post in told) == [f"/{SECRET}", "/other"]
    machine.write("/etc/marginwatch/config.toml", desk.config())
    machine.run("systemctl reload marginwatch")
    desk.use("acc-2", 10_000)
    desk.hears("margin-usage resolved")


def kill(desk: Desk) -> None:
    """What was open is, and what was on its way arrives, after a SIGKILL."""
    before, process = desk._open, desk.main_pid()
    desk.sink.always = Reply(503)
    desk.use("acc-1", 99_000)
    desk.use("acc-2", 99_000)
    desk.sink.wait(desk._heard + 1)
    desk.machine.run(f"kill -KILL {process}")
    desk.sink.always = Reply(200)
    desk.restarted(1, process)
    desk.machine.run("until marginwatch outbox --status pending | grep -q 'no messages'; do sleep 0.2; done")
    posts = desk.sink.wait(desk._heard + 2)
    desk._heard = len(posts)
    assert posts[-1].json["rule"] == "margin-usage"
    now = desk.alerts()
    assert set(before) < set(now)
    assert len(now) == 2


def wedge(desk: Desk) -> None:
    """A process that makes no progress is ended and started again; nothing is told of it."""
    process = desk.main_pid()
    desk.machine.run(f"kill -STOP {process}")
    desk.restarted(2, process)
    assert "Watchdog timeout" in desk.machine.journal()
    desk.keeps_alerts()


def restore(desk: Desk) -> None:
    """A backup of the running service, put back, has what was then."""
    desk.follow("Backup")
    desk.use("acc-2", 10_000)
    desk.hears("margin-usage resolved")
    desk.use("acc-2", 99_000)
    desk.hears("margin-usage firing")
    desk.follow("Restore")
    desk.keeps_alerts()


def give_up(desk: Desk) -> None:
    """A config that is wrong ends it with 78, it is not started again, and people hear of it from systemd."""
    machine = desk.machine
    machine.write("/etc/marginwatch/config.toml", desk.config("[nonsense]\n"))
    machine.run("systemctl restart marginwatch", check=False)
    machine.becomes(UNIT, "ActiveState", "failed")
    assert machine.shows(UNIT, "ExecMainStatus") == "78"
    (told,) = desk.hears("unit-failed event")
    message = told.json["message"]
    assert "exit status 78" in message
    assert "config.toml" in message
    assert SECRET not in message
    machine.becomes("marginwatch-failure@marginwatch.service", "ActiveState", "inactive")
    assert machine.shows(UNIT, "NRestarts") == "0"
    assert machine.shows(UNIT, "ActiveState") == "failed"
    machine.write("/etc/marginwatch/config.toml", desk.config())
    machine.run("mv /etc/marginwatch/secrets/helio-password /root")
    machine.run("systemctl restart marginwatch", check=False)
    (told,) = desk.hears("unit-failed event")
    assert "A credential that the unit loads is not there." in told.json["message"]
    machine.run("mv /root/helio-password /etc/marginwatch/secrets")
    machine.run("systemctl start marginwatch")
    desk.follow("When it is down")
    desk.hears("unit-failed event")


def update(desk: Desk) -> None:
    """The next version goes on where this one was, and so does this one when it is rolled back."""
    first, second = re.findall(r"^version=(.*)$", GUIDE, re.MULTILINE)
    with_packages(desk, "Update")
    assert desk.machine.run("marginwatch --version").stdout == f"marginwatch {second}\n"
    desk.keeps_alerts()
    desk.follow("Roll back")
    assert desk.machine.run("marginwatch --version").stdout == f"marginwatch {first}\n"
    desk.keeps_alerts()


def move(desk: Desk) -> None:
    """What is packed here goes on there, under another user."""
    desk.follow("Move to another machine", 0)
    desk.machine.run("rm -r /etc/marginwatch /var/lib/marginwatch /var/lib/private/marginwatch /root/moving.db")
    desk.follow("Move to another machine", 1)
    assert desk.machine.shows(UNIT, "ActiveState") == "active"
    desk.keeps_alerts()
    desk.use("acc-1", 10_000)
    desk.hears("margin-usage resolved")


def uninstall(desk: Desk) -> None:
    """Nothing of it is left."""
    desk.follow("Uninstall")
    left = desk.machine.run(
        "find /etc /opt /usr/local /var/lib -path /opt/packages -prune -o -iname '*marginwatch*' -print"
    ).stdout
    assert left == ""
    assert len(desk.sink.posts) == desk._heard

"""A machine of its own to install a service on: the systemd of this one, booted in namespaces, which leave nothing."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, TypeVar

import pytest

from support.sinks import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

SYSTEMD = Path("/lib/systemd/systemd")
_BOOT = Path(__file__).with_name("boot.sh")
_NETWORK = 0x40000000
_PATH = "/opt/python/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def why_not() -> str:
    """Why none can be booted here; empty when nothing is known against it."""
    if os.geteuid() != 0:
        return "booting systemd in namespaces takes root"
    missing = [
        tool for tool in ("unshare", "setpriv", "nsenter", "pivot_root", "systemctl") if shutil.which(tool) is None
    ]
    if not SYSTEMD.exists() or missing:
        return f"this machine has no {' or '.join(missing or ['systemd'])}"
    return "" if _cgroup() else "this machine has no cgroup2 file system to make a group in"


class Machine:
    """One such machine; `with` runs it. In it /opt/python is this interpreter and /opt/packages are its packages."""

    def __init__(self, folder: Path) -> None:
        """`folder` is empty, and stays so."""
        self._folder = folder
        self._cgroup = Path(_cgroup()) / f"marginwatch-trial-{os.getpid()}"
        self._said = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        """Its first process, as this machine counts."""

    def __enter__(self) -> Self:
        kinds = ["--pid", "--fork", "--mount", "--uts", "--ipc", "--cgroup", "--net", "--kill-child=SIGKILL"]
        python = Path(sys.base_prefix)
        packages = sysconfig.get_paths()["purelib"]
        enter = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
        leash = ["setpriv", "--pdeathsig", "KILL"]  # it ends with the tests, however those end
        boot = [*leash, "unshare", *kinds, "sh", str(_BOOT), str(self._folder), str(python), packages]
        try:
            self._cgroup.mkdir()
        except OSError as error:
            pytest.skip(f"no group can be made in the cgroup2 file system here: {error}")
        try:
            with self._said.open("wb") as said:
                self._process = subprocess.Popen(
                    ["sh", "-c", enter, "sh", str(self._cgroup), *boot],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                )
            self._wait_for_boot(self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_for_boot(self, process: subprocess.Popen[bytes]) -> None:
        ends = time.monotonic() + PATIENCE
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while "booting" not in self._said.read_text():
            if process.poll() is not None or time.monotonic() > ends:
                pytest.skip(f"systemd cannot be booted in namespaces here: {self._said.read_text().strip()}")
            time.sleep(0.02)
        self.pid = int(children.read_text())
        while self.run("systemctl is-active trial.target", check=False).stdout != "active\n":
            assert process.poll() is None, self._said.read_text()
            assert time.monotonic() < ends, self.journal()
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()  # which ends its first process, and with it all others
            self._process.wait()
        self._said.unlink(missing_ok=True)
        ends = time.monotonic() + PATIENCE
        while self._cgroup.exists() and time.monotonic() < ends:
            for found in os.walk(self._cgroup, topdown=False):
                try:
                    Path(found[0]).rmdir()
                except OSError:  # a process in it is still ending
                    time.sleep(0.05)

    def run(
        self, script: str, environ: Mapping[str, str] = MappingProxyType({}), *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script in it, as root; what it prints."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.pid), "--all", "sh", "-eu"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", **environ},
        )
        assert done.returncode == 0 or not check, f"{script}\n{done.stdout}{done.stderr}\n{self.journal()}"
        return done

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Put a file into it."""
        body = content.encode() if isinstance(content, str) else content
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
        command = ["nsenter", "--target", str(self.pid), "--all", "sh", "-euc", script, "sh", path, f"{mode:o}"]
        subprocess.run(command, input=body, check=True, timeout=60)

    def journal(self) -> str:
        """The log of all it did lately."""
        command = ["nsenter", "--target", str(self.pid), "--all", "journalctl", "--no-pager", "--lines=60"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout

    def shows(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run(f"systemctl show --value --property={name} {unit}").stdout.strip()

    def becomes(self, unit: str, name: str, *values: str) -> str:
        """Wait until a property has one of these values."""
        ends = time.monotonic() + PATIENCE
        while (found := self.shows(unit, name)) not in values:
            assert time.monotonic() < ends, f"{unit}: {name} is {found}\n{self.journal()}"
            time.sleep(0.1)
        return found

    def within(self, work: Callable[[], T]) -> T:
        """Do `work` in a thread whose new sockets are in the machine's network."""
        found: list[T] = []
        failed: list[BaseException] = []

        def enter() -> None:
            try:
                with Path(f"/proc/{self.pid}/ns/net").open() as network:
                    assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _NETWORK) == 0
                found.append(work())
            except BaseException as error:  # noqa: BLE001  (because it is raised where the work was asked for)
                failed.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return found[0]


def _cgroup() -> str:
    """This process's own group in the unified hierarchy, where groups can be made below it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    root = next((parts[1] for parts in mounts if parts[2] == "cgroup2"), "")
    own = next((line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), "")
    place = f"{root}{own}".rstrip("/")
    return place if root and os.access(place, os.W_OK) else ""

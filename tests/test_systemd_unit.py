"""The shipped units are what systemd wants, tight, and fit for what the daemon imports."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent / "systemd"
needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def unit(name: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep keys as written
    parser.read(UNITS / name)
    return parser


@needs_analyze
def test_systemd_understands_both_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, but for the program that is not installed here."""
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/marginwatch/venv/bin/marginwatch", "/bin/true")
        (tmp_path / path.name).write_text(text)
    names = ["marginwatch.service", "marginwatch-failure@marginwatch.service"]
    done = _run(["systemd-analyze", "verify", "--man=no", *(f"{tmp_path}/{name}" for name in names)])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_analyze
def test_the_service_is_exposed_no_more_than_promised() -> None:
    """The exposure level is at most 1.5 of 10."""
    path = str(UNITS / "marginwatch.service")
    done = _run(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", path])
    assert done.returncode == 0, done.stdout


def test_the_service_runs_as_promised() -> None:
    """Watched by systemd, under a user of its own, told of failures, and not restarted for a wrong config."""
    service = unit("marginwatch.service")
    expected = {
        "Type": "notify",
        "DynamicUser": "yes",
        "StateDirectory": "marginwatch",
        "RuntimeDirectory": "marginwatch",
        "Restart": "on-failure",
        "RestartPreventExitStatus": "78 243",
        "ExecStart": "/opt/marginwatch/venv/bin/marginwatch run --config /etc/marginwatch/config.toml",
    }
    assert {key: service["Service"][key] for key in expected} == expected
    assert service["Service"]["WatchdogSec"]
    assert service["Unit"]["After"] == "network-online.target time-sync.target"
    assert service["Unit"]["OnFailure"] == "marginwatch-failure@%p.service"


def test_what_needs_nothing_of_ours_comes_first_in_the_failure_unit() -> None:
    """A marginwatch that cannot even be started keeps nothing else from telling, and its failure fails nothing."""
    text = (UNITS / "marginwatch-failure@.service").read_text()
    commands = [line.removeprefix("ExecStart=") for line in text.splitlines() if line.startswith("ExecStart=")]
    *others, ours = commands
    assert len(others) == 3
    assert not any("/opt/" in command or "python" in command for command in others)
    assert all(command.startswith("-") for command in commands[1:])
    assert ours.startswith("-/opt/marginwatch/venv/bin/marginwatch notify-failure ")


@pytest.mark.skipif(
    sys.platform != "linux" or ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0,
    reason="this kernel cannot forbid writable code to a process",
)
def test_the_daemon_needs_no_writable_code() -> None:
    """Everything the daemon loads works where memory is never both writable and executable, gRPC included."""
    done = _run([sys.executable, "-c", _WITHOUT_WRITABLE_CODE])
    assert (done.returncode, done.stdout.strip()) == (0, "answered"), done.stderr


_WITHOUT_WRITABLE_CODE = """
import ctypes, mmap
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    pass
else:
    raise SystemExit("not in force")

import asyncio
import alembic, apprise, apscheduler, grpc, httpx, msgspec, pydantic, rich, ruamel.yaml, sqlalchemy, structlog
import tree_sitter_toml, uvicorn

async def echo(request, context):
    return request

class Handler(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.unary_unary_rpc_method_handler(echo)

async def main():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = [("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        print((await channel.unary_unary("/any/thing")(b"answered", timeout=20)).decode())
    await server.stop(None)

asyncio.run(main())
"""


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

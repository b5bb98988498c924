"""A PostgreSQL server of our own for tests: a socket in a temporary folder, no TCP, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from marginwatch.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_SERVER = "PostgreSQL's server programs (initdb, pg_ctl) are not installed; with them these tests run too"
_UNPRIVILEGED = 65534
"""nobody: PostgreSQL refuses to run as root."""


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    folder: Path

    def url(self, database: str) -> str:
        """The URL of that database."""
        return f"postgresql://marginwatch@/{database}?host={self.folder}"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh, empty database."""
        name = f"test_{uuid.uuid4().hex}"
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
            try:
                yield self.url(name)
            finally:
                connection.execute(f"DROP DATABASE {name} (FORCE)".encode())

    def empty(self, url: str) -> None:
        """Remove every row but those the migrations made: a hundred times faster than a fresh database."""
        with self._connect(str(sa.make_url(url).database)) as connection:
            connection.execute(
                b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                b" WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY".encode())
            connection.execute(b"INSERT INTO meta (key, value) VALUES ('epoch', 0), ('changes', 0), ('thinned', 0)")

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(f"host={self.folder} user=marginwatch dbname={database}", autocommit=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server, started once per test process."""
    programs = _programs()
    if programs is None:
        pytest.skip(NO_SERVER)
    folder = Path(tempfile.mkdtemp(prefix="mw-pg-"))  # short: a socket's path has at most 107 bytes
    try:
        if os.geteuid() == 0:
            os.chown(folder, _UNPRIVILEGED, _UNPRIVILEGED)
        data = folder / "data"
        _run(programs / "initdb", "-D", data, "-U", "marginwatch", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        _run(programs / "pg_ctl", "start", "-w", "-D", data, "-o", options, "-l", folder / "log")
        try:
            yield Postgres(folder)
        finally:
            _run(programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    candidates = [*(path.parent for path in reversed(found)), *([Path(on_path).parent] if on_path else [])]
    return next((folder for folder in candidates if (folder / "pg_ctl").exists()), None)


def _run(program: Path, *arguments: str | Path) -> None:
    drop = ["setpriv", f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups"]
    command = [*(drop if os.geteuid() == 0 else []), str(program), *map(str, arguments)]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", text=True)
    if done.returncode:
        pytest.fail(f"{program.name} failed: {done.stderr}")

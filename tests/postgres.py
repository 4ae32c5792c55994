"""A real PostgreSQL of the tests' own: made in a temporary folder, stopped and removed afterwards.

It runs from Debian's package as an unprivileged user, since it refuses to run as root, and listens
on loopback only.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.servers import free_port

_BINARIES = Path("/usr/lib/postgresql")
# Nothing of it has to survive the machine.
_OPTIONS = ("fsync=off", "full_page_writes=off", "max_connections=40", "shared_buffers=16MB")
_USER = "visionstack"


@dataclass
class Postgres:
    """A running server.

    Attributes:
      port: where it listens on 127.0.0.1.
    """

    port: int
    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def new_database(self) -> str:
        """Makes an empty database and returns its address."""
        name = f"log_{next(self._numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, database: str, port: int | None = None) -> str:
        """Returns the address of a database, perhaps through another port."""
        return f"postgresql://{_USER}@127.0.0.1:{port or self.port}/{database}"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Runs a server inside the block; skips the test where there is none to run."""
    binaries = _find_binaries()
    if binaries is None:
        pytest.skip(f"no PostgreSQL below {_BINARIES}; apt-get install postgresql")
    prefix = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="visionstack-pg-"))
    if prefix:
        shutil.chown(folder, "postgres")
    try:
        with _started(binaries, prefix, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(binaries: Path, prefix: list[str], folder: Path) -> Iterator[Postgres]:
    data, port = folder / "data", free_port()
    initdb = [binaries / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8"]
    _call([*prefix, *initdb, "--locale=C", "--no-sync"], folder)
    options = " ".join(
        [f"-p {port}", "-h 127.0.0.1", f"-k {folder}", *(f"-c {option}" for option in _OPTIONS)]
    )
    control = [*prefix, binaries / "pg_ctl", "-D", data, "-w", "-t", "30"]
    _call([*control, "-o", options, "-l", folder / "log.txt", "start"], folder)
    try:
        yield Postgres(port, folder)
    finally:
        _call([*control, "-m", "immediate", "stop"], folder)


def _call(command: list[str | Path], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        # pg_ctl's server would hold a pipe open for as long as it runs.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (command, (done.stderr or b"").decode())


def _find_binaries() -> Path | None:
    found = sorted(_BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _unprivileged() -> list[str]:
    """Returns the words before a command that make it run as another user than root."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("root must not run PostgreSQL, and there is no user postgres")
    if shutil.which("setpriv") is None:
        pytest.skip("root must not run PostgreSQL, and there is no setpriv")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

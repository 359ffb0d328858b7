"""A PostgreSQL server of its own for a test: made, started, killed and started again, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

__all__ = ["PASSWORD", "Server", "find_programs"]

PASSWORD = "s3cr%t/word"
_DEADLINE = 60.0


def find_programs() -> Path | None:
    """The folder of the server's programs, of the newest version there is; None where it is not installed."""
    folders = [Path(each) for each in Path("/usr/lib/postgresql").glob("*/bin") if (each / "postgres").exists()]
    if folders:
        return max(folders, key=lambda folder: [int(part) for part in re.findall(r"\d+", str(folder))])
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found is not None and shutil.which("initdb") is not None else None


class Server:
    """Starts a server, and stops it and deletes its data on the way out. It refuses to run as root, so root runs it as another user.

    Args:
        programs: The folder of its programs.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="statefun-postgres-"))
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": ()}
            shutil.chown(self._folder, "nobody", "nogroup")
        self._server: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.user = "statefun"

    def __enter__(self) -> Self:
        word = self._folder / "password"
        word.write_text(PASSWORD)
        self._run("initdb", "-D", "data", "-U", self.user, "-A", "scram-sha-256", "--pwfile", "password", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    @property
    def dsn(self) -> str:
        """How to connect."""
        return f"host=127.0.0.1 port={self.port} user={self.user} dbname=postgres password='{PASSWORD}'"

    def start(self) -> None:
        """Starts it, and waits until it answers. After a kill what the last one left in memory goes away first."""
        deadline = time.monotonic() + _DEADLINE
        while time.monotonic() < deadline:
            with (self._folder / "log").open("ab") as log:
                self._server = subprocess.Popen(
                    [
                        self._programs / "postgres",
                        *("-D", "data", "-p", str(self.port), "-k", str(self._folder), "-h", "127.0.0.1"),
                        *("-c", "max_connections=20", "-c", "shared_buffers=8MB"),
                    ],
                    cwd=self._folder,
                    stdout=log,
                    stderr=log,
                    **self._as,
                )
            while self._server.poll() is None and time.monotonic() < deadline:
                ready = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
                if subprocess.run(ready, check=False).returncode == 0:
                    return
                time.sleep(0.05)
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """Kills the server and all that it has started, with `kill -9`."""
        server, self._server = self._server, None
        if server is None:
            return
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        server.kill()
        server.wait()
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                continue  # it noticed by itself

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], cwd=self._folder, capture_output=True, check=False, **self._as
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()}")

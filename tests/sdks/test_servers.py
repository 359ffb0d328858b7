"""The servers themselves: none stays behind, whatever becomes of whoever started it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sdks.kits import KITS, ROOT, Kit
from tests.sdks.servers import serving

# Starts a server, tells where it listens and its process, and waits until it is killed.
STARTER = """
import sys
from pathlib import Path
from tests.sdks.kits import KITS
from tests.sdks.servers import serving

with serving(KITS[sys.argv[1]], Path(sys.argv[2]), namespace="demo", total="demo/total") as server:
    print(server.listens, server.process.pid, flush=True)
    sys.stdin.read()
"""


def connects(listens: str) -> bool:
    """Whether anybody is there."""
    host, _, port = listens.partition(":")
    try:
        if host == "unix":
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(port)
        else:
            socket.create_connection((host, int(port))).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    return True


# Where a server of each SDK listens, as far as it can.
WAYS = [(name, way) for name, kit in KITS.items() for way in ("tcp", "unix") if way == "tcp" or kit.sockets]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_server_listens_until_the_block_ends(kits: Callable[[str], Kit], tmp_path: Path, name: str, way: str) -> None:
    path = os.path.relpath(tmp_path / "s")  # the path of a socket may have 107 bytes
    listen = f"unix:{path}" if way == "unix" else "127.0.0.1:0"
    with serving(kits(name), tmp_path, namespace="demo", total="demo/total", listen=listen) as server:
        assert connects(server.listens)
    assert not connects(server.listens)


@pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="only Linux tells of the end of a process that is not a child"
)
def test_a_server_ends_when_whoever_started_it_is_killed(kit: Kit, tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, kit.name, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        listens, process = starter.stdout.readline().split()
        server = os.pidfd_open(int(process))
        try:
            assert connects(listens)
            starter.send_signal(signal.SIGKILL)
            ended, _, _ = select.select([server], [], [], 60)
            assert ended == [server]
            assert not connects(listens)
        finally:
            os.close(server)

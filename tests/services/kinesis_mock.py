"""A Kinesis for tests that others wrote: kinesis-mock, one process of node on 127.0.0.1.

    with KinesisMock(tmp_path) as mock:
        use(mock.region)

It splits and merges shards as Kinesis does, which moto's does not. It comes through `make .npm/kinesis/.installed`, and keeps everything in memory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from statefun.model import AwsRegion
from tests.services.broker import free_ports

__all__ = ["KinesisMock", "missing"]

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = ROOT / ".npm" / "kinesis" / "node_modules" / "kinesis-local" / "main.js"
LOOPBACK: Final = Path(__file__).parent / "kinesis" / "loopback.js"
START_SECONDS: Final = 60
QUICK: Final = ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")


def missing() -> str | None:
    """Why it cannot be started on this machine; None when it can."""
    if shutil.which("node") is None:
        return "there is no node on this machine"
    return None if PROGRAM.exists() else "kinesis-mock is not installed: make .npm/kinesis/.installed"


class KinesisMock:
    """One process. As a context manager it is started, and killed at the end.

    Args:
        folder: Where its log is.
    """

    def __init__(self, folder: Path) -> None:
        self._plain, self._tls = free_ports(2)
        self._log: Final = folder / "kinesis-mock.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.region: Final = AwsRegion(id="eu-central-1", endpoint=f"http://127.0.0.1:{self._plain}")

    def __enter__(self) -> Self:
        environment = {
            **os.environ,
            "KINESIS_MOCK_PLAIN_PORT": str(self._plain),
            "KINESIS_MOCK_TLS_PORT": str(self._tls),
            "KINESIS_MOCK_CERT_PATH": str(PROGRAM.with_name("server.json")),
            "LOG_LEVEL": "ERROR",
            **{f"{name}_DURATION": "1ms" for name in QUICK},
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["node", "--require", str(LOOPBACK), str(PROGRAM)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kills it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.region.endpoint}/healthcheck", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        log = self._log.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"kinesis-mock did not start; its log:\n{log}")

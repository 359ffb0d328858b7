"""A Kinesis for tests that others wrote: kinesis-mock, one process of node on 127.0.0.1.

    with KinesisMock(tmp_path) as mock:
        use(mock.region)

It splits and merges shards as Kinesis does, which moto's does not. It comes through `make .npm/kinesis/.installed`, and keeps everything in memory.
"""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path
from typing import Final

from statefun.model import AwsRegion
from tests.services.child import Child, free_ports

__all__ = ["KinesisMock", "missing"]

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = ROOT / ".npm" / "kinesis" / "node_modules" / "kinesis-local" / "main.js"
LOOPBACK: Final = Path(__file__).parent / "kinesis" / "loopback.js"
QUICK: Final = ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")


def missing() -> str | None:
    """Why it cannot be started on this machine; None when it can."""
    if shutil.which("node") is None:
        return "there is no node on this machine"
    return None if PROGRAM.exists() else "kinesis-mock is not installed: make .npm/kinesis/.installed"


class KinesisMock(Child):
    """One process.

    Args:
        folder: Where its log is.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("kinesis-mock", folder / "kinesis-mock.log")
        self._plain, self._tls = free_ports(2)
        self.region: Final = AwsRegion(id="eu-central-1", endpoint=f"http://127.0.0.1:{self._plain}")

    def start(self) -> None:
        """Starts it, with no streams, and waits until it answers."""
        environment = {
            "KINESIS_MOCK_PLAIN_PORT": str(self._plain),
            "KINESIS_MOCK_TLS_PORT": str(self._tls),
            "KINESIS_MOCK_CERT_PATH": str(PROGRAM.with_name("server.json")),
            "LOG_LEVEL": "ERROR",
            **{f"{name}_DURATION": "1ms" for name in QUICK},
        }
        self.launch(["node", "--require", str(LOOPBACK), str(PROGRAM)], ROOT, environment)
        self.wait_for("answer", self._healthy)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.region.endpoint}/healthcheck", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

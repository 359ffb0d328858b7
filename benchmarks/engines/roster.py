"""Who takes part on which engine, each in a pinned environment of its own."""

import re
from dataclasses import dataclass

from benchmarks.common.child import start
from benchmarks.common.environments import CONSTRAINTS, PROTOBUF_7, Environment, this_repository
from tests.engines.engine import EngineVersion

# The server that the official SDKs are shown with, in the version that CI uses.
AIOHTTP = next(line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if re.match("aiohttp==", line))
_OURS = this_repository("engines", "[serve,cli]")


@dataclass(frozen=True)
class Contender:
    """Who serves a function: `name` is also the name of the function in the namespace `bench`."""

    name: str
    title: str
    engine: EngineVersion
    environment: Environment
    module: str | None

    @property
    def command(self) -> list[str]:
        """What serves it on the port that is appended."""
        python = self.environment.python
        if self.module is None:
            target = "benchmarks.engines.contenders.ours:functions"
            return [str(python), "-m", "statefun", "serve", target, "--port"]
        return start(python, self.module)


_V3 = "benchmarks.engines.contenders.official_v3"
_V2 = "benchmarks.engines.contenders.official_v2"
_OFFICIAL_3 = Environment("engines-official-3.3", (("apache-flink-statefun==3.3.0", "protobuf==3.20.3", AIOHTTP),))
# Its metadata forbids this protobuf; its generated code runs there unchanged, and ten times faster.
_OFFICIAL_3_UPB = Environment(
    "engines-official-3.3-upb",
    (("apache-flink-statefun==3.3.0", AIOHTTP), ("--no-deps", PROTOBUF_7)),
)
_OFFICIAL_2 = Environment("engines-official-2.2", (("apache-flink-statefun==2.2.2", "protobuf==3.20.3", AIOHTTP),))

ROSTER = (
    Contender("official-upb", "official 3.3.0 on protobuf 7 (upb), aiohttp", "3.3.0", _OFFICIAL_3_UPB, _V3),
    Contender("official", "official 3.3.0 as pip installs it, aiohttp", "3.3.0", _OFFICIAL_3, _V3),
    Contender("ours", "statefun-typed, statefun serve", "3.3.0", _OURS, None),
    Contender("official", "official 2.2.2 as pip installs it, aiohttp", "2.2.2", _OFFICIAL_2, _V2),
    Contender("ours", "statefun-typed, statefun serve", "2.2.2", _OURS, None),
)
"""The first of each engine is its baseline."""

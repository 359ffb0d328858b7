"""Who takes part: the contenders, their environments and the workloads that each can do."""

from dataclasses import dataclass

from benchmarks.handler.workloads import Workload


@dataclass(frozen=True)
class Contender:
    """One row of the tables. `module` names a file of contenders/, `variant` is for that file to understand."""

    name: str
    title: str
    environment: str
    module: str
    variant: str
    protocols: tuple[int, ...]
    shapes: tuple[str, ...] = ("count", "kafka", "wide", "json")

    def can(self, workload: Workload) -> bool:
        return workload.protocol in self.protocols and workload.shape in self.shapes


ROSTER = (
    Contender("official-3.3-upb", "official 3.3.0 on protobuf 7 (upb)", "official-3.3-upb", "official_v3", "", (3,)),
    Contender("official-3.3", "official 3.3.0 as pip installs it", "official-3.3", "official_v3", "", (3,)),
    Contender("official-2.2", "official 2.2.2 as pip installs it", "official-2.2", "official_v2", "", (2,)),
    Contender("ours", "statefun-typed", "ours", "ours", "sync", (2, 3)),
    Contender("ours-async", "statefun-typed, coroutines", "ours", "ours", "async", (2, 3)),
    Contender("ours-in-place", "statefun-typed, changed in place", "ours", "ours", "in-place", (3,), ("json",)),
    Contender("minimal-3", "by hand on upb", "ours", "minimal", "3", (3,)),
    Contender("minimal-2", "by hand on upb", "ours", "minimal", "2", (2,)),
)
# The row that has targets to reach.
OURS = "ours"

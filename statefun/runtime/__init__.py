"""The embedded runtime: an engine for one machine that loses nothing, over the same protocol as Flink StateFun."""

from statefun.extras import extra

# Whatever of the runtime is imported, this comes first.
with extra("runtime"):
    from statefun.runtime.clock import Clock, SystemClock, VirtualClock
    from statefun.runtime.egress.sink import Confirmed, OutgoingRecord, Sink
    from statefun.runtime.ingress.source import Inlet, Receipt, Record, Rejected, Source
    from statefun.runtime.options import Options, Report
    from statefun.runtime.runtime import Runtime, run_until_idle
    from statefun.runtime.store import Store

__all__ = [
    "Clock",
    "Confirmed",
    "Inlet",
    "Options",
    "OutgoingRecord",
    "Receipt",
    "Record",
    "Rejected",
    "Report",
    "Runtime",
    "Sink",
    "Source",
    "Store",
    "SystemClock",
    "VirtualClock",
    "run_until_idle",
]

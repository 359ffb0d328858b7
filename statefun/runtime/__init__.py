"""The embedded runtime: an engine for one machine that loses nothing, over the same protocol as Flink StateFun."""

from statefun.runtime.clock import Clock, SystemClock, VirtualClock
from statefun.runtime.runtime import Options, Report, Runtime, run_until_idle
from statefun.runtime.store import Store

__all__ = ["Clock", "Options", "Report", "Runtime", "Store", "SystemClock", "VirtualClock", "run_until_idle"]

"""The child process: one contender with one workload, which answers and is timed as the parent (`pipe.py`) says."""

import asyncio
import base64
import cProfile
import importlib
import io
import platform
import pstats
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.common.commands import serve
from benchmarks.handler.call import AsyncCall, Call


def main() -> None:
    """Serve commands until standard input ends."""
    module, variant, shape = sys.argv[1:4]
    serve(_Commands(importlib.import_module(f"benchmarks.handler.contenders.{module}").build(shape, variant)).table())


class _Commands:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._request = b""

    def table(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {
            "describe": describe,
            "load": self._load,
            "answer": lambda: {"response": base64.b64encode(once(self._call, self._request)).decode()},
            "time": lambda calls: {"cpu_ns": cpu_time(self._call, self._request, calls)},
            "profile": lambda calls: {"profile": profile(self._call, self._request, calls)},
        }

    def _load(self, request: str) -> dict[str, Any]:
        self._request = base64.b64decode(request)
        return {}


def describe() -> dict[str, Any]:
    """Tell what runs here."""
    from google.protobuf.internal import api_implementation

    statefun = sys.modules.get("statefun")
    return {
        "python": platform.python_version(),
        "protobuf": version("protobuf"),
        "implementation": api_implementation.Type(),
        "statefun": statefun and statefun.__file__,
        "version": _version("apache-flink-statefun") or _version("statefun-typed"),
    }


def once(call: Call, request: bytes) -> bytes:
    """Call once."""
    if isinstance(call, AsyncCall):
        return asyncio.run(_awaited(call, request))
    return call.handle(request)


async def _awaited(call: AsyncCall, request: bytes) -> bytes:
    return await call.handle(request)


def cpu_time(call: Call, request: bytes, calls: int) -> int:
    """Give the CPU time of so many calls, in nanoseconds. Collections of garbage are part of it, as they are in a server."""
    if isinstance(call, AsyncCall):
        return asyncio.run(_cpu_time(call, request, calls))
    handle = call.handle
    started = time.process_time_ns()
    for _ in range(calls):
        handle(request)
    return time.process_time_ns() - started


async def _cpu_time(call: AsyncCall, request: bytes, calls: int) -> int:
    handle = call.handle
    started = time.process_time_ns()
    for _ in range(calls):
        await handle(request)
    return time.process_time_ns() - started


def profile(call: Call, request: bytes, calls: int) -> str:
    """Profile so many calls and give the functions that took longest themselves."""
    profiler = cProfile.Profile()
    profiler.runcall(cpu_time, call, request, calls)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(25)
    return text.getvalue()


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None

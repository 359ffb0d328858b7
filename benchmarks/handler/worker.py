"""The child process: one contender with one workload, which answers and is timed as the parent says.

    python -c "…" MODULE VARIANT SHAPE        (see pipe.py)

Commands come as lines of JSON on standard input, answers go as lines of JSON to what was standard output.
"""

import asyncio
import base64
import cProfile
import importlib
import io
import json
import os
import platform
import pstats
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.handler.call import AsyncCall, Call


def main() -> None:
    """Serve commands until standard input ends."""
    # Whatever a contender prints must not end up between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module, variant, shape = sys.argv[1:4]
    call: Call = importlib.import_module(f"benchmarks.handler.contenders.{module}").build(shape, variant)
    request = b""
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        answer: dict[str, Any]
        match command["do"]:
            case "describe":
                answer = describe()
            case "load":
                request = base64.b64decode(command["request"])
                answer = {}
            case "answer":
                answer = {"response": base64.b64encode(once(call, request)).decode()}
            case "time":
                answer = {"cpu_ns": cpu_time(call, request, command["calls"])}
            case "profile":
                answer = {"profile": profile(call, request, command["calls"])}
            case unknown:
                raise SystemExit(f"unknown command {unknown!r}")
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


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

"""A counter as a virtual object of Restate, served as its Python SDK's own pages serve one: hypercorn over HTTP/2.

python -c "…" PORT      (started by benchmarks.runtime.restate)
"""

import asyncio
import sys

import hypercorn
import hypercorn.asyncio
import restate
from restate import ObjectContext, VirtualObject

counter = VirtualObject("Counter")


@counter.handler()
async def add(context: ObjectContext) -> int:
    """Count one."""
    count = (await context.get("count", type_hint=int) or 0) + 1
    context.set("count", count)
    return count


@counter.handler()
async def total(context: ObjectContext) -> int:
    """Tell the count; an exclusive handler, so it comes after every event that was accepted before."""
    return await context.get("count", type_hint=int) or 0


def main() -> None:
    """Serve until it is ended."""
    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    config.loglevel = "ERROR"
    # As the SDK's page on serving says for production.
    config.h2_max_concurrent_streams = config.keep_alive_max_requests = config.keep_alive_timeout = 2**31 - 1
    asyncio.run(hypercorn.asyncio.serve(restate.app([counter]), config))

"""A faust agent in one process, without Kafka: events are cast to it over a channel in memory. Nothing is durable."""

import asyncio
import sys
import time
from collections import Counter
from typing import Any

import faust

from benchmarks.common.commands import serve
from benchmarks.runtime import workload

# The address of a broker that nobody connects to: the app is not started, only its agent is.
app = faust.App("bench", broker="kafka://127.0.0.1:9", store="memory://", web_enabled=False, datadir=sys.argv[1])
counts: Counter[str] = Counter()
done = asyncio.Event()


@app.agent(app.channel(value_type=str, maxsize=1000))
async def count(stream: Any) -> None:
    """Count each event."""
    async for key in stream:
        if key:
            counts[key] += 1
        else:
            done.set()


async def run(events: int, seed: int) -> dict[str, Any]:
    """Cast so many events, and wait until all are counted."""
    names = [workload.name(key) for key in workload.keys(events, seed)]
    done.clear()
    cpu, started = time.process_time(), time.perf_counter()
    for name in names:
        await count.cast(name)
    await count.cast("")  # behind all of them
    await done.wait()
    return {"events": events, "seconds": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}


async def start() -> None:
    """Start the agent."""
    app.flow_control.resume()  # an app that is started does it
    await count.start()


def main() -> None:
    """Serve commands until standard input ends."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # faust keeps the loop that it was made with
    loop.run_until_complete(start())
    serve(
        {
            "run": lambda **arguments: loop.run_until_complete(run(**arguments)),
            "counts": lambda: {"counts": counts},
        }
    )
    loop.run_until_complete(count.stop())

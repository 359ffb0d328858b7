"""A process that is killed: the runtime, with a function that counts what is posted to it.

python -m tests.runtime.http_counted FOLDER PORT
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from statefun import LONG, AsyncRequestReplyHandler, Context, StatefulFunction, StatefulFunctions, ValueSpec, handles
from statefun.model import PlaygroundIngress
from statefun.runtime import Runtime, Store
from statefun.runtime.ingress.http import HttpSource
from tests.runtime.http_rig import BoundHttp


class Counter(StatefulFunction[int], typename="http-kill/counter"):
    """Adds numbers up, and says the total to whoever asks."""

    total: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_number(self, context: Context, number: int) -> None:
        self.total += number
        if context.caller is not None:
            context.reply(self.total)


async def main(folder: str, port: str) -> None:
    functions = StatefulFunctions()
    functions.register(Counter)
    source = HttpSource(BoundHttp(PlaygroundIngress(port=int(port))))
    functions.ingress(source)
    with Store(Path(folder)) as store:
        runtime = Runtime(
            AsyncRequestReplyHandler(functions), store, states=functions.specs(), ingresses=functions.ingresses
        )
        with runtime:
            run = asyncio.create_task(runtime.run())
            await source.listening.wait()
            print(source.url, flush=True)
            await run


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

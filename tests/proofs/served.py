"""`python -m tests.proofs.served SOCKET SEED`: `statefun serve` on a UNIX socket, killed with SIGKILL at random moments and started again.

It goes on until its standard input is closed, and then prints how often it killed. A fork of this process runs the command, so that no time goes
into starting Python and most kills meet the server at work.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
from typing import NoReturn

# What the command imports when it runs, so that a fork has it.
import uvicorn.lifespan.on
import uvicorn.loops.asyncio
import uvicorn.protocols.http.httptools_impl  # noqa: F401

from statefun import StatefulFunctions
from statefun.cli.serve import command
from tests.runtime.killing import Meter, Sum

functions = StatefulFunctions()
functions.register(Meter)
functions.register(Sum)


def serve(path: str) -> NoReturn:
    """Runs the command in a fork, which ends with it."""
    null = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(null, each)
    try:
        command.main(["tests.proofs.served:functions", "--uds", path], standalone_mode=False)
    finally:
        os._exit(1)


def main() -> None:
    path, seed = sys.argv[1], int(sys.argv[2])
    chance = random.Random(seed)
    kills = 0
    ended = False
    while not ended:
        child = os.fork()
        if not child:
            serve(path)
        ended = bool(select.select([sys.stdin], [], [], chance.uniform(0.05, 0.3))[0])
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(f"statefun serve ended by itself with {os.WEXITSTATUS(status)}")
        kills += not ended
    print(kills)


if __name__ == "__main__":
    main()

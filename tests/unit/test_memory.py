"""No sender can fill the memory: what is remembered of requests is bounded in number and in size."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statefun import Context, StatefulFunction, ValueSpec, handles_other
from statefun.batch import Batch, Invocation, ProtocolVersion, Target, TypedBytes
from statefun.memo import LONGEST_NAME, Memo, MemoBySize
from statefun.protocol.engine import encode_request
from statefun.protocol.values import encode_address, wrap
from statefun.types import ANY
from tests.unit.rig import PROTOCOLS, Engine

ROOT = Path(__file__).resolve().parents[2]


def test_a_made_thing_is_made_once_and_all_are_forgotten_at_the_limit() -> None:
    calls: list[int] = []
    made = Memo(lambda key: calls.append(key) or key, limit=3)
    assert [made[key] for key in (1, 2, 1, 2, 3, 3, 4, 1)] == [1, 2, 1, 2, 3, 3, 4, 1]
    assert calls == [1, 2, 3, 4, 1]
    assert len(made) == 2


def test_a_name_that_is_too_long_for_a_programs_is_not_kept() -> None:
    made = Memo(len)
    assert made["x" * LONGEST_NAME] == LONGEST_NAME
    assert made["x" * (LONGEST_NAME + 1)] == LONGEST_NAME + 1
    assert list(made) == ["x" * LONGEST_NAME]


def test_nor_is_one_as_it_stands_on_the_wire() -> None:
    made = Memo(len)
    assert made[b"x" * LONGEST_NAME] == LONGEST_NAME
    assert made[b"x" * (LONGEST_NAME + 1)] == LONGEST_NAME + 1
    assert list(made) == [b"x" * LONGEST_NAME]


def test_only_small_sizes_are_kept() -> None:
    sizes = MemoBySize(lambda size: size)
    assert [sizes[size] for size in (1, 1023, 1024, 10**9)] == [1, 1023, 1024, 10**9]
    assert list(sizes) == [1, 1023]


class Anything(StatefulFunction, typename="test/f"):
    kept: ValueSpec[Any] = ValueSpec(ANY)

    @handles_other
    def on_other(self, context: Context, message: Any) -> None:
        if context.caller is not None:
            context.reply(message)
        context.send("test/to", "1", message)
        context.send_egress("test/out", message)


def hostile(protocol: ProtocolVersion, count: int) -> Iterator[bytes]:
    """Requests whose type names, callers, ids and states are long and never the same."""
    for number in range(count):
        name = f"{protocol.value}-{number}/" + "x" * 100_000
        yield encode_request(
            Batch(
                protocol,
                Target("test", "f", name),
                {"kept": wrap(TypedBytes(name, b"x"), protocol), name: b""},
                [
                    Invocation(
                        name, b"x" * number, encode_address(Target(protocol.value + str(number) * 50_000, "c", name))
                    )
                ],
            )
        )


@PROTOCOLS
def test_names_that_senders_make_up_are_not_kept(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol).register(Anything)
    for request in hostile(protocol, 3):
        engine.bytes(request)
    gc.collect()
    tracemalloc.start()
    try:
        for request in hostile(protocol, 100):
            engine.bytes(request)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3_000_000, "a hundred requests of 400 kB each"


# 32 MiB of the smallest fields of every kind, in a process that may not take more than its code, the body and a little.
BOMBS = """
import resource, sys
from statefun import RequestReplyHandler, StatefulFunctions, StatefunError

functions = StatefulFunctions()
functions.register("test/f", lambda context, message: None)
handler = RequestReplyHandler(functions)
size = 32 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))

def delimited(tag, payload):
    length, encoded = len(payload), bytearray()
    while length > 0x7F:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    return tag + bytes([*encoded, length]) + payload

for field in (b"\\x1a\\x00", b"\\x12\\x00", b"\\x0a\\x00", b"\\x78\\x00", b"\\x0b\\x0c", b"\\x1a\\x02\\x12\\x00"):
    for body in (delimited(b"\\xa2\\x06", field * (size // len(field))), field * (size // len(field))):
        try:
            handler(body)
        except StatefunError as error:
            print(error.code)
        else:
            print("served")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_32_mib_of_the_smallest_fields_do_not_fill_the_memory() -> None:
    limit = 700 * 1024 * 1024
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    assert hard == resource.RLIM_INFINITY or hard >= limit
    command = [sys.executable, "-c", BOMBS, str(limit)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stderr
    codes = result.stdout.split()
    assert len(codes) == 12
    assert set(codes) <= {"limit-exceeded", "malformed-request", "empty-batch"}

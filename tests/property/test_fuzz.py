"""Whatever bytes arrive, a handler answers or raises one of our errors, and serves the next request as if nothing had been.

The 100,000 inputs of `make fuzz` are those of one test, over all kinds of bytes, see `requests`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated, Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import event, given
from hypothesis import strategies as st

from statefun import (
    LONG,
    Context,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    ValueType,
    handles,
)
from statefun.batch import Batch, Effects, Invocation, ProtocolVersion, Target, TypedBytes
from statefun.errors import StatefunError
from statefun.protocol.engine import decode_response, encode_request
from statefun.protocol.values import encode_address, wrap

pytestmark = pytest.mark.fuzz

RECORDED = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "recorded").glob("*/*.bin"))]


def fail(_data: bytes) -> Any:
    raise LookupError("no such thing")


BROKEN: ValueType[Any] = ValueType("test/broken", encode=lambda _value: b"", decode=fail)


class Greeter(StatefulFunction[StringValue | int]):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    note: ValueSpec[StringValue | None] = ValueSpec(StringValue)

    @handles
    def on_name(self, context: Context, name: StringValue | int) -> None:
        self.count += 1
        self.note = name if isinstance(name, StringValue) else None
        if context.caller is not None and context.caller.id:
            context.reply(name)


class Broken(StatefulFunction[Any]):
    @handles
    def on_broken(self, context: Context, message: Annotated[Any, BROKEN]) -> None: ...


def echo(context: Any, message: Any) -> None:
    context.send_egress("example/out", message)


functions = StatefulFunctions()
functions.register("example/greeter", Greeter)
functions.register("example/broken", Broken)
functions.register("example/echo", echo)
handler = RequestReplyHandler(functions, max_batch_size=1000)

STATES = {
    protocol: {
        "count": wrap(LONG.encode(41, protocol), protocol),
        "note": wrap(TypedBytes("type.googleapis.com/google.protobuf.StringValue", b"\x0a\x01x"), protocol),
    }
    for protocol in ProtocolVersion
}
MESSAGES = [
    Invocation(
        "type.googleapis.com/google.protobuf.StringValue", b"\x0a\x03bob", encode_address(Target("a", "b", "c"))
    ),
    Invocation("type.googleapis.com/google.protobuf.StringValue", b"\x0a\x03eve"),
]
GOOD = {
    protocol: encode_request(Batch(protocol, Target("example", "greeter", "1"), STATES[protocol], MESSAGES))
    for protocol in ProtocolVersion
}
SEEDS = [
    *RECORDED,
    *GOOD.values(),
    *(
        encode_request(Batch(protocol, Target("example", name, "1"), {}, [Invocation(typename, b"x")]))
        for protocol in ProtocolVersion
        for name, typename in (("broken", "test/broken"), ("echo", "any/thing"), ("nobody", "a/b"), ("greeter", "a/b"))
    ),
    encode_request(Batch(ProtocolVersion.V3, Target("example", "echo", "1"), {}, [Invocation("a/b", b"")] * 1001)),
]
STATUSES = {400, 413, 500, 501}


TYPENAMES = (
    "type.googleapis.com/google.protobuf.StringValue",
    "com.googleapis/google.protobuf.StringValue",
    "type.googleapis.com/google.protobuf.Int64Value",
    "io.statefun.types/long",
    "test/broken",
    "any/thing",
)


def is_answer(data: bytes) -> bool:
    """Whether the bytes are a response of a protocol; what was asked may have been of either."""
    for protocol in ProtocolVersion:
        try:
            decode_response(data, protocol)
        except StatefunError:
            continue
        return True
    return False


def mutated(seed: bytes, number: int, times: int) -> bytes:
    """A request with some of its bytes deleted, inserted, flipped, replaced, or with the end of another."""
    # The mutations are drawn by a generator of their own: a hundred thousand shrinkable draws would cost an hour.
    chance = random.Random(number)
    request = bytearray(seed)
    for _ in range(times):
        at = chance.randrange(len(request) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            del request[at : at + chance.randrange(1, 9)]
        elif kind == 1:
            request[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 2 and at < len(request):
            request[at] ^= 1 << chance.randrange(8)
        elif kind == 3 and at < len(request):
            request[at] = chance.choice((0x00, 0x7F, 0x80, 0xFF, 0x0A, 0x12, 0x1A))
        else:
            other = chance.choice(SEEDS)
            request[at:] = other[chance.randrange(len(other)) :]
    return bytes(request)


def truncated(seed: bytes, cut: int) -> bytes:
    """The beginning of a request."""
    return seed[: cut % max(1, len(seed))]


def composed(number: int) -> bytes:
    """A request whose outer form is right, and of which any name, value, state or caller may be odd."""
    chance = random.Random(number)
    protocol = chance.choice(list(ProtocolVersion))

    def odd() -> bytes:
        return chance.choice((b"", b"\x0a\x03bob", b"\x08\x07", chance.randbytes(chance.randrange(1, 12))))

    def state() -> bytes:
        return chance.choice((b"", odd(), wrap(TypedBytes(chance.choice(TYPENAMES), odd()), protocol)))

    def caller() -> bytes:
        return chance.choice((b"", encode_address(Target("a", "b", "c")), odd()))

    states = dict(STATES[protocol]) | {name: state() for name in ("count", "note", "other") if chance.random() < 0.3}
    invocations = [
        Invocation(chance.choice(TYPENAMES), odd(), caller() if chance.random() < 0.3 else b"")
        for _ in range(chance.randrange(1, 4))
    ]
    target = Target("example", chance.choice(("greeter", "greeter", "broken", "echo", "nobody")), chance.choice("1é"))
    return encode_request(Batch(protocol, target, states, invocations))


numbers = st.integers(0, 2**32)
compositions = st.builds(composed, numbers)
mutations = st.builds(mutated, st.sampled_from(SEEDS) | compositions, numbers, st.sampled_from([1, 1, 2, 4, 8]))
kinds = {
    "composed": compositions,
    "any": st.binary(max_size=200),
    "mutated": mutations,
    "truncated": st.builds(truncated, st.sampled_from(SEEDS), st.integers(0, 2**16)),
    "mutated and truncated": st.builds(truncated, mutations, st.integers(0, 2**16)),
}
requests = st.sampled_from(["composed", "mutated", *kinds]).flatmap(kinds.__getitem__)  # these two get furthest


@given(requests)
def test_odd_bytes_are_answered_or_refused_with_a_typed_error_and_the_next_request_is_served(request: bytes) -> None:
    refused: StatefunError | None = None
    answer = b""
    try:
        answer = handler(request)
    except StatefunError as error:
        refused = error
    if refused is None:
        event("answered")
        assert is_answer(answer)
    else:
        event(refused.code)  # how many of each there were: --hypothesis-show-statistics
        assert refused.status in STATUSES
        assert refused.hint
    for protocol, good in GOOD.items():
        effects = decode_response(handler(good), protocol)
        assert isinstance(effects, Effects)
        assert len(effects.messages) == 1
        [count] = [value for name, value in effects.mutations if name == "count"]
        assert count is not None
        assert LONG.decode(count, protocol) == 43


def test_a_request_that_is_cut_anywhere_is_never_served() -> None:
    for protocol, good in GOOD.items():
        for cut in range(len(good)):
            with pytest.raises(StatefunError) as raised:
                handler(good[:cut])
            assert raised.value.status == 400, (protocol, cut)

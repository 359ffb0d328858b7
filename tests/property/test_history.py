"""What a handler remembers of earlier requests makes no difference to any answer: one that has seen none answers the same.

The inputs are bytes of no form, and requests, recorded from the engines and made, that are cut off, changed, put together and
nested in each other. Whatever comes of one is a response that the engine's role reads, or a typed error of the status that its
class documents; and the engine's role, given the same bytes as an answer, refuses them with a typed error or reads them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from statefun import (
    INT,
    LONG,
    STRING,
    Context,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    StatefunError,
    ValueSpec,
    handles,
    handles_other,
    json_type,
)
from statefun.batch import Batch, Effects, Invocation, ProtocolVersion, Target, TypedBytes
from statefun.errors import (
    EmptyBatchError,
    LimitError,
    MalformedRequestError,
    MalformedResponseError,
    MessageDecodeError,
    MissingStateError,
    StateDecodeError,
    StateTypeError,
    TypenameError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.protocol.engine import decode_response, encode_request, read_response
from statefun.protocol.request import decode_request, protocol_of, read_request
from statefun.protocol.values import encode_address, wrap
from statefun.wire import delimited

RECORDED = Path(__file__).resolve().parents[1] / "recorded"
TAGS = json_type("history/tags", list)

# What bytes alone can bring about, and the statuses of it. TypenameError is a caller that no function type of ours could be named as.
ALLOWED: dict[type[StatefunError], int] = {
    MalformedRequestError: 400,
    EmptyBatchError: 400,
    MessageDecodeError: 400,
    LimitError: 413,
    UnknownFunctionError: 501,
    UnhandledMessageError: 501,
    MissingStateError: 500,
    StateDecodeError: 500,
    StateTypeError: 500,
    TypenameError: 500,
}


class Greeter(StatefulFunction[str | Struct]):
    """Touches all that a request can carry."""

    count: ValueSpec[int] = ValueSpec(INT, default=0)
    note: ValueSpec[str | None] = ValueSpec(STRING)

    @handles
    def on_text(self, context: Context, message: str) -> None:
        caller = context.caller
        if caller is not None:
            context.reply(message)
        if self.note is None and self.count < 2**31 - 1:
            self.count += 1
        context.send("test/to", context.address.identity or "none", message)

    @handles
    def on_struct(self, context: Context, message: Struct) -> None:
        context.send_egress("test/out", message)
        del self.note


class Everything(StatefulFunction):
    """Handles others, has states of other types, and nothing that must be there."""

    total: ValueSpec[int | None] = ValueSpec(LONG)
    tags: ValueSpec[list[Any]] = ValueSpec(TAGS, default=[])
    form: ValueSpec[Struct | None] = ValueSpec(Struct)

    @handles
    def on_number(self, context: Context, message: int) -> None:
        self.total = message
        self.tags.append(message)

    @handles_other
    def on_other(self, context: Context, message: any_pb2.Any) -> None:
        context.send("test/to", "1", message)
        self.form = self.form


def untyped(context: Context, message: any_pb2.Any) -> None:
    context.send_egress("test/out", message)


def fresh() -> RequestReplyHandler:
    functions = StatefulFunctions()
    functions.register("example/greeter", Greeter)
    functions.register("example/echo", Everything)
    functions.register("test/f", untyped)
    return RequestReplyHandler(functions, max_batch_size=50)


def made() -> list[bytes]:
    """Requests of both protocols beside the recorded ones: other types, several messages, full and empty states."""
    requests = []
    for protocol in ProtocolVersion:
        text = STRING.encode("text", protocol)
        number = LONG.encode(-5, protocol)
        form = TypedBytes("type.googleapis.com/google.protobuf.Struct", b"\x0a\x05\x0a\x01a\x12\x00")
        caller = encode_address(Target("a", "b", "c"))
        for name, states, messages in [
            ("greeter", {"count": INT.encode(3, protocol), "note": text}, [text, form, text]),
            ("greeter", {"note": None, "count": None}, [form]),
            ("echo", {"total": number, "tags": TAGS.encode([1, {}], protocol), "form": form}, [number, text, number]),
            ("echo", {"total": None, "tags": None, "form": None}, [TypedBytes("x/y", b""), number]),
        ]:
            values = {key: b"" if value is None else wrap(value, protocol) for key, value in states.items()}
            invocations = [Invocation(*message, caller if index % 2 else b"") for index, message in enumerate(messages)]
            requests.append(encode_request(Batch(protocol, Target("example", name, "é"), values, invocations)))
        requests.append(encode_request(Batch(protocol, Target("test", "f", "1"), {}, [Invocation(*number)])))
    return requests


CORPUS = [path.read_bytes() for path in sorted(RECORDED.rglob("*.bin"))] + made()
TAGS_OF_A_REQUEST = [b"\xa2\x06", b"\x0a", b"\x12", b"\x1a", b"\x12", b"\x10\x01", b"\x1a"]


def changed(index: int, program: bytes) -> bytes:
    """A request of the corpus, changed by a program of four bytes for each step: what, where (two bytes), and by what."""
    data = bytearray(CORPUS[index])
    for start in range(0, len(program) - 3, 4):
        what, high, low, value = program[start : start + 4]
        position = (high << 8 | low) % (len(data) + 1)
        step = what % 8
        if step == 0:
            del data[position:]
        elif step == 1:
            data[position : position + 1] = bytes([value])
        elif step == 2 and data:
            data[position % len(data)] ^= 1 << (value & 7)
        elif step == 3:
            data[position:position] = TAGS_OF_A_REQUEST[value % len(TAGS_OF_A_REQUEST)]
        elif step == 4:
            del data[position : position + value % 16]
        elif step == 5:
            data[position:position] = bytes([value])
        elif step == 6:
            other = CORPUS[value % len(CORPUS)]
            data[position:] = other[position % (len(other) + 1) :]
        else:
            data += CORPUS[value % len(CORPUS)]
    return bytes(data)


def nested(depth: int, data: bytes) -> bytes:
    """Bytes of no form where a request, its batch, or a part of that is expected, all lengths right."""
    if depth == 0:
        return data
    if depth == 1:
        return delimited(b"\xa2\x06", data)
    target = delimited(b"\x0a", encode_address(Target("example", ("greeter", "echo")[depth & 1], "1")))
    part = {
        2: lambda: target + data,
        3: lambda: target + delimited(b"\x1a", data),
        4: lambda: target + delimited(b"\x1a", delimited(b"\x12", data)),
        5: lambda: target + delimited(b"\x12", data) + b"\x1a\x02\x12\x00",
        6: lambda: target + delimited(b"\x1a", delimited(b"\x12", b"\x0a\x17io.statefun.types/string\x10\x01" + data)),
        7: lambda: delimited(b"\x0a", data) + b"\x1a\x02\x12\x00",
    }[depth]
    return delimited(b"\xa2\x06", part())


inputs = st.one_of(
    st.builds(changed, st.integers(0, len(CORPUS) - 1), st.binary(min_size=4, max_size=16)),
    st.builds(changed, st.integers(0, len(CORPUS) - 1), st.binary(min_size=4, max_size=4)),
    st.builds(nested, st.integers(0, 7), st.binary(max_size=40)),
)


def outcome(handler: RequestReplyHandler, data: bytes) -> tuple[str, bytes]:
    """What comes of a request: a response, or the class of a typed error."""
    try:
        return "response", handler(data)
    except StatefunError as error:
        refused = error
    assert type(refused) in ALLOWED, f"{type(refused).__name__}: {refused}"
    assert refused.status == ALLOWED[type(refused)]
    assert refused.hint
    return type(refused).__name__, b""


USED = fresh()


def holds_for(data: bytes) -> None:
    """The whole promise, for one input."""
    found = outcome(USED, data)
    # What is remembered of earlier requests makes no difference: a handler that has seen none answers the same.
    assert found == outcome(fresh(), data)
    kind, answer = found
    if kind == "response":
        protocol = protocol_of(read_request(data)[-1])
        if isinstance(
            decode_response(answer, protocol), Effects
        ):  # else it asks for states first, and looks no further
            assert decode_request(data).protocol is protocol
    # The engine's role reads the same bytes as if a function had answered them.
    for protocol in ProtocolVersion:
        for read in (decode_response, read_response):
            with contextlib.suppress(MalformedResponseError):
                read(data, protocol)


@given(inputs)
def test_a_handler_that_has_seen_other_requests_answers_as_one_that_has_not(data: bytes) -> None:
    holds_for(data)


@pytest.mark.parametrize("index", range(len(CORPUS)))
def test_every_request_of_the_corpus_is_served(index: int) -> None:
    holds_for(CORPUS[index])
    if index >= len(CORPUS) - len(made()):
        assert outcome(USED, CORPUS[index])[0] == "response"

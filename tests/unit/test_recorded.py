"""Requests that the real engines sent: read with the right protocol and values, served, and refused when anything is cut off."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2
from google.protobuf.empty_pb2 import Empty

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
)
from statefun.batch import Effects, MissingStates, ProtocolVersion
from statefun.errors import ProtocolError
from statefun.protocol.engine import decode_response, encode_request
from statefun.protocol.request import decode_request
from statefun.protocol.values import decode_address, unwrap
from tests.unit.rig import Answer

RECORDED = Path(__file__).resolve().parents[1] / "recorded"
FOLDERS = {"2.2.2": ProtocolVersion.V2, "3.3.0": ProtocolVersion.V3}
FILES = [
    pytest.param(path, id=f"{folder}/{path.stem}")
    for folder in FOLDERS
    for path in sorted((RECORDED / folder).glob("*.bin"))
]


def body(name: str) -> bytes:
    return (RECORDED / f"{name}.bin").read_bytes()


def registry() -> StatefulFunctions:
    """The two functions of the recorded run, as classes of ours."""
    functions = StatefulFunctions()

    class Greeter22(StatefulFunction[str], typename="example/greeter"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)
        note: ValueSpec[str | None] = ValueSpec(STRING)

        @handles
        def on_text(self, context: Context, message: str) -> None:
            assert context.caller is None
            self.count += 1
            context.send("example/echo", message, f"{self.count} {self.note}")

    class Echo(StatefulFunction, typename="example/echo"):
        @handles
        def on_text(self, context: Context, message: str) -> None:
            context.reply(message)

        @handles
        def on_empty(self, context: Context, message: Empty) -> None:
            context.reply(message)

        @handles_other
        def on_other(self, context: Context, message: any_pb2.Any) -> None:
            context.reply(message)

    functions.register(Greeter22)
    functions.register(Echo)
    return functions


def registry_of_3_x() -> StatefulFunctions:
    """The same, with the state that the recorded 3.x run declared: an INT, and `note` before `count`."""
    functions = registry()

    class Greeter3x(StatefulFunction[str], typename="example/greeter"):
        note: ValueSpec[str | None] = ValueSpec(STRING)
        count: ValueSpec[int] = ValueSpec(INT, default=0)

        @handles
        def on_text(self, context: Context, message: str) -> None:
            self.count += 1
            context.send("example/echo", message, f"{self.count} {self.note}")

    fresh = StatefulFunctions()
    fresh.register(Greeter3x)
    echo = functions.find("example", "echo")
    assert echo is not None
    assert echo.function_class is not None
    fresh.register("example/echo", echo.function_class)
    return fresh


REGISTRIES = {ProtocolVersion.V2: registry, ProtocolVersion.V3: registry_of_3_x}


@pytest.mark.parametrize("path", FILES)
def test_a_recorded_request_is_read_with_its_protocol_and_written_again_as_it_was(path: Path) -> None:
    batch = decode_request(path.read_bytes())
    assert batch.protocol is FOLDERS[path.parent.name]
    assert batch.target[:2] in {("example", "greeter"), ("example", "echo")}
    assert batch.target.id.startswith("k")
    assert batch.invocations
    for each in batch.invocations:
        caller = decode_address(each.caller)
        assert (caller is None) == (batch.target.type == "greeter"), "the ingress has no address, the greeter has one"
        assert caller is None or caller[:2] == ("example", "greeter")
    for name, raw in batch.states.items():
        assert name in {"count", "note"}
        value = unwrap(raw, batch.protocol)
        assert value is None or value.typename.endswith(("/int", "Int64Value", "/string", "StringValue"))
    assert encode_request(batch) == path.read_bytes()


@pytest.mark.parametrize("path", FILES)
def test_a_recorded_request_is_served(path: Path) -> None:
    protocol = FOLDERS[path.parent.name]
    handler = RequestReplyHandler(REGISTRIES[protocol]())
    batch = decode_request(path.read_bytes())
    effects = decode_response(handler(path.read_bytes()), protocol)
    if path.stem == "0001" and protocol is ProtocolVersion.V3:
        assert isinstance(effects, MissingStates), "the engine does not know the states yet"
        assert [each.name for each in effects.states] == ["note", "count"]
        return
    assert isinstance(effects, Effects)
    answer = Answer(effects)
    assert len(answer.messages) == len(batch.invocations)
    if batch.target.type == "echo":
        sent = [(each.typename, each.value) for each in batch.invocations]
        assert [(each.typename, each.value) for each in effects.messages] == sent
        assert not answer.states
    else:
        before = unwrap(batch.states["count"], protocol)
        decode = LONG.v2.decode if protocol is ProtocolVersion.V2 else INT.v3.decode
        count = (0 if before is None else decode(before.value)) + len(batch.invocations)
        assert answer.states == {"count": count}


@pytest.mark.parametrize(
    ("name", "protocol", "states", "message", "count"),
    [
        ("2.2.2/0001", ProtocolVersion.V2, {"count", "note"}, "k005", 1),
        ("3.3.0/0001", ProtocolVersion.V3, set(), "k000", 1),
        ("3.3.0/0002", ProtocolVersion.V3, {"count", "note"}, "k000", 1),
        ("3.3.0/0320", ProtocolVersion.V3, {"count", "note"}, "k007", 3),
        ("3.3.0/0400", ProtocolVersion.V3, {"count", "note"}, "k000", 8),
    ],
)
def test_what_the_page_beside_the_recordings_says_of_one(
    name: str, protocol: ProtocolVersion, states: set[str], message: str, count: int
) -> None:
    batch = decode_request(body(name))
    assert (batch.protocol, set(batch.states), batch.target.id) == (protocol, states, message)
    assert len(batch.invocations) == count
    assert {STRING.encoding(protocol).decode(each.value) for each in batch.invocations} == {message}


def test_an_any_with_a_type_url_alone_is_read_as_2_2() -> None:
    batch = decode_request(body("2.2.2/0204"))
    assert batch.protocol is ProtocolVersion.V2
    assert batch.invocations[0].typename == "type.googleapis.com/google.protobuf.Empty"
    assert batch.invocations[0].value == b""


@pytest.mark.parametrize("path", FILES)
def test_a_recorded_request_that_is_cut_off_anywhere_is_a_typed_error(path: Path) -> None:
    data = path.read_bytes()
    handler: Any = RequestReplyHandler(REGISTRIES[FOLDERS[path.parent.name]]())
    for end in range(len(data)):
        with pytest.raises(ProtocolError) as caught:
            handler(data[:end])
        assert caught.value.status == 400
    assert isinstance(handler(data), bytes)


@pytest.mark.parametrize("path", FILES[:1] + FILES[-1:])
def test_a_recorded_request_with_any_byte_changed_is_served_or_a_typed_error(path: Path) -> None:
    data = bytearray(path.read_bytes())
    handler: Any = RequestReplyHandler(REGISTRIES[FOLDERS[path.parent.name]]())
    for position in range(len(data)):
        original = data[position]
        for value in {0, 1, 0x7F, 0x80, 0xFF, original ^ 1, original ^ 0x10}:
            data[position] = value
            with contextlib.suppress(StatefunError):
                assert isinstance(handler(bytes(data)), bytes)
        data[position] = original

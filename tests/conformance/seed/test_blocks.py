"""Each block of the page, run on both protocols and by both handlers: what it prints, sends, stores and replies."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from statefun.batch import Delayed, Effects, ProtocolVersion
from statefun.errors import AsyncFunctionError, NoCallerError, UndeclaredStateError, UnhandledMessageError
from statefun.expiration import milliseconds
from statefun.protocol.engine import decode_response
from tests.conformance.messages import Admin, Count, Response, User
from tests.conformance.rig import V2, V3, Rig, packed, to, typed, unpacked

NOTHING = Effects([], [], [], [])
SETH = User(user_id="user1", name="Seth")


def block(name: str) -> ModuleType:
    return importlib.import_module(f"tests.conformance.seed.blocks.{name}")


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def rig(request: pytest.FixtureRequest, protocol: ProtocolVersion) -> Callable[..., Rig]:
    def make(name: str, **module: tuple[str, ...]) -> Rig:
        states = {f"example/{function}": names for function, names in module.items()}
        return Rig(block(name).functions, protocol, states, request.param)

    return make


def test_block_1_greets_the_user_that_it_unpacks(rig: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert rig("b01_hello").send("example/hello/user1", SETH, User(name="Ann")) == NOTHING
    assert capsys.readouterr().out == "Hello Seth\nHello Ann\n"


def test_block_2_unpacks_a_single_hint_and_dispatches_on_a_union(rig: Any, capsys: pytest.CaptureFixture[str]) -> None:
    engine = rig("b02_type_hints")
    assert engine.send("example/hello/user1", SETH) == NOTHING
    assert engine.send("example/goodbye/user1", SETH, Admin(name="Ann")) == NOTHING
    assert capsys.readouterr().out == "Hello Seth\nGoodbye user\nGoodbye Admin\n"


def test_block_2_refuses_what_its_hints_do_not_name(rig: Any) -> None:
    with pytest.raises(
        UnhandledMessageError, match=r"example/hello does not handle .*example\.Admin.* handles .*example\.User"
    ):
        rig("b02_type_hints").send("example/hello/user1", Admin(name="Ann"))


@pytest.mark.parametrize("name", ["b03_messaging", "b04_register"])
def test_blocks_3_and_4_send_the_envelope_to_user1(rig: Any, name: str) -> None:
    effects = rig(name).send("example/caller/anyone", SETH)
    assert effects == NOTHING._replace(messages=effects.messages)
    [message] = effects.messages
    assert to(message) == "example/hello/user1"
    assert unpacked(message, User) == SETH


def test_block_5_answers_its_caller_half_an_hour_later(rig: Any) -> None:
    effects = rig("b05_delay").send("example/delay/a", SETH, caller="example/hello/user1")
    assert effects == NOTHING._replace(delayed=effects.delayed)
    [delayed] = effects.delayed
    assert isinstance(delayed, Delayed)
    assert to(delayed) == "example/hello/user1"
    assert delayed.delay == milliseconds(timedelta(minutes=30)) == 1_800_000
    assert delayed.token == ""
    assert unpacked(delayed, Response) == Response(message="hello from the past")


GREETINGS = ["Hello Seth", "Hello again!", "Third time's the charm", "Hello for the 4th time", "Hello for the 5th time"]


def test_block_6_as_the_page_has_it_counts_in_the_state_of_module_yaml_on_2_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for asynchronous in (False, True):
        engine = Rig(block("b06_persistence").functions, V2, {"example/count": ["count"]}, asynchronous)
        check_counts(engine, capsys)


def test_block_6_as_the_page_has_it_is_told_on_3_x_to_declare_its_state() -> None:
    for asynchronous in (False, True):
        engine = Rig(block("b06_persistence").functions, V3, {"example/count": ["count"]}, asynchronous)
        with pytest.raises(UndeclaredStateError, match="example/count declares no state 'count'") as caught:
            engine.send("example/count/user1", SETH)
        assert "specs=[ValueSpec(…, name='count')]" in caught.value.hint


def test_block_6_with_its_state_declared_counts_on_both_protocols(
    rig: Any, protocol: ProtocolVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = rig("b06_persistence_declared", count=("count",))
    check_counts(engine, capsys)
    if protocol is V3:
        [state] = engine.declared["example/count"]
        assert (state.name, state.typename, state.expiration) == (
            "count",
            "type.googleapis.com/google.protobuf.Any",
            None,
        )
        assert engine.resent == 1


def check_counts(engine: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for count in (1, 2):
        effects = engine.send("example/count/user1", SETH)
        assert [mutation.name for mutation in effects.mutations] == ["count"]
        assert effects == NOTHING._replace(mutations=effects.mutations)
        assert stored_count(engine, "example/count/user1") == count
    engine.send("example/count/user1", SETH, SETH, SETH)  # a batch: each sees what the one before it stored
    assert stored_count(engine, "example/count/user1") == 5
    engine.send("example/count/user2", User(name="Ann"))
    assert stored_count(engine, "example/count/user2") == 1
    assert capsys.readouterr().out.splitlines() == [*GREETINGS, "Hello Ann"]


def stored_count(engine: Rig, address: str) -> int:
    """The Count in the Any that is stored: 2.2 stores the Any as it is, 3.x as the value of its type."""
    value = engine.state(address, "count")
    assert value is not None
    if engine.protocol is V3:
        assert value.typename == "type.googleapis.com/google.protobuf.Any"
        value = typed(type(packed(SETH)).FromString(value.value))
    count = unpacked(value, Count)
    return count.value


def test_block_7_clears_the_state(rig: Any, protocol: ProtocolVersion) -> None:
    engine = rig("b07_clear", forget=("count",))
    target = "example/forget/user1"
    assert engine.send(target, SETH) == NOTHING  # nothing is stored, so nothing is deleted
    stored = packed(Count(value=3))
    engine.states[target]["count"] = typed(packed(stored) if protocol is V3 else stored)
    effects = engine.send(target, SETH)
    assert effects == NOTHING._replace(mutations=[("count", None)])
    assert engine.state(target, "count") is None


def test_block_8_makes_a_handler_from_bytes_to_bytes(protocol: ProtocolVersion) -> None:
    engine = Rig(block("b08_handler").functions, protocol, handler=block("b08_handler").handler)
    answer = engine.call(engine.request("example/caller/anyone", SETH))
    assert isinstance(answer, bytes)
    effects = decode_response(answer, protocol)
    assert isinstance(effects, Effects)
    assert [to(message) for message in effects.messages] == ["example/hello/user1"]


def test_block_9_serves_with_flask(protocol: ProtocolVersion) -> None:
    engine = Rig(block("b08_handler").functions, protocol)
    client = block("b09_flask").app.test_client()
    response = client.post("/statefun", data=engine.request("example/caller/anyone", SETH))
    assert response.status_code == 200
    # An engine of the 3.x line refuses a response with a charset.
    assert response.headers["Content-Type"] == "application/octet-stream"
    effects = decode_response(response.data, protocol)
    assert isinstance(effects, Effects)
    assert [to(message) for message in effects.messages] == ["example/hello/user1"]
    assert client.get("/statefun").status_code == 405


def test_block_10_serves_a_coroutine_function_with_aiohttp(protocol: ProtocolVersion) -> None:
    program = importlib.reload(block("b10_asynchronous"))  # an application can be started once
    engine = Rig(program.functions, protocol, asynchronous=True)

    async def exchange() -> bytes:
        async with TestClient(TestServer(program.app)) as client:
            request = engine.request("example/hello/user1", SETH, caller="example/caller/anyone")
            async with client.post("/statefun", data=request) as response:
                assert response.status == 200
                assert response.headers["Content-Type"] == "application/octet-stream"
                return await response.read()

    effects = decode_response(asyncio.run(exchange()), protocol)
    assert isinstance(effects, Effects)
    check_greeting(effects)


def test_block_10_replies_what_it_awaited(protocol: ProtocolVersion) -> None:
    engine = Rig(block("b10_asynchronous").functions, protocol, asynchronous=True)
    check_greeting(engine.send("example/hello/user1", SETH, caller="example/caller/anyone"))
    with pytest.raises(NoCallerError):
        engine.send("example/hello/user1", SETH)


def check_greeting(effects: Effects) -> None:
    assert effects == NOTHING._replace(messages=effects.messages)
    [message] = effects.messages
    assert to(message) == "example/caller/anyone"
    assert unpacked(message, Response) == Response(message="Hello Seth")


def test_block_10_is_refused_by_the_synchronous_handler() -> None:
    with pytest.raises(AsyncFunctionError, match="example/hello is asynchronous"):
        Rig(block("b10_asynchronous").functions, V2)

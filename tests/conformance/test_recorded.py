"""Decorated functions on requests that real engines sent: nothing of ours took part in writing these bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2

from statefun import INT, LONG, STRING, RequestReplyHandler, StatefulFunctions, ValueSpec
from statefun.batch import Effects, MissingStates, ProtocolVersion
from statefun.protocol.engine import decode_response
from tests.conformance.rig import V2, V3, to

RECORDED = Path(__file__).resolve().parents[1] / "recorded"
ENGINES = {"2.2.2": V2, "3.3.0": V3}


def requests(engine: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((RECORDED / engine).glob("*.bin"))]


@pytest.mark.parametrize(("engine", "protocol"), ENGINES.items(), ids=list(ENGINES))
def test_a_decorated_function_reads_what_an_engine_sends_and_answers_it(engine: str, protocol: ProtocolVersion) -> None:
    seen: list[tuple[str, Any, Any, Any]] = []
    functions = StatefulFunctions()
    # What the recorded program stored: a 32-bit count on 3.x, a 64-bit one on 2.2.
    specs = [ValueSpec(LONG if protocol is V2 else INT, name="count"), ValueSpec(STRING, name="note")]

    @functions.bind("example/greeter", specs=specs)
    def greeter(context: Any, message: str) -> None:
        assert context.caller is None  # from the ingress
        assert context.address.identity.startswith("k0")
        seen.append(("greeter", message, context["count"], context["note"]))
        context["count"] = (context["count"] or 0) + 1
        context.send("example/echo", context.address.identity, message)

    @functions.bind("example/echo")
    def echo(context: Any, message: Any) -> None:
        assert context.caller.typename() == "example/greeter"
        assert context.caller.identity == context.address.identity
        seen.append(("echo", message, None, None))
        context.reply(message)

    handler = RequestReplyHandler(functions)
    missing = 0
    for request in requests(engine):
        before = len(seen)
        answer = decode_response(handler(request), protocol)
        if isinstance(answer, MissingStates):
            missing += 1
            assert len(seen) == before
            continue
        assert isinstance(answer, Effects)
        handled = seen[before:]
        kind = handled[0][0]
        targets = {to(message).rpartition("/")[0] for message in answer.messages}
        assert targets == ({"example/echo"} if kind == "greeter" else {"example/greeter"})
        if kind == "greeter":
            assert [mutation.name for mutation in answer.mutations] == ["count"]
        else:  # passed on byte for byte
            sent = [any_pb2.Any(type_url=each.typename, value=each.value) for each in answer.messages]
            assert sent == [message for _, message, _, _ in handled]
    assert missing == (1 if protocol is V3 else 0)
    greeted = [each for each in seen if each[0] == "greeter"]
    assert {type(message) for _, message, _, _ in greeted} == {str}
    assert any(count is not None for _, _, count, _ in greeted)
    assert {note for *_, note in greeted} == {None}  # absent in every request that was kept
    assert len(seen) > len(greeted)

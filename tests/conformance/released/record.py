"""Records what apache-flink-statefun 2.2.2 answers to requests for the functions of `program.py`, in `answers.json`.

It is run by a Python that has that package and not this project:

    python -m venv VENV && VENV/bin/pip install apache-flink-statefun==2.2.2
    VENV/bin/python tests/conformance/released/record.py
"""

import contextlib
import io
import json
import pathlib

from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from program import functions

from statefun import RequestReplyHandler
from statefun.request_reply_pb2 import ToFunction

SETH = StringValue(value="Seth")
SENDER = ("other.space", "sender", "b/c")
ABSENT = {"count": None}
FOUR = {"count": Int32Value(value=4)}

STATELESS = ["untyped", "typed", "union", "bound", "twice-bound", "wrapped", "caller", "sends", "replies", "records"]
STATELESS += ["fails", "unknown-state", "no-id", "no-slash", "sends-one-any-twice", "packs-an-any", "no-delay"]
STATELESS += [
    "formats",
    "address-behind-a-percent-sign",
    "sends-an-empty-struct",
    "short-delay",
    "negative-delay",
    "delay-third",
    "two-slashes",
    "nowhere",
]
STATEFUL = ["counts", "handles", "reads", "changes-what-it-set", "sets-and-deletes", "deletes-and-sets", "none"]
STATEFUL += ["message-as-state", "other-type", "deletes"]


def packed(message, host="type.googleapis.com/"):
    envelope = Any()
    envelope.Pack(message, type_url_prefix=host)
    return envelope


def request(function, *messages, states=None, caller=SENDER):
    to_function = ToFunction()
    batch = to_function.invocation
    batch.target.namespace, batch.target.type, batch.target.id = "test", function, "id"
    for name, value in (states or {}).items():
        state = batch.state.add(state_name=name)
        if value is not None:
            state.state_value = packed(value).SerializeToString()
    for message in messages:
        invocation = batch.invocations.add()
        invocation.argument.CopyFrom(message if isinstance(message, Any) else packed(message))
        if caller is not None:
            invocation.caller.namespace, invocation.caller.type, invocation.caller.id = caller
    return to_function.SerializeToString()


def requests():
    for function in STATELESS:
        yield function, request(function, SETH)
    for function in ("untyped", "typed", "union"):
        yield f"{function}, two messages", request(function, SETH, StringValue())
        yield f"{function}, another type", request(function, Struct())
        yield f"{function}, another host", request(function, packed(SETH, "com.googleapis/"))
    yield "union, its other type", request("union", Int32Value(value=7))
    yield "wrapped, another type", request("wrapped", Struct())
    yield "replies, from an ingress", request("replies", SETH, caller=None)
    yield "caller, from an ingress", request("caller", SETH, caller=None)
    yield "empty-struct", request("empty-struct", Struct())
    for function in STATEFUL:
        if function != "other-type":
            yield f"{function}, absent", request(function, SETH, states=ABSENT)
        yield f"{function}, stored", request(function, SETH, states=FOUR)
        yield f"{function}, two messages", request(function, SETH, Int32Value(value=1), states=FOUR)


def answer(handler, body):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            result = {"answer": handler(body).hex()}
        except Exception as error:  # noqa: BLE001  whatever it raises is what is recorded
            result = {"error": f"{type(error).__name__}: {error}"}
    return {"request": body.hex(), **result, "printed": printed.getvalue()}


if __name__ == "__main__":
    handler = RequestReplyHandler(functions)
    answers = {name: answer(handler, body) for name, body in requests()}
    path = pathlib.Path(__file__).with_name("answers.json")
    path.write_text(json.dumps(answers, indent=1) + "\n")
    print(f"{len(answers)} answers")

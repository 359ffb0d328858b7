"""The generated messages: what is on the wire, and that they live apart from the user's."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError, Message

from statefun.protocol._generated import egress_v2, egress_v3, types_v3, v2, v3

ROOT = Path(__file__).resolve().parents[2]
MODULES = [v2, v3, egress_v2, egress_v3, types_v3]


def test_every_message_is_kept_out_of_the_default_pool() -> None:
    for module in MODULES:
        for name in module.__all__:
            full_name = getattr(module, name).DESCRIPTOR.full_name
            with pytest.raises(KeyError):
                descriptor_pool.Default().FindMessageTypeByName(full_name)


def test_a_users_protos_of_the_same_names_do_not_collide() -> None:
    """The same file names, packages and messages, other fields: both work side by side."""
    for module in MODULES:
        theirs = descriptor_pb2.FileDescriptorProto()
        next(iter(getattr(module, name) for name in module.__all__)).DESCRIPTOR.file.CopyToProto(theirs)
        del theirs.message_type[:], theirs.enum_type[:]
        for name in module.__all__:
            message = theirs.message_type.add(name=name)
            message.field.add(name="user_field", number=77, type="TYPE_STRING", label="LABEL_OPTIONAL")
        pool = descriptor_pool.Default()
        pool.AddSerializedFile(theirs.SerializeToString())
        for name in module.__all__:
            user_class = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{theirs.package}.{name}"))
            assert [field.number for field in user_class.DESCRIPTOR.fields] == [77]
            assert "user_field" not in getattr(module, name).DESCRIPTOR.fields_by_name


# The test above leaves its messages in the process's default pool, so the order in which the two meet is tried in a fresh process.
USER_FIRST = """
from google.protobuf import descriptor_pb2, descriptor_pool
theirs = descriptor_pb2.FileDescriptorProto(name="statefun/protos/statefun_v3.proto", package="io.statefun.sdk.reqreply")
theirs.message_type.add(name="ToFunction")
theirs.message_type.add(name="Address")
descriptor_pool.Default().AddSerializedFile(theirs.SerializeToString())
from statefun.protocol._generated import v3
assert v3.Address.FromString(v3.Address(id="a").SerializeToString()).id == "a"
"""


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_a_users_protos_that_were_there_first_do_not_collide(implementation: str) -> None:
    run_on(implementation, USER_FIRST)


def test_this_file_passes_on_the_pure_python_implementation() -> None:
    if api_implementation.Type() == "python":
        pytest.skip("it does so now")
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout


def run_on(implementation: str, program: str) -> None:
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("contract", [v2, v3])
def test_the_field_numbers_are_the_protocols(contract: Any) -> None:
    def numbers(message: type[Message]) -> dict[str, int]:
        return {field.name: field.number for field in message.DESCRIPTOR.fields}

    third = contract is v3
    to, answer = contract.ToFunction, contract.FromFunction
    assert numbers(contract.Address) == {"namespace": 1, "type": 2, "id": 3}
    assert numbers(to) == {"invocation": 100}
    assert numbers(to.InvocationBatchRequest) == {"target": 1, "state": 2, "invocations": 3}
    assert numbers(to.PersistedValue) == {"state_name": 1, "state_value": 2}
    assert numbers(to.Invocation) == {"caller": 1, "argument": 2}
    assert numbers(answer) == {"invocation_result": 100} | ({"incomplete_invocation_context": 101} if third else {})
    assert numbers(answer.InvocationResponse) == {
        "state_mutations": 1,
        "outgoing_messages": 2,
        "delayed_invocations": 3,
        "outgoing_egresses": 4,
    }
    assert numbers(answer.PersistedValueMutation) == {"mutation_type": 1, "state_name": 2, "state_value": 3}
    assert numbers(answer.Invocation) == {"target": 1, "argument": 2}
    assert numbers(answer.DelayedInvocation) == {"delay_in_ms": 1, "target": 2, "argument": 3} | (
        {"is_cancellation_request": 10, "cancellation_token": 11} if third else {}
    )
    assert numbers(answer.EgressMessage) == {"egress_namespace": 1, "egress_type": 2, "argument": 3}
    assert (answer.PersistedValueMutation.DELETE, answer.PersistedValueMutation.MODIFY) == (0, 1)
    if third:
        assert numbers(answer.IncompleteInvocationContext) == {"missing_values": 1}
        assert numbers(answer.PersistedValueSpec) == {"state_name": 1, "expiration_spec": 2, "type_typename": 3}
        assert numbers(answer.ExpirationSpec) == {"mode": 1, "expire_after_millis": 2}
        assert (answer.ExpirationSpec.NONE, answer.ExpirationSpec.AFTER_WRITE, answer.ExpirationSpec.AFTER_INVOKE) == (
            0,
            1,
            2,
        )
        assert numbers(v3.TypedValue) == {"typename": 1, "has_value": 2, "value": 3}
    else:
        assert numbers(v2.AnyValue) == {"typename": 1, "value": 2}


def test_any_value_is_an_any_on_the_wire() -> None:
    # Not compared as messages: for that the pure-Python implementation looks for the message inside.
    theirs = any_pb2.Any(type_url="type.googleapis.com/a.B", value=b"\x00\xff")
    read = v2.AnyValue.FromString(theirs.SerializeToString())
    assert (read.typename, read.value) == (theirs.type_url, theirs.value)
    assert read.SerializeToString() == theirs.SerializeToString()


def test_presence_of_has_value_tells_a_typed_value_from_an_any() -> None:
    typed = v3.TypedValue.FromString(v3.TypedValue(typename="a/b", has_value=True, value=b"x").SerializeToString())
    assert typed.HasField("has_value")
    absent = v3.TypedValue.FromString(v3.TypedValue(typename="a/b", has_value=False).SerializeToString())
    assert absent.HasField("has_value")
    an_any = v3.TypedValue.FromString(v2.AnyValue(typename="a/b", value=b"x").SerializeToString())
    assert not an_any.HasField("has_value")


def test_a_caller_is_the_bytes_of_an_address() -> None:
    address = v3.Address(namespace="example", type="greeter", id="bob")
    invocation = v3.ToFunction.Invocation(caller=address.SerializeToString())
    assert v3.Address.FromString(v3.ToFunction.Invocation.FromString(invocation.SerializeToString()).caller) == address
    assert not v3.ToFunction.Invocation().HasField("caller")
    assert v3.ToFunction.Invocation.FromString(b"\x0a\x00").HasField("caller")


def test_zero_values_are_no_bytes_and_integers_are_fixed() -> None:
    assert types_v3.IntWrapper(value=-2).SerializeToString() == b"\x0d\xfe\xff\xff\xff"
    assert types_v3.LongWrapper(value=1).SerializeToString() == b"\x09\x01\x00\x00\x00\x00\x00\x00\x00"
    for name in types_v3.__all__:
        assert getattr(types_v3, name)().SerializeToString() == b""


def test_malformed_bytes_do_not_decode() -> None:
    with pytest.raises(DecodeError):
        v3.ToFunction.FromString(b"\xa2\x06\xff")


@pytest.mark.parametrize(("recorded", "contract"), [("2.2.2", v2), ("3.3.0", v3)])
def test_the_contracts_hold_all_that_the_engines_send(recorded: str, contract: Any) -> None:
    """Nothing of a recorded request is an unknown field, and writing it again gives the same bytes."""
    files = sorted((ROOT / "tests" / "recorded" / recorded).glob("*.bin"))
    assert len(files) > 20
    for file in files:
        body = file.read_bytes()
        request = contract.ToFunction.FromString(body)
        assert request.SerializeToString() == body, file.name
        request.DiscardUnknownFields()
        assert request.SerializeToString() == body, file.name
        for raw in request.invocation.invocations:
            part = contract.ToFunction.Invocation.FromString(raw)
            assert part.SerializeToString() == raw, file.name
            part.DiscardUnknownFields()
            assert part.SerializeToString() == raw, file.name
            caller = contract.Address.FromString(part.caller)
            assert caller.SerializeToString() == part.caller, file.name

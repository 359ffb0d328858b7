"""The states of the context reference, `context["name"]` and `context.state("name")`, line by line, on both protocols."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from google.protobuf.empty_pb2 import Empty

from statefun import LONG, ValueSpec
from statefun.batch import Effects, ProtocolVersion
from statefun.errors import MissingStateError, StateTypeError, UndeclaredStateError
from tests.conformance.messages import Count, User
from tests.conformance.reference import ANY_SPEC, SETH, TARGET, rig, stored
from tests.conformance.rig import V2, packed, typed, unpacked

# Each test runs on both protocols, also one that does not ask which it is.
pytestmark = pytest.mark.usefixtures("protocol")


def test_item_access_gets_sets_and_deletes_an_any(protocol: ProtocolVersion) -> None:
    seen: list[Any] = []

    def body(context: Any, message: Any) -> None:
        seen.append(context["count"])
        context["count"] = message
        seen.append(context["count"])
        del context["count"]
        seen.append(context["count"])
        context["count"] = message

    engine = rig(protocol, body, ANY_SPEC)
    effects = engine.send(TARGET, SETH)
    assert seen == [None, packed(SETH), None]
    assert effects.mutations == [("count", stored(protocol, SETH))]
    engine.send(TARGET, User(name="Ann"))
    assert seen[3:] == [packed(SETH), packed(User(name="Ann")), None]


def test_an_any_changed_in_place_is_stored(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        if context["count"] is not None:
            context["count"].Pack(Count(value=2))

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, SETH).mutations == []
    engine.states[TARGET]["count"] = stored(protocol, Count(value=1))
    assert engine.send(TARGET, SETH).mutations == [("count", stored(protocol, Count(value=2)))]


def test_a_state_that_is_only_read_is_not_written(protocol: ProtocolVersion) -> None:
    engine = rig(protocol, lambda context, _message: context["count"], ANY_SPEC)
    engine.send(TARGET, SETH)
    engine.states[TARGET]["count"] = stored(protocol, SETH)
    assert engine.send(TARGET, SETH, SETH) == Effects([], [], [], [])


def test_none_deletes_like_del(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context["count"] = None
        assert context["count"] is None

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, SETH).mutations == []
    engine.states[TARGET]["count"] = stored(protocol, SETH)
    assert engine.send(TARGET, SETH).mutations == [("count", None)]


def test_the_last_of_set_and_del_wins_over_a_batch(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        if message.Is(User.DESCRIPTOR):
            context["count"] = message
        else:
            del context["count"]

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, Empty(), SETH).mutations == [("count", stored(protocol, SETH))]
    assert engine.send(TARGET, SETH, Empty()).mutations == [("count", None)]


def test_state_packs_and_unpacks(protocol: ProtocolVersion) -> None:
    seen: list[Any] = []

    def body(context: Any, _message: Any) -> None:
        counter = context.state("count").unpack(Count)
        seen.append(counter)
        counter = Count(value=1) if counter is None else Count(value=counter.value + 1)
        context.state("count").pack(counter)
        seen.append(context.state("count").unpack(Count))

    engine = rig(protocol, body, ANY_SPEC)
    engine.send(TARGET, SETH)
    assert engine.state(TARGET, "count") == stored(protocol, Count(value=1))
    engine.send(TARGET, SETH)
    assert seen == [None, Count(value=1), Count(value=1), Count(value=2)]


def test_state_has_a_value_that_can_be_set_and_deleted(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        handle = context.state("count")
        handle.value = message
        assert handle.value == message
        del handle.value
        assert handle.value is None
        assert handle.unpack(User) is None
        handle.value = message

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, SETH).mutations == [("count", stored(protocol, SETH))]


def test_state_that_holds_another_message_does_not_unpack(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context.state("count").unpack(Count)

    engine = rig(protocol, body, ANY_SPEC)
    engine.send(TARGET, SETH)
    engine.states[TARGET]["count"] = stored(protocol, SETH)
    with pytest.raises(StateTypeError, match=r"example\.User.*example\.Count"):
        engine.send(TARGET, SETH)


def test_only_a_message_is_packed_into_a_state(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context.state("count").pack(7)

    with pytest.raises(StateTypeError, match="state 'count' is packed from int 7") as caught:
        rig(protocol, body, ValueSpec(LONG, name="count")).send(TARGET, SETH)
    assert "context['count'] =" in caught.value.hint


def test_a_declared_long_reads_and_writes_as_an_int(protocol: ProtocolVersion) -> None:
    seen = []

    def body(context: Any, _message: Any) -> None:
        seen.append(context["count"])
        context["count"] = (context["count"] or 0) + 1

    engine = rig(protocol, body, ValueSpec(LONG, name="count"))
    engine.send(TARGET, SETH, SETH)
    engine.send(TARGET, SETH)
    assert seen == [None, 1, 2]
    value = engine.state(TARGET, "count")
    assert value is not None
    if protocol is V2:
        assert unpacked(value, wrappers_pb2.Int64Value) == wrappers_pb2.Int64Value(value=3)
    else:
        assert value == ("io.statefun.types/long", b"\x09" + (3).to_bytes(8, "little"))
        [declared] = engine.declared["example/function"]
        assert (declared.name, declared.typename) == ("count", "io.statefun.types/long")


def test_a_declared_message_takes_the_message_and_the_any_that_holds_it(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context["count"] = packed(Count(value=1))
        assert context["count"] == Count(value=1)
        context["count"].value += 1
        assert context.state("count").unpack(Count) == Count(value=2)
        context.state("count").pack(Count(value=3))
        with pytest.raises(StateTypeError):
            context["count"] = packed(SETH)
        with pytest.raises(StateTypeError):
            context["count"] = SETH

    engine = rig(protocol, body, ValueSpec(Count, name="count"))
    assert engine.send(TARGET, SETH).mutations == [("count", typed(Count(value=3)))]


def test_a_message_that_is_not_packed_is_no_any_and_the_error_says_what_to_do(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context["count"] = SETH

    with pytest.raises(StateTypeError) as caught:
        rig(protocol, body, ANY_SPEC).send(TARGET, SETH)
    assert "packed into an Any" in caught.value.hint


def test_a_default_reads_where_nothing_is_stored(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        assert context["count"] == 10
        del context["count"]
        assert context["count"] == 10

    assert rig(protocol, body, ValueSpec(LONG, default=10, name="count")).send(TARGET, SETH).mutations == []


def test_an_undeclared_state_needs_module_yaml_on_2_2_and_specs_on_3_x(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        context["count"] = message

    engine = rig(protocol, body)
    if protocol is V2:
        assert engine.send(TARGET, SETH).mutations == [("count", typed(SETH))]
    else:
        with pytest.raises(UndeclaredStateError) as caught:
            engine.send(TARGET, SETH)
        assert "specs=" in caught.value.hint


@pytest.mark.parametrize("use", ["get", "set", "del", "state"])
def test_a_name_that_nobody_lists_is_refused_however_it_is_used(protocol: ProtocolVersion, use: str) -> None:
    def body(context: Any, message: Any) -> None:
        if use == "get":
            context["unknown"]
        elif use == "set":
            context["unknown"] = message
        elif use == "del":
            del context["unknown"]
        else:
            context.state("unknown").unpack(User)

    with pytest.raises(MissingStateError if protocol is V2 else UndeclaredStateError, match="'unknown'"):
        rig(protocol, body).send(TARGET, SETH)


def test_on_2_2_an_undeclared_state_and_a_declared_one_of_the_same_bytes_agree() -> None:
    untyped = rig(V2, lambda context, message: context.__setitem__("count", packed(Count(value=4))))
    untyped.send(TARGET, SETH)
    seen = []
    declared = rig(V2, lambda context, message: seen.append(context["count"]), ValueSpec(Count, name="count"))
    declared.states = untyped.states
    declared.send(TARGET, SETH)
    assert seen == [Count(value=4)]


def test_an_error_of_a_state_names_the_state_and_the_function_type(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        with pytest.raises(StateTypeError, match="state 'count' of example/function is declared as"):
            context["count"] = "text"

    rig(protocol, body, ValueSpec(LONG, name="count")).send(TARGET, SETH)

"""What is given to the public classes and functions is of the type that its parameter takes, or is refused by its name.

What is given for each message has checks of its own where it is sent, and is no part of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

import statefun
from statefun import (
    LONG,
    Address,
    AsyncRequestReplyHandler,
    Context,
    Egress,
    Expiration,
    FileIngress,
    FunctionType,
    KafkaRecord,
    KinesisRecord,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    ValueType,
    after_call,
    after_write,
    handles,
    handles_other,
    json_type,
    kafka_egress_record,
    kinesis_egress_record,
)
from statefun.errors import BindingError, DefinitionError, HandlerSignatureError, StatefunError, TypenameError
from statefun.expiration import ExpirationMode
from statefun.model import HttpEndpoint, Module, ModuleVersion, PlaygroundIngress, StdoutEgress
from statefun.module.check import check
from statefun.module.generate import generate
from statefun.module.load import load
from statefun.module.render import render
from statefun.observing import Observers
from statefun.webhooks import sign, verify
from tests.wrongtypes import Wrong, refused, takes_all, wrong


def bind(typename: str, *, specs: list[ValueSpec[Any]]) -> object:
    """`StatefulFunctions.bind`, on a registry that has nothing."""
    return StatefulFunctions().bind(typename, specs=specs)


def register(typename: str, *, specs: list[ValueSpec[Any]]) -> None:
    """`StatefulFunctions.register` of a plain function."""
    StatefulFunctions().register(typename, lambda _context, _message: None, specs=specs)


def register_class(typename: str, *, factory: Callable[[], Any] | None) -> None:
    """`StatefulFunctions.register` of a class."""

    class Nothing(StatefulFunction[int]):
        @handles
        def on_number(self, context: Context, number: int) -> None: ...

    StatefulFunctions().register(typename, Nothing, factory=factory)


def ingress(ingress: PlaygroundIngress) -> None:
    """`StatefulFunctions.ingress`."""
    StatefulFunctions().ingress(ingress)


def egress(egress: StdoutEgress) -> None:
    """`StatefulFunctions.egress`."""
    StatefulFunctions().egress(egress)


FUNCTIONS = StatefulFunctions()
MODULE = Module(endpoints=[HttpEndpoint(functions="a/b", url="http://x/")])
SIGNED = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,x"}

RIGHT: dict[Any, dict[str, Any]] = {
    Address.parse: {"value": "a/b/c"},
    AsyncRequestReplyHandler: {"functions": FUNCTIONS},
    Egress: {"typename": "a/b"},
    Expiration: {"mode": ExpirationMode.AFTER_CALL, "duration": timedelta(1)},
    FunctionType: {"typename": "a/b"},
    FunctionType("a/b").at: {"identity": "c"},
    KafkaRecord: {"topic": "t", "value": "v"},
    KinesisRecord: {"stream": "s", "partition_key": "k", "value": "v"},
    Module().endpoint: {"typename": "a/b"},
    Module().with_version: {"version": ModuleVersion.V3_0},
    Observers: {},
    RequestReplyHandler: {"functions": FUNCTIONS},
    ValueSpec: {"type": LONG},
    ValueType: {"typename": "a/b", "encode": str.encode, "decode": bytes.decode},
    after_call: {"duration": timedelta(1)},
    after_write: {"duration": timedelta(1)},
    bind: {"typename": "a/b", "specs": []},
    check: {"module": MODULE, "functions": FUNCTIONS},
    egress: {"egress": StdoutEgress(id="a/b")},
    generate: {"functions": FUNCTIONS},
    ingress: {"ingress": PlaygroundIngress(port=1)},
    json_type: {"typename": "a/b"},
    kafka_egress_record: {"topic": "t", "value": "v"},
    kinesis_egress_record: {"stream": "s", "partition_key": "k", "value": "v"},
    load: {"text": "kind: io.statefun.playground.v1/ingress\nspec:\n  port: 8090\n"},
    register: {"typename": "a/b", "specs": []},
    register_class: {"typename": "a/b", "factory": None},
    render: {"module": MODULE},
    sign: {"body": b"", "id": "i", "timestamp": 1, "secrets": "s"},
    verify: {"body": b"", "headers": SIGNED, "secrets": "s", "now": 1.0},
}
"""Each class and function, and arguments that it takes."""

ELSEWHERE = {
    "Address": "made for each message, and looked at where it is sent to",
    "Context": "made by the handler",
    "FileEgress": "a class of the model",
    "FileIngress": "a class of the model",
    "StatefulFunction": "what its class statement is given is below",
    "StatefulFunctions": "takes nothing; its methods are looked at",
    "handles": "takes whatever can be marked",
    "handles_other": "takes whatever can be marked",
}

ANYTHING = {
    ("Egress", "hint"),  # an annotation
    ("FunctionType", "hint"),
    *((name, "value") for name in ("KafkaRecord", "KinesisRecord", "kafka_egress_record", "kinesis_egress_record")),
    ("KafkaRecord", "type"),  # looked at when the value is encoded
    ("KinesisRecord", "type"),
    ("ValueSpec", "default"),  # of the type
    ("ValueSpec", "type"),
}
"""What may be of any type, as far as the annotation tells."""

WHEN_SENT = {("kafka_egress_record", "type"), ("kinesis_egress_record", "type")}
"""What is looked at for each message, when its value is encoded."""


def test_every_public_class_and_function_is_looked_at() -> None:
    names = {
        name
        for name in statefun.__all__
        if callable(found := getattr(statefun, name))
        and not (isinstance(found, type) and issubclass(found, StatefunError))
    }
    assert names == {*(name for name in names if getattr(statefun, name) in RIGHT), *ELSEWHERE}


def test_what_may_be_of_any_type_is_known() -> None:
    assert {(make.__name__, name) for make in RIGHT for name in takes_all(make)} == ANYTHING


def test_what_is_right_is_taken() -> None:
    for make, arguments in RIGHT.items():
        make(**arguments)


@pytest.mark.parametrize("case", wrong(RIGHT))
def test_a_value_of_a_wrong_type_is_refused_by_the_name_of_its_parameter(case: Wrong) -> None:
    if (case.make.__name__, case.name) not in WHEN_SENT:
        refused(case)


@pytest.mark.parametrize("made", [None, 5, b"x", ["a/b"], object(), True])
def test_the_typename_of_a_class_is_a_text(made: Any) -> None:
    if made is None:  # it is given at registration then
        return
    with pytest.raises(TypenameError):

        class Wrong(StatefulFunction[int], typename=made): ...


@pytest.mark.parametrize("mark", [handles, handles_other])
@pytest.mark.parametrize("marked", [None, 5, "on_number", property(lambda _self: None), str])
def test_what_cannot_be_marked_as_a_handler_is_refused(mark: Any, marked: Any) -> None:
    with pytest.raises(HandlerSignatureError, match="marked as a handler"):
        mark(marked)


@frozen
class Own:
    id: Any

    async def run(self, inlet: Any) -> None: ...

    async def deliver(self, records: Any) -> None: ...


class Named:
    """What reads as a name and is none."""

    def __str__(self) -> str:
        return "a/b"


class Ticker:
    id = "a/b"

    async def run(self, inlet: Any) -> None: ...


def test_a_source_is_an_object_and_its_id_a_text() -> None:
    functions: Any = StatefulFunctions()
    with pytest.raises(TypenameError, match="id of Own"):
        functions.ingress(Own(Named()))
    with pytest.raises(TypenameError, match="id of Own"):
        functions.egress(Own(Named()))
    with pytest.raises(DefinitionError, match="is not an ingress"):
        functions.ingress(Ticker)


def test_a_class_that_is_no_function_is_no_target() -> None:
    functions = StatefulFunctions()
    with pytest.raises(BindingError, match="<class 'int'> is no function"):
        functions.ingress(FileIngress(id="a/b", path="a.csv", message=dict, key="k", targets=[int]))


def test_specs_may_come_one_by_one() -> None:
    def made() -> Iterator[ValueSpec[Any]]:
        yield ValueSpec(LONG, name="count")

    functions = StatefulFunctions()
    decorate = functions.bind("a/b", specs=made())
    decorate(lambda _context, _message: None)
    assert [each.name for each in functions.specs()["a/b"]] == ["count"]


def test_the_class_of_an_observer_is_none() -> None:
    class Observing:
        def batch_started(self, batch: Any) -> Any: ...

    observer: Any = Observing
    with pytest.raises(DefinitionError, match="observer"):
        RequestReplyHandler(StatefulFunctions(), observer=observer)
    RequestReplyHandler(StatefulFunctions(), observer=observer())


def test_headers_with_names_in_bytes_are_told_and_not_taken_for_unsigned() -> None:
    headers: Any = {name.encode(): value.encode() for name, value in SIGNED.items()}
    with pytest.raises(DefinitionError, match="headers"):
        verify(b"", headers, "s", now=1)
    more: Any = {**SIGNED, "x-count": 5}
    assert not verify(b"", more, "s", now=1)
    of_asgi: Any = [("authorization", "Bearer hidden")]
    with pytest.raises(BindingError) as told:
        verify(b"", of_asgi, "s", now=1)
    assert "hidden" not in str(told.value)


def test_a_time_that_is_none_signs_nothing() -> None:
    with pytest.raises(DefinitionError, match="now=nan"):
        verify(b"", SIGNED, "s", now=float("nan"))
    with pytest.raises(DefinitionError, match="tolerance=nan"):
        verify(b"", SIGNED, "s", now=1, tolerance=float("nan"))


def test_an_item_of_a_list_is_named_by_its_place() -> None:
    topics: Any = [statefun.model.Route(name="t", value_type="a/b", targets=["a/b"]), 5]
    with pytest.raises(DefinitionError, match=r"KafkaIngress 'a/b' has topics\[1\]=5"):
        statefun.model.KafkaIngress(id="a/b", address="k", topics=topics)

"""What an ingress brings to a function that is registered too must be what the function handles, whichever is registered first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from statefun import (
    INT,
    LONG,
    STRING,
    Context,
    FileIngress,
    FunctionType,
    StatefulFunction,
    StatefulFunctions,
    handles,
    handles_other,
)
from statefun.errors import BindingError
from statefun.model import KafkaIngress, KinesisIngress, Route, ScheduleIngress, StdinIngress, Stream, Topic
from tests.unit.registration.registering import refuse

Made: TypeAlias = Callable[[Any, list[Any]], Any]
MINUTE = timedelta(minutes=1)


class Text(StatefulFunction[str], typename="test/text"):
    @handles
    def on_text(self, context: Context, message: str) -> None: ...


class Whatever(StatefulFunction[str], typename="test/whatever"):
    @handles
    def on_text(self, context: Context, message: str) -> None: ...

    @handles_other
    def on_other(self, context: Context, message: any_pb2.Any) -> None: ...


class Time(StatefulFunction[Timestamp], typename="test/time"):
    @handles
    def on_time(self, context: Context, message: Timestamp) -> None: ...


def _long(_row: Any) -> int:
    return 1


def topic(message: Any, targets: list[Any]) -> Any:
    return KafkaIngress(id="test/in", address="kafka:9092", topic="t", message=message, targets=targets)


def topics(message: Any, targets: list[Any]) -> Any:
    return KafkaIngress(
        id="test/in",
        address="kafka:9092",
        topics=[Topic("fits", message=STRING, targets=["test/text"]), Topic("t", message=message, targets=targets)],
    )


def stream(message: Any, targets: list[Any]) -> Any:
    return KinesisIngress(id="test/in", stream="t", message=message, targets=targets)


def streams(message: Any, targets: list[Any]) -> Any:
    return KinesisIngress(id="test/in", streams=[Stream("t", message=message, targets=targets)])


def route(message: Any, targets: list[Any]) -> Any:
    names = ["test/text" if target is Text else target for target in targets]
    return KafkaIngress(
        id="test/in", address="kafka:9092", topics=[Route(name="t", value_type=message.typename, targets=names)]
    )


def file(message: Any, targets: list[Any]) -> Any:
    return FileIngress(id="test/in", path="in.csv", message=message, key="id", targets=targets, convert=_long)


def stdin(message: Any, targets: list[Any]) -> Any:
    return StdinIngress(id="test/in", message=message, key="id", targets=targets, format="jsonl", convert=_long)


def schedule(message: Any, targets: list[Any]) -> Any:
    value = {LONG: 1, STRING: "text"}[message]
    return ScheduleIngress(id="test/in", every=MINUTE, targets=targets, key="all", message=value, type=message)


def late_schedule(message: Any, targets: list[Any]) -> Any:
    return ScheduleIngress(id="test/in", every=MINUTE, targets=targets, key="all", message=lambda _due: 1, type=message)


ROUTES = [topic, topics, stream, streams, route]
INGRESSES = [*ROUTES, file, stdin, schedule, late_schedule]


@pytest.mark.parametrize("target", [Text, "test/text"])
@pytest.mark.parametrize("made", INGRESSES)
def test_a_message_that_its_target_does_not_handle_is_refused_with_the_ingress(
    functions: StatefulFunctions, made: Made, target: Any
) -> None:
    functions.register(Text)
    ingress = made(LONG, [target])
    parts = ["test/in", type(ingress).__name__, LONG.typename, "test/text", f"handles {STRING.typename}"]
    refuse(BindingError, lambda: functions.ingress(ingress), *parts, *(["from 't'"] if made in ROUTES else []))
    assert functions.ingresses == ()
    functions.ingress(made(STRING, [target]))


@pytest.mark.parametrize("made", INGRESSES)
def test_and_with_the_function_when_that_comes_second(functions: StatefulFunctions, made: Made) -> None:
    functions.ingress(made(LONG, ["test/text"]))
    refuse(BindingError, lambda: functions.register(Text), "test/in", LONG.typename, "test/text", STRING.typename)
    assert functions.registered == ()


def test_a_decorated_function_is_held_against_its_ingresses_too(functions: StatefulFunctions) -> None:
    def hello(context: Context, message: str) -> None: ...

    functions.ingress(topic(LONG, [FunctionType("test/hello")]))
    refuse(BindingError, lambda: functions.bind("test/hello")(hello), "test/in", LONG.typename, STRING.typename)
    functions.bind("test/other")(hello)


def test_the_type_of_a_scheduled_value_is_told_by_the_value(functions: StatefulFunctions) -> None:
    functions.register(Text)
    wrong = ScheduleIngress(id="test/in", every=MINUTE, targets=[Text], key="all", message=Timestamp())
    refuse(BindingError, lambda: functions.ingress(wrong), "test/in", "google.protobuf.Timestamp", "test/text")
    functions.ingress(ScheduleIngress(id="test/in", every=MINUTE, targets=[Text], key="all", message="text"))


def test_a_message_of_delimited_protobuf_is_known_by_its_class(functions: StatefulFunctions) -> None:
    functions.register(Time)

    def read(message: Any) -> FileIngress:
        return FileIngress(
            id="test/in", path="in.bin", message=message, key=lambda _: "a", targets=[Time], format="protobuf"
        )

    refuse(BindingError, lambda: functions.ingress(read(Duration)), "google.protobuf.Duration", "test/time")
    functions.ingress(read(Timestamp))


def test_a_target_without_handlers_for_it_among_others_is_the_one_that_is_named(functions: StatefulFunctions) -> None:
    functions.register(Text)
    functions.register(Time)
    refuse(BindingError, lambda: functions.ingress(topic(str, [Text, Time])), "to test/time, which handles")


@pytest.mark.parametrize("made", INGRESSES)
def test_what_takes_every_message_takes_this_one(functions: StatefulFunctions, made: Made) -> None:
    def plain(context: Context, message: Any) -> None: ...

    functions.register(Whatever)
    functions.register("test/plain", plain)
    functions.ingress(made(LONG, ["test/whatever", "test/plain"]))
    assert len(functions.ingresses) == 1


@pytest.mark.parametrize("made", INGRESSES)
def test_a_function_that_is_not_registered_may_be_one_of_another_server(
    functions: StatefulFunctions, made: Made
) -> None:
    functions.register(Text)
    functions.ingress(made(LONG, ["elsewhere/function"]))
    assert len(functions.ingresses) == 1


def test_what_one_protocol_takes_is_not_refused_before_the_protocol_is_known(functions: StatefulFunctions) -> None:
    """A `str` is a StringValue to an engine of 2.2, and has a name of its own to one of 3.x."""
    functions.register(Text)
    functions.ingress(topic(StringValue, [Text]))
    assert len(functions.ingresses) == 1


def test_a_scheduled_message_whose_type_nobody_says_is_not_judged(functions: StatefulFunctions) -> None:
    functions.register(Text)
    functions.ingress(
        ScheduleIngress(id="test/in", every=MINUTE, targets=[Text], key="all", message=lambda _due: "text")
    )
    assert len(functions.ingresses) == 1


def test_numbers_have_names_of_their_own(functions: StatefulFunctions) -> None:
    def count(context: Context, message: int) -> None: ...

    functions.register("test/count", count)
    refuse(BindingError, lambda: functions.ingress(topic(INT, ["test/count"])), INT.typename, LONG.typename)

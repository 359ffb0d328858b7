"""Addresses and egresses are typed by the messages they take; sends are checked against them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, assert_type

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    INT,
    STRING,
    Address,
    Context,
    Egress,
    FileEgress,
    FileIngress,
    FunctionType,
    KafkaRecord,
    KinesisRecord,
    StatefulFunction,
    handles,
    json_type,
    kafka_egress_record,
)
from statefun.model import KafkaEgress, KafkaIngress, KinesisEgress, KinesisIngress, Route, Stream, Topic

TOPICS = KafkaEgress(id="typing-addresses/topics", address="kafka:9092")
STREAMS = KinesisEgress(id="typing-addresses/streams")
GREETINGS = Egress[KafkaRecord]("typing-addresses/greetings")
TIMES = Egress[Timestamp]("typing-addresses/times")
STREAM = Egress[KinesisRecord]("typing-addresses/stream")
ELSEWHERE = FunctionType[int | str]("typing-addresses/elsewhere")
SOON = timedelta(seconds=5)


class Clock(StatefulFunction[Timestamp | Duration], typename="typing-addresses/clock"):
    @handles
    def on_time(self, context: Context, message: Timestamp | Duration) -> None:
        context.send(Clock.at("a"), message)
        context.send(Clock.at("a"), Timestamp())
        context.send_after(SOON, Clock.at("a"), Duration(), cancellation_token="again")
        context.send("typing-addresses/clock", "a", Timestamp())
        context.send_after(SOON, "typing-addresses/clock", "a", Timestamp(), cancellation_token="again")
        context.send(ELSEWHERE.at("a"), 1)
        context.send(ELSEWHERE.at("a"), "text")
        context.cancel("again")


class Untyped(StatefulFunction, typename="typing-addresses/untyped"):
    @handles
    def on_time(self, context: Context, message: Timestamp) -> None:
        context.send(Untyped.at("a"), 1)
        context.send(Untyped.at("a"), Timestamp())
        context.send(FunctionType("typing-addresses/any").at("a"), object())


assert_type(Clock.at("a"), Address[Timestamp | Duration])
assert_type(Untyped.at("a"), Address[Any])
assert_type(ELSEWHERE.at("a"), Address[int | str])
assert_type(ELSEWHERE, FunctionType[int | str])
assert_type(FunctionType("typing-addresses/any").at("a"), Address[Any])
assert_type(Address.parse("typing-addresses/clock/a"), Address[Any])
assert_type(Clock.at("a").identity, str)
assert_type(Clock.at("a").typename(), str)

# Whoever takes more takes less: an address is contravariant in its messages.
narrowed: Address[Timestamp] = Clock.at("a")
narrower: Egress[Timestamp] = Egress[Message]("typing-addresses/anything")
one: FunctionType[int] = ELSEWHERE


def numbers(context: Context, yes: Address[bool], whole: Address[int], real: Address[float]) -> None:
    """A bool is an int and an int is a float, as the language has it."""
    context.send(yes, True)
    context.send(whole, True)
    context.send(whole, 1)
    context.send(whole, 1, type=INT)
    context.send(real, True)
    context.send(real, 1)
    context.send(real, 1.5)
    context.send_after(SOON, real, 1)


def callers(context: Context) -> None:
    assert_type(context.address, Address[Any])
    assert_type(context.caller, Address[Any] | None)
    caller = context.caller
    if caller is not None:
        assert_type(caller, Address[Any])
        context.send(caller, "whatever")
    # A caller may be anyone, so a reply may be anything.
    context.reply(1)
    context.reply("text")
    context.reply(Timestamp())
    context.reply({"a": 1}, type=json_type("typing-addresses/json"))
    context.reply_after(SOON, Timestamp(), cancellation_token="later")


def egresses(context: Context) -> None:
    context.send_egress(GREETINGS, KafkaRecord(topic="greetings", key="bob", value="Hello bob"))
    context.send_egress(GREETINGS, KafkaRecord(topic="greetings", value=Timestamp()))
    context.send_egress(STREAM, KinesisRecord(stream="s", partition_key="p", value=b""))
    context.send_egress(TOPICS, KafkaRecord(topic="greetings", value=b""))
    context.send_egress(STREAMS, KinesisRecord(stream="s", partition_key="p", value=b""))
    context.send_egress(TIMES, Timestamp())
    context.send_egress("typing-addresses/times", Timestamp())
    context.send_egress(Egress("typing-addresses/any"), 1)
    context.pack_and_send_egress("typing-addresses/times", kafka_egress_record(topic="t", value=Timestamp()))


def untyped_names(context: Context) -> None:
    """The names of the 2.2 SDK."""
    context.pack_and_send("typing-addresses/clock", "a", Timestamp())
    context.pack_and_send_after(SOON, "typing-addresses/clock", "a", Timestamp())
    context.pack_and_send_after("typing-addresses/clock", "a", SOON, Timestamp())
    context.pack_and_reply(Timestamp())
    context["count"] = 1
    del context["count"]


def ids(row: Any) -> str:
    return str(row["id"])


ingress = FileIngress(
    id="typing-addresses/rows", path="rows.csv", message=Timestamp, key="id", targets=[Clock, ELSEWHERE, "other/name"]
)
assert_type(ingress.targets, tuple[Any, ...])
FileIngress(id="typing-addresses/rows", path="rows.csv", message=Timestamp, key=ids, targets=(Clock,))
FileEgress(id=TIMES, path="times.jsonl")
FileEgress(id="typing-addresses/times", path="times.jsonl")

routes: list[Topic] = [
    Topic("times", message=Timestamp, targets=[Clock]),
    Topic("texts", message=STRING, targets=["a/b"]),
]
kafka = KafkaIngress(id="typing-addresses/topics", address="kafka:9092", topics=routes)
assert_type(kafka.topics, tuple[Route | Topic, ...])
KafkaIngress(
    id="typing-addresses/topics", address="kafka:9092", topics=[Topic("times", message=Timestamp, targets=[Clock])]
)
KafkaIngress(
    id="typing-addresses/topics",
    address="kafka:9092",
    topics=(Topic("times", message=Timestamp, targets=[Clock]), Route(name="t", value_type="a/b", targets=["a/b"])),
)
KafkaIngress(
    id="typing-addresses/topics", address="kafka:9092", topic="times", message=Timestamp, targets=[Clock, "a/b"]
)
kinesis = KinesisIngress(id="typing-addresses/in", streams=[Stream("times", message=Timestamp, targets=[Clock])])
assert_type(kinesis.streams, tuple[Route | Stream, ...])
KinesisIngress(id="typing-addresses/in", stream="times", message=Timestamp, targets=[Clock])

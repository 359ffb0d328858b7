"""The functions of the engine tests, one program for every engine: classes and plain functions, coroutines and not.

Everything that it emits is a JSON object with the key of the account that it is about, in the topic that the environment names.
"""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from typing import Any, Final

from attrs import frozen
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from statefun import (
    LONG,
    STRING,
    Context,
    Egress,
    FunctionType,
    KafkaRecord,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
    handles,
    json_type,
)

RESULTS: Final = Egress[KafkaRecord]("engines/results")
TOPIC: Final = os.environ.get("ENGINE_TESTS_RESULTS", "results")
LIFE: Final = timedelta(seconds=3)
"""How long what expires lives."""


@frozen
class Command:
    """What an account is asked to do."""

    do: str
    text: str = ""
    number: int = 0


@frozen
class Told:
    """What comes back to an account, later or from another function."""

    text: str
    sent: int
    """Nanoseconds since 1970."""


COMMAND: Final = json_type("engines/command", Command)
TOLD: Final = json_type("engines/told", Told)
LEDGER: Final = FunctionType[Int64Value | StringValue]("engines/ledger")


def emit(context: Context, key: str | None, **what: Any) -> None:
    """Sends a record with its key, or without one."""
    context.send_egress(RESULTS, KafkaRecord(topic=TOPIC, key=key, value=json.dumps(what)))


class Account(StatefulFunction[Int64Value | Command | Told], typename="engines/account"):
    """Adds up deposits, and does what it is told. Its handlers are plain methods."""

    seen: ValueSpec[int] = ValueSpec(LONG, default=0)
    total: ValueSpec[int] = ValueSpec(LONG, default=0)
    note: ValueSpec[str | None] = ValueSpec(STRING)
    written: ValueSpec[str | None] = ValueSpec(STRING, expire=after_write(LIFE))
    called: ValueSpec[str | None] = ValueSpec(STRING, expire=after_call(LIFE))

    @handles
    def on_deposit(self, context: Context, deposit: Int64Value) -> None:
        self.seen += 1
        self.total += deposit.value
        emit(context, context.address.id, what="deposit", seen=self.seen, total=self.total)
        context.send(LEDGER.at("all"), deposit)

    @handles
    def on_told(self, context: Context, told: Told) -> None:
        caller = context.caller
        took = (time.time_ns() - told.sent) // 1_000_000
        sender = None if caller is None else str(caller)
        emit(context, context.address.id, what="told", text=told.text, sender=sender, milliseconds=took)

    @handles
    def on_command(self, context: Context, command: Command) -> None:
        id = context.address.id
        told = Told(command.text, time.time_ns())
        delay = timedelta(milliseconds=command.number)
        match command.do:
            case "ask":
                context.send(Echo.at(id), told)
            case "later":
                context.send_after(delay, Account.at(id), told)
            case "arm":
                context.send_after(delay, Account.at(id), told, cancellation_token=command.text)
            case "cancel":
                context.cancel(command.text)
            case "write":
                self.note = self.written = self.called = command.text
            case "delete":
                del self.note
            case "read":
                emit(context, id, what="read", note=self.note, written=self.written, called=self.called)
            case "read later":
                context.send_after(delay, Account.at(id), Command("read"))
            case "keyless":
                emit(context, None, what="keyless", id=id)
            case _:
                raise ValueError(f"nothing is known of {command.do!r}")


class Echo(StatefulFunction[Told], typename="engines/echo"):
    """Says it again, and arms a timer with the token of another function type when asked to. Its handler is a coroutine."""

    @handles
    async def on_told(self, context: Context, told: Told) -> None:
        context.reply(Told(told.text.upper(), told.sent))
        if told.text == "arm":
            later = Told("armed by the echo", told.sent)
            context.reply_after(timedelta(milliseconds=200), later, cancellation_token="token")


functions = StatefulFunctions()
functions.register(Account)
functions.register(Echo)


@functions.bind(
    "engines/ledger", specs=[ValueSpec(LONG, default=0, name="entries"), ValueSpec(LONG, default=0, name="sum")]
)
def ledger(context: Context, message: Int64Value | StringValue) -> None:
    """Adds up the deposits of all accounts; a text makes it tell them."""
    if isinstance(message, Int64Value):
        context["entries"] += 1
        context["sum"] += message.value
    else:
        emit(context, message.value, what="ledger", entries=context["entries"], sum=context["sum"])

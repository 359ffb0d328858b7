"""Handlers that send to many places, for the tests of what `check` sees of it. Nothing of it runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from statefun import Context, Egress, FunctionType, KafkaRecord, StatefulFunction, StatefulFunctions, handles
from statefun.model import KafkaEgress

HERE = KafkaEgress(id="example/here", address="kafka:9092")
GONE = KafkaEgress(id="example/gone", address="kafka:9092")
ELSEWHERE = FunctionType[str]("example/elsewhere")


class Sender(StatefulFunction[str], typename="example/sender"):
    @handles
    def on_text(self, context: Context, text: str) -> None:
        record = KafkaRecord(topic="t", value=text)
        context.send_egress(HERE, record)
        context.send_egress(GONE, record)  # egress-undeclared
        context.send_egress("example/lost", record)  # egress-undeclared
        context.send_egress(Egress(text), record)  # egress-unseen
        context.send(Sender.at("a"), text)
        context.send(ELSEWHERE.at("a"), text)  # target-undeclared
        context.send("example/nobody", "a", text)  # target-undeclared
        context.send_after(timedelta(1), "example/nobody", "a", text)  # target-undeclared
        context.pack_and_send_after("example/nobody", "a", timedelta(1), text)  # target-undeclared
        context.send(FunctionType(text).at("a"), text)  # target-unseen
        context.reply(text)
        if context.caller is not None:
            context.send(context.caller, text)
        self.helped(context, text)

    def helped(self, context: Context, text: str) -> None:
        context.pack_and_send("example/nobody", "b", text)  # target-undeclared


functions = StatefulFunctions()
functions.register(Sender)


@functions.bind("example/plain")
def plain(context: Context, message: Any) -> None:
    context.send_egress("example/lost", message)  # egress-undeclared


of_no_file = StatefulFunctions()
namespace: dict[str, Any] = {}
exec("def made(context, message): context.send_egress('example/here', message)", namespace)
of_no_file.register("example/sender", namespace["made"])

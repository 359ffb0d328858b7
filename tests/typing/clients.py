"""A client holds a message to what the address takes, and gives back what was asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, assert_type

import attrs
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import LONG, Address, Context, FunctionType, StatefulFunction, handles, json_type
from statefun.client import Client, HttpClient


@attrs.frozen
class GetTotal:
    currency: str


@attrs.frozen
class Total:
    cents: int


GET_TOTAL = json_type("typing-clients/get-total", GetTotal)
TOTAL = json_type("typing-clients/total", Total)
ELSEWHERE = FunctionType[int | str]("typing-clients/elsewhere")


class Cart(StatefulFunction[GetTotal | Timestamp], typename="typing-clients/cart"):
    @handles
    def on_message(self, context: Context, message: GetTotal | Timestamp) -> None: ...


async def sends(client: Client, unknown: Address[Any]) -> None:
    await client.send(Cart.at("7"), GetTotal("EUR"))
    await client.send(Cart.at("7"), Timestamp(), key="once")
    await client.send(ELSEWHERE.at("7"), 1)
    await client.send(ELSEWHERE.at("7"), "text")
    await client.send(unknown, object())
    await client.send(Address.parse("a/b/c"), b"bytes", type=LONG)


async def asks(client: Client, message: GetTotal | Timestamp) -> None:
    assert_type(await client.ask(Cart.at("7"), message, reply=Total, timeout=timedelta(seconds=5)), Total)
    assert_type(await client.ask(Cart.at("7"), GetTotal("EUR"), reply=TOTAL, timeout=0.5), Total)
    assert_type(await client.ask(Cart.at("7"), Timestamp(), reply=Timestamp, timeout=5, key="once"), Timestamp)
    assert_type(await client.ask(ELSEWHERE.at("7"), 1, reply=LONG, timeout=5), int)
    assert_type(await client.ask(ELSEWHERE.at("7"), 1, reply=str, timeout=5), str)


async def over_http() -> None:
    async with HttpClient("http://127.0.0.1:8090", token="a-token-of-enough-characters") as client:
        assert_type(client, HttpClient)
        total = await client.ask(Cart.at("7"), GetTotal("EUR"), reply=Total, timeout=5)
        assert_type(total.cents, int)

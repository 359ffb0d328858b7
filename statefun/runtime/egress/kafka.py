"""A Kafka egress: functions send `KafkaRecord`s to it, each with its own topic.

At least once, or exactly once by Kafka's transactions: the number of what was delivered last is written in the transaction that
delivers it, and read back by the next process (`kafka_transactions.py`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from statefun.errors import BindingError, EgressError
from statefun.model import BoundEgress, Delivery, KafkaEgress
from statefun.protocol.egress import KAFKA
from statefun.runtime.egress.kafka_producing import PlainDelivery, producer_settings
from statefun.runtime.egress.kafka_transactions import TransactionalDelivery
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord, Sink

__all__ = ["KafkaSink"]

P = ParamSpec("P")
T = TypeVar("T")

_TOPIC: Final = re.compile(r"(?!\.{1,2}\Z)[a-zA-Z0-9._-]{1,249}")


class KafkaSink(Sink):
    """Delivers to Kafka.

    Args:
        bound: The egress.

    Raises:
        BindingError: a property contradicts what the egress says or needs.
    """

    def __init__(self, bound: BoundEgress) -> None:
        egress: KafkaEgress = bound.egress
        super().__init__(egress.id)
        self._egress: Final = egress
        largest = producer_settings(egress)["message.max.bytes"]
        if not largest.isdecimal():
            raise BindingError(f"KafkaEgress {egress.id!r} has a property `message.max.bytes` that is no number")
        self._largest: Final = int(largest)
        self._thread: Final = ThreadPoolExecutor(1, thread_name_prefix=f"statefun {egress.id}")
        self._delivery: PlainDelivery | TransactionalDelivery | None = None

    def encode(self, typename: str, value: bytes) -> bytes:
        """Checks a record: what Kafka would refuse fails the message that sent it, and not the run.

        Raises:
            EgressError: it is no Kafka record, its topic has a name that no topic has, or it is too large.
        """
        record = KAFKA.read(self.id, typename, value)
        if _TOPIC.fullmatch(record.topic) is None:
            raise EgressError(
                f"the Kafka egress {self.id!r} was sent a record for the topic {record.topic!r:.300}",
                hint="a topic's name has up to 249 letters, digits, dots, underscores and hyphens",
            )
        size = len(record.value) + (0 if record.key is None else len(record.key.encode()))
        if size > self._largest:
            raise EgressError(
                f"the Kafka egress {self.id!r} was sent a record of {size} bytes for the topic {record.topic!r}",
                hint=f"send at most {self._largest}, or set the property `message.max.bytes` (`max.request.size`)",
            )
        return value

    async def open(self, store: str, position: str | None) -> None:
        """Makes the producer; the brokers are asked when there is something to deliver.

        Raises:
            EgressError: the client does not take a property.
        """
        if self._egress.delivery is Delivery.EXACTLY_ONCE:
            self._delivery = await self._call(TransactionalDelivery, self._egress, store, position)
        else:
            self._delivery = await self._call(PlainDelivery, self._egress)

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Hands records to the producer; exactly once in a transaction, which is committed when this returns.

        Raises:
            EgressUnavailableError: the brokers do not answer, or take no more for now.
            EgressError: Kafka refuses a record, or another process delivers in the place of this one.
        """
        await self._call(self._opened.deliver, records)

    async def confirm(self) -> Confirmed | None:
        """Waits until the brokers have what was delivered.

        Raises:
            EgressUnavailableError: they do not have all of it yet.
            EgressError: Kafka refuses a record.
        """
        return await self._call(self._opened.confirm)

    async def close(self) -> None:
        """Lets go of the producer, behind whatever call is under way; what has not arrived is in the store."""
        closed = None if self._delivery is None else self._thread.submit(self._delivery.close)
        self._thread.shutdown(wait=False)
        if closed is not None:
            await asyncio.wrap_future(closed)

    @property
    def _opened(self) -> PlainDelivery | TransactionalDelivery:
        if self._delivery is None:
            raise EgressError(f"the Kafka egress {self.id!r} is not open", hint="open it before the first record")
        return self._delivery

    async def _call(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *args, **named))

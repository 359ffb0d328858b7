"""`Sink`: the one interface of everything that records go to.

A sink says how a record is delivered. This one prints:

    class Console(Sink):
        async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
            for record in records:
                print(record.data.decode())

    functions.egress(Console("demo/console"))

Records come after the commit of what caused them, in order, and again after a crash when it is not known that they arrived: at least
once. A sink that keeps `sequence` where it keeps the records, in one transaction, drops what it has: exactly once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from statefun.address import parse_typename

__all__ = ["Confirmed", "OutgoingRecord", "Sink"]


class OutgoingRecord(NamedTuple):
    """A record to deliver.

    Attributes:
        sequence: Grows with every transaction that sent records; the same when the record is delivered again.
        place: Which of the records of that transaction it is, from 0.
        data: What `Sink.encode` made of it.
    """

    sequence: int
    place: int
    data: bytes


class Confirmed(NamedTuple):
    """What has arrived for certain.

    Attributes:
        sequence: All records up to this sequence number have; they are not delivered again.
        position: What the sink wants to be told when it is opened the next time.
    """

    sequence: int
    position: str = ""


class Sink(ABC):
    """Where records go.

    Args:
        id: `<namespace>/<name>`: what functions send to.

    Raises:
        TypenameError: the id has another form.
    """

    prompt: ClassVar[bool] = False
    """Whether `deliver` and `confirm` are over at once, as a write to a local file is: the runtime waits for them between two
    transactions. All others deliver beside the transactions, at their own pace."""

    def __init__(self, id: str) -> None:
        parse_typename(id, f"id of {type(self).__name__}")
        self.id: Final = id

    def encode(self, typename: str, value: bytes) -> bytes:
        """Checks a value that a function sends, and makes of it what is kept until it is delivered.

        Raises:
            EgressError: the sink cannot take it; the message whose handler sent it fails, and nothing of it takes effect.
        """
        del typename
        return value

    async def open(self, store: str, position: str | None) -> None:
        """Prepares for the first record.

        Args:
            store: The name of the store, which no other store has, nor a copy of it: with the sink's id and a record's numbers it names the record.
            position: What was confirmed last; None at the first use, empty where the sink keeps none.

        Raises:
            EgressError: it cannot be opened.
        """
        del store, position

    @abstractmethod
    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Delivers records: all those of one or more sequence numbers, behind those of the last call.

        Raises:
            EgressUnavailableError: not now; the same call comes again after a pause, and may repeat what has arrived.
            EgressError: never; the run ends with this error, the records stay in the store.
        """

    async def confirm(self) -> Confirmed | None:
        """Makes sure that what was delivered has arrived, and says what has.

        It is called now and then after `deliver`, when nothing else is to be done at the latest.

        Returns:
            What has arrived for certain; None for all that was delivered, with no position to keep.

        Raises:
            EgressUnavailableError: not known now; it is called again after a pause.
            EgressError: what was delivered is lost; the run ends with this error, the records stay in the store.
        """
        return None

    async def close(self) -> None:  # noqa: B027  most have nothing to let go of
        """Lets go of everything. It is called once, after an error too."""

"""`Source`: the one interface of everything that messages come from, and `Inlet`, what the runtime gives it to put them into.

A source is an object with an id and a coroutine. This one sends a number a second, and goes on where it was after a restart:

    class Ticker:
        def __init__(self, id: str) -> None:
            self.id = id

        async def run(self, inlet: Inlet) -> None:
            number = int(inlet.position or 0)
            while True:
                number += 1
                record = Record(("demo/clock",), "wall", "io.statefun.types/string", StringValue(value=str(number)).SerializeToString())
                await inlet.put([record], position=str(number))
                await asyncio.sleep(1)

    functions.ingress(Ticker("demo/ticks"))

The records of one `put`, all that they cause and the position are committed together, so a source that can go back to a position
takes effect exactly once, whatever is killed when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import StatefunError

__all__ = ["Inlet", "Receipt", "Record", "Rejected", "Source"]


class Record(NamedTuple):
    """A record that became a message; it has no caller.

    Attributes:
        targets: The function types that get it, `<namespace>/<name>` each.
        id: The id at each of them, never empty.
        typename: The name of its type.
        value: Its bytes.
    """

    targets: tuple[str, ...]
    id: str
    typename: str
    value: bytes


class Rejected(NamedTuple):
    """A record that cannot become a message: it is kept with the dead letters, and what is behind it goes on.

    Attributes:
        targets: The function types that would have got it.
        typename: The name that its type would have had.
        value: Its bytes, as they came.
        error: What is wrong with it; the text names the place it came from.
    """

    targets: tuple[str, ...]
    typename: str
    value: bytes
    error: StatefunError


class Receipt(Protocol):
    """What a `put` gives back."""

    async def committed(self) -> bool:
        """Waits until the records are on disk.

        Returns:
            False when an earlier `put` had the same key: these records have no effect, the earlier ones are on disk.

        Raises:
            IngressClosedError: the runtime stops, and did not take them in.
            IngressError: the run failed before that was known; whether they are is found out by putting them again.
        """
        ...


class Inlet(Protocol):
    """Where a source puts its records."""

    @property
    def position(self) -> str | None:
        """Where to go on: the position of the last `put` that is on disk when the run begins; None for a new store."""
        ...

    @property
    def protocol(self) -> ProtocolVersion:
        """The protocol that functions are called with: some types have another name in each."""
        ...

    @property
    def closed(self) -> bool:
        """Whether the runtime stops: what is put now is not taken in."""
        ...

    @property
    def limit(self) -> int:
        """The most records that one `put` should hold."""
        ...

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> Receipt:
        """Hands over records, and waits as long as there is no room for them. What is put first takes effect first.

        Args:
            records: One or more records; all of them are in one transaction. None, to note a position alone.
            position: Where the source goes on behind them; what it means is the source's own. None leaves it as it is.
            key: A name for this `put`. A later one of the same key, within `Options.keep_keys`, has no effect.

        Raises:
            AddressError: a record has no id: put it as a `Rejected`.
            TypenameError: a target is no function type.
        """
        ...

    async def ask(self, record: Record, within: float, key: str | None = None) -> TypedBytes | None:
        """Hands over a record for one target, and waits for what its function replies.

        Args:
            record: The record; its caller is an address of the runtime's own.
            within: How many seconds it waits.
            key: As for `put`.

        Returns:
            The reply, once it is committed; None when the time is over. The record may have been taken in, and may still take effect.

        Raises:
            RepeatedKeyError: the key was used before.
            IngressError: the run ended before.
        """
        ...

    def known(self, target: str) -> bool:
        """Whether there is a function of that type, in this process or behind an endpoint."""
        ...

    def skipped(self, error: StatefunError) -> None:
        """Notes that a record was left out, as the source was told to do with such; the first one's error is reported."""
        ...

    def room(self, target: str, id: str) -> bool:
        """Whether a message to that address would be taken in without waiting: a source that may not wait refuses it otherwise."""
        ...


@runtime_checkable
class Source(Protocol):
    """Where messages come from.

    Attributes:
        id: `<namespace>/<name>`; the position is kept under it.
    """

    @property
    def id(self) -> str:
        """`<namespace>/<name>`; the position is kept under it."""
        ...

    async def run(self, inlet: Inlet) -> None:
        """Puts records until there are no more, and returns. It is cancelled when the runtime stops, and cleans up then.

        Raises:
            IngressError: it cannot go on; the run ends with this error, after what was put is committed.
        """
        ...

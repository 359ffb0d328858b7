"""From a record of a Kafka topic to a message, and where a Kafka ingress goes on: without a client, without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from statefun.errors import PositionError, RecordError, RecordKeyError
from statefun.model import Route
from statefun.runtime.ingress.source import Record, Rejected

__all__ = ["Positions", "record_of"]


def record_of(route: Route, partition: int, offset: int, key: bytes | None, value: bytes | None) -> Record | Rejected:
    """The message that a record becomes, or why it becomes none.

    >>> from statefun.model import Route
    >>> logins = Route(name="logins", value_type="io.statefun.types/string", targets=["example/user"])
    >>> record_of(logins, 0, 7, b"bob", b"hello").id
    'bob'
    >>> record_of(logins, 0, 8, None, b"hello").error.message
    'logins[0] at offset 8: the record has no key'
    """
    place = f"{route.name}[{partition}] at offset {offset}"
    if not key:
        what = "no key" if key is None else "an empty key"
        return _rejected(route, value, RecordKeyError(f"{place}: the record has {what}", hint=_KEY_HINT))
    try:
        id = key.decode()
    except UnicodeDecodeError:
        return _rejected(route, value, RecordKeyError(f"{place}: the record's key is no UTF-8", hint=_KEY_HINT))
    if value is None:
        return _rejected(
            route,
            value,
            RecordError(
                f"{place}: the record with the key {id!r:.80} has no value",
                hint="a tombstone is no message of any type: send one that says that the entry is gone",
            ),
        )
    return Record(route.targets, id, route.value_type, value)


_KEY_HINT: Final = "let the producer give each record the id that it goes to as its key, in UTF-8"


def _rejected(route: Route, value: bytes | None, error: RecordError) -> Rejected:
    return Rejected(route.targets, route.value_type, b"" if value is None else value, error)


class Positions:
    """The next offset of each partition, as a text: `{"logins": {"0": 12, "1": 7}}`.

    A topic that an ingress no longer reads keeps its positions.

    Args:
        ingress: The ingress, which errors name.
        text: What was stored; None for nothing.

    Raises:
        PositionError: the text is of another kind of ingress.

    >>> positions = Positions("example/logins", '{"logins": {"0": 12}}')
    >>> positions.move("logins", 1, 7)
    >>> positions.text
    '{"logins": {"0": 12, "1": 7}}'
    """

    def __init__(self, ingress: str, text: str | None) -> None:
        self._topics: Final[dict[str, dict[int, int]]] = {}
        if text is None:
            return
        try:
            found: Any = json.loads(text)
            for topic, partitions in found.items():
                self._topics[str(topic)] = {int(partition): int(next) for partition, next in partitions.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise PositionError(
                f"the position of the ingress {ingress!r} is none of Kafka topics: {text:.80}",
                hint="it was another kind of ingress before: give it another id, or start with an empty store",
            ) from error

    def of(self, topic: str) -> Mapping[int, int]:
        """The next offset of each partition of a topic; empty for one that was never read."""
        return self._topics.get(topic, {})

    def move(self, topic: str, partition: int, next: int) -> None:
        """Goes on at an offset of a partition."""
        self._topics.setdefault(topic, {})[partition] = next

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        """Topic, partition and next offset of each."""
        for topic, partitions in self._topics.items():
            for partition, next in partitions.items():
                yield topic, partition, next

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps({topic: {str(each): next for each, next in of.items()} for topic, of in self._topics.items()})

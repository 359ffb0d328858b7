"""Where a Kinesis ingress goes on: a place in each shard of each stream, as one JSON text that is committed with what the records caused.

    {"flights": {"shardId-000000000000": "end", "shardId-000000000001": "4959…", "shardId-000000000002": "since 2026-11-24T09:30:00+00:00"}}

A number is the sequence number of the last record that was taken in. A shard that has no place is read from its beginning: it came of others,
which split or merged, after its stream was first seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from statefun.errors import PositionError

__all__ = ["END", "Places", "Shard", "date_of", "since"]

END: Final = "end"
"""The place of a shard that is read to its end; splitting or merging ends one."""

_SINCE: Final = "since "


@frozen
class Shard:
    """What an ingress wants to know of a shard.

    Attributes:
        id: Its name in its stream.
        parents: The shards that it came of; what is in them comes first.
        first_hash: The first of the hashes of partition keys that it takes.
        last_hash: The last of them.
        closed: Whether nothing can be written to it any more.
    """

    id: str
    parents: tuple[str, ...]
    first_hash: int
    last_hash: int
    closed: bool


def since(moment: datetime) -> str:
    """The place of a shard of which nothing is read yet, and what is older than a moment is not wanted."""
    return f"{_SINCE}{moment.isoformat()}"


def date_of(place: str) -> datetime | None:
    """The moment in such a place; None for another place."""
    return datetime.fromisoformat(place.removeprefix(_SINCE)) if place.startswith(_SINCE) else None


class Places:
    """The places of one ingress.

    Args:
        ingress: The id of the ingress, which errors name.
        position: What `text` gave before the last stop; None for a new store.

    Raises:
        PositionError: the text is of another kind.

    >>> places = Places("demo/in", None)
    >>> places.add("s", {"shard-0": since(datetime.fromisoformat("2026-11-24T09:30:00+00:00"))})
    >>> places.move("s", "shard-0", "49")
    >>> places.text()
    '{"s": {"shard-0": "49"}}'
    """

    def __init__(self, ingress: str, position: str | None) -> None:
        self._streams: Final[dict[str, dict[str, str]]] = {}
        if position is None:
            return
        try:
            read: Any = json.loads(position)
            for stream, shards in read.items():
                self._streams[stream] = {shard: _checked(place) for shard, place in shards.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise PositionError(
                f"the store's position of {ingress!r} is none of a Kinesis ingress: {position:.80}",
                hint="give the ingress an id that no ingress of another kind had, or start with an empty store",
            ) from error

    def has(self, stream: str) -> bool:
        """Whether a stream was seen before."""
        return stream in self._streams

    def add(self, stream: str, places: Mapping[str, str]) -> None:
        """Notes that a stream was seen, and where its shards begin."""
        self._streams[stream] = dict(places)

    def get(self, stream: str, shard: str) -> str | None:
        """The place in a shard; None for its beginning."""
        return self._streams[stream].get(shard)

    def move(self, stream: str, shard: str, place: str) -> None:
        """Moves on in a shard."""
        self._streams[stream][shard] = place

    def keep(self, stream: str, shards: set[str]) -> dict[str, str]:
        """Forgets the shards of a stream that are not among these, and gives those that were not read to their end."""
        known = self._streams[stream]
        gone = {shard: known.pop(shard) for shard in [*known] if shard not in shards}
        return {shard: place for shard, place in gone.items() if place != END}

    def text(self) -> str:
        """All of them, for the store."""
        return json.dumps(self._streams)


def _checked(place: Any) -> str:
    if not isinstance(place, str) or not (place == END or place.isdecimal() or date_of(place) is not None):
        raise ValueError(f"{place!r} is no place")
    return place

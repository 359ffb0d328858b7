"""From what the core keeps in memory to the rows of a transaction."""

from __future__ import annotations

from typing import Final

from statefun.batch import ProtocolVersion
from statefun.protocol.transit import to_stored
from statefun.runtime.changes import Changes, StateRow
from statefun.runtime.entries import Chunk, Entry
from statefun.runtime.packing import pack_messages, pack_states
from statefun.runtime.timers import Timer, TimerChanges

__all__ = ["inbox_rows", "state_row", "timer_changes"]

CHUNK: Final = 256
"""The most messages in a row of an inbox, so that a row that is partly consumed is cheap to write again."""

_RECLAIM_GRAIN: Final = 60_000


def state_row(entry: Entry, protocol: ProtocolVersion) -> StateRow:
    """The states of an address as a row; it counts as written."""
    entry.dirty = False
    cells = entry.cells or {}
    reclaim: int | None = None
    if entry.function.expiring or entry.reclaim not in (None, -1):
        expires = [cell[1] for cell in cells.values() if cell[1]]
        if expires:
            # To the next minute: a row that is written often need not move in the index each time.
            reclaim = (min(expires) // _RECLAIM_GRAIN + 1) * _RECLAIM_GRAIN
    data = pack_states(
        (name.encode(), expires, to_stored(value, protocol)) for name, (_, expires, value) in cells.items()
    )
    moved = reclaim != entry.reclaim
    entry.reclaim = reclaim if data else -1
    return StateRow(entry.key, reclaim, data, moved)


def inbox_rows(entry: Entry, changes: Changes, sequence: int, protocol: ProtocolVersion) -> int:
    """Adds what changed of the rows of an inbox, from `sequence` on, and gives the next sequence number."""
    inbox = entry.inbox
    kept: list[Chunk] = []
    position = 0
    for chunk in entry.chunks:
        if not chunk.remaining:
            changes.inbox_removed.append(chunk.sequence)
            continue
        end = position + chunk.remaining
        if chunk.changed:
            changes.inbox.append((chunk.sequence, entry.key, _packed(inbox[position:end], protocol)))
            chunk.changed = False
        position = end
        kept.append(chunk)
    while position < len(inbox):
        messages = inbox[position : position + CHUNK]
        changes.inbox.append((sequence, entry.key, _packed(messages, protocol)))
        kept.append(Chunk(sequence, len(messages)))
        sequence += 1
        position += CHUNK
    entry.chunks = kept
    return sequence


def _packed(messages: list[tuple[bytes, bytes]], protocol: ProtocolVersion) -> bytes:
    if protocol is ProtocolVersion.V3:
        return pack_messages(messages)
    return pack_messages([(sender, to_stored(argument, protocol)) for sender, argument in messages])


def timer_changes(changes: TimerChanges, protocol: ProtocolVersion) -> TimerChanges:
    """The changes of the timers with their values in the store's form."""
    if protocol is ProtocolVersion.V3 or not changes.armed:
        return changes
    armed = [
        Timer(each.due, each.sequence, each.sender, each.token, each.target, to_stored(each.argument, protocol))
        for each in changes.armed
    ]
    return changes._replace(armed=armed)

"""From the changes of a group to the rows of its transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statefun.runtime.changes import Changes, StateRow
from statefun.runtime.packing import pack_records

__all__ = ["write"]


def write(connection: Any, changes: Changes) -> None:
    """Writes the changes into the transaction that is open on a connection."""
    many = connection.executemany
    if changes.positions:
        many("INSERT OR REPLACE INTO ingress (id, position) VALUES (?, ?)", changes.positions.items())
    if changes.states:
        _write_states(many, changes.states)
    if changes.expirations:
        many(
            "INSERT OR REPLACE INTO expirations (function, state, mode, milliseconds) VALUES (?, ?, ?, ?)",
            changes.expirations,
        )
    if changes.inbox_removed:
        many("DELETE FROM inbox WHERE sequence = ?", [(each,) for each in changes.inbox_removed])
    if changes.inbox:
        many("INSERT OR REPLACE INTO inbox (sequence, address, data) VALUES (?, ?, ?)", changes.inbox)
    cancelled, removed, armed = changes.timers
    if cancelled:
        many("DELETE FROM timers WHERE sender = ? AND token = ?", cancelled)
    if removed:
        many("DELETE FROM timers WHERE sequence = ?", [(each,) for each in removed])
    if armed:
        many(
            "INSERT INTO timers (sequence, due, sender, token, target, argument) VALUES (?, ?, ?, ?, ?, ?)",
            [(each.sequence, each.due, each.sender, each.token or None, each.target, each.argument) for each in armed],
        )
    if changes.delivered:
        rows = [(egress, sequence) for egress, (sequence, _) in changes.delivered.items()]
        many("DELETE FROM outbox WHERE egress = ? AND sequence <= ?", rows)
        many(
            "INSERT INTO egress (id, position, sequence) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET position = excluded.position, sequence = max(sequence, excluded.sequence)",
            [(egress, position, sequence) for egress, (sequence, position) in changes.delivered.items()],
        )
    if changes.outbox:
        rows_out = [(sequence, egress, pack_records(records)) for sequence, egress, records in changes.outbox]
        many("INSERT INTO outbox (sequence, egress, data) VALUES (?, ?, ?)", rows_out)
    if changes.dead:
        many(
            "INSERT INTO dead (at, target, sender, argument, attempts, error, code) VALUES (?, ?, ?, ?, ?, ?, ?)",
            changes.dead,
        )
    if changes.forgotten:
        many("DELETE FROM keys WHERE expires <= ?", [(changes.forgotten,)])
    if changes.keys:
        many("INSERT OR REPLACE INTO keys (ingress, key, expires) VALUES (?, ?, ?)", changes.keys)


def _write_states(many: Callable[..., object], states: list[StateRow]) -> None:
    # In the order of the tree: neighbours share a page.
    states.sort()
    gone = [(each.key,) for each in states if not each.data]
    moved = [(each.key, each.reclaim, each.data) for each in states if each.data and each.moved]
    stayed = [(each.data, each.key) for each in states if each.data and not each.moved]
    if gone:
        many("DELETE FROM states WHERE address = ?", gone)
    if moved:
        many(
            "INSERT INTO states (address, reclaim, data) VALUES (?, ?, ?)"
            " ON CONFLICT (address) DO UPDATE SET reclaim = excluded.reclaim, data = excluded.data",
            moved,
        )
    if stayed:
        many("UPDATE states SET data = ? WHERE address = ?", stayed)

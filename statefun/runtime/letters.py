"""What a person does with dead letters: put them back into their inboxes, or drop them; each in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from statefun.errors import StoreError
from statefun.protocol.values import decode_address
from statefun.runtime.packing import pack_messages
from statefun.runtime.store import Store
from statefun.wire import delimited

__all__ = ["NoLetterError", "NoMessageError", "drop_letters", "retry_letters"]


class NoLetterError(StoreError):
    """There is no dead letter of that number."""

    code = "no-dead-letter"
    default_hint = "`statefun dead list --store DIR` tells the numbers"


class NoMessageError(StoreError):
    """A dead letter is a record that could not become a message, so it has nowhere to go back to."""

    code = "no-message"
    default_hint = "mend it where it came from and send it again, then `statefun dead drop` this one"


def retry_letters(store: Store, sequences: Iterable[int]) -> int:
    """Puts messages back, each to the end of its address's inbox; their attempts count anew.

    Args:
        store: The store, which no runtime has open.
        sequences: What the letters are called by. They go back in the order in which they were given up.

    Returns:
        How many there were.

    Raises:
        NoLetterError: there is none of one of the numbers; nothing was changed.
        NoMessageError: one of them never was a message; nothing was changed.
        StoreError: the store cannot be written; nothing was changed.
    """
    with store.transaction() as connection:
        letters = _letters(connection, sequences)
        for sequence, target, _, _ in letters:
            if not all(decode_address(target) or ("",)):
                raise NoMessageError(f"dead letter {sequence} is a record without an id to go to")
        ((free,),) = connection.execute("SELECT coalesce(max(sequence), 0) + 1 FROM inbox").fetchall()
        rows = [
            (free + place, target, pack_messages([(delimited(b"\x0a", sender) if sender else b"", argument)]))
            for place, (_, target, sender, argument) in enumerate(letters)
        ]
        connection.executemany("INSERT INTO inbox (sequence, address, data) VALUES (?, ?, ?)", rows)
        _delete(connection, letters)
    return len(letters)


def drop_letters(store: Store, sequences: Iterable[int]) -> int:
    """Deletes letters for good.

    Raises:
        NoLetterError: there is none of one of the numbers; nothing was changed.
        StoreError: the store cannot be written; nothing was changed.
    """
    with store.transaction() as connection:
        letters = _letters(connection, sequences)
        _delete(connection, letters)
    return len(letters)


def _letters(connection: Any, sequences: Iterable[int]) -> list[tuple[int, bytes, bytes, bytes]]:
    letters: list[tuple[int, bytes, bytes, bytes]] = []
    for sequence in sorted(set(sequences)):
        found = connection.execute(
            "SELECT sequence, target, sender, argument FROM dead WHERE sequence = ?", (sequence,)
        ).fetchall()
        if not found:
            raise NoLetterError(f"{str(sequence)!r} is the number of no dead letter")
        letters += found
    return letters


def _delete(connection: Any, letters: list[tuple[int, bytes, bytes, bytes]]) -> None:
    connection.executemany("DELETE FROM dead WHERE sequence = ?", [(each[0],) for each in letters])

"""`Changes`: what one transaction writes, and the rows that it is made of."""

from __future__ import annotations

from typing import NamedTuple

from attrs import Factory, define

from statefun.runtime.timers import TimerChanges

__all__ = ["Changes", "DeadLetter", "ExpirationRow", "StateRow"]


class StateRow(NamedTuple):
    """The states of an address, packed.

    Attributes:
        key: The serialized address.
        reclaim: When something in it may be reclaimed, milliseconds since 1970; None for never.
        data: The pack, empty when no state is left.
        moved: Whether `reclaim` differs from the row that is stored, or there is none.
    """

    key: bytes
    reclaim: int | None
    data: bytes
    moved: bool


class ExpirationRow(NamedTuple):
    """When a state expires, as its function registered it.

    Attributes:
        function: `<namespace>/<name>`.
        state: Its name.
        mode: The value of an `ExpirationMode`; None for a state that never expires.
        milliseconds: How long it lives; None for a state that never expires.
    """

    function: str
    state: str
    mode: str | None = None
    milliseconds: int | None = None


class DeadLetter(NamedTuple):
    """A message that was given up.

    Attributes:
        at: When, milliseconds since 1970.
        target: The serialized address that it was for.
        sender: The serialized address that it came from; empty for an ingress.
        argument: Its value, a serialized TypedValue.
        attempts: How often it was tried.
        error: What the last attempt raised.
        code: The stable name of that error; empty for what is no error of ours.
    """

    at: int
    target: bytes
    sender: bytes
    argument: bytes
    attempts: int
    error: str
    code: str = ""


@define
class Changes:
    """What one transaction writes, all of it or nothing.

    Attributes:
        positions: Where each ingress goes on, by id.
        states: The states of the addresses that changed.
        expirations: Those of states that were registered otherwise than the store has it.
        inbox_removed: Rows of inboxes that are consumed.
        inbox: Rows of inboxes that are new or partly consumed: sequence, address, packed messages.
        timers: Delayed messages armed, fired and taken back.
        outbox: New egress records: sequence, egress, the records.
        delivered: Egresses that hold all records up to a sequence, with their new position.
        dead: Messages that were given up.
        keys: Names under which an ingress put records that take effect once: ingress, key, when it may be forgotten.
        forgotten: The time, in milliseconds since 1970, up to which keys are forgotten; 0 for none.
    """

    positions: dict[str, str] = Factory(dict[str, str])
    states: list[StateRow] = Factory(list[StateRow])
    expirations: list[ExpirationRow] = Factory(list[ExpirationRow])
    inbox_removed: list[int] = Factory(list[int])
    inbox: list[tuple[int, bytes, bytes]] = Factory(list[tuple[int, bytes, bytes]])
    timers: TimerChanges = Factory(lambda: TimerChanges([], [], []))
    outbox: list[tuple[int, str, list[bytes]]] = Factory(list[tuple[int, str, list[bytes]]])
    delivered: dict[str, tuple[int, str]] = Factory(dict[str, tuple[int, str]])
    dead: list[DeadLetter] = Factory(list[DeadLetter])
    keys: list[tuple[str, str, int]] = Factory(list[tuple[str, str, int]])
    forgotten: int = 0

    def __bool__(self) -> bool:
        return bool(
            self.positions
            or self.states
            or self.expirations
            or self.inbox_removed
            or self.inbox
            or any(self.timers)
            or self.outbox
            or self.delivered
            or self.dead
            or self.keys
            or self.forgotten
        )

"""What a store holds for the functions that are to go on with it, as `statefun check --store` compares it."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from statefun.errors import StoreLockedError
from statefun.expiration import Expiration, ExpirationMode
from statefun.module.check import Stored
from statefun.runtime.backup import back_up
from statefun.runtime.changes import ExpirationRow
from statefun.runtime.replies import ASKING
from statefun.runtime.store import FILE_NAME, Store

__all__ = ["read_stored"]


def read_stored(folder: Path) -> Stored:
    """Reads a store; one that a runtime has open in a copy, which the runtime makes.

    Raises:
        StoreError: it cannot be read, or copied.
    """
    try:
        with Store(folder, must_exist=True) as store:
            return _read(store)
    except StoreLockedError:
        print(f"{folder} is in use: its runtime is asked for a copy", file=sys.stderr)
    with TemporaryDirectory() as copy:
        back_up(folder, Path(copy) / FILE_NAME, timeout=60)
        with Store(copy, must_exist=True) as store:
            return _read(store)


def _read(store: Store) -> Stored:
    states: dict[str, dict[str, set[str]]] = {}
    for typename in store.function_types():
        for _, values in store.states(typename, now=time.time_ns() // 1_000_000):
            for name, value in values.items():
                states.setdefault(typename, {}).setdefault(name, set()).add(value.typename)
    expirations: dict[str, dict[str, Expiration | None]] = {}
    for row in store.expirations():
        expirations.setdefault(row.function, {})[row.state] = _expiration(row)
    waiting = store.waiting()
    waiting.pop(ASKING, None)  # replies to clients, which the runtime itself takes
    return Stored(
        states=states,
        expirations=expirations,
        waiting=waiting,
        egresses={egress for _, egress, _ in store.undelivered()},
    )


def _expiration(row: ExpirationRow) -> Expiration | None:
    if row.mode is None or row.milliseconds is None:
        return None
    return Expiration(ExpirationMode(row.mode), timedelta(milliseconds=row.milliseconds))

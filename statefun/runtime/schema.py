"""The tables of the store, and the version that says which they are."""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "TABLES", "VERSION"]

APPLICATION_ID: Final = 0x57F0_57A7 & 0x7FFF_FFFF
"""Written into the file's head, so that another program's database is told apart."""

VERSION: Final = 4
"""2 added the code of a dead letter's error; 3 the store's name, the keys of idempotent records and how far each egress is delivered;
4 the expiration of each state.

`migration.py` brings an older store here."""

# An address is its serialized form, so all of one function type stand together. A value is a serialized TypedValue, a
# typename and bytes, whichever protocol wrote it; rows hold several of them packed (packing.py).
TABLES: Final = """
CREATE TABLE store (
    name TEXT NOT NULL              -- given once, at random: no other store has it, nor a copy of it
);
CREATE TABLE ingress (
    id TEXT PRIMARY KEY,
    position TEXT NOT NULL          -- where it goes on; what it means is the ingress's own
) WITHOUT ROWID;
CREATE TABLE keys (
    ingress TEXT NOT NULL,
    key TEXT NOT NULL,              -- what came under it has taken effect
    expires INTEGER NOT NULL,       -- ms since 1970
    PRIMARY KEY (ingress, key)
) WITHOUT ROWID;
CREATE INDEX keys_expires ON keys (expires);
CREATE TABLE states (
    address BLOB PRIMARY KEY,
    reclaim INTEGER,                -- when something in it may be reclaimed, ms since 1970; NULL for never
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX states_reclaim ON states (reclaim) WHERE reclaim IS NOT NULL;
CREATE TABLE expirations (         -- of the states that functions have, as each registered them last
    function TEXT NOT NULL,
    state TEXT NOT NULL,
    mode TEXT,                      -- after-write or after-call; NULL for a state that never expires
    milliseconds INTEGER,
    PRIMARY KEY (function, state)
) WITHOUT ROWID;
CREATE TABLE inbox (
    sequence INTEGER PRIMARY KEY,
    address BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE timers (
    sequence INTEGER PRIMARY KEY,
    due INTEGER NOT NULL,           -- ms since 1970
    sender BLOB NOT NULL,
    token TEXT,                     -- NULL for a message that cannot be cancelled
    target BLOB NOT NULL,
    argument BLOB NOT NULL
);
CREATE INDEX timers_due ON timers (due, sequence);
CREATE UNIQUE INDEX timers_token ON timers (sender, token) WHERE token IS NOT NULL;
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY,
    egress TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE egress (
    id TEXT PRIMARY KEY,
    position TEXT NOT NULL,         -- what is delivered for certain; what it means is the egress's own
    sequence INTEGER NOT NULL DEFAULT 0  -- up to where the outbox is delivered; its numbers are never used again
) WITHOUT ROWID;
CREATE TABLE dead (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,            -- ms since 1970
    target BLOB NOT NULL,
    sender BLOB NOT NULL,           -- empty for an ingress
    argument BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT ''   -- the error's stable name; empty for what is no error of ours
);
"""

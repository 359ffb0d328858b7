"""What an engine can send and a function can answer, as hypothesis strategies over the neutral values in the middle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from statefun.batch import (
    Batch,
    Cancellation,
    Delayed,
    Effects,
    EgressRecord,
    Invocation,
    Message,
    Mutation,
    ProtocolVersion,
    StateDeclaration,
    Target,
    TypedBytes,
)
from statefun.expiration import Expiration, ExpirationMode
from statefun.protocol.engine import LONGEST_DELAY
from statefun.protocol.values import encode_address, wrap
from statefun.wire import delimited

protocols = st.sampled_from(ProtocolVersion)

# Any text that a string field can carry: everything but surrogates. NUL, line ends and characters of four bytes are among it.
texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
parts = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=10)
typenames = st.builds("{}/{}".format, parts, parts)

# Sizes at which a length takes one byte more.
edges = st.sampled_from([0, 1, 63, 64, 126, 127, 128, 129, 16_381, 16_383, 16_384, 16_385, 70_000])
payloads = st.one_of(st.binary(max_size=40), edges.map(lambda size: b"\xa2" * size))

targets = st.builds(Target, parts, parts, names)
odd_targets = st.builds(Target, texts, texts, texts)
addresses = targets.map(encode_address)


def _one_byte_off(data: bytes) -> st.SearchStrategy[bytes]:
    """The same bytes, but for one of them, or for the last ones."""
    places, values = st.integers(0, max(len(data) - 1, 0)), st.binary(max_size=1)
    return st.builds(lambda place, value: data[:place] + value + data[place + 1 :], places, values) | places.map(
        lambda end: data[:end]
    )


nearly_addresses = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.builds(delimited, st.sampled_from([b"\x0a", b"\x12", b"\x1a", b"\x22", b"\x08"]), st.binary(max_size=3)),
        max_size=5,
    ).map(b"".join),
    odd_targets.map(encode_address).flatmap(_one_byte_off),
)
"""Bytes that are an address, or would be one but for little."""
typed_bytes = st.builds(TypedBytes, st.one_of(names, typenames), payloads)


def states(protocol: ProtocolVersion) -> st.SearchStrategy[dict[str, bytes]]:
    """States as a request carries them: absent, or a value that is serialized."""
    values = st.one_of(st.just(b""), typed_bytes.map(lambda value: wrap(value, protocol)))
    return st.dictionaries(texts, values, max_size=4)


callers = st.one_of(st.just(b""), addresses)
invocations = st.lists(st.builds(Invocation, st.one_of(names, typenames), payloads, callers), min_size=1, max_size=4)
batches = protocols.flatmap(
    lambda protocol: st.builds(Batch, st.just(protocol), odd_targets, states(protocol), invocations)
)

mutations = st.lists(
    st.builds(Mutation, texts, st.one_of(st.none(), typed_bytes)), max_size=4, unique_by=lambda each: each.name
)
messages = st.lists(st.builds(lambda target, value: Message(target, *value), addresses, typed_bytes), max_size=4)
egresses = st.lists(st.builds(lambda egress, value: EgressRecord(egress, *value), typenames, typed_bytes), max_size=4)
delays = st.one_of(st.integers(0, LONGEST_DELAY), st.sampled_from([0, 1, 127, 128, 2**31, 2**32, LONGEST_DELAY]))


def delayed(protocol: ProtocolVersion) -> st.SearchStrategy[list[Any]]:
    """Delayed messages, and on 3.x their tokens and cancellations."""
    tokens = st.one_of(st.just(""), names) if protocol is ProtocolVersion.V3 else st.just("")
    send = st.builds(
        lambda delay, target, value, token: Delayed(delay, target, *value, token),
        delays,
        addresses,
        typed_bytes,
        tokens,
    )
    each = st.one_of(send, st.builds(Cancellation, names)) if protocol is ProtocolVersion.V3 else send
    return st.lists(each, max_size=4)


def effects(protocol: ProtocolVersion) -> st.SearchStrategy[Effects]:
    """All that a batch can ask for."""
    return st.builds(Effects, mutations, messages, delayed(protocol), egresses)


answers = protocols.flatmap(lambda protocol: st.tuples(st.just(protocol), effects(protocol)))

durations = st.timedeltas(min_value=timedelta(milliseconds=1)).map(
    lambda duration: duration - duration % timedelta(milliseconds=1)
)
declarations = st.builds(
    StateDeclaration,
    texts,
    typenames,
    st.one_of(st.none(), st.builds(Expiration, st.sampled_from(ExpirationMode), durations)),
)

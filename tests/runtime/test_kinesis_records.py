"""What a record of Kinesis becomes: the records of a bundle, a record as it is, or one that is rejected with its place."""

from __future__ import annotations

import hashlib

from statefun.errors import RecordError, RecordKeyError
from statefun.protocol.kinesis import BUNDLE_MAGIC, hash_of
from statefun.runtime.ingress.source import Record, Rejected
from statefun.wire import delimited, text, varint
from tests.runtime.kinesis_fake import fake_kinesis
from tests.runtime.kinesis_rig import (
    EARLIEST,
    SHARD,
    STRING,
    FakeInlet,
    ingress,
    reading,
    run,
)


def bundle(*records: tuple[str, bytes], keys: list[str] | None = None, hash: int | None = None) -> bytes:
    """As the producer library writes it: a table of keys, then records that refer to it."""
    table = list(dict.fromkeys(key for key, _ in records)) if keys is None else keys
    inside = b"".join(delimited(b"\x0a", key.encode()) for key in table)
    explicit = b"" if hash is None else text(b"\x12", str(hash))
    for key, data in records:
        index = b"\x08" + varint(table.index(key) if key in table else 99)
        index += b"" if hash is None else b"\x10\x00"
        inside += delimited(b"\x1a", index + delimited(b"\x1a", data))
    return BUNDLE_MAGIC + inside + explicit + hashlib.md5(inside + explicit).digest()


def test_a_bundle_of_the_producer_library_becomes_its_records_in_one_put() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.put("s", "a", bundle(("bob", b"1"), ("eve", b"2"), ("bob", b"3")))
            kinesis.put("s", "bob", b"4")
            inlet = FakeInlet(limit=1)
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 4)
            found = [(record.id, record.value) for record in inlet.records if isinstance(record, Record)]
            assert found == [("bob", b"1"), ("eve", b"2"), ("bob", b"3"), ("bob", b"4")]
            assert [len(records) for records, _ in inlet.puts if records] == [3, 1]

    run(test())


def test_what_a_bundle_holds_for_another_shard_is_left_to_that_shard() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=2)
            keys = sorted((f"key-{number}" for number in range(20)), key=hash_of)
            low = [key for key in keys if hash_of(key) < 2**127]
            assert 0 < len(low) < 20
            kinesis.put("s", "a", bundle(*((key, key.encode()) for key in keys)), hash=0)
            kinesis.put("s", "a", bundle(("far", b"by its explicit hash"), hash=5), hash=0)
            kinesis.put("s", "z", b"last", hash=0)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: b"last" in inlet.values)
            assert inlet.values == [*(key.encode() for key in low), b"by its explicit hash", b"last"]

    run(test())


def test_a_record_that_begins_as_a_bundle_and_is_none_is_a_record() -> None:
    data = [BUNDLE_MAGIC, BUNDLE_MAGIC + b"x" * 40, bundle(("bob", b"1"))[:-1]]

    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            for each in data:
                kinesis.put("s", "bob", each)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 3)
            assert inlet.values == data

    run(test())


def test_what_cannot_become_a_message_is_rejected_with_its_place_and_the_next_record_goes_on() -> None:
    damaged = b"\x0a\x03abc\x1a\x7f"
    wrong = [
        BUNDLE_MAGIC + damaged + hashlib.md5(damaged).digest(),
        bundle(("bob", b"1"), keys=["eve"]),
        BUNDLE_MAGIC + b"\x08\x01" + hashlib.md5(b"\x08\x01").digest(),
    ]

    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            places = [kinesis.put("s", "bob", each) for each in wrong]
            places.append(kinesis.put("s", "x", bundle(("", b"no key"), ("bob", b"a key"))))
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 5)
            *bad, keyless, good = inlet.records
            assert good == Record(("demo/one", "demo/two"), "bob", STRING, b"a key")
            assert isinstance(keyless, Rejected)
            assert isinstance(keyless.error, RecordKeyError)
            assert keyless.value == b"no key"
            for record, data, place in zip(bad, wrong, places, strict=False):
                assert isinstance(record, Rejected)
                assert type(record.error) is RecordError
                assert record.value == data
                assert f"record {place} of the shard {SHARD} of the stream 's'" in str(record.error)

    run(test())

"""A request is counted before it is parsed, so that no request can make the parser fill the memory."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError

from statefun.errors import LimitError, MalformedRequestError, StatefunError
from statefun.protocol.limits import check_batch_size
from statefun.wire import MOST_FIELDS, delimited, unknown_fields, varint

LIMIT = 100


def batch(body: bytes) -> bytes:
    return delimited(b"\xa2\x06", body)


def refuse(data: bytes, error: type[StatefunError] = LimitError) -> None:
    with pytest.raises(error):
        check_batch_size(data, LIMIT)


def test_as_many_as_the_limit_pass_and_one_more_does_not() -> None:
    check_batch_size(batch(b"\x1a\x00" * LIMIT), LIMIT)
    refuse(batch(b"\x1a\x00" * (LIMIT + 1)))


def test_invocations_with_bytes_are_counted_and_not_looked_into() -> None:
    invocation = delimited(b"\x1a", b"\x1a\x00" * 50)
    check_batch_size(batch(invocation * LIMIT), LIMIT)
    refuse(batch(invocation * (LIMIT + 1)))


def test_a_batch_that_comes_in_parts_is_counted_as_one() -> None:
    """Protobuf merges a message that is there twice."""
    half = batch(b"\x1a\x00" * (LIMIT // 2))
    check_batch_size(half * 2, LIMIT)
    refuse(half * 2 + batch(b"\x1a\x00"))


def test_states_are_counted_too() -> None:
    check_batch_size(batch(b"\x0a\x00" + b"\x12\x00" * LIMIT + b"\x1a\x00" * LIMIT), LIMIT)
    refuse(batch(b"\x12\x00" * (LIMIT + 1)))


@pytest.mark.parametrize("field", [b"\x7a\x00", b"\x78\x00", b"\x7d1234", b"\x7912345678", b"\x0a\x00"])
def test_other_fields_are_counted_too_since_walking_over_them_costs_time(field: bytes) -> None:
    refuse(batch(field * 1000))
    refuse(field * 1000)


def test_a_group_does_not_end_the_count() -> None:
    group = b"\x0b\x0c"
    for data in (
        group + batch(b"\x1a\x00" * (LIMIT + 1)),
        batch(group + b"\x1a\x00" * (LIMIT + 1)),
        batch(b"\x1a\x00" * (LIMIT + 1)) + group,
    ):
        with pytest.raises((LimitError, MalformedRequestError)):
            check_batch_size(data, LIMIT)


@pytest.mark.parametrize("wire_type", [3, 4, 6, 7])
def test_a_wire_type_that_no_engine_sends_is_malformed(wire_type: int) -> None:
    refuse(batch(bytes([0x08 | wire_type]) + b"\x1a\x00" * 150), MalformedRequestError)


def test_truncated_and_overlong_requests_are_malformed() -> None:
    good = batch(b"\x1a\x00" * LIMIT + b"\x0a\x64" + b"x" * 100)
    for end in range(2 * LIMIT + 1, len(good)):
        refuse(good[:end], MalformedRequestError)
    refuse(b"\xff" * 300, MalformedRequestError)
    refuse(batch(b"\x1a" + varint(2**62) + b"x" * 300), MalformedRequestError)


def test_a_short_request_is_not_looked_into() -> None:
    check_batch_size(b"\xff" * 2 * LIMIT, LIMIT)


def test_32_mib_of_anything_are_refused() -> None:
    size = 32 * 1024 * 1024
    for field in (b"\x1a\x00", b"\x12\x00", b"\x78\x00", b"\x7a\x00", b"\x0b\x0c"):
        body = batch(field * (size // 2))
        with pytest.raises((LimitError, MalformedRequestError)):
            check_batch_size(body, 100_000)


def test_no_more_fields_of_a_message_of_no_known_type_are_read_than_asked_for() -> None:
    small, large = b"\x48\x00", b"\x4a\x03abc"
    for field in (small, large):
        assert len(unknown_fields(field * 5, most=5)) == 5
        with pytest.raises(DecodeError, match="more than 5 fields"):
            unknown_fields(field * 6, most=5)
    assert len(unknown_fields(small * MOST_FIELDS)) == MOST_FIELDS
    with pytest.raises(DecodeError):
        unknown_fields(small * (MOST_FIELDS + 1))


def test_a_group_does_not_hide_fields_from_being_counted() -> None:
    with pytest.raises(DecodeError):
        unknown_fields(b"\x0b" + b"\x48\x00" * 100 + b"\x0c", most=50)

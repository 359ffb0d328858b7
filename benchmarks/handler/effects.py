"""Answers as values: what a response does, whichever SDK wrote its bytes, and where two of them differ.

Bytes are not compared: JSON may be written with spaces or without, a list of mutations in any order, a type URL under any host
(the 2.2 engine reads what follows the last slash).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.handler import names, protos
from benchmarks.handler.messages import Receipt


@dataclass(frozen=True)
class Mutation:
    """What becomes of one state."""

    state: str
    kind: str
    typename: str
    value: object


@dataclass(frozen=True)
class Message:
    """A message to another function."""

    target: str
    id: str
    typename: str
    receipt: tuple[str, int]


@dataclass(frozen=True)
class Egress:
    """A record for an egress; `topic` and `key` are None unless it is a Kafka record."""

    egress: str
    typename: str
    topic: str | None
    key: str | None
    receipt: tuple[str, int]


@dataclass(frozen=True)
class Effects:
    """All that a response does, in order."""

    mutations: tuple[Mutation, ...]
    messages: tuple[Message, ...]
    egresses: tuple[Egress, ...]


class UnexpectedAnswerError(Exception):
    """A response holds something that no contender has a reason to answer."""


def decode(protocol: int, response: bytes) -> Effects:
    """Read a response.

    Raises:
        UnexpectedAnswerError: it asks for states, delays a message, or carries a value of a type that the workload does not have.
    """
    wire = protos.load(f"engine_v{protocol}.proto")
    answer = wire.FromFunction.FromString(response)
    if not answer.HasField("invocation_result"):
        raise UnexpectedAnswerError(f"no result: {str(answer)[:200]!r}")
    result = answer.invocation_result
    if result.delayed_invocations:
        raise UnexpectedAnswerError(f"delayed messages: {str(result.delayed_invocations[0])[:200]!r}")
    return Effects(
        tuple(sorted((_mutation(wire, mutation) for mutation in result.state_mutations), key=lambda m: m.state)),
        tuple(
            Message(_joined(m.target.namespace, m.target.type), m.target.id, *_typed_receipt(m.argument))
            for m in result.outgoing_messages
        ),
        tuple(_egress(wire, egress) for egress in result.outgoing_egresses),
    )


def differences(expected: Effects, actual: Effects, limit: int = 5) -> Iterator[str]:
    """Tell where two answers differ, in at most `limit` lines a list."""
    for kind in ("mutations", "messages", "egresses"):
        wanted, got = getattr(expected, kind), getattr(actual, kind)
        if len(wanted) != len(got):
            yield f"{kind}: {len(wanted)} expected, {len(got)} answered"
        different = [(number, a, b) for number, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b]
        for number, a, b in different[:limit]:
            yield f"{kind}[{number}]: expected {str(a)[:300]}\n    answered {str(b)[:300]}"


def _mutation(wire: Any, mutation: Any) -> Mutation:
    kind = ("DELETE", "MODIFY")[mutation.mutation_type]
    value = mutation.state_value
    typename, raw = _typed(wire.Any.FromString(value) if isinstance(value, bytes) else value)
    if typename in (names.LONG_V2, names.LONG_V3):
        return Mutation(mutation.state_name, kind, typename, wire.Long.FromString(raw).value)
    if typename == names.BASKET_TYPE:
        return Mutation(mutation.state_name, kind, typename, json.loads(raw))
    raise UnexpectedAnswerError(f"state {mutation.state_name!r} of type {typename!r}")


def _egress(wire: Any, egress: Any) -> Egress:
    typename, raw = _typed(egress.argument)
    name = _joined(egress.egress_namespace, egress.egress_type)
    if typename == names.RECEIPT_TYPE:
        return Egress(name, typename, None, None, _receipt(raw))
    if typename not in (names.KAFKA_V2, names.KAFKA_V3):
        raise UnexpectedAnswerError(f"an egress record of type {typename!r}")
    record = wire.KafkaRecord.FromString(raw)
    return Egress(name, typename, record.topic, record.key, _receipt(record.value_bytes))


def _typed_receipt(argument: Any) -> tuple[str, tuple[str, int]]:
    typename, raw = _typed(argument)
    return typename, _receipt(raw)


def _receipt(raw: bytes) -> tuple[str, int]:
    receipt = Receipt.FromString(raw)
    return receipt.item, receipt.count


def _typed(value: Any) -> tuple[str, bytes]:
    if hasattr(value, "type_url"):
        return f"type.googleapis.com/{value.type_url.rsplit('/', 1)[-1]}", value.value
    if not value.has_value:
        raise UnexpectedAnswerError(f"a value without has_value, of type {value.typename!r}")
    return value.typename, value.value


def _joined(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"

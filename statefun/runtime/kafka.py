"""What a Kafka ingress and a Kafka egress share: the settings of their client, and what its errors mean.

The client is librdkafka, and `properties` are written for the Java client of the engines. Most names are the same in both; the tables below
tell of the rest. A property that neither knows is an error, since a client that overlooks `ssl.…` is worse than one that does not start.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from confluent_kafka import KafkaError, KafkaException

from statefun.errors import BindingError

__all__ = ["LOGGER", "Outage", "client_settings", "error_of", "is_passing", "said"]

LOGGER: Final = logging.getLogger("statefun.runtime.kafka")

# Java's name -> the client's, and how its value becomes the client's.
_RENAMED: Final[Mapping[str, tuple[str, Callable[[str], str]]]] = {
    "fetch.max.wait.ms": ("fetch.wait.max.ms", str),
    "max.request.size": ("message.max.bytes", str),
    "buffer.memory": ("queue.buffering.max.kbytes", lambda value: str(max(1, int(value) // 1024))),
}

# What the Java client alone has, and what changes nothing of what is promised here.
_WITHOUT_MEANING: Final = frozenset(
    {
        "flink.partition-discovery.interval-millis",
        "key.deserializer",
        "key.serializer",
        "max.block.ms",
        "max.poll.records",
        "value.deserializer",
        "value.serializer",
    }
)

# What the Java client alone has, and what has to be written in another way.
_INSTEAD: Final[Mapping[str, str]] = {
    "sasl.jaas.config": "write `sasl.username` and `sasl.password`",
    "ssl.keystore.password": "write `ssl.key.password`, beside `ssl.certificate.location` and `ssl.key.location`",
    "ssl.keystore.type": "write `ssl.certificate.location` and `ssl.key.location`, PEM files",
    "ssl.truststore.location": "write `ssl.ca.location`, a PEM file",
    "ssl.truststore.password": "write `ssl.ca.location`, a PEM file, which needs no password",
    "ssl.truststore.type": "write `ssl.ca.location`, a PEM file",
}

_PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError._WAIT_CACHE,
        KafkaError._WAIT_COORD,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)


def client_settings(
    component: str,
    properties: Mapping[str, str],
    *,
    defaults: Mapping[str, str],
    fixed: Mapping[str, str],
    hints: Mapping[str, str],
) -> dict[str, Any]:
    """The settings of a client.

    Args:
        component: What errors call the ingress or egress: `KafkaIngress 'example/logins'`.
        properties: What the user has set, by the Java client's names or by this client's.
        defaults: What holds where the user has set nothing.
        fixed: What a promise rests on; a property of another value is refused.
        hints: For a fixed setting, where its value comes from.

    Raises:
        BindingError: a property contradicts a fixed setting, or is written in another way for this client.
    """
    chosen: dict[str, str] = {}
    for name, value in properties.items():
        if name in fixed:
            if value != fixed[name]:
                raise BindingError(
                    f"{component} has the property {name!r} of another value than it needs",
                    hint=hints.get(name, f"leave it out: it is always {fixed[name]!r}"),
                )
        elif name in _INSTEAD:
            raise BindingError(
                f"{component} has the property {name!r}, which only the Java client has", hint=_INSTEAD[name]
            )
        elif name in _WITHOUT_MEANING:
            LOGGER.info("%s: the property %r has no meaning here and is left out", component, name)
        else:
            renamed, convert = _RENAMED.get(name, (name, str))
            try:
                chosen[renamed] = convert(value)
            except ValueError as error:
                raise BindingError(f"{component} has the property {name!r} of a value that is no number") from error
    return {**defaults, **chosen, **fixed}


def error_of(exception: KafkaException) -> KafkaError:
    """The error that an exception of the client carries."""
    return cast(KafkaError, exception.args[0])


def said(error: KafkaError) -> str:
    """An error in one line: what the client says, and the name of its code."""
    return f"{error.str()} ({error.name()})"


def is_passing(error: KafkaError) -> bool:
    """Whether it may be gone when the same is tried again: nobody answers, or nobody who leads."""
    return not error.fatal() and (error.retriable() or error.code() in _PASSING)


class Outage:
    """Tells once that the brokers cannot be reached, again every minute, and once that they can.

    Args:
        component: The ingress or egress.
        address: The brokers.
    """

    def __init__(self, component: str, address: str) -> None:
        self._component: Final = component
        self._address: Final = address
        self._told: float | None = None

    def begins(self, why: str) -> None:
        """Something could not be done."""
        now = time.monotonic()
        if self._told is None or now - self._told >= 60:
            self._told = now
            LOGGER.warning("%s: no answer from %s, trying again: %s", self._component, self._address, why)

    def is_over(self) -> None:
        """Something was done."""
        if self._told is not None:
            self._told = None
            LOGGER.info("%s: %s answers again", self._component, self._address)

"""What differs from one deployment to the next, named instead of written: `env:NAME` is what the environment variable NAME holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve

from statefun.errors import BindingError
from statefun.model.checks import BROKERS_HINT, has_gap
from statefun.model.kafka import KafkaEgress, KafkaIngress
from statefun.model.kinesis import KinesisEgress, KinesisIngress

__all__ = ["dereferenced", "with_environment"]

_PREFIX: Final = "env:"
_PARTS: Final = {
    "region": ("id", "endpoint"),
    "credentials": ("access_key_id", "secret_access_key", "name", "path"),
}
"""What may be named inside an ingress or egress of Kinesis."""


def dereferenced(
    value: str, what: str, environment: Mapping[str, str], *, error: Callable[..., Exception] = BindingError
) -> str:
    """A value, or what the environment variable holds that it names.

    Args:
        value: The value, or `env:NAME`.
        what: Whose it is, for the error: the value itself is never shown.
        environment: The environment variables.
        error: The class of the error.

    Raises:
        BindingError: there is no such variable, or it is empty; or an `error` of another class.

    >>> dereferenced("env:DSN", "the dsn of 'a/b'", {"DSN": "host=db"})
    'host=db'
    >>> dereferenced("host=db", "the dsn of 'a/b'", {})
    'host=db'
    """
    if not value.startswith(_PREFIX):
        return value
    name = value.removeprefix(_PREFIX)
    found = environment.get(name)
    if not found:
        raise error(
            f"{what} is in the environment variable {name!r}, which is {'not set' if found is None else 'empty'}",
            hint="set it for the process that needs it",
        )
    return found


def with_environment(made: Any, environment: Mapping[str, str]) -> Any:
    """An ingress or egress of Kafka or Kinesis with nothing left to look up; any other as it is.

    Looked up are the `address`, the values of `properties`, the `region` and the `credentials`.

    Raises:
        BindingError: a variable is not set, or is no address.

    >>> from statefun.model import KafkaEgress
    >>> with_environment(KafkaEgress(id="a/b", address="env:BROKERS"), {"BROKERS": "kafka:9092"}).address
    'kafka:9092'
    """
    if not isinstance(made, KafkaIngress | KafkaEgress | KinesisIngress | KinesisEgress):
        return made
    what = f"{type(made).__name__} {made.id!r}"
    changes: dict[str, Any] = {}
    address = getattr(made, "address", None)
    if isinstance(address, str):
        changes["address"] = _brokers(address, f"the address of {what}", environment)
    changes["properties"] = {
        name: dereferenced(value, f"the property {name!r} of {what}", environment)
        for name, value in made.properties.items()
    }
    for name, attributes in _PARTS.items():
        part = getattr(made, name, None)
        if part is not None:
            changes[name] = _part(part, attributes, f"{name} of {what}", environment)
    return evolve(made, **changes)


def _brokers(address: str, what: str, environment: Mapping[str, str]) -> str:
    found = dereferenced(address, what, environment)
    if found is not address and has_gap(found):  # here, where the variable has a name
        raise BindingError(
            f"{what} is in the environment variable {address.removeprefix(_PREFIX)!r}, which has white space or a control "
            "character in it",
            hint=BROKERS_HINT,
        )
    return found


def _part(part: Any, attributes: tuple[str, ...], what: str, environment: Mapping[str, str]) -> Any:
    changes = {
        each: dereferenced(value, f"the {each} of the {what}", environment)
        for each in attributes
        if isinstance(value := getattr(part, each, None), str)
    }
    return evolve(part, **changes)

"""States that are not what their declarations say."""

from __future__ import annotations

from statefun.errors.root import StatefunError

__all__ = [
    "MissingStateError",
    "StateDecodeError",
    "StateEncodeError",
    "StateError",
    "StateTypeError",
    "UndeclaredStateError",
]


class StateError(StatefunError):
    """A state is not what its declaration says."""

    code = "state"


class UndeclaredStateError(StateError):
    """A state that the function never declared."""

    code = "undeclared-state"
    default_hint = 'declare it: `specs=[ValueSpec(LONG, name="count")]`'


class MissingStateError(StateError):
    """A declared state that the request does not carry."""

    code = "missing-state"
    default_hint = "list the state under `states` of the function in module.yaml"


class StateTypeError(StateError):
    """A value of another type than the state declares."""

    code = "state-type"
    default_hint = "store and read one type under one name"


class StateDecodeError(StateError):
    """Stored bytes that do not decode as the type that they name."""

    code = "undecodable-state"
    default_hint = "decode what was stored too, or store the new encoding under another name"


class StateEncodeError(StateError):
    """A value that the declared type of its state cannot encode."""

    code = "unencodable-state"
    default_hint = "assign what the declared type can encode"

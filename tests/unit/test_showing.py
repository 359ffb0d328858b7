"""What is wrong with a value is told with a typed error though the value cannot be shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from statefun import (
    LONG,
    Context,
    Expiration,
    StatefulFunction,
    StatefulFunctions,
    StatefunError,
    ValueSpec,
    handles,
    json_type,
)
from statefun.errors import (
    AddressError,
    BindingError,
    DefinitionError,
    DelayError,
    FactoryError,
    HandlerSignatureError,
    MessageTypeError,
    StateTypeError,
)
from statefun.model import KinesisEgress
from tests.unit.rig import Engine


class Mute:
    """What cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


MUTE: Any = Mute()


def takes(_context: Context, _message: str) -> None:
    """Takes it."""


class Handled(StatefulFunction[str]):
    on_text = handles(MUTE)


class Unspoken(Exception):  # noqa: N818  what a user may name it
    """An error that cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Copied:
    """A default that says nothing of why it cannot be copied."""

    def __deepcopy__(self, _memo: Any) -> Any:
        raise Unspoken


DEFINING: dict[str, tuple[Callable[[], object], type[StatefunError]]] = {
    "specs": (
        lambda: StatefulFunctions().register("a/b", takes, specs=MUTE),
        DefinitionError,
    ),
    "the name of a state": (lambda: ValueSpec(LONG, name=MUTE), DefinitionError),
    "an expiration": (lambda: ValueSpec(LONG, expire=MUTE), DefinitionError),
    "the mode of an expiration": (lambda: Expiration(MUTE, timedelta(days=1)), DefinitionError),
    "the type of a state": (lambda: ValueSpec(MUTE), MessageTypeError),
    "a JSON type": (lambda: json_type("a/b", MUTE), DefinitionError),
    "a handler": (lambda: StatefulFunctions().register("a/b", Handled), HandlerSignatureError),
    "a region": (lambda: KinesisEgress(id="a/b", region=MUTE), BindingError),
    "a default that is not copied": (lambda: ValueSpec(json_type("a/any"), default=Copied()), DefinitionError),
}


@pytest.mark.parametrize("what", DEFINING)
def test_where_it_is_defined(what: str) -> None:
    define, error = DEFINING[what]
    with pytest.raises(error):
        define()


USING: dict[str, tuple[Callable[[Context], object], type[StatefunError]]] = {
    "an address": (lambda context: context.send(MUTE, "a"), AddressError),
    "a delay": (lambda context: context.send_after(MUTE, "a/b", "1", "a"), DelayError),
    "a message that is packed": (lambda context: context.state("seen").pack(MUTE), StateTypeError),
}


@pytest.mark.parametrize("what", USING)
def test_where_it_is_used(engine: Engine, what: str) -> None:
    use, error = USING[what]

    @engine.functions.bind("test/f", specs=[ValueSpec(LONG, name="seen")])
    def function(context: Context, _message: str) -> None:
        use(context)

    with pytest.raises(error):
        engine.send("test/f/1", "a")


def test_where_a_factory_made_it(engine: Engine) -> None:
    class Greeter(StatefulFunction[str], typename="test/f"):
        @handles
        def on_text(self, context: Context, text: str) -> None:
            """Takes it."""

    engine.register(Greeter, factory=lambda: MUTE)
    with pytest.raises(FactoryError, match="Mute"):
        engine.send("test/f/1", "a")

"""An engine, its function server and its topics on one broker: what a test of a program on an engine needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from attrs import evolve, frozen

from statefun import StatefulFunctions
from statefun.model import (
    AsyncTransport,
    Delivery,
    KafkaEgress,
    KafkaIngress,
    Module,
    ModuleVersion,
    OkHttpTransport,
    Route,
    StartFrom,
)
from statefun.module.generate import generate
from tests.engines.engine import Engine, EngineVersion
from tests.engines.server import FunctionServer
from tests.engines.topics import Reader, produce
from tests.services.broker import Broker

__all__ = ["Program", "Rig", "module_of"]


@frozen(kw_only=True)
class Program:
    """A program and how the outside reaches it.

    Attributes:
        target: `package.module:functions`, as `statefun serve` takes it.
        functions: The same registry, for its names and states.
        topics: For each topic the name of its values' type and the functions that get them.
        egress: The id of its egress.
    """

    target: str
    functions: StatefulFunctions
    topics: Mapping[str, tuple[str, tuple[str, ...]]]
    egress: str


def module_of(program: Program, version: EngineVersion, url: str, broker: str, prefix: str) -> Module:
    """What an engine is told of a program: the endpoints that `statefun module` writes, and topics of the rig's."""
    v2 = version == "2.2.2"
    kind = ModuleVersion.V2_0 if v2 else ModuleVersion.V3_1
    call = timedelta(minutes=1)
    return Module(
        version=kind,
        endpoints=[
            evolve(
                each,
                transport=OkHttpTransport(call=call) if v2 else AsyncTransport(call=call),
                max_batch=500,
            )
            for each in generate(program.functions, kind, url=url).module.endpoints
        ],
        ingresses=[
            KafkaIngress(
                id="engines/commands",
                address=broker,
                consumer_group=f"{prefix}group",
                startup=StartFrom.EARLIEST,
                topics=[
                    Route(name=prefix + topic, value_type=value_type, targets=targets)
                    for topic, (value_type, targets) in program.topics.items()
                ],
            )
        ],
        egresses=[
            KafkaEgress(
                id=program.egress,
                address=broker,
                delivery=Delivery.EXACTLY_ONCE,
                transaction_timeout=timedelta(minutes=5),
            )
        ],
    )


class Rig:
    """One program on one engine, started by `with` and gone behind it.

    Args:
        version: Which engine.
        program: The program.
        broker: The broker, which may serve other rigs too.
        folder: Where settings, checkpoints and logs are.
    """

    def __init__(self, version: EngineVersion, program: Program, broker: Broker, folder: Path) -> None:
        self.version: Final = version
        self.program: Final = program
        self._broker: Final = broker
        self.prefix: Final = f"{folder.name}-"
        self.results: Final = f"{self.prefix}results"
        self.server: Final = FunctionServer(program.target, folder, {"ENGINE_TESTS_RESULTS": self.results})
        self.engine: Final = Engine(
            version, folder, module_of(program, version, self.server.url, broker.address, self.prefix)
        )
        self._stack: Final = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for topic in (*self.program.topics, "results"):
                self._broker.create_topic(self.prefix + topic)
            stack.enter_context(self.server)
            stack.enter_context(self.engine)
            self.reader = Reader(self._broker.address, self.results, self.engine.check)
            stack.callback(self.reader.close)
            self._stack.push(stack.pop_all())
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def send(self, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
        """Puts records into one of the program's topics."""
        produce(self._broker.address, self.prefix + topic, records)

    def values(self, key: str | None, what: str) -> list[Any]:
        """What was committed for a key so far, of one kind."""
        return [each.value for each in self.reader.records if each.key == key and each.value.get("what") == what]

    def wait(self, key: str | None, what: str, count: int = 1) -> list[Any]:
        """Waits until so much was committed for a key, and gives it."""
        self.reader.until(lambda _: len(self.values(key, what)) >= count)
        return self.values(key, what)

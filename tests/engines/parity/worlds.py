"""Where a scenario runs: an engine with its broker, or the embedded runtime with two files. Both take messages and give records."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Protocol

from statefun import AsyncRequestReplyHandler, FileEgress, FileIngress, ValueType
from statefun.batch import ProtocolVersion
from statefun.runtime import Options, Runtime, Store
from statefun.wire import unknown_fields
from tests.engines.parity.program import REPORT, functions, program
from tests.engines.parity.steps import STEP
from tests.engines.rig import Program, Rig

__all__ = ["PARITY", "Embedded", "OnEngine", "World"]

TARGETS: Final = {"steps": ("parity/actor",), "reports": functions.typenames}
TYPES: Final[dict[str, ValueType[Any]]] = {"steps": STEP, "reports": REPORT}
PARITY: Final = Program(
    target="tests.engines.parity.program:functions",
    functions=functions,
    egress="parity/records",
    topics={topic: (TYPES[topic].typename, TARGETS[topic]) for topic in TARGETS},
)


class World(Protocol):
    """Where a scenario runs."""

    def feed(self, topic: str, messages: Iterable[tuple[str, bytes]]) -> None:
        """Takes messages, each with the id that it goes to."""
        ...

    def records(self, count: int) -> list[dict[str, Any]]:
        """Gives all records that were emitted so far, once there are so many."""
        ...


class OnEngine:
    """A world on Flink StateFun."""

    def __init__(self, rig: Rig) -> None:
        self._rig: Final = rig

    def feed(self, topic: str, messages: Iterable[tuple[str, bytes]]) -> None:
        """Puts them into a topic."""
        self._rig.send(topic, messages)

    def records(self, count: int) -> list[dict[str, Any]]:
        """Reads what is committed."""
        return [each.value for each in self._rig.reader.until(lambda found: len(found) >= count)]


class Embedded:
    """A world on the embedded runtime: each feeding is a run of its own, which goes on where the one before it ended.

    Args:
        protocol: The protocol that it calls the functions with.
        folder: Where its store and its files are.
    """

    def __init__(self, protocol: ProtocolVersion, folder: Path) -> None:
        self._protocol: Final = protocol
        self._folder: Final = folder
        folder.mkdir(parents=True, exist_ok=True)
        for topic in TARGETS:
            self._input(topic).touch()

    def feed(self, topic: str, messages: Iterable[tuple[str, bytes]]) -> None:
        """Appends them to a file and runs until nothing is left to do."""
        with self._input(topic).open("a", encoding="utf-8") as file:
            for key, value in messages:
                file.write(json.dumps({"key": key, "value": base64.b64encode(value).decode()}) + "\n")
        registry = program()
        for each, targets in TARGETS.items():
            registry.ingress(self._ingress(each, targets))
        registry.egress(FileEgress(id="parity/records", path=self._output, format="bytes"))
        with Store(self._folder / "store") as store:
            runtime = Runtime(
                AsyncRequestReplyHandler(registry),
                store,
                states=registry.specs(),
                ingresses=registry.ingresses,
                egresses=registry.egresses,
                options=Options(protocol=self._protocol),
            )
            with runtime:
                runtime.run_until_idle()

    def records(self, count: int) -> list[dict[str, Any]]:
        """Reads the file, in which the records stand one behind the other, each ended by its topic, the last field."""
        found = []
        value = b""
        data = self._output.read_bytes()
        for number, _, raw in unknown_fields(data, most=len(data)):
            if number == 2:
                value = bytes(raw)
            if number == 3:
                found.append(json.loads(value))
        if len(found) < count:
            raise TimeoutError(f"the runtime is idle and has emitted {len(found)} records of {count}")
        return found

    @property
    def _output(self) -> Path:
        return self._folder / "records.bin"

    def _input(self, topic: str) -> Path:
        return self._folder / f"{topic}.jsonl"

    def _ingress(self, topic: str, targets: tuple[str, ...]) -> FileIngress:
        kind = TYPES[topic]
        return FileIngress(
            id=f"parity/{topic}",
            path=self._input(topic),
            message=kind,
            key="key",
            targets=targets,
            convert=lambda row: kind.v3.decode(base64.b64decode(row["value"])),
        )

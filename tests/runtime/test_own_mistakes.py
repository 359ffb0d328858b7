"""Sources and sinks of one's own that are wrong: the error names them, and what was in the store before is there after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from statefun import STRING, Context, RequestReplyHandler, StatefulFunction, StatefulFunctions, handles
from statefun.errors import EgressError, IngressError
from statefun.model import BoundEgress, BoundIngress
from statefun.runtime import Confirmed, Inlet, Options, OutgoingRecord, Record, Report, Runtime, Sink, Store


class Echo(StatefulFunction[str], typename="test/echo"):
    @handles
    def on_text(self, context: Context, text: str) -> None:
        context.send_egress("test/out", text)


class In:
    """One good record, and then what a test asks for."""

    id = "test/in"

    def __init__(self, position: Any = "2", key: Any = None, value: Any = None) -> None:
        self.then = position, key, value

    async def run(self, inlet: Inlet) -> None:
        position, key, value = self.then
        good = STRING.v3.encode("hello")
        await inlet.put([Record(("test/echo",), "a", STRING.v3.typename, good)], "1")
        bad = good if value is None else value
        await inlet.put([Record(("test/echo",), "b", STRING.v3.typename, bad)], position, key=key)


class Out(Sink):
    def __init__(self, **wrong: Any) -> None:
        super().__init__("test/out")
        self.wrong = wrong
        self.got: list[bytes] = []

    def _perhaps(self, name: str) -> Any:
        found = self.wrong.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    async def open(self, store: str, position: str | None) -> None:
        self._perhaps("open")

    async def confirm(self) -> Confirmed | None:
        return self._perhaps("confirm")

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        self._perhaps("deliver")
        self.got += [each.data for each in records]

    def encode(self, typename: str, value: bytes) -> bytes:
        return self.wrong.get("encode", value)


def run(folder: Path, source: In, sink: Out) -> Report:
    functions = StatefulFunctions()
    functions.register(Echo)
    with Store(folder / "store") as store:
        runtime = Runtime(
            RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=[BoundIngress(source)],
            egresses=[BoundEgress(sink)],
            options=Options(attempts=1),
        )
        return runtime.run_until_idle()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (In(value="text"), "test/in puts a record for 'b' whose value is of the type str, not bytes"),
        (In(position=5), "test/in puts records with the position 5, which is no text"),
        (In(position="\ud800"), r"test/in puts records with the position '\\ud800', which is no text"),
        (In(key="\ud800"), r"test/in puts records with the key '\\ud800', which is no text"),
    ],
)
def test_a_source_that_puts_what_is_none_is_named_and_what_came_before_is_kept(
    tmp_path: Path, source: In, told: str
) -> None:
    sink = Out()
    with pytest.raises(IngressError, match=told):
        run(tmp_path, source, sink)
    assert len(sink.got) == 1
    with Store(tmp_path / "store") as store:
        assert store.positions() == {"test/in": "1"}


@pytest.mark.parametrize("made", ["text", None, 5])
def test_a_sink_that_makes_no_bytes_of_a_value_fails_the_message_that_sent_it(tmp_path: Path, made: Any) -> None:
    assert run(tmp_path, In(), Out(encode=made)).dead_letters == 2
    with Store(tmp_path / "store") as store:
        (first, _) = store.dead_messages()
    assert first.code == "egress"
    assert f"the egress 'test/out' made {type(made).__name__} of a value of" in first.error


@pytest.mark.parametrize("where", ["open", "confirm", "deliver"])
def test_a_sink_that_raises_anything_is_named(tmp_path: Path, where: str) -> None:
    with pytest.raises(EgressError, match="the egress 'test/out' raised ValueError: not so"):
        run(tmp_path, In(), Out(**{where: ValueError("not so")}))


class UnspokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_sink_that_raises_what_cannot_be_told_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(EgressError, match="the egress 'test/out' raised UnspokenError"):
        run(tmp_path, In(), Out(deliver=UnspokenError()))


def test_a_source_that_raises_what_cannot_be_told_is_named_too(tmp_path: Path) -> None:
    class Breaking(In):
        async def run(self, inlet: Inlet) -> None:
            raise UnspokenError

    with pytest.raises(IngressError, match="the ingress 'test/in' raised UnspokenError"):
        run(tmp_path, Breaking(), Out())

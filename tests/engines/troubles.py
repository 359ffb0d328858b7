"""The failures of docs/troubleshooting.md, each with what provokes it, and the page's lines that a log must then hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.model import (
    AsyncTransport,
    Delivery,
    EndpointState,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    Module,
    ModuleVersion,
    OkHttpTransport,
    Route,
    StartFrom,
)
from tests.engines.engine import EngineVersion
from tests.engines.faulty import (
    Answer,
    Answering,
    address,
    cancellation,
    delayed,
    egress,
    message,
    mutation,
    result,
    state_wanted,
    value_v2,
    value_v3,
)

__all__ = ["FUNCTION", "MODULE", "ONLY_3", "PAGE", "TRANSPORT", "answers", "lines_of", "module", "names_on_page"]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
CALL: Final = timedelta(seconds=5)
"""Short, since some tests wait until it has passed; long enough for a busy machine to answer in time."""
NAME: Final = "trouble/fragile"
TYPE: Final = "trouble/message"

TRANSPORT: Final[Mapping[str, Answering]] = {
    "wrong-content-type": lambda _: Answer(content_type="application/octet-stream; charset=utf-8"),
    "status-400": lambda _: Answer(status=400),
    "status-500": lambda _: Answer(status=500),
    "not-a-response": lambda _: Answer(b"not a response"),
    "no-answer": lambda _: Answer(pause=2 * CALL.total_seconds()),
}
"""What a transport says of an answer; `server-down` beside them has none."""

FUNCTION: Final = (
    "unknown-egress",
    "another-record",
    "unknown-target",
    "negative-delay",
    "undeclared-state",
    "empty-token",
    "live-token",
    "changed-state-type",
)
"""What the engine says of what a function asks for."""
ONLY_3: Final = ("empty-token", "live-token", "changed-state-type")
"""What only 3.x has."""
MODULE: Final = (
    "connect-longer-than-call",
    "transaction-longer-than-allowed",
    "missing-topic",
    "record-without-key",
)
"""What the engine says of its module, when it starts or at the first record."""


def answers(name: str, version: EngineVersion) -> Iterator[Answering]:
    """The answers that provoke a trouble, one after the other, each for another message."""
    value = value_v2(TYPE, b"x") if version == "2.2.2" else value_v3(TYPE, b"x")
    to = address(NAME, "other")
    if name == "changed-state-type":
        yield lambda _: Answer(state_wanted("n", "io.statefun.types/long"))
        yield lambda _: Answer(state_wanted("n", "io.statefun.types/string"))
        return
    body = {
        "unknown-egress": result(egress("trouble/nowhere", value)),
        "another-record": result(egress("trouble/out", value)),
        "unknown-target": result(message(address("trouble/nobody", "a"), value)),
        "negative-delay": result(delayed(-1, to, value)),
        "undeclared-state": result(mutation("nowhere", value)),
        "empty-token": result(cancellation("")),
        "live-token": result(delayed(60_000, to, value, "t"), delayed(60_000, to, value, "t")),
    }[name]
    yield lambda _: Answer(body)


def module(
    version: EngineVersion,
    url: str,
    broker: str,
    prefix: str,
    *,
    topics: tuple[str, ...] = ("in",),
    okhttp: bool = False,
    connect: timedelta = timedelta(seconds=2),
    transaction: timedelta = timedelta(minutes=5),
) -> Module:
    """One function, called over one transport, with short patience."""
    v2 = version == "2.2.2"
    # Shorter than the call, so that it is the attempt that is given up first.
    read = CALL / 3
    impatient = OkHttpTransport(call=CALL, connect=connect, read=read, write=read)
    return Module(
        version=ModuleVersion.V2_0 if v2 else ModuleVersion.V3_1,
        endpoints=[
            HttpEndpoint(
                functions=NAME,
                url=url,
                protocol=ProtocolVersion.V2 if v2 else ProtocolVersion.V3,
                transport=impatient if v2 or okhttp else AsyncTransport(call=CALL, connect=connect),
                states=[EndpointState(name="known")] if v2 else [],
            )
        ],
        ingresses=[
            KafkaIngress(
                id="trouble/in",
                address=broker,
                consumer_group=f"{prefix}group",
                startup=StartFrom.EARLIEST,
                topics=[Route(name=prefix + each, value_type=TYPE, targets=[NAME]) for each in topics],
            )
        ],
        egresses=[
            KafkaEgress(
                id="trouble/out", address=broker, delivery=Delivery.EXACTLY_ONCE, transaction_timeout=transaction
            )
        ],
    )


# --- the page -----------------------------------------------------------------------------------------------------


def _sections() -> dict[str, str]:
    parts = re.split(r"^### (\S+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def names_on_page() -> list[str]:
    """The troubles that the page describes."""
    return list(_sections())


def lines_of(name: str, *facts: str) -> list[re.Pattern[str]]:
    """The lines that the page promises for a trouble on an engine of that version and transport; `…` is anything."""
    found = []
    for labels, block in re.findall(r"^```log(.*)\n((?:.*\n)*?)```$", _sections()[name], flags=re.MULTILINE):
        if set(labels.split()) <= set(facts):
            found += [re.compile(".*".join(map(re.escape, line.split("…")))) for line in block.splitlines()]
    return found

"""HTTP as an ingress: a message is sent to `/<namespace>/<name>/<id>`, and acknowledged when it is on disk.

The paths and headers are those of the StateFun playground; what is beyond it (`Idempotency-Key`, `Prefer: wait`) is a header that it would
not look at. `docs/http.md` tells all of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

from google.protobuf.wrappers_pb2 import StringValue

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import IngressClosedError, IngressError, RepeatedKeyError, UnknownFunctionError
from statefun.model import PlaygroundIngress
from statefun.runtime.http.access import Gate
from statefun.runtime.http.limits import MAX_ID, Limits
from statefun.runtime.http.messages import OK, Answer, Request, problem, unavailable
from statefun.runtime.http.server import Place, attached
from statefun.runtime.ingress.source import Inlet, Record
from statefun.wire import TYPE_URL_PREFIX, delimited

__all__ = ["HttpSource"]

STRING_TYPES: Final = {
    ProtocolVersion.V2: TYPE_URL_PREFIX + StringValue.DESCRIPTOR.full_name,
    ProtocolVersion.V3: "io.statefun.types/string",
}
"""What a body is when no header says it, as in the playground; the bytes are the same in both protocols."""
TYPE_PREFIX: Final = b"application/vnd."
LONGEST_WAIT: Final = 3600
"""Seconds that an answer may be waited for."""

_GRACE: Final = 1.0
"""Seconds that a reply may take when the runtime stops."""
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE", "GET"})
_ALLOW: Final = (("Allow", "POST, PUT, PATCH, DELETE, GET"),)
_KEY: Final = re.compile(rb"[ -~]{1,255}")
_WAIT: Final = re.compile(rb'(?:^|,)\s*wait\s*=\s*(?:"([^"]*)"|([^\s,;]*))', re.IGNORECASE)
_REPLAYED: Final = Answer(200, (("Idempotency-Replayed", "true"),))
_LOST: Final = "it may have been taken in or not: repeat it with the same `Idempotency-Key`, and it counts once"


class Bound(Protocol):
    """An ingress of this kind, with nothing left to look up."""

    @property
    def ingress(self) -> PlaygroundIngress:
        """What the user or a module.yaml said."""
        ...


class HttpSource:
    """Listens on a port, and puts what is sent there.

    Args:
        bound: The ingress.
        limits: What the server takes.
    """

    def __init__(self, bound: Bound, *, limits: Limits | None = None) -> None:
        ingress = bound.ingress
        self._id: Final = ingress.id
        self._place: Final = Place(ingress.host, ingress.port, ingress.tls_cert, ingress.tls_key)
        self._token: Final = ingress.token
        self._limits: Final = limits
        self.listening: Final = asyncio.Event()
        """Set when clients can connect."""
        self.url = ""
        """Where they connect to, `http://127.0.0.1:8090`; known when it listens."""

    @property
    def id(self) -> str:
        """The id of the ingress."""
        return self._id

    async def run(self, inlet: Inlet) -> None:
        """Listens until it is cancelled; then what was taken in is answered, and the port is closed.

        Raises:
            IngressError: the port cannot be listened on.
        """
        door = self.door(inlet)
        async with attached(door, self._place, IngressError, limits=self._limits) as server:
            self.url = server.url
            self.listening.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.listening.clear()
                door.stop()

    def door(self, inlet: Inlet) -> Door:
        """Who answers the requests, on whatever port."""
        return Door(self._id, Gate(self._id, self._token), inlet)


class _Message(NamedTuple):
    record: Record
    key: str | None
    wait: int | None


class Door:
    """Makes records of requests, and answers of what becomes of them."""

    def __init__(self, id: str, gate: Gate, inlet: Inlet) -> None:
        self._id: Final = id
        self._gate: Final = gate
        self._inlet: Final = inlet
        self._stopping: Final = asyncio.Event()
        self._string: Final = STRING_TYPES[inlet.protocol]

    @property
    def id(self) -> str:
        """The id of the ingress."""
        return self._id

    @property
    def depth(self) -> int:
        """Namespace, name and id."""
        return 3

    async def answer(self, request: Request) -> Answer:
        """Takes a message in."""
        message = self._gate.refusal(request) or _read(request, self._string)
        if isinstance(message, Answer):
            return message
        if self._inlet.closed:
            return unavailable("stopping", "the runtime stops", "send it again when the runtime runs")
        record, key, wait = message
        target = record.targets[0]
        if not self._inlet.known(target):
            return problem(
                404, UnknownFunctionError.code, f"there is no function {target}", "name one that the runtime has"
            )
        if not self._inlet.room(target, record.id):
            return problem(
                429,
                "too-many-messages",
                f"too many messages wait for {target}",
                "send it again after the time in `Retry-After`",
                headers=(("Retry-After", "1"),),
            )
        try:
            if wait is not None:
                request.abandonable = True
                return _replied(await self._reply(self._inlet.ask(record, wait, key)), target, wait)
            receipt = await self._inlet.put((record,), key=key)
            return OK if await receipt.committed() else _REPLAYED
        except RepeatedKeyError as error:
            return problem(409, error.code, "the key was used before", "ask under another key")
        except IngressClosedError as error:
            return unavailable("stopping", error.message, error.hint)
        except IngressError as error:
            return unavailable("outcome-unknown", f"the runtime stopped: {error.message}", _LOST)

    def stop(self) -> None:
        """Lets nobody wait for a reply much longer."""
        self._stopping.set()

    async def _reply(self, asked: Coroutine[Any, Any, TypedBytes | None]) -> TypedBytes | None:
        """A reply, unless the runtime stops meanwhile."""
        asking = asyncio.create_task(asked)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                await asyncio.wait({asking}, timeout=_GRACE)
            if not asking.done():
                raise IngressError("there was no reply before")
            return asking.result()
        finally:
            asking.cancel()
            stopping.cancel()


def _read(request: Request, string: str) -> _Message | Answer:
    """A request as a message, or what is wrong with it."""
    if request.method not in _METHODS:
        return problem(
            405,
            "wrong-method",
            f"{request.method} sends no message",
            "use POST, PUT or another of `Allow`",
            headers=_ALLOW,
        )
    namespace, name, id = request.parts
    if not namespace or not name or "/" in namespace or "/" in name:
        return problem(404, "no-such-path", "the path names no function", "the path is /<namespace>/<name>/<id>")
    if not id:
        return problem(400, "empty-id", "the id is empty", "the path is /<namespace>/<name>/<id>")
    if len(id) > MAX_ID or (not id.isascii() and len(id.encode()) > MAX_ID):
        return problem(400, "id-too-long", f"the id has more than {MAX_ID} bytes", "use a shorter one")
    value = _value(request, string)
    if isinstance(value, Answer):
        return value
    target = f"{namespace}/{name}"
    key, wait = None, None
    if (given := request.headers.get(b"idempotency-key")) is not None:
        if _KEY.fullmatch(given) is None:
            return problem(
                400,
                "bad-idempotency-key",
                "the `Idempotency-Key` is empty, longer than 255 characters, or not printable ASCII",
                "use a UUID",
            )
        # The same key of another address names another message; a key has no line feed, so that no id can pretend to have it.
        key = f"{target}/{id}\n{given.decode()}"
    if (prefer := request.headers.get(b"prefer")) is not None and (found := _WAIT.search(prefer)) is not None:
        seconds = (found[1] or found[2] or b"").decode("ascii", "replace")
        if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 5 or not 1 <= int(seconds) <= LONGEST_WAIT:
            return problem(
                400,
                "bad-wait",
                "the `wait` in `Prefer` is no number of seconds",
                f"write `Prefer: wait=10`, with 1 to {LONGEST_WAIT}",
            )
        wait = int(seconds)
    return _Message(Record((target,), id, value.typename, value.value), key, wait)


def _value(request: Request, string: str) -> TypedBytes | Answer:
    given = request.headers.get(b"content-type")
    if given is None:
        return TypedBytes(string, request.body)
    known = _typename(given)
    if known is not None:
        return TypedBytes(known, request.body)
    media = given.partition(b";")[0].strip()
    if media.lower() == b"text/plain":
        try:
            request.body.decode()
        except UnicodeDecodeError as error:
            return problem(400, "text-not-utf8", f"the text is no UTF-8: {error.reason}", "send it as UTF-8")
        return TypedBytes(string, delimited(b"\x0a", request.body) if request.body else b"")
    return problem(
        415,
        "unknown-content-type",
        "the `Content-Type` names no type of a value",
        "write `Content-Type: application/vnd.<namespace>/<name>`, or `text/plain` for a string",
    )


@lru_cache(maxsize=1024)
def _typename(content_type: bytes) -> str | None:
    """The name of a type in a `Content-Type`; None where there is none."""
    media = content_type.partition(b";")[0].strip()
    if len(media) > MAX_ID or media[: len(TYPE_PREFIX)].lower() != TYPE_PREFIX or not media.isascii():
        return None
    typename = media[len(TYPE_PREFIX) :].decode()
    namespace, _, name = typename.partition("/")
    return typename if namespace and name and "/" not in name else None


def _replied(reply: TypedBytes | None, target: str, wait: int) -> Answer:
    applied = ("Preference-Applied", f"wait={wait}")
    if reply is None:
        return problem(
            504,
            "no-reply",
            f"{target} did not reply within {wait} seconds",
            "the message was taken in, and may still take effect",
            headers=(applied,),
        )
    typename = reply.typename
    if not typename.isascii() or not typename.isprintable():
        return problem(502, "reply-type", f"{target} replied with a type that no header can name", "name it in ASCII")
    return Answer(200, (("Content-Type", f"application/vnd.{typename}"), applied), reply.value)

"""What an engine does over HTTP, with nothing but the standard library, over TCP and over a UNIX socket."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

from google.protobuf.wrappers_pb2 import StringValue

from statefun.batch import Batch, Effects, Invocation, ProtocolVersion, Target
from statefun.primitives import STRING
from statefun.protocol.engine import decode_response, encode_request
from statefun.protocol.values import encode_address

V2 = ProtocolVersion.V2
V3 = ProtocolVersion.V3
OCTET_STREAM = "application/octet-stream"
CALLER = encode_address(Target("test", "caller", "c"))


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        problem = json.loads(self.body)
        assert problem["status"] == self.status
        assert problem["type"] == "about:blank"
        assert problem["title"]
        return dict(problem)

    def effects(self, protocol: ProtocolVersion) -> Effects:
        assert self.status == 200, self.body
        assert self.headers["content-type"] == OCTET_STREAM
        effects = decode_response(self.body, protocol)
        assert isinstance(effects, Effects)
        return effects

    def text(self, protocol: ProtocolVersion) -> str:
        (message,) = self.effects(protocol).messages
        return StringValue.FromString(message.value).value  # the bytes of a string are the same in both protocols


class Connection(http.client.HTTPConnection):
    """One connection, which is never made again behind the test's back.

    Args:
        address: What `getsockname` of the listener says: host and port, or a path.
        tls: For TLS.
    """

    auto_open = 0

    def __init__(self, address: Any, tls: ssl.SSLContext | None = None) -> None:
        super().__init__("localhost", timeout=60)
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(60)
            self.sock.connect(address)
        else:
            self.sock = socket.create_connection(address[:2], timeout=60)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self,
        body: bytes | Iterable[bytes] | None,
        *,
        path: str = "/statefun",
        method: str = "POST",
        content_type: str | None = OCTET_STREAM,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {} if content_type is None else {"Content-Type": content_type}
        self.request(
            method, path, body=body, headers=sent | dict(headers or {}), encode_chunked=not isinstance(body, bytes)
        )
        return self.receive()

    def receive(self) -> Reply:
        response = self.getresponse()
        return Reply(
            response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()
        )


def batch(
    function: str,
    *texts: str,
    id: str = "a",
    protocol: ProtocolVersion = V3,
    states: Mapping[str, bytes] | None = None,
) -> bytes:
    """A request with string messages, each from a caller, and with the one state that the classes of these tests have."""
    namespace, name = function.split("/")
    invocations = [Invocation(*STRING.encode(text, protocol), CALLER) for text in texts]
    held = {"seen": b""} if states is None else states
    return encode_request(Batch(protocol, Target(namespace, name, id), held, invocations))

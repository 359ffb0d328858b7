"""Messages to text: what a function sends to a file, to standard output or to a webhook, as JSON, as a text, or as the bytes it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from statefun.batch import ProtocolVersion
from statefun.errors import EgressError, StatefunError
from statefun.model import FileEgress, StdoutEgress, WebhookEgress
from statefun.types import ValueType, named_types

__all__ = ["LineEgress", "line_encoder"]

LineEgress = FileEgress | StdoutEgress | WebhookEgress
"""The egresses that write a value as text, or as the bytes it is."""


def line_encoder(egress: LineEgress) -> Callable[[str, bytes], bytes]:
    """From the typename and bytes of a value to what the egress writes, a newline included where the format has lines."""
    render = _RENDERERS[isinstance(egress, WebhookEgress), egress.format]

    def encode(typename: str, value: bytes) -> bytes:
        try:
            return render(typename, value)
        except StatefunError:
            raise
        except Exception as error:  # a user's decoder may raise anything
            raise EgressError(
                f"a value of {typename!r}, {len(value)} bytes, cannot be written to {egress.id!r} as {egress.format}: "
                f"{error}"
            ) from error

    return encode


def _find_type(typename: str) -> tuple[ValueType[Any], ProtocolVersion] | None:
    for known in named_types().values():
        for protocol in (ProtocolVersion.V3, ProtocolVersion.V2):
            if known.encoding(protocol).typename == typename:
                return known, protocol
    return None


_found: Final[dict[str, Callable[[bytes], Any] | None]] = {}


def _decode(typename: str, value: bytes) -> Any:
    """The Python value, where the type is known; else the JSON value that the bytes are."""
    if typename not in _found:
        found = _find_type(typename)
        if found is None:
            return json.loads(value)
        _found[typename] = found[0].encoding(found[1]).decode
    decode = _found[typename]
    return json.loads(value) if decode is None else decode(value)


_JSON: Final = (dict, list, str, int, float, bool, type(None))


def _json_line(typename: str, value: bytes) -> bytes:
    return _json(typename, value) + b"\n"


def _json(typename: str, value: bytes) -> bytes:
    if value[:1] == b"{" and b"\n" not in value and not typename.startswith("type.googleapis.com/"):
        # The bytes of a JSON type are the line already.
        json.loads(value)
        return value
    decoded = _decode(typename, value)
    if isinstance(decoded, Message):
        decoded = json_format.MessageToDict(decoded, preserving_proto_field_name=True)
    elif isinstance(decoded, bytes):
        decoded = base64.b64encode(decoded).decode()
    elif decoded.__class__ not in _JSON:  # an object of a class: its bytes are JSON, or it has no line
        decoded = json.loads(value)
    return json.dumps(decoded, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _text_line(typename: str, value: bytes) -> bytes:
    return _text(typename, value) + b"\n"


def _text(typename: str, value: bytes) -> bytes:
    found = _find_type(typename)
    decoded = found[0].encoding(found[1]).decode(value) if found is not None else value.decode()
    if isinstance(decoded, bytes):
        return decoded
    return (decoded if isinstance(decoded, str) else str(decoded)).encode()


def _plain_bytes(typename: str, value: bytes) -> bytes:
    found = _find_type(typename)
    if found is not None and found[0].python_type in (bytes, str):
        decoded = found[0].encoding(found[1]).decode(value)
        return decoded if isinstance(decoded, bytes) else str(decoded).encode()
    return value


_RENDERERS: Final[Mapping[tuple[bool, str], Callable[[str, bytes], bytes]]] = {
    # A body of its own needs no newline to end it.
    (True, "json"): _json,
    (True, "text"): _text,
    (True, "bytes"): _plain_bytes,
    (False, "jsonl"): _json_line,
    (False, "text"): _text_line,
    (False, "bytes"): _plain_bytes,
}

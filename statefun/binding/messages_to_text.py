"""Messages to text: what a function sends to a file, to standard output or to a webhook, as JSON, as a text, or as the bytes it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from statefun.errors import EgressError, StatefunError
from statefun.model import FileEgress, StdoutEgress, WebhookEgress
from statefun.types import named_types
from statefun.wire import TYPE_URL_PREFIX

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


_Known = tuple[type[Any] | None, Callable[[bytes], Any]]
"""The class of the values of a type, where there is one, and their decoder."""

_found: Final[dict[str, _Known]] = {}
"""What `_known` has found: at most the types that have a name."""


def _known(typename: str) -> _Known | None:
    """The type of that name on the wire, in whichever protocol it is called so; None where nobody named one."""
    known = _found.get(typename)
    if known is None:
        for each in named_types().values():
            for encoding in (each.v3, each.v2):
                if encoding.typename == typename:
                    known = _found[typename] = (each.python_type, encoding.decode)
                    return known
    return known


_JSON: Final = (dict, list, str, int, float, bool, type(None))


def _json_line(typename: str, value: bytes) -> bytes:
    return _json(typename, value) + b"\n"


def _json(typename: str, value: bytes) -> bytes:
    if value[:1] == b"{" and b"\n" not in value and not typename.startswith(TYPE_URL_PREFIX):
        # The bytes of a JSON type are the line already.
        json.loads(value)
        return value
    known = _known(typename)
    decoded = json.loads(value) if known is None else known[1](value)
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
    known = _known(typename)
    decoded = value.decode() if known is None else known[1](value)
    return decoded if isinstance(decoded, bytes) else str(decoded).encode()


def _plain_bytes(typename: str, value: bytes) -> bytes:
    known = _known(typename)
    return value if known is None or known[0] not in (bytes, str) else _text(typename, value)


_RENDERERS: Final[Mapping[tuple[bool, str], Callable[[str, bytes], bytes]]] = {
    # A body of its own needs no newline to end it.
    (True, "json"): _json,
    (True, "text"): _text,
    (True, "bytes"): _plain_bytes,
    (False, "jsonl"): _json_line,
    (False, "text"): _text_line,
    (False, "bytes"): _plain_bytes,
}

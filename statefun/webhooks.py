"""Signatures of webhooks, as the Standard Webhooks convention has them: made by a `WebhookEgress`, checked by whoever receives one.

A receiver has three headers and the body, as bytes, before anything parses it:

    if not verify(body, request.headers, secret, now=time.time()):
        return 401
    if request.headers["Webhook-Id"] in seen:   # the same record again
        return 204

The signature is the HMAC-SHA256 of `<id>.<timestamp>.<body>`, in base64 behind `v1,`. Any library that knows the convention checks it too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final

from statefun.arguments import TEXT, Kind, check, instance_of, number, whole
from statefun.errors import BindingError

__all__ = ["sign", "verify"]

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"


_TAKEN: Final[Mapping[str, Kind]] = {
    "body": instance_of(bytes, bytearray, memoryview, what="the body as bytes, as it came, before anything decodes it"),
    "id": TEXT,
    "timestamp": whole(0),
    "secrets": TEXT.unshown,
    "headers": Kind(
        lambda value: _are_headers(value), "the headers of the request: a mapping of texts to texts"
    ).unshown,
    "now": number(),
    "tolerance": number(0),
}


def _are_headers(value: Any) -> bool:
    # Not every framework's headers are a Mapping.
    return callable(getattr(value, "items", None)) and not isinstance(value, type) and _are_texts(value.items())


def _are_texts(items: Iterable[tuple[object, object]]) -> bool:
    # What else a request has may be of any type.
    return all(
        isinstance(name, str) and (isinstance(value, str) or not name.lower().startswith("webhook-"))
        for name, value in items
    )


def _check(function: str, **given: object) -> None:
    for name, value in given.items():
        check(function, name, value, _TAKEN[name], error=BindingError)


def sign(body: bytes, id: str, timestamp: int, secrets: str) -> str:
    """The header `Webhook-Signature`.

    Args:
        body: The body.
        id: The header `Webhook-Id`.
        timestamp: The header `Webhook-Timestamp`, seconds since 1970.
        secrets: The secret: `whsec_` and base64, or any other text, which stands for its UTF-8. Several, with spaces between them, make a
            signature each.

    Raises:
        BindingError: behind `whsec_` is no base64, there is no secret, or an argument is of another type.

    >>> sign(b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    _check("sign", body=body, id=id, timestamp=timestamp, secrets=secrets)
    content = f"{id}.{timestamp}.".encode() + body
    return " ".join(
        _VERSION + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in _keys(secrets)
    )


def verify(body: bytes, headers: Mapping[str, str], secrets: str, *, now: float, tolerance: float = 300) -> bool:
    """Whether a request was signed with one of the secrets, and not long ago.

    Args:
        body: The body, byte for byte as it came.
        headers: The headers of the request, in whatever case their names are.
        secrets: As for `sign`.
        now: Seconds since 1970: `time.time()`.
        tolerance: By how many seconds the timestamp may be off.

    Raises:
        BindingError: behind `whsec_` is no base64, there is no secret, or an argument is of another type.

    >>> headers = {"webhook-id": "a", "webhook-timestamp": "1000", "webhook-signature": sign(b"{}", "a", 1000, "secret")}
    >>> verify(b"{}", headers, "secret", now=1100), verify(b"[]", headers, "secret", now=1100), verify(b"{}", headers, "secret", now=2000)
    (True, False, False)
    """
    _check("verify", body=body, headers=headers, secrets=secrets, now=now, tolerance=tolerance)
    found = {name.lower(): value for name, value in headers.items()}
    id, timestamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not id or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    given = [each.encode() for each in found.get("webhook-signature", "").split()]
    expected = [each.encode() for each in sign(body, id, int(timestamp), secrets).split()]
    return any(hmac.compare_digest(one, other) for one in given for other in expected)


def _keys(secrets: str) -> list[bytes]:
    keys = [_key(each) for each in secrets.split()]
    if not keys:
        raise BindingError("a webhook has an empty secret", hint="give a text that nobody can guess")
    return keys


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise BindingError(
            "a webhook's secret begins with whsec_ and goes on with something else than base64",
            hint="copy it again, whole",
        ) from None

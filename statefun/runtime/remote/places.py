"""Where a request goes: the URL of a function, the UNIX socket that it may be behind, and how both are shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from attrs import frozen
from yarl import URL

from statefun.model import HttpEndpoint

__all__ = ["Place", "place_of", "socket_of"]

_OVER_UNIX: Final = re.compile(
    r"(?P<scheme>https?)\+unix://(?P<socket>/[^?#]*?\.sock)(?=/|$)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_HOST: Final = "localhost"
"""The host of a request over a UNIX socket: its `Host` header, and what a certificate is held to."""


@frozen
class Place:
    """Where the requests for one function go.

    Attributes:
        url: The URL as aiohttp takes it, with nothing left to escape.
        shown: The same for people: without a password, a query or a fragment, any of which may be a secret.
    """

    url: URL
    shown: str


def place_of(endpoint: HttpEndpoint, typename: str) -> Place:
    """The place of a function of an endpoint.

    Raises:
        TypenameError: the function type has another form.
        BindingError: its name would lead out of the path.

    >>> place_of(HttpEndpoint(functions="a/*", url="http://me:secret@host:8000/{function.name}?key=1"), "a/b c").shown
    'http://host:8000/b%20c'
    >>> place_of(HttpEndpoint(functions="a/b", url="http+unix:///run/f.sock/call"), "a/b").url
    URL('http://localhost/call')
    """
    text = endpoint.url_for(typename)
    found = _OVER_UNIX.fullmatch(text)
    if found is not None:
        url = f"{found['scheme']}://{_HOST}{found['rest'] or '/'}"
        shown = re.split("[?#]", text, maxsplit=1)[0]
        return Place(URL(url, encoded=True), shown)
    # What HttpEndpoint takes is escaped already; only a host may be beyond ASCII, which yarl writes as DNS wants it.
    parsed = URL(text, encoded=text.isascii())
    return Place(parsed, str(parsed.with_user(None).with_query(None).with_fragment(None)))


def socket_of(endpoint: HttpEndpoint) -> str | None:
    """The path of the UNIX socket of an endpoint; None when it is reached over TCP.

    >>> socket_of(HttpEndpoint(functions="a/*", url="http+unix:///run/my%20f.sock/{function.name}"))
    '/run/my f.sock'
    """
    # A name in the path of the socket is that of the endpoint's only function: HttpEndpoint refuses it for all of a namespace.
    text = endpoint.url if endpoint.wildcard else endpoint.url_for(endpoint.functions)
    found = _OVER_UNIX.fullmatch(text)
    return None if found is None else unquote(found["socket"])

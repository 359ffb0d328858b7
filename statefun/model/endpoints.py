"""Where the functions of a module are called: an HTTP endpoint, its transport, and in 2.x the states of its function."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, TypeAlias

from attrs import Attribute, Factory, field, frozen

from statefun.address import parse_typename
from statefun.arguments import instance_of, list_of
from statefun.batch import ProtocolVersion
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.expiration import Expiration
from statefun.model.checks import as_tuple, is_a, is_count, is_duration, is_source, is_text_value, maybe_text
from statefun.model.sources import SourcePosition

__all__ = ["AsyncTransport", "EndpointState", "HttpEndpoint", "OkHttpTransport", "Transport"]

FUNCTION_NAME: Final = "{function.name}"
"""What stands in a URL for the name of the function, without its namespace."""

_URL: Final = re.compile(
    r"(?P<scheme>https?(?:\+unix)?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_AUTHORITY: Final = re.compile(r"(?:[^@]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(?::(?P<port>[0-9]{1,5}))?")
_SOCKET: Final = re.compile(r"/[^?#]*?\.sock(?=/|$)")
# What java.net.URI refuses: white space, what a URI has to escape, and a percent sign that escapes nothing.
_ILLEGAL: Final = re.compile(
    r"""[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000<>"{}|\\^`]|%(?![0-9A-Fa-f]{2})"""
)
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@frozen(kw_only=True)
class OkHttpTransport:
    """The transport of 2.x, and one of the two of 3.x: blocking calls on threads, and `http+unix` sockets.

    Attributes:
        call: How long a call may take with all its retries.
        connect: How long a connection may take.
        read: How long a byte of the answer may keep waiting.
        write: How long a byte of the request may keep waiting.
    """

    call: timedelta = field(default=timedelta(minutes=1), validator=is_duration)
    connect: timedelta = field(default=timedelta(seconds=10), validator=is_duration)
    read: timedelta = field(default=timedelta(seconds=10), validator=is_duration)
    write: timedelta = field(default=timedelta(seconds=10), validator=is_duration)


@frozen(kw_only=True)
class AsyncTransport:
    """The other transport of 3.x, and its default: non-blocking, with TLS of its own.

    Attributes:
        call: How long a call may take with all its retries.
        connect: How long a connection may take.
        pool_ttl: How long an idle connection is kept.
        pool_size: How many connections are kept.
        payload_max_bytes: The largest request and answer.
        trust_cacerts: A file of certificates to trust, `classpath:…` among them; the platform's own without one.
        client_cert: A file with the certificate that the engine shows.
        client_key: The file with its key.
        client_key_password: A file with the key's password, or the password; never shown.
    """

    call: timedelta = field(default=timedelta(minutes=2), validator=is_duration)
    connect: timedelta = field(default=timedelta(seconds=20), validator=is_duration)
    pool_ttl: timedelta = field(default=timedelta(seconds=15), validator=is_duration)
    pool_size: int = field(default=1024, validator=is_count)
    payload_max_bytes: int = field(default=32 * 1024 * 1024, validator=is_count)
    trust_cacerts: str | None = field(default=None, validator=maybe_text)
    client_cert: str | None = field(default=None, validator=maybe_text)
    client_key: str | None = field(default=None, validator=maybe_text)
    client_key_password: str | None = field(default=None, validator=maybe_text, repr=False)


Transport: TypeAlias = OkHttpTransport | AsyncTransport
"""How the engine calls an endpoint."""


@frozen(kw_only=True)
class EndpointState:
    """A state that a 2.x engine keeps for a function and sends with each request; 3.x learns them from the function.

    Attributes:
        name: The name on the wire.
        expiration: When it expires, if ever.
        source: Where it was read.
    """

    name: str = field(validator=is_text_value)
    expiration: Expiration | None = field(default=None, validator=is_a(instance_of(Expiration).or_none))
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)


def _is_pattern(_made: object, _attribute: Attribute[str], value: Any) -> None:
    namespace, name = parse_typename(value, "functions")
    if "*" in namespace or ("*" in name and name != "*"):
        raise BindingError(
            f"functions {value!r} is not a function type or all of a namespace",
            hint="write `<namespace>/<name>`, or `<namespace>/*` for every function of the namespace",
        )


def _is_url(made: HttpEndpoint, _attribute: Attribute[str], value: Any) -> None:
    def refused(why: str, hint: str) -> BindingError:
        url = f"{value!r:.200}" if isinstance(value, str) else shown(value)
        return BindingError(f"the URL {url} of the functions {made.functions} {why}", hint=hint)

    found = _URL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refused("is no HTTP URL", "write `http://host:port/path`, or with https, http+unix or https+unix")
    illegal = _ILLEGAL.search(value.replace(FUNCTION_NAME, ""))
    if illegal is not None:
        raise refused(
            f"holds {illegal.group()!r}",
            f"escape it with a percent sign and two digits; the one thing that is replaced is {FUNCTION_NAME}",
        )
    rest = found["rest"]
    if found["scheme"].lower().endswith("+unix"):
        socket = _SOCKET.match(rest)
        if found["authority"] or socket is None:
            raise refused("names no socket", "write `http+unix:///path/of/the/file.sock/path`")
        place = socket.group()
    else:
        place = found["authority"]
        authority = _AUTHORITY.fullmatch(place)
        if authority is None or not 0 < int(authority["port"] or 80) < 65536:
            raise refused("has no host, or a port that is none", "write `http://host:port/path`")
    if FUNCTION_NAME in place and made.wildcard:
        raise refused(
            "takes its host from the function's name",
            "which function is called comes from messages, and where it is called from the module alone: "
            f"move {FUNCTION_NAME} into the path, or name each function",
        )


def _is_transport(made: HttpEndpoint, _attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, OkHttpTransport):
        return
    if not isinstance(value, AsyncTransport):
        raise BindingError(
            f"the functions {made.functions} have the transport {shown(value)}",
            hint="give an OkHttpTransport or an AsyncTransport",
        )
    if made.protocol is ProtocolVersion.V2:
        raise BindingError(
            f"the functions {made.functions} have the transport async, which 2.x does not know",
            hint="give an OkHttpTransport",
        )
    if "+unix:" in made.url.lower():
        raise BindingError(
            f"the functions {made.functions} are behind a UNIX socket, which the transport async does not know",
            hint="choose the transport okhttp (`io.statefun.transports.v1/okhttp`)",
        )


def _transport(made: HttpEndpoint) -> Transport:
    url: Any = made.url  # which is not validated yet
    okhttp = made.protocol is ProtocolVersion.V2 or (isinstance(url, str) and "+unix:" in url.lower())
    return OkHttpTransport() if okhttp else AsyncTransport()


def _states(value: Iterable[EndpointState]) -> tuple[EndpointState, ...]:
    return as_tuple(value)


_are_a_list: Final = is_a(list_of(instance_of(EndpointState), "a list of EndpointState"))


def _are_states(made: HttpEndpoint, attribute: Attribute[Any], value: tuple[EndpointState, ...]) -> None:
    _are_a_list(made, attribute, value)
    if value and made.protocol is not ProtocolVersion.V2:
        raise BindingError(
            f"the functions {made.functions} have states, which 3.x does not list",
            hint="leave them out: the engine learns the states of a function from the function",
        )
    names = [each.name for each in value]
    for name in names:
        if names.count(name) > 1:
            raise BindingError(f"{made.functions} has two states {name!r}", hint="remove one of them")


_is_a_protocol: Final = is_a(instance_of(ProtocolVersion))


def _is_protocol(made: HttpEndpoint, attribute: Attribute[Any], value: Any) -> None:
    _is_a_protocol(made, attribute, value)
    if value is ProtocolVersion.V2 and made.wildcard:
        raise BindingError(
            f"the functions {made.functions} are all of a namespace, which 2.x does not know",
            hint="write an endpoint for each function",
        )
    if value is ProtocolVersion.V2 and FUNCTION_NAME in made.url:
        raise BindingError(
            f"the URL {made.url!r:.200} of the functions {made.functions} holds {FUNCTION_NAME}, which 2.x does not know",
            hint="write the function's own URL",
        )


@frozen(kw_only=True)
class HttpEndpoint:
    """Where functions are called: a function type or all of a namespace, and a URL.

    Attributes:
        functions: `<namespace>/<name>`, or `<namespace>/*` for all of a namespace (3.x).
        url: Where requests go. In 3.x `{function.name}` in it stands for the name of the function, without its namespace.
        max_batch: How many messages one request holds at most.
        protocol: The protocol that the functions are called with.
        transport: How they are called; by default async in 3.x, okhttp in 2.x and for a UNIX socket.
        states: What the function keeps (2.x).
        source: Where the endpoint was read.

    Raises:
        TypenameError: `functions` has another form.
        BindingError: the values contradict each other or the protocol.

    >>> endpoint = HttpEndpoint(functions="example/*", url="http://functions:8000/{function.name}")
    >>> endpoint.covers("example/greeter"), endpoint.covers("other/greeter")
    (True, False)
    >>> endpoint.url_for("example/say hello")
    'http://functions:8000/say%20hello'
    """

    functions: str = field(validator=_is_pattern)
    url: str = field(validator=_is_url)
    max_batch: int = field(default=1000, validator=is_count)
    protocol: ProtocolVersion = field(default=ProtocolVersion.V3, validator=_is_protocol)
    transport: Transport = field(default=Factory(_transport, takes_self=True), validator=_is_transport)
    states: tuple[EndpointState, ...] = field(default=(), converter=_states, validator=_are_states)
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)

    @property
    def wildcard(self) -> bool:
        """Whether this is all of a namespace."""
        return self.functions.endswith("/*")

    def covers(self, typename: str) -> bool:
        """Whether a function type is called here."""
        if not self.wildcard:
            return typename == self.functions
        return typename.partition("/")[0] == self.functions[:-2]

    def url_for(self, typename: str) -> str:
        """The URL of one function: its name, escaped, in the place of `{function.name}`.

        Raises:
            TypenameError: the function type has another form.
            BindingError: the name is `.` or `..`, which would lead out of the path.
        """
        _, name = parse_typename(typename, "function type")
        if FUNCTION_NAME not in self.url:
            return self.url
        if name in (".", ".."):
            raise BindingError(
                f"the function {typename} has no URL in {self.url}", hint="give it a name that is not a step of a path"
            )
        escaped = "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in name.encode())
        return self.url.replace(FUNCTION_NAME, escaped)

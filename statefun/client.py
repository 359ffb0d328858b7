"""Send and ask from outside of a function: `Client`, and `HttpClient`, which does it through a runtime's HTTP ingress.

    async with HttpClient("http://127.0.0.1:8090") as client:
        await client.send(Cart.at("7"), AddItem(name="pen"))
        total = await client.ask(Cart.at("7"), GetTotal(), reply=Total, timeout=5)

A type checker holds the message to what the address takes, and sees a `Total` in the last line.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar, overload
from urllib.parse import quote

from statefun.address import Address, check_address
from statefun.arguments import DURATION, NAME, PATH, TEXT, Kind, check, instance_of, number, whole
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.encoding import ENCODERS_V2, ENCODERS_V3
from statefun.errors import (
    AddressError,
    AskTimeoutError,
    ClientBusyError,
    ClientError,
    ClientRefusedError,
    ClientUnavailableError,
    ReplyTypeError,
    UnknownFunctionError,
)
from statefun.errors.showing import shown
from statefun.extras import extra
from statefun.types import ValueType, value_type_of

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import ClientSession

__all__ = ["Client", "HttpClient"]

M = TypeVar("M")
R = TypeVar("R")

_LONGEST_WAIT: Final = 3600
"""Seconds: what the ingress waits at most."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


_KEY: Final = Kind(TEXT.takes, "a text such as a UUID").or_none
_URL: Final = Kind(NAME.takes, 'the URL of the ingress: `"http://127.0.0.1:8090"`')
_FILE: Final = Kind(PATH.takes, "the name of a file").or_none


class Client(ABC):
    """Sends messages to functions, and asks them, from outside.

    Args:
        protocol: The protocol that the runtime calls its functions with: in each, a plain value has a name of its own.

    Raises:
        ClientError: it is none.
    """

    def __init__(self, protocol: ProtocolVersion = ProtocolVersion.V3) -> None:
        check(type(self).__name__, "protocol", protocol, instance_of(ProtocolVersion), error=ClientError)
        self._protocol: Final = protocol
        self._encoders: Final = ENCODERS_V3 if protocol is ProtocolVersion.V3 else ENCODERS_V2

    async def send(
        self, address: Address[M], message: M, *, key: str | None = None, type: ValueType[Any] | None = None
    ) -> None:
        """Sends a message, and returns when it is on disk: from then on it takes effect, whatever is killed.

        Args:
            address: To whom.
            message: The message.
            key: A name for it, such as a UUID: one with the name of an earlier message to the same address has no effect.
                With it, what failed may be sent again and counts once.
            type: The value type of a message whose class does not tell.

        Raises:
            AddressError: it is no address, or one whose id no address can have.
            ClientError: the key is no text.
            ValueTypeError: the message has no name on the wire.
            ClientUnavailableError: nobody is there; or it is not known whether the message was taken in.
            ClientBusyError: too many messages wait for the address.
            ClientRefusedError: the runtime does not take it.
            UnknownFunctionError: the runtime knows no such function.
        """
        check("send", "key", key, _KEY, error=ClientError)
        await self.put(_checked(address), self._encoders.typed(message, type, address.function_type.accepts), key)

    @overload
    async def ask(
        self,
        address: Address[M],
        message: M,
        *,
        reply: ValueType[R],
        timeout: timedelta | float,  # noqa: ASYNC109  what it means is the reply's
        key: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> R: ...
    @overload
    async def ask(
        self,
        address: Address[M],
        message: M,
        *,
        reply: type[R],
        timeout: timedelta | float,  # noqa: ASYNC109  the same
        key: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> R: ...
    async def ask(
        self,
        address: Address[M],
        message: M,
        *,
        reply: Any,
        timeout: timedelta | float,  # noqa: ASYNC109  the same
        key: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> Any:
        """Sends a message, and waits for the function's first reply to its caller.

        Args:
            address: To whom.
            message: The message.
            reply: The type of the reply: a class, or a value type such as LONG.
            timeout: How long to wait; a number is one of seconds.
            key: As in `send`.
            type: The value type of a message whose class does not tell.

        Raises:
            AskTimeoutError: no reply within the time; the message may take effect nevertheless.
            ReplyTypeError: the reply is of another type.
            ClientError: as in `send`, or the time-out is none.
            AddressError: as in `send`.
            ValueTypeError: as in `send`.
            MessageTypeError: the type of the reply has no name on the wire.
        """
        check("ask", "key", key, _KEY, error=ClientError)
        address = _checked(address)
        expected: ValueType[Any] = value_type_of(reply)
        seconds = _seconds(timeout)
        value = self._encoders.typed(message, type, address.function_type.accepts)
        replied: TypedBytes | None = None
        try:
            async with asyncio.timeout(seconds):
                replied = await self.put_and_wait(address, value, seconds, key)
        except TimeoutError:
            replied = None
        if replied is None:
            raise AskTimeoutError(f"{address} did not reply within {seconds:g} s")
        return self._decoded(address, expected, replied)

    @abstractmethod
    async def put(self, address: Address[Any], value: TypedBytes, key: str | None) -> None:
        """Puts a message, and returns when it is on disk."""

    @abstractmethod
    async def put_and_wait(
        self, address: Address[Any], value: TypedBytes, seconds: float, key: str | None
    ) -> TypedBytes | None:
        """Puts a message, and waits for its reply; None when there is none in time. It is cancelled at the end of the time."""

    def _decoded(self, address: Address[Any], expected: ValueType[Any], replied: TypedBytes) -> Any:
        if not expected.matches(replied.typename, self._protocol):
            raise ReplyTypeError(
                f"{address} replied with {replied.typename!r}, not with {expected.encoding(self._protocol).typename!r}"
            )
        try:
            return expected.decode(replied, self._protocol)
        except Exception as error:  # a user's decoder may raise anything
            raise ReplyTypeError(
                f"the {len(replied.value)} bytes that {address} replied with are no {replied.typename!r}: {error}"
            ) from error


class HttpClient(Client):
    """A client of a runtime's HTTP ingress. Use it as an asynchronous context manager; it needs aiohttp.

    A message that was not taken in for certain (nobody listens, or there is no room) is sent again after a pause. One of which that is not
    known is sent again when it has a `key`, and counts once; without a key it is an error.

    Args:
        url: Where the ingress listens, `http://127.0.0.1:8090`.
        token: The token of the ingress, where it has one.
        retry_for: How long a message is sent again and again; `ask` does it as long as its time-out lasts.
        connections: Connections at once.
        ca_file: A file of certificates, PEM, that the server's one is to be signed by; the system's when left out.
        protocol: The protocol that the runtime calls its functions with.

    Raises:
        MissingExtraError: when it is opened and aiohttp is not installed.
        ClientError: an argument is of another type; or, when it is opened, the certificates cannot be used.

    >>> from statefun import FunctionType
    >>> async def total(url: str) -> int:
    ...     async with HttpClient(url) as client:
    ...         return await client.ask(FunctionType[int]("shop/cart").at("7"), 0, reply=int, timeout=0.1)
    >>> asyncio.run(total("http://127.0.0.1:1"))
    Traceback (most recent call last):
    statefun.errors.ClientUnavailableError: [client-unavailable] ...
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        retry_for: timedelta = timedelta(seconds=30),
        connections: int = 100,
        ca_file: str | None = None,
        protocol: ProtocolVersion = ProtocolVersion.V3,
    ) -> None:
        super().__init__(protocol)
        for name, value, kind in (
            ("url", url, _URL),
            ("token", token, NAME.or_none.unshown),
            ("retry_for", retry_for, DURATION),
            ("connections", connections, whole(1)),
            ("ca_file", ca_file, _FILE),
        ):
            check(type(self).__name__, name, value, kind, error=ClientError)
        self._url: Final = url.rstrip("/")
        self._headers: Final = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._retry_for: Final = retry_for.total_seconds()
        self._connections: Final = connections
        self._ca_file: Final = ca_file
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        with extra("runtime"):  # here, so that importing this module needs none
            import aiohttp

        verified = True if self._ca_file is None else _trusting(self._ca_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=verified),
            headers=self._headers,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
            # Whoever asks knows how long; a send ends after `retry_for`.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_raised: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def put(self, address: Address[Any], value: TypedBytes, key: str | None) -> None:
        """Posts a message; see `send`."""
        outcome = _Outcome(ClientUnavailableError(f"{self._url} did not answer within {self._retry_for:g} s"), True)
        try:
            async with asyncio.timeout(self._retry_for):
                for pause in _pauses():
                    found = await self._post(address, value, key, {})
                    if isinstance(found, TypedBytes):
                        return
                    outcome = found
                    if not outcome.again:
                        break
                    await asyncio.sleep(pause)
        except TimeoutError:
            pass
        raise outcome.error

    async def put_and_wait(
        self, address: Address[Any], value: TypedBytes, seconds: float, key: str | None
    ) -> TypedBytes | None:
        """Posts a message with how long its reply is waited for; see `ask`."""
        prefer = {"Prefer": f"wait={min(max(1, math.ceil(seconds)), _LONGEST_WAIT)}"}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        for pause in _pauses():
            found = await self._post(address, value, key, prefer)
            if isinstance(found, TypedBytes):
                return found
            if isinstance(found.error, AskTimeoutError):
                return None
            if not found.again or loop.time() + pause >= deadline:
                raise found.error
            await asyncio.sleep(pause)
        return None

    async def _post(
        self, address: Address[Any], value: TypedBytes, key: str | None, headers: dict[str, str]
    ) -> TypedBytes | _Outcome:
        import aiohttp
        from yarl import URL

        if self._session is None:
            raise ClientError(
                "an HttpClient is used that is not open", hint="use `async with HttpClient(…) as client:`"
            )
        path = "/".join(_quoted(part) for part in (address.namespace, address.type, address.identity))
        headers = {**headers, "Content-Type": f"application/vnd.{value.typename}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            async with self._session.post(
                URL(f"{self._url}/{path}", encoded=True), data=value.value, headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
                if response.status == 200:
                    return TypedBytes(response.headers.get("Content-Type", "").removeprefix("application/vnd."), body)
                return _outcome(address, response.status, body, key)
        except aiohttp.ClientConnectorCertificateError as error:
            return _Outcome(ClientRefusedError(f"the certificate of {self._url} is not trusted: {error}"), False)
        except aiohttp.ClientConnectorError as error:  # nothing was sent
            return _Outcome(ClientUnavailableError(f"{self._url} cannot be reached: {error}"), True)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            lost = (
                f"the connection to {self._url} was lost before the answer came: {str(error) or type(error).__name__}"
            )
            return _Outcome(ClientUnavailableError(lost), key is not None)
        except (aiohttp.ClientError, ValueError) as error:  # a URL or a header that is none
            return _Outcome(ClientRefusedError(f"{self._url} cannot be asked: {error}"), False)


class _Outcome(NamedTuple):
    """What became of a message that was not taken in, or not for certain."""

    error: ClientError | UnknownFunctionError
    again: bool
    """Whether sending it again can do no harm and may help."""


def _outcome(address: Address[Any], status: int, body: bytes, key: str | None) -> _Outcome:
    code, detail, hint = _problem(body)
    said = f"{address}: {status} {code}: {detail}"
    if status == 429:
        return _Outcome(ClientBusyError(said), True)
    if status == 504 and code == "no-reply":
        return _Outcome(AskTimeoutError(said), False)
    if status == 404 and code == UnknownFunctionError.code:
        return _Outcome(UnknownFunctionError(said, hint=hint), False)
    if status >= 500:
        # The ingress answers 503 before it takes a message in, with the one exception that it names.
        certain = status == 503 and code != "outcome-unknown"
        return _Outcome(ClientUnavailableError(said), certain or key is not None)
    return _Outcome(ClientRefusedError(said, hint=hint), False)


def _problem(body: bytes) -> tuple[str, str, str | None]:
    """The code, detail and hint of a problem; another server than the ingress may have answered."""
    try:
        found: Any = json.loads(body)
        return str(found["code"]), str(found["detail"]), str(found["hint"])
    except (ValueError, TypeError, KeyError):
        return "no-problem", "the answer is not one of the HTTP ingress", None


def _checked(address: Address[M]) -> Address[M]:
    if not isinstance(address, Address):
        raise AddressError(
            f"{shown(address)} is no Address", hint='write `Cart.at("7")`, or parse a text with `Address.parse`'
        )
    check_address(address)
    return address


def _trusting(ca_file: str) -> SSLContext:
    import ssl  # here, since it takes a while and few need it

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ClientError(
            f"the certificates to trust, {ca_file!r}, cannot be used: {error}",
            hint="name a file of certificates in PEM",
        ) from error


def _seconds(timeout: Any) -> float:
    """A time-out in seconds, as a timedelta or a number of them gives it."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if not number().takes(seconds) or not 0 < seconds < math.inf:
        raise ClientError(
            f"ask is given timeout={shown(timeout)}, which is no time",
            hint="give a timedelta or a number of seconds, longer than zero",
        )
    return float(seconds)


def _quoted(part: str) -> str:
    # A dot alone is a path of its own to whatever stands between.
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="")


def _pauses() -> Iterator[float]:
    """Growing pauses with jitter, without an end."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1)  # noqa: S311  it hides nothing
        pause = min(2 * pause, _LONGEST_PAUSE)

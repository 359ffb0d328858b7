"""`EndpointClient`: calls the functions of one endpoint over HTTP, and repeats what may succeed later, until the call's time is over.

What a status or a broken connection leads to is a table in `statefun.runtime.remote.outcomes`. Redirects, proxies, cookies and
compression have no part in it: the host of a function comes from the module alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Self

import aiohttp

from statefun.arguments import FUNCTION, check, instance_of
from statefun.errors import EndpointError, EndpointTimeoutError, EndpointUnavailableError
from statefun.model import AsyncTransport, HttpEndpoint
from statefun.runtime.remote.answers import OCTET_STREAM, complaint, described, too_large
from statefun.runtime.remote.lines import Body, connector
from statefun.runtime.remote.outcomes import LOST, UNREACHABLE, Fault, fault_of
from statefun.runtime.remote.pauses import asked_pause, pause
from statefun.runtime.remote.places import Place, place_of, socket_of
from statefun.runtime.remote.tls import tls_of

__all__ = ["EndpointClient"]

_LOGGER: Final = logging.getLogger("statefun.runtime")
_HEADERS: Final = {
    "Content-Type": OCTET_STREAM,
    "Accept": OCTET_STREAM,
    "Accept-Encoding": "identity",
    "User-Agent": "statefun",
}
_PLACES: Final = 4096
"""How many functions of an endpoint have their URL kept: their names come from messages, so there may be any number."""
_QUIET: Final = 10.0
"""Seconds between two lines in the log about an endpoint."""
_EXCERPT: Final = 8192
_EXCERPT_PATIENCE: Final = 1.0
"""Bytes and seconds that are spent on the words of a refusal."""


class _Limits(NamedTuple):
    """What a transport says, in seconds and bytes; None for what it leaves open."""

    call: float
    connect: float
    read: float | None
    write: float | None
    pool: int
    keep: float
    request: float
    answer: int


def _limits(endpoint: HttpEndpoint) -> _Limits:
    transport = endpoint.transport
    call, connect = transport.call.total_seconds(), transport.connect.total_seconds()
    if isinstance(transport, AsyncTransport):
        most = transport.payload_max_bytes
        return _Limits(call, connect, None, None, transport.pool_size, transport.pool_ttl.total_seconds(), most, most)
    # OkHttp keeps 1024 idle connections for a minute, and does not limit a request. An answer has the limit that async has.
    read, write = transport.read.total_seconds(), transport.write.total_seconds()
    return _Limits(call, connect, read, write, 1024, 60.0, float("inf"), 32 * 1024 * 1024)


class EndpointClient:
    """Calls the functions of an endpoint; made and used inside one running event loop.

    Each attempt is a request of its own. A connection on which an attempt failed is closed, so an answer that comes late is never taken
    for that of a later request.

    Args:
        endpoint: Where the functions are, and with which transport they are called.
        jitter: Gives numbers in [0, 1) that spread the repetitions.
        sleep: Waits for a number of seconds.
        clock: The seconds that the time of a call is counted in; those of the loop when None.
        now: The seconds since 1970, which the date in a `Retry-After` is held to.

    Raises:
        BindingError: the TLS of the endpoint cannot be had.
        DefinitionError: an argument is of another type.
    """

    def __init__(
        self,
        endpoint: HttpEndpoint,
        *,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        owner = "an EndpointClient"
        check(owner, "endpoint", endpoint, instance_of(HttpEndpoint, what="an HttpEndpoint"))
        for name, function in (("jitter", jitter), ("sleep", sleep), ("now", now)):
            check(owner, name, function, FUNCTION)
        check(owner, "clock", clock, FUNCTION.or_none)
        self._endpoint: Final = endpoint
        self._jitter: Final = jitter
        self._sleep: Final = sleep
        self._now: Final = now
        self._places: Final[dict[str, Place]] = {}
        self._limits: Final = _limits(endpoint)
        self._clock: Final = asyncio.get_running_loop().time if clock is None else clock
        self._session: Final = aiohttp.ClientSession(
            connector=connector(socket_of(endpoint), tls_of(endpoint), limit=self._limits.pool, keep=self._limits.keep),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        self._timeouts: Final = self._within(self._limits.call)
        self._quiet_until = self._clock()

    @property
    def endpoint(self) -> HttpEndpoint:
        """The endpoint that is called."""
        return self._endpoint

    async def call(self, typename: str, request: bytes) -> bytes:
        """Sends a request, and repeats it until it is answered, it is refused for good or the time is over.

        Args:
            typename: The function, one that the endpoint covers.
            request: The bytes for it.

        Returns:
            The bytes of its answer.

        Raises:
            EndpointUnavailableError: nobody took the request.
            EndpointTimeoutError: it was taken, or may have been, and not answered in time.
            EndpointAnswerError: what came back is no answer; EndpointRejectedError when repeating it is of no use.
            BindingError: the name of the function gives no URL.
        """
        place = self._place(typename)
        if len(request) > self._limits.request:
            raise self._error(typename, place, too_large(len(request), self._limits.answer, request=True), 0)
        deadline = self._clock() + self._limits.call
        timeouts = self._timeouts
        attempts = 0
        lost = False
        while True:
            attempts += 1
            answer = await self._attempt(place, request, timeouts)
            if isinstance(answer, bytes):
                return answer
            lost |= answer.outcome is LOST
            waiting = max(pause(attempts, self._jitter()), answer.wait)
            if not answer.outcome.repeated or self._clock() + waiting >= deadline:
                raise self._error(typename, place, answer, attempts, lost=lost)
            self._tell(typename, place, answer)
            await self._sleep(waiting)
            left = deadline - self._clock()
            if left <= 0:
                raise self._error(typename, place, answer, attempts, lost=lost)
            timeouts = self._within(left)

    async def close(self) -> None:
        """Closes all connections; a call that is under way ends with an error."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _attempt(self, place: Place, request: bytes, timeouts: aiohttp.ClientTimeout) -> bytes | Fault:
        """Sends a request once; gives the answer, or what came instead."""
        if self._session.closed:
            return Fault(UNREACHABLE, "its client is closed")
        body = Body(request, self._limits.write)
        try:
            async with self._session.post(place.url, data=body, timeout=timeouts, allow_redirects=False) as response:
                fault = complaint(response.status, response.headers, self._limits.answer)
                if fault is None:
                    return await self._body(response)
                if response.status == 200:
                    response.close()
                    return fault
                fault = fault._replace(wait=asked_pause(response.headers.get("Retry-After"), self._now()))
                return described(fault, response.headers, await _excerpt(response))
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            return fault_of(error, begun=body.begun)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes | Fault:
        if response.content_length is not None:
            return await response.read()  # its length was looked at
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._limits.answer:
                response.close()
                return too_large(len(body), self._limits.answer)
        return bytes(body)

    def _place(self, typename: str) -> Place:
        place = self._places.get(typename)
        if place is None:
            if len(self._places) >= _PLACES:
                self._places.clear()
            place = self._places[typename] = place_of(self._endpoint, typename)
        return place

    def _within(self, seconds: float) -> aiohttp.ClientTimeout:
        """The time-outs of an attempt that has so much time."""
        return aiohttp.ClientTimeout(
            total=seconds, sock_connect=min(self._limits.connect, seconds), sock_read=self._limits.read
        )

    def _tell(self, typename: str, place: Place, fault: Fault) -> None:
        """Logs why requests are repeated: once in a while, however many there are."""
        now = self._clock()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET
            _LOGGER.warning("%s at %s: %s; requests are repeated", typename, place.shown, fault.text)

    def _error(self, typename: str, place: Place, fault: Fault, attempts: int, *, lost: bool = False) -> EndpointError:
        kind = fault.outcome.error or EndpointError
        if lost and kind is EndpointUnavailableError:
            kind = EndpointTimeoutError
        often = f", after {attempts} attempts" if attempts > 1 else ""
        error = kind(f"{typename} at {place.shown}: {fault.text}{often}", hint=fault.hint)
        error.function = typename
        return error


async def _excerpt(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of a body; what cannot be had of it in time is not worth an error."""
    read = bytearray()
    try:
        async with asyncio.timeout(_EXCERPT_PATIENCE):
            while len(read) < _EXCERPT:
                part = await response.content.read(_EXCERPT - len(read))
                if not part:
                    break
                read += part
    except (aiohttp.ClientError, OSError):
        response.close()
    return bytes(read)

"""aiohttp's connections, kept apart from each other's answers: bodies that are sent in time, and lines that are used once they are silent.

HTTP/1.1 gives an answer no name: what comes next on a connection is the answer of what was asked last. A server that answers twice, or
late, would have its stale answer taken for that of another request, and its effects would happen twice.
"""

from __future__ import annotations

import asyncio
import functools
import select
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.client_proto import ResponseHandler
from aiohttp.payload import Payload

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

    from aiohttp.abc import AbstractStreamWriter

__all__ = ["Body", "connector"]

_PART: Final = 64 * 1024
"""A body is sent in parts of so many bytes."""


class _SilentLine(ResponseHandler):
    """A connection that is used again only when nothing came on it that nobody asked for."""

    def is_connected(self) -> bool:
        """Asked by the pool before it gives the connection out; False has it closed."""
        return super().is_connected() and not self.should_close and not self._unread()

    def _unread(self) -> bool:
        """Whether something waits in the kernel: the stale answer, or the end of the connection."""
        socket: TransportSocket | None = None if self.transport is None else self.transport.get_extra_info("socket")
        if socket is None or sys.platform == "win32":  # which has no poll: what has not been read yet is not seen there
            return False
        poll = select.poll()
        poll.register(socket.fileno(), select.POLLIN | select.POLLHUP)
        return bool(poll.poll(0))


def _silent_line(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _SilentLine(loop)


class _TlsUnixConnector(aiohttp.UnixConnector):
    """TLS over a UNIX socket, which aiohttp does not have."""

    def __init__(self, path: str, tls: ssl.SSLContext, **named: Any) -> None:
        super().__init__(path, **named)
        self._tls: Final = tls

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  the signature is aiohttp's
    ) -> ResponseHandler:
        del traces
        key = req.connection_key
        try:
            async with asyncio.timeout(timeout.sock_connect):
                _, made = await self._loop.create_unix_connection(
                    self._factory, self.path, ssl=self._tls, server_hostname=req.url.raw_host
                )
        except ssl.CertificateError as error:
            raise aiohttp.ClientConnectorCertificateError(key, error) from error
        except ssl.SSLError as error:
            raise aiohttp.ClientConnectorSSLError(key, error) from error
        except TimeoutError:
            raise
        except OSError as error:
            raise UnixClientConnectorError(self.path, key, error) from error
        return made


def connector(
    socket: str | None, tls: ssl.SSLContext | None, *, limit: int, keep: float
) -> aiohttp.TCPConnector | aiohttp.UnixConnector:
    """The pool of connections of an endpoint.

    Args:
        socket: The path of its UNIX socket; None for TCP.
        tls: How it speaks TLS; None without.
        limit: The most connections at one time.
        keep: For how many seconds an idle one is kept.
    """
    made: aiohttp.TCPConnector | aiohttp.UnixConnector
    if socket is None:
        made = aiohttp.TCPConnector(ssl=tls or False, limit=limit, keepalive_timeout=keep)
    elif tls is None:
        made = aiohttp.UnixConnector(socket, limit=limit, keepalive_timeout=keep)
    else:
        made = _TlsUnixConnector(socket, tls, limit=limit, keepalive_timeout=keep)
    # aiohttp lends no other way to a connection; tests/runtime/test_remote_faults.py fails when this one is gone.
    made._factory = functools.partial(_silent_line, loop=asyncio.get_running_loop())
    return made


class Body(Payload):
    """The body of one attempt, each part of which must leave in time.

    aiohttp has time-outs for connecting and for reading alone.

    Args:
        body: The bytes.
        patience: For how many seconds a part may keep waiting; None for as long as the call lasts.
    """

    begun = False
    """Whether there was a connection on which something was sent: before that nobody can have taken the request."""

    def __init__(self, body: bytes, patience: float | None) -> None:
        super().__init__(body, content_type="application/octet-stream")
        self._body: Final = body
        self._patience: Final = patience

    @property
    def size(self) -> int:
        """The number of bytes, which becomes the `Content-Length`."""
        return len(self._body)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text, which nobody asks for."""
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Sends the body.

        Raises:
            TimeoutError: a part was not taken in time.
        """
        self.begun = True
        if len(self._body) <= _PART:
            await writer.write(self._body)  # which does not wait for so little
            return
        view = memoryview(self._body)
        for start in range(0, len(view), _PART):
            async with asyncio.timeout(self._patience):
                await writer.write(bytes(view[start : start + _PART]))

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """The same: the length that aiohttp announces is `size`."""
        del content_length
        await self.write(writer)

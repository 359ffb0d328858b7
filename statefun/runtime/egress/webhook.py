"""An HTTP endpoint as an egress: each record in a signed POST of its own, at least once, in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import BoundEgress, WebhookEgress
from statefun.runtime.egress.sink import OutgoingRecord, Sink
from statefun.runtime.references import dereferenced
from statefun.webhooks import sign

__all__ = ["WebhookSink"]

_log: Final = logging.getLogger(__name__)

_CONTENT_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "bytes": "application/octet-stream",
}
_LATER: Final = frozenset({408, 425, 429})
"""What is no fault of the record, beside 5xx."""

_LONGEST_PAUSE: Final = 3600.0
"""Seconds; an answer that asks for more is asked again after this."""

_READ: Final = 1 << 16
"""So much of an answer is read, that its connection may serve the next request."""


class WebhookSink(Sink):
    """Posts records, one after the other.

    Args:
        bound: The egress.
        clock: Gives the time, seconds since 1970.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        bound: BoundEgress,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(bound.egress.id)
        egress: WebhookEgress = bound.egress
        self._egress: Final = egress
        self._encode: Final = bound.encode
        self._clock: Final = clock
        self._sleep: Final = sleep
        self._session: aiohttp.ClientSession | None = None
        self._url = URL()
        self._secrets: str | None = None
        self._name = ""
        self._not_before = 0.0
        self._arrived = (0, -1)
        """The last record that is through, so that one call is not begun anew when a later record of it fails."""
        self.dropped = 0
        """Records that were refused and left out."""

    def encode(self, typename: str, value: bytes) -> bytes:
        """The body of the request for a value."""
        return self._encode(typename, value)

    async def open(self, store: str, position: str | None) -> None:
        """Reads the URL and the secret, and prepares to connect; nothing is sent.

        Raises:
            EgressError: a variable is not set, or the URL, the secret or a header cannot be used.
        """
        del position
        egress = self._egress
        self._name = f"{quote(store, safe='')}/{quote(self.id, safe='/')}"
        self._url = self._read_url()
        if egress.secret is not None:
            self._secrets = dereferenced(egress.secret, f"the secret of {self.id!r}", error=EgressError)
            sign(b"", "", 0, self._secrets)  # a secret that is none is told now
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": "statefun", "Content-Type": _CONTENT_TYPES[egress.format], **self._read_headers()},
            timeout=aiohttp.ClientTimeout(total=egress.timeout.total_seconds()),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Posts records, each when the one before it was answered.

        Raises:
            EgressUnavailableError: there was no answer, or one that asks for a pause.
            EgressError: a record was refused, and the egress stops at that.
        """
        for each in records:
            if (each.sequence, each.place) <= self._arrived:
                continue
            while (pause := self._not_before - self._clock()) > 0:
                await self._sleep(pause)
            await self._post(each)
            self._arrived = (each.sequence, each.place)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    # --- inside -------------------------------------------------------------------------------------------------------

    def _read_url(self) -> URL:
        text = dereferenced(self._egress.url, f"the url of {self.id!r}", error=EgressError)
        try:
            url = URL(text)
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise EgressError(
                f"the url of {self.id!r} cannot be read, and is not shown since it may hold a token",
                hint="write it whole: https://example.com/hook",
            ) from None
        return url

    def _read_headers(self) -> dict[str, str]:
        headers = {
            name: dereferenced(value, f"the header {name!r} of {self.id!r}", error=EgressError)
            for name, value in self._egress.headers.items()
        }
        for name, value in headers.items():
            if any(each in name + value for each in "\r\n\0"):
                raise EgressError(f"the header {name!r} of {self.id!r} holds a line break", hint="give it in one line")
        return headers

    async def _post(self, record: OutgoingRecord) -> None:
        if self._session is None:
            raise EgressError(f"{self.id!r} is closed", hint="open the sink before records are delivered to it")
        id = f"{self._name}/{record.sequence}/{record.place}"
        timestamp = int(self._clock())
        headers = {"Webhook-Id": id, "Webhook-Timestamp": str(timestamp)}
        if self._secrets is not None:
            headers["Webhook-Signature"] = sign(record.data, id, timestamp, self._secrets)
        try:
            async with self._session.post(
                self._url, data=record.data, headers=headers, allow_redirects=False
            ) as answer:
                await answer.content.read(_READ)
                status, retry_after = answer.status, answer.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Not chained: what the client says names the URL.
            raise EgressUnavailableError(f"the webhook {self.id!r} gave no answer: {_reason(error)}") from None
        if 200 <= status < 300:
            return
        if status in _LATER or status >= 500:
            pause = self._pause(retry_after)
            self._not_before = self._clock() + pause
            asked = f", and asked for {pause:g} s" if pause else ""
            raise EgressUnavailableError(f"the webhook {self.id!r} answered {status}{asked}")
        if self._egress.on_refused == "drop" and 400 <= status < 500:
            self.dropped += 1
            _log.warning("the webhook %r answered %d to the record %s, which is left out", self.id, status, id)
            return
        raise EgressError(
            f"the webhook {self.id!r} answered {status} to the record {id}",
            hint="redirects are not followed: give the URL that they lead to"
            if 300 <= status < 400
            else 'mend the receiver and run again, or set `on_refused="drop"` to leave out what it refuses',
        )

    def _pause(self, retry_after: str | None) -> float:
        """Seconds that an answer asks for, as a number or as a date; 0 where it does not, or not so that it can be read."""
        text = (retry_after or "").strip()
        if text.isascii() and text.isdigit():
            seconds = float(text)
        else:
            try:
                date = parsedate_to_datetime(text)
            except ValueError:
                return 0.0
            seconds = (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp() - self._clock()
        return min(max(seconds, 0.0), _LONGEST_PAUSE)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    said = cause.strerror if isinstance(cause, OSError) else None
    return said or type(error).__name__

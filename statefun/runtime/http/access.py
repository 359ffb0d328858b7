"""Who may ask: by a token, and never a page of another site that a browser of this machine shows.

A server on the loopback is reached by every page that is open in a browser of the machine. A browser says so (`Origin`, `Sec-Fetch-Site`),
and a page that has its own name point to the loopback gives itself away by `Host`.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import Final

from statefun.runtime.http.messages import LOGGER, Answer, Request, problem

__all__ = ["Gate"]

_OWN: Final = (b"same-origin", b"none")
_REMEMBERED: Final = 256


class Gate:
    """Lets requests through to an ingress or an egress, or says why not.

    Args:
        id: The id of the ingress or egress, for the log.
        token: What a request has to present; None lets every program of the machine through.
    """

    def __init__(self, id: str, token: str | None) -> None:
        self._id: Final = id
        self._expected: Final = None if token is None else b"Bearer " + token.encode()
        self._hosts: Final[set[bytes]] = set()

    def refusal(self, request: Request) -> Answer | None:
        """What to answer to a request that may not pass; None for one that may."""
        headers = request.headers
        if self._expected is not None:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                LOGGER.warning("%s: a request without its token", self._id)
                return problem(
                    401,
                    "unauthorized",
                    "the request does not have the token of this address",
                    "send `Authorization: Bearer <token>`",
                    headers=(("WWW-Authenticate", "Bearer"),),
                )
        else:
            host = headers.get(b"host", b"")
            if host not in self._hosts and not self._is_local(host):
                return problem(
                    421,
                    "misdirected",
                    "the request is for a host of another name",
                    "use the address or `localhost`; a name needs a token",
                )
        if b"origin" in headers or b"sec-fetch-site" in headers:
            return self._of_browser(request)
        return None

    def _is_local(self, host: bytes) -> bool:
        """Whether a `Host` is an address or localhost: any other name may be that of a page which has it point here."""
        name = host.decode("ascii", "replace").lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        else:
            name = name.partition(":")[0]
        try:
            ip_address(name)
        except ValueError:
            if name not in ("", "localhost"):
                return False
        if len(self._hosts) < _REMEMBERED:
            self._hosts.add(host)
        return True

    def _of_browser(self, request: Request) -> Answer | None:
        headers = request.headers
        site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
        if (site is None or site in _OWN) and (
            origin is None or origin.partition(b"://")[2] == headers.get(b"host", b"")
        ):
            return None
        LOGGER.warning("%s: a request of a page of another site", self._id)
        return problem(
            403, "cross-site", "a page of another site may not ask this", "ask from a program, or through a server"
        )

"""`BindError`: what a verb says when it cannot listen where it was told to."""

from __future__ import annotations

import errno
from typing import Final

from statefun.errors import StatefunError

__all__ = ["BindError", "cannot_listen"]


class BindError(StatefunError):
    """The address or the UNIX socket cannot be listened on."""

    code = "cannot-bind"
    default_hint = (
        "take an address of this machine, and a port or a socket file that you may use: ports below 1024 are often not"
    )


_HINTS: Final = {
    errno.EADDRINUSE: "another process listens there: stop it, or take another",
    errno.EEXIST: "name a path at which there is nothing, or a socket that nobody listens on",
    None: "name a shorter path: a UNIX socket's has about a hundred bytes",  # Python's own, of a path that is too long
}


def cannot_listen(where: str, error: OSError | UnicodeError) -> BindError:
    """The error that names the place; a UnicodeError is what a host that can be no name raises.

    >>> print(cannot_listen("127.0.0.1:80", PermissionError(errno.EACCES, "Permission denied")))
    [cannot-bind] cannot listen on 127.0.0.1:80: Permission denied (hint: take an address of this machine, ...)
    """
    hint = _HINTS.get(error.errno) if isinstance(error, OSError) else None
    # What Python itself finds wrong, such as a path that is too long for a socket, has no text of the system.
    return BindError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}", hint=hint)

"""`BindError`: what a verb says when it cannot listen where it was told to."""

from __future__ import annotations

import errno

from statefun.errors import StatefunError

__all__ = ["BindError", "cannot_listen"]


class BindError(StatefunError):
    """The address or the UNIX socket cannot be listened on."""

    code = "cannot-bind"
    default_hint = (
        "take an address of this machine, and a port or a socket file that you may use: ports below 1024 are often not"
    )


def cannot_listen(where: str, error: OSError) -> BindError:
    """The error that names the place.

    >>> print(cannot_listen("127.0.0.1:80", PermissionError(errno.EACCES, "Permission denied")))
    [cannot-bind] cannot listen on 127.0.0.1:80: Permission denied (hint: take an address of this machine, ...)
    """
    hint = "another process listens there: stop it, or take another" if error.errno == errno.EADDRINUSE else None
    return BindError(f"cannot listen on {where}: {error.strerror}", hint=hint)

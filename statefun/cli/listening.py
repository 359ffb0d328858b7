"""`BindError`: what a verb says when it cannot listen where it was told to."""

from __future__ import annotations

import errno

from statefun.errors import StatefunError

__all__ = ["BindError", "cannot_listen"]


class BindError(StatefunError):
    """The address or the UNIX socket cannot be listened on."""

    code = "cannot-bind"


def cannot_listen(where: str, error: OSError | UnicodeError) -> BindError:
    """The error that names the place; a UnicodeError is what a host that can be no name raises.

    >>> print(cannot_listen("127.0.0.1:80", PermissionError(errno.EACCES, "Permission denied")))
    [cannot-bind] cannot listen on 127.0.0.1:80: Permission denied
    """
    taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    hint = "another process listens there: stop it, or take another" if taken else None
    # What Python itself finds wrong, such as a path that is too long for a socket, has no text of the system.
    return BindError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}", hint=hint)

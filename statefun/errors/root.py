"""`StatefunError`: the root of the tree, with a code, a status and a hint."""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "StatefunError",
]


class StatefunError(Exception):
    """The root of all errors that this package raises on purpose.

    Args:
        message: What happened, naming the thing: the function type, the state, the message type.
        hint: How to mend it; without one the hint of the class is used.

    >>> from statefun.errors import TypenameError
    >>> error = TypenameError("'greeter' is not a typename")
    >>> error.code, error.status
    ('invalid-typename', 500)
    >>> error.hint
    'write `<namespace>/<name>`, with exactly one slash and neither side empty'
    """

    code: ClassVar[str] = "statefun"
    """A stable, machine-readable name of the kind of error; it never changes between versions."""

    status: ClassVar[int] = 500
    """The HTTP status with which a server answers this error."""

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.function = ""
        """The function type that was called, where the error arose while one was."""

    def __str__(self) -> str:
        tail = f" (hint: {self.hint})" if self.hint else ""
        return f"[{self.code}] {self.message}{tail}"

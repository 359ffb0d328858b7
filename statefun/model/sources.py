"""Where in a file a value of the model was read, for findings that come later."""

from __future__ import annotations

from attrs import frozen

__all__ = ["SourcePosition"]


@frozen(order=True)
class SourcePosition:
    """A place in a file, as editors count it.

    Values that were read from a file hold it as `source`; it takes no part in whether two values are equal.

    >>> print(SourcePosition("module.yaml", 12, 5))
    module.yaml:12:5
    """

    file: str
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

"""A class that a `json_type` elsewhere is made of: this module names it nowhere."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Plain"]


@frozen
class Plain:
    """One field."""

    id: int

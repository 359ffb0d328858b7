"""Standard output as an egress."""

from __future__ import annotations

from attrs import field, frozen

from statefun.model.checks import as_egress_id, is_id
from statefun.model.feeds import is_one_of

__all__ = ["StdoutEgress"]


@frozen(kw_only=True)
class StdoutEgress:
    """Standard output, for pipes and for watching: `statefun run … | jq`.

    At least once, and no more than that: a record was handed to the operating system before the store forgets it, and is
    written again when a crash came between the two. Whether the other end of a pipe has read it is never known. Nothing else
    that the program prints is kept apart from it.

    Args:
        id: `<namespace>/<name>`, or an `Egress`: where functions send to.
        format: `"jsonl"` (a JSON value on each line), `"text"` (a line of text) or `"bytes"` (as they are, no separator).

    Raises:
        BindingError: the format is none of these.
        TypenameError: the id has another form.

    >>> StdoutEgress(id="shop/alerts").format
    'jsonl'
    """

    id: str = field(converter=as_egress_id, validator=is_id)
    format: str = field(default="jsonl", validator=is_one_of("jsonl", "text", "bytes"))

"""HTTP, as the StateFun playground has it: messages are posted to an ingress, records are fetched from an egress."""

from __future__ import annotations

from typing import Any, Final

from attrs import Attribute, field, frozen

from statefun.errors import BindingError
from statefun.model.checks import as_texts, is_id, is_port
from statefun.model.sources import SourcePosition
from statefun.wire import is_text

__all__ = ["PLAYGROUND_EGRESS", "PLAYGROUND_INGRESS", "PlaygroundEgress", "PlaygroundIngress"]

PLAYGROUND_INGRESS: Final = "io.statefun.playground/ingress"
"""The id of the ingress, which a 3.x module does not choose."""
PLAYGROUND_EGRESS: Final = "io.statefun.playground/egress"
"""The id of the egress, which a 3.x module does not choose: what functions send to."""


@frozen(kw_only=True)
class PlaygroundIngress:
    """A port that messages are posted to, at `/<namespace>/<name>/<id>`.

    Attributes:
        port: The TCP port.
        id: `<namespace>/<name>`; of a 2.x module's choosing, always the same in 3.x.
        source: Where the ingress was read.
    """

    port: int = field(validator=is_port)
    id: str = field(default=PLAYGROUND_INGRESS, validator=is_id)
    source: SourcePosition | None = field(default=None, eq=False, repr=False)


def _are_topics(made: PlaygroundEgress, _attribute: Attribute[Any], value: tuple[Any, ...]) -> None:
    if not value:
        raise BindingError(f"PlaygroundEgress {made.id!r} has no topics", hint="name those that records are fetched by")
    for topic in value:
        if not is_text(topic) or not topic:
            raise BindingError(f"PlaygroundEgress {made.id!r} has the topic {topic!r:.80}", hint="give a text")
        if value.count(topic) > 1:
            raise BindingError(f"PlaygroundEgress {made.id!r} has the topic {topic!r} twice", hint="remove one of them")


@frozen(kw_only=True)
class PlaygroundEgress:
    """A port that records are fetched from, one by one, at `/<topic>`.

    Attributes:
        port: The TCP port.
        topics: The topics that there are.
        id: `<namespace>/<name>`; of a 2.x module's choosing, always the same in 3.x.
        source: Where the egress was read.
    """

    port: int = field(validator=is_port)
    topics: tuple[str, ...] = field(converter=as_texts, validator=_are_topics)
    id: str = field(default=PLAYGROUND_EGRESS, validator=is_id)
    source: SourcePosition | None = field(default=None, eq=False, repr=False)

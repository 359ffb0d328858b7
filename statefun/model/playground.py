"""HTTP, as the StateFun playground has it: messages are posted to an ingress, records are fetched from an egress.

What a module.yaml cannot say (another address than the loopback, a token, a certificate) is said in code alone.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Final

from attrs import Attribute, field, frozen

from statefun.arguments import NAME, list_of
from statefun.errors import BindingError
from statefun.model.checks import as_texts, is_a, is_id, is_port, is_source, is_text_value, maybe_text, name_of
from statefun.model.sources import SourcePosition

__all__ = [
    "LOOPBACK",
    "PLAYGROUND_EGRESS",
    "PLAYGROUND_INGRESS",
    "PlaygroundEgress",
    "PlaygroundIngress",
    "is_loopback",
]

PLAYGROUND_INGRESS: Final = "io.statefun.playground/ingress"
"""The id of the ingress, which a 3.x module does not choose."""
PLAYGROUND_EGRESS: Final = "io.statefun.playground/egress"
"""The id of the egress, which a 3.x module does not choose: what functions send to."""

LOOPBACK: Final = "127.0.0.1"
"""What is listened on unless another address is given."""
_SHORTEST_TOKEN: Final = 16


def is_loopback(host: str) -> bool:
    """Whether only programs of the same machine can connect to an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_token(made: object, attribute: Attribute[str | None], value: Any) -> None:
    maybe_text(made, attribute, value)
    if value is None:
        return
    if len(value) < _SHORTEST_TOKEN or not all("!" <= each <= "~" for each in value):
        raise BindingError(
            f"{name_of(made)} has a token that is too short, or that no header can carry",
            hint=f"give at least {_SHORTEST_TOKEN} characters of ASCII without spaces: `secrets.token_urlsafe()` makes one",
        )


def _is_safe(made: PlaygroundIngress | PlaygroundEgress, _attribute: object, _value: object) -> None:
    if (made.tls_cert is None) is not (made.tls_key is None):
        raise BindingError(
            f"{name_of(made)} has one of `tls_cert` and `tls_key` without the other", hint="give both, or neither"
        )
    if not is_loopback(made.host) and (made.token is None or made.tls_cert is None):
        raise BindingError(
            f"{name_of(made)} listens on {made.host}, which others can reach, without a token and a certificate",
            hint="give `token`, `tls_cert` and `tls_key`, or listen on 127.0.0.1",
        )


@frozen(kw_only=True)
class PlaygroundIngress:
    """A port that messages are posted to, at `/<namespace>/<name>/<id>`.

    Attributes:
        port: The TCP port; 0 takes any that is free.
        id: `<namespace>/<name>`; of a 2.x module's choosing, always the same in 3.x.
        host: The address to listen on. On any but the loopback a token and a certificate are needed.
        token: What each request has to have in `Authorization: Bearer <token>`; at least 16 characters.
        tls_cert: The file of the server's certificate chain, PEM; with it, HTTPS is spoken.
        tls_key: The file of its private key, PEM.
        source: Where the ingress was read.

    >>> PlaygroundIngress(port=8090, host="0.0.0.0")
    Traceback (most recent call last):
    statefun.errors.BindingError: [binding] PlaygroundIngress 'io.statefun.playground/ingress' listens on 0.0.0.0, which others ...
    """

    port: int = field(validator=is_port)
    id: str = field(default=PLAYGROUND_INGRESS, validator=is_id)
    token: str | None = field(default=None, validator=_is_token, repr=False)
    tls_cert: str | None = field(default=None, validator=maybe_text)
    tls_key: str | None = field(default=None, validator=maybe_text)
    host: str = field(default=LOOPBACK, validator=[is_text_value, _is_safe])
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)


_are_names: Final = is_a(list_of(NAME, "a list of texts"))


def _are_topics(made: PlaygroundEgress, attribute: Attribute[Any], value: tuple[Any, ...]) -> None:
    _are_names(made, attribute, value)
    if not value:
        raise BindingError(f"PlaygroundEgress {made.id!r} has no topics", hint="name those that records are fetched by")
    for topic in value:
        if value.count(topic) > 1:
            raise BindingError(f"PlaygroundEgress {made.id!r} has the topic {topic!r} twice", hint="remove one of them")


@frozen(kw_only=True)
class PlaygroundEgress:
    """A port that records are fetched from, one by one, at `/<topic>`.

    Attributes:
        port: The TCP port; 0 takes any that is free. It may be that of an ingress.
        topics: The topics that there are.
        id: `<namespace>/<name>`; of a 2.x module's choosing, always the same in 3.x.
        host: The address to listen on. On any but the loopback a token and a certificate are needed.
        token: What each request has to have in `Authorization: Bearer <token>`; at least 16 characters.
        tls_cert: The file of the server's certificate chain, PEM; with it, HTTPS is spoken.
        tls_key: The file of its private key, PEM.
        source: Where the egress was read.
    """

    port: int = field(validator=is_port)
    topics: tuple[str, ...] = field(converter=as_texts, validator=_are_topics)
    id: str = field(default=PLAYGROUND_EGRESS, validator=is_id)
    token: str | None = field(default=None, validator=_is_token, repr=False)
    tls_cert: str | None = field(default=None, validator=maybe_text)
    tls_key: str | None = field(default=None, validator=maybe_text)
    host: str = field(default=LOOPBACK, validator=[is_text_value, _is_safe])
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)

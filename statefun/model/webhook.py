"""A webhook as an egress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from attrs import Attribute, field, frozen

from statefun.errors import BindingError
from statefun.model.checks import (
    are_texts,
    as_egress_id,
    as_mapping,
    is_duration,
    is_id,
    is_secret,
    maybe_text,
    name_of,
)
from statefun.model.feeds import is_one_of

__all__ = ["WebhookEgress"]

_NO_HEADERS: Final[Mapping[str, str]] = {}


def _is_url(made: object, attribute: Attribute[str], value: Any) -> None:
    is_secret(made, attribute, value)
    if not value.startswith(("http://", "https://", "env:")):
        # Not shown: a URL may hold a token.
        raise BindingError(
            f"{name_of(made)} has a url that begins with none of http://, https:// and env:",
            hint='write `url="https://example.com/hook"`, or the variable that holds it: `url="env:HOOK_URL"`',
        )


@frozen(kw_only=True)
class WebhookEgress:
    """An HTTP endpoint that gets each record in a POST of its own, signed.

    At least once, in order: a record is sent until it is answered with 2xx, and the next one not before. It has the same
    `Webhook-Id` each time, so a receiver that keeps the ids it has seen takes each once. The headers are those of the
    Standard Webhooks convention; `statefun.webhooks.verify` checks them.

    | answer | what happens |
    |---|---|
    | 2xx | the next record |
    | 408, 425, 429, 5xx, a time-out, no connection | the same again after a pause, which `Retry-After` may make longer |
    | other 4xx, 410 among them | what `on_refused` says |
    | 3xx and anything else | the run ends with an error; redirects are not followed |

    Args:
        id: `<namespace>/<name>`, or an `Egress`: where functions send to.
        url: Where to. `"env:NAME"` takes it from an environment variable; it is never shown, since it may hold a token.
        secret: What the signature is made with: `whsec_` and base64, or any text. `"env:NAME"` takes it from an environment variable.
            Several with spaces between them sign side by side, while receivers change from one to the other. None: no signature.
        format: What a body is: `"json"` (a JSON value), `"text"` or `"bytes"`.
        timeout: How long one request may take.
        on_refused: `"stop"` ends the run with an error and keeps the record in the store; `"drop"` leaves it out, says so in
            the log, and goes on.
        headers: More headers. `"env:NAME"` as a value takes it from an environment variable.

    Raises:
        BindingError: an argument is none of its choices.
        TypenameError: the id has another form.

    >>> WebhookEgress(id="shop/alerts", url="https://example.com/hook?token=abc", secret="env:HOOK_SECRET")
    WebhookEgress(id='shop/alerts', format='json', timeout=datetime.timedelta(seconds=30), on_refused='stop')
    """

    id: str = field(converter=as_egress_id, validator=is_id)
    url: str = field(validator=_is_url, repr=False)
    secret: str | None = field(validator=maybe_text, repr=False)
    format: str = field(default="json", validator=is_one_of("json", "text", "bytes"))
    timeout: timedelta = field(default=timedelta(seconds=30), validator=is_duration)
    on_refused: str = field(default="stop", validator=is_one_of("stop", "drop"))
    headers: Mapping[str, str] = field(
        default=_NO_HEADERS, converter=as_mapping, validator=are_texts, repr=False, hash=False
    )

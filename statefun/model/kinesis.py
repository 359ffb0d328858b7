"""Amazon Kinesis: an ingress whose records go to functions by partition key, an egress, and how AWS is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import Attribute, Factory, field, frozen

from statefun.arguments import instance_of
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import as_tuple, is_a, is_count, is_id, is_secret, is_source, is_text_value, maybe_text
from statefun.model.feeds import as_targets, may_be_targets
from statefun.model.routes import (
    MessageRoute,
    Route,
    StartFrom,
    StartFromDate,
    Startup,
    are_routes,
    one_route,
    properties_field,
    resolved,
)
from statefun.model.sources import SourcePosition

__all__ = ["AwsCredentials", "AwsProfile", "AwsRegion", "KinesisEgress", "KinesisIngress", "Stream"]


@frozen(kw_only=True)
class AwsRegion:
    """A region of AWS, or another place that speaks for one.

    Attributes:
        id: The region's name, such as `eu-central-1`.
        endpoint: The URL of something else than AWS itself.
    """

    id: str = field(validator=is_text_value)
    endpoint: str | None = field(default=None, validator=maybe_text)


@frozen(kw_only=True)
class AwsCredentials:
    """A key of AWS. The secret is never shown.

    >>> AwsCredentials(access_key_id="AKIA", secret_access_key="hunter2")
    AwsCredentials(access_key_id='AKIA')
    """

    access_key_id: str = field(validator=is_text_value)
    secret_access_key: str = field(repr=False, validator=is_secret)


@frozen(kw_only=True)
class AwsProfile:
    """A profile of the AWS configuration file.

    Attributes:
        name: The profile.
        path: The file; the AWS SDK's own place without one.
    """

    name: str = field(validator=is_text_value)
    path: str | None = field(default=None, validator=maybe_text)


_is_region: Final = is_a(instance_of(AwsRegion, what='a region, AwsRegion(id="eu-central-1")').or_none)
_is_credentials: Final = is_a(
    instance_of(AwsCredentials, AwsProfile, what="AwsCredentials(…) or AwsProfile(…)").or_none.unshown
)


@frozen
class Stream(MessageRoute):
    """A stream: its records become messages.

    Attributes:
        name: The stream.
        message: What a record's value is: a protobuf class, a class that `json_type` named, or a ValueType.
        targets: The functions that get each record: classes, or names `<namespace>/<name>`.

    Raises:
        BindingError: there is no target.

    >>> Stream("logins", message=str, targets=["example/user"]).name
    'logins'
    """


def _as_streams(value: Iterable[Route | Stream]) -> tuple[Route | Stream, ...]:
    # Not generic: of a converter mypy takes the type of the argument as it is written, with no variable filled in.
    return as_tuple(value)


def _is_startup(made: KinesisIngress, _attribute: Attribute[Any], value: Any) -> None:
    if value not in (StartFrom.EARLIEST, StartFrom.LATEST) and not isinstance(value, StartFromDate):
        raise BindingError(
            f"KinesisIngress {made.id!r} has the startup {shown(value)}",
            hint="give StartFrom.EARLIEST, StartFrom.LATEST or a StartFromDate",
        )


@frozen(kw_only=True)
class KinesisIngress:
    """Streams whose records become messages: the partition key is the id, and the data goes to the route's targets.

    Attributes:
        id: `<namespace>/<name>`.
        stream: The stream, where there is one: with `message` and `targets` the short form of `streams=[Stream(…)]`.
        message: The type of its records.
        targets: The functions that get each of them.
        streams: The streams, a Stream each; or the routes of a module.yaml, in which a type has the name that its protocol gives it.
        region: Where the streams are; None asks the AWS SDK's own chain of places.
        credentials: Who reads them; None asks the same.
        startup: Where reading starts.
        properties: Settings of the AWS client (`clientConfigProperties`).
        source: Where the ingress was read.
    """

    id: str = field(validator=is_id)
    stream: str | None = field(default=None, validator=maybe_text, eq=False, repr=False)
    message: Any = field(default=None, eq=False, repr=False)
    targets: tuple[Any, ...] = field(default=(), converter=as_targets, validator=may_be_targets, eq=False, repr=False)
    streams: tuple[Route | Stream, ...] = field(
        default=Factory(one_route("stream", Stream), takes_self=True),
        converter=_as_streams,
        validator=are_routes("stream", Stream),
    )
    region: AwsRegion | None = field(default=None, validator=_is_region)
    credentials: AwsCredentials | AwsProfile | None = field(default=None, validator=_is_credentials)
    startup: Startup = field(default=StartFrom.LATEST, validator=_is_startup)
    properties: Mapping[str, str] = properties_field()
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)

    @property
    def routes(self) -> tuple[Route, ...]:
        """A route for each stream, in which its message has its name.

        Raises:
            BindingError: a message is known by its class alone yet.
        """
        return resolved(self, self.streams)


@frozen(kw_only=True)
class KinesisEgress:
    """Where functions send Kinesis records to.

    Attributes:
        id: `<namespace>/<name>`.
        region: Where the streams are; None asks the AWS SDK's own chain of places.
        credentials: Who writes to them; None asks the same.
        max_outstanding: How many records may wait before the egress slows its functions down.
        properties: Settings of the AWS client (`clientConfigProperties`).
        source: Where the egress was read.
    """

    id: str = field(validator=is_id)
    region: AwsRegion | None = field(default=None, validator=_is_region)
    credentials: AwsCredentials | AwsProfile | None = field(default=None, validator=_is_credentials)
    max_outstanding: int = field(default=1000, validator=is_count)
    properties: Mapping[str, str] = properties_field()
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)

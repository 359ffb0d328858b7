"""How Kinesis is reached: a client for what an ingress or egress says of AWS, and what the client's errors mean.

The client does not try again by itself: what has to wait is decided, and told, by the one who asks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoRegionError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as AwsConnectionError
from botocore.parsers import ResponseParserError

from statefun.errors import BindingError, EgressError, IngressError
from statefun.model import AwsCredentials, AwsProfile, KinesisEgress, KinesisIngress

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient

__all__ = ["AWS_ERRORS", "LOGGER", "Failure", "failure_of", "open_kinesis", "said"]

LOGGER: Final = logging.getLogger("statefun.runtime.kinesis")

AWS_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError)
"""All that a call of the client may raise."""

_LONGEST_TEXT: Final = 300


class Failure(Enum):
    """What a failed call means for the one who made it."""

    BUSY = "over a quota: the same call later"
    UNAVAILABLE = "not now: the same call later"
    EXPIRED = "what the call refers to was valid for some minutes: ask for a new one"
    MISSING = "the stream or the shard does not exist"
    INVALID = "an argument that Kinesis does not take"
    REFUSED = "never: credentials, permissions, settings"


_BY_CODE: Final[Mapping[str, Failure]] = {
    "ProvisionedThroughputExceededException": Failure.BUSY,
    "LimitExceededException": Failure.BUSY,
    "KMSThrottlingException": Failure.BUSY,
    "ThrottlingException": Failure.BUSY,
    "Throttling": Failure.BUSY,
    "RequestLimitExceeded": Failure.BUSY,
    "ResourceInUseException": Failure.UNAVAILABLE,  # a stream that is being made
    "ServiceUnavailable": Failure.UNAVAILABLE,
    "InternalFailure": Failure.UNAVAILABLE,
    "ExpiredIteratorException": Failure.EXPIRED,
    "ExpiredNextTokenException": Failure.UNAVAILABLE,
    "ResourceNotFoundException": Failure.MISSING,
    "InvalidArgumentException": Failure.INVALID,
    "ValidationException": Failure.INVALID,
}


def failure_of(error: Exception) -> Failure:
    """What an error of `AWS_ERRORS` means.

    >>> failure_of(ClientError({"Error": {"Code": "ExpiredIteratorException"}}, "GetRecords")).name
    'EXPIRED'
    """
    if isinstance(error, ClientError):
        known = _BY_CODE.get(error.response.get("Error", {}).get("Code", ""))
        if known is not None:
            return known
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return Failure.UNAVAILABLE if status >= 500 or status == 429 else Failure.REFUSED
    passing = isinstance(error, AwsConnectionError | HTTPClientError | CredentialRetrievalError | ResponseParserError)
    return Failure.UNAVAILABLE if passing else Failure.REFUSED


def said(error: Exception) -> str:
    r"""An error's text in one line that is not endless, and that no terminal obeys.

    >>> said(ValueError("no\n such\x1b[2J region"))
    'no such?[2J region'
    """
    line = "".join(each if each.isprintable() else "?" for each in " ".join(str(error).split()))
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


async def open_kinesis(made: KinesisIngress | KinesisEgress, stack: AsyncExitStack) -> KinesisClient:
    """Makes a client, which `stack` closes. Nothing is sent yet.

    Raises:
        IngressError, EgressError: its region, profile or endpoint cannot be used.
        BindingError: a property is not known, or its value cannot be used.
    """
    error_class = IngressError if isinstance(made, KinesisIngress) else EgressError
    what = f"{type(made).__name__} {made.id!r}"
    region, credentials = made.region, made.credentials
    session: Any = AioSession(profile=credentials.name if isinstance(credentials, AwsProfile) else None)
    keys: dict[str, str] = {}
    if isinstance(credentials, AwsProfile) and credentials.path is not None:
        # The engines take either of the two files of AWS here; a profile is looked for in both forms.
        session.set_config_variable("config_file", credentials.path)
        session.set_config_variable("credentials_file", credentials.path)
    elif isinstance(credentials, AwsCredentials):
        keys = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
        }
    try:
        context = session.create_client(
            "kinesis",
            region_name=None if region is None else region.id,
            endpoint_url=None if region is None else region.endpoint,
            config=AioConfig(**_settings(what, made.properties)),
            **keys,
        )
        client: KinesisClient = await stack.enter_async_context(context)
    except NoRegionError as error:
        raise error_class(
            f"{what} names no region, and none is configured on this machine",
            hint="give `region=AwsRegion(id=…)`, or set AWS_REGION",
        ) from error
    except ProfileNotFound as error:
        raise error_class(
            f"{what}: {said(error)}", hint="check the name of the profile, and the file that it is in"
        ) from error
    except (*AWS_ERRORS, ValueError) as error:  # botocore raises a ValueError for an endpoint that is no URL
        raise error_class(
            f"{what} cannot reach AWS: {said(error)}", hint="check its region, endpoint and credentials"
        ) from error
    return client


# --- the settings that engines give to their own clients --------------------------------------------------------------


def _seconds(value: str) -> float:
    return int(value) / 1000


# The name in the engines' client of Kinesis, or in the producer library of their egress, in small letters.
_KNOWN: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "connectiontimeout": ("connect_timeout", _seconds),
    "connecttimeout": ("connect_timeout", _seconds),
    "sockettimeout": ("read_timeout", _seconds),
    "requesttimeout": ("read_timeout", _seconds),
    "maxconnections": ("max_pool_connections", int),
}

# Tuning of that library and that client which changes nothing of what is promised here.
_WITHOUT_MEANING: Final = frozenset(
    {
        *("aggregationenabled", "aggregationmaxcount", "aggregationmaxsize", "collectionmaxcount", "collectionmaxsize"),
        *("connectionmaxidlemillis", "connectionttl", "enablecoredumps", "failifthrottled", "loglevel"),
        *("maxconsecutiveretriesbeforethrottling", "maxerrorretry", "metricsgranularity", "metricslevel"),
        *("metricsnamespace", "metricsuploaddelay", "minconnections", "nativeexecutable", "ratelimit"),
        *("recordmaxbufferedtime", "recordttl", "tempdirectory", "threadingmodel", "threadpoolsize"),
        *("usegzip", "usereaper", "usetcpkeepalive", "usethrottleretries"),
    }
)


def _settings(what: str, properties: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "user_agent_extra": "statefun"}
    for name, value in properties.items():
        if name.lower() in _WITHOUT_MEANING:
            continue
        known = _KNOWN.get(name.lower())
        if known is None:
            raise BindingError(
                f"{what} has the property {name!r}, which its client does not have",
                hint="remove it; docs/kinesis.md lists those that it has",
            )
        setting, convert = known
        try:
            settings[setting] = convert(value)
        except ValueError as error:
            raise BindingError(
                f"{what} has a property {name!r} that is no whole number", hint="write digits"
            ) from error
    return settings

"""The TLS of an endpoint: whom it trusts, and the certificate that it shows."""

from __future__ import annotations

import ssl
from pathlib import Path

from statefun.errors import BindingError
from statefun.model import AsyncTransport, HttpEndpoint

__all__ = ["tls_of"]


def tls_of(endpoint: HttpEndpoint) -> ssl.SSLContext | None:
    """The TLS of an endpoint; None for one without TLS.

    The server's name is held to its certificate, always. Files are read here, once.

    Raises:
        BindingError: a file is on a Java class path, cannot be read, or is no certificate or key.
    """
    if not endpoint.url.lower().startswith("https"):
        return None
    transport = endpoint.transport
    if not isinstance(transport, AsyncTransport):
        return ssl.create_default_context()
    trusted = _file(endpoint, "trust_cacerts", transport.trust_cacerts)
    certificate = _file(endpoint, "client_cert", transport.client_cert)
    key = _file(endpoint, "client_key", transport.client_key)
    if (certificate is None) is not (key is None):
        raise BindingError(
            f"the endpoint of {endpoint.functions} has {'client_key' if certificate is None else 'client_cert'} alone",
            hint="give client_cert and client_key together, or neither",
        )
    try:
        made = ssl.create_default_context(cafile=trusted)
    except (OSError, ssl.SSLError) as error:
        raise _unreadable(endpoint, "trust_cacerts", trusted, error) from error
    if certificate is not None:
        password = _password(endpoint, transport.client_key_password)
        try:
            made.load_cert_chain(certificate, key, lambda: password)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable(endpoint, "client_cert and client_key", f"{certificate} and {key}", error) from error
    return made


def _file(endpoint: HttpEndpoint, name: str, value: str | None) -> str | None:
    if value is not None and value.startswith("classpath:"):
        raise BindingError(
            f"the endpoint of {endpoint.functions} has the {name} {value!r:.200}, which is on the class path of an engine in Java",
            hint="give the path of a file in PEM format",
        )
    return None if value is None else value.removeprefix("file://").removeprefix("file:")


def _password(endpoint: HttpEndpoint, value: str | None) -> str:
    """The password of the key: what a file of that name holds, or the value itself; empty where the key has none."""
    path = _file(endpoint, "client_key_password", value)
    if path is None or value is None:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError):
        return value  # no such file: it is the password


def _unreadable(endpoint: HttpEndpoint, name: str, value: str | None, error: Exception) -> BindingError:
    return BindingError(
        f"the endpoint of {endpoint.functions} has a {name} that cannot be used ({value}): {error}",
        hint="give files in PEM format that this process can read, a key that belongs to its certificate, and the key's password",
    )

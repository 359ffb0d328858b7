"""Calls of a function over UNIX sockets and over TLS: whom a client trusts, what it shows, and what it says when it cannot."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import trustme

from statefun.errors import (
    BindingError,
    EndpointTimeoutError,
    EndpointUnavailableError,
)
from statefun.model import HttpEndpoint, OkHttpTransport
from statefun.runtime.remote.client import EndpointClient
from statefun.runtime.remote.outcomes import BUSY, LOST, fault_of
from tests.runtime.faulty import FaultyServer, Passing, echo
from tests.runtime.remote_rig import FUNCTION, at, failing, run

SHORT = timedelta(seconds=0.25)


# --- UNIX sockets -------------------------------------------------------------------------------------------------


def over_unix(url: str, call: timedelta = timedelta(seconds=30)) -> HttpEndpoint:
    return HttpEndpoint(functions="test/*", url=url, transport=OkHttpTransport(call=call))


def test_a_unix_socket_is_the_part_of_the_url_up_to_its_name(tmp_path: Path) -> None:
    async def test() -> None:
        path = tmp_path / "the functions.sock"
        async with FaultyServer(echo, path=path) as server:
            for rest, sent in (("/f/{function.name}?a=b", "/f/each?a=b"), ("", "/")):
                url = f"http+unix://{tmp_path}/the%20functions.sock{rest}"
                async with EndpointClient(over_unix(url)) as client:
                    assert await client.call(FUNCTION, b"question") == b"question"
                assert server.heads[-1].startswith(f"POST {sent} HTTP/1.1\r\nHost: localhost\r\n")

    run(test)


def test_an_absent_unix_socket_is_unavailable(tmp_path: Path) -> None:
    async def test() -> None:
        async with EndpointClient(over_unix(f"http+unix://{tmp_path}/no.sock/call", SHORT)) as client:
            error = await failing(client, EndpointUnavailableError)
            assert f"http+unix://{tmp_path}/no.sock/call: no connection" in error.message

    run(test)


# --- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, *names: str, clients: trustme.CA | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(made)
    if clients is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(made)
    return made


def written(path: Path, blob: trustme.Blob) -> str:
    blob.write_to_path(str(path))
    return str(path)


def test_a_certificate_of_a_trusted_authority_is_taken(authority: trustme.CA, tmp_path: Path) -> None:
    async def test() -> None:
        trusted = written(tmp_path / "ca.pem", authority.cert_pem)
        async with FaultyServer(echo, tls=server_tls(authority)) as server:
            for place in (trusted, f"file://{trusted}"):
                async with EndpointClient(at(server.url, trust_cacerts=place)) as client:
                    for _ in range(3):
                        assert await client.call(FUNCTION, b"q" * 100_000) == b"q" * 100_000
            assert len(server.lines) == 2

    run(test)


def test_an_untrusted_certificate_is_told_at_once(authority: trustme.CA, tmp_path: Path) -> None:
    async def test() -> None:
        other = written(tmp_path / "other.pem", trustme.CA().cert_pem)
        trusted = written(tmp_path / "ca.pem", authority.cert_pem)
        for names, trust in ((("127.0.0.1",), other), (("elsewhere.example",), trusted)):
            async with (
                FaultyServer(echo, tls=server_tls(authority, *names)) as server,
                EndpointClient(at(server.url, trust_cacerts=trust)) as client,
            ):
                error = await failing(client, EndpointUnavailableError)
            assert "certificate is not trusted" in error.message
            assert "attempts" not in error.message
            assert not server.bodies

    run(test)


@pytest.mark.parametrize("encrypted", ["", "by value", "by file"])
def test_the_client_shows_its_certificate_whether_its_key_has_a_password_or_none(
    authority: trustme.CA, tmp_path: Path, encrypted: str
) -> None:
    clients = trustme.CA()
    shown = clients.issue_cert("engine@example.org")
    certificate = written(tmp_path / "client.pem", shown.cert_chain_pems[0])
    key = written(tmp_path / "client.key", shown.private_key_pem)
    password = None
    if encrypted:
        password = "sesame"
        encrypt(Path(key), password)
    if encrypted == "by file":
        (tmp_path / "password").write_text("sesame\n")
        password = str(tmp_path / "password")

    async def test() -> None:
        tls = server_tls(authority, clients=clients)
        trusted = written(tmp_path / "ca.pem", authority.cert_pem)
        async with FaultyServer(echo, tls=tls) as server:
            shows = at(
                server.url,
                trust_cacerts=trusted,
                client_cert=certificate,
                client_key=key,
                client_key_password=password,
            )
            assert "sesame" not in repr(shows)
            async with EndpointClient(shows) as client:
                assert await client.call(FUNCTION, b"question") == b"question"

    run(test)


def encrypt(path: Path, password: str) -> None:
    from cryptography.hazmat.primitives import serialization as s

    key = s.load_pem_private_key(path.read_bytes(), None)
    encryption = s.BestAvailableEncryption(password.encode())
    path.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, encryption))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_the_certificate_that_is_asked_for_reaches_nobody(
    authority: trustme.CA, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    async def test() -> None:
        trusted = written(tmp_path / "ca.pem", authority.cert_pem)
        tls = server_tls(authority, clients=trustme.CA())
        tls.maximum_version = version
        async with FaultyServer(echo, tls=tls) as server:
            async with EndpointClient(at(server.url, trust_cacerts=trusted, call=SHORT)) as client:
                if version is ssl.TLSVersion.TLSv1_2:
                    await failing(client, EndpointUnavailableError)
                else:  # the server looks at it behind the handshake, and its alert may be lost with the connection
                    with pytest.raises((EndpointUnavailableError, EndpointTimeoutError)):
                        await client.call(FUNCTION, b"question")
            assert not server.bodies

    run(test)


def test_an_alert_instead_of_an_answer_says_that_nobody_took_the_request() -> None:
    broken = aiohttp.ClientOSError(1, "alert")
    broken.__cause__ = ssl.SSLError(1, "certificate required")
    assert fault_of(broken, begun=True).outcome is BUSY
    broken.__cause__ = ConnectionResetError()
    assert fault_of(broken, begun=True).outcome is LOST


def test_a_server_without_tls_where_the_url_has_it_is_unavailable_and_the_other_way_round(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async def test() -> None:
        trusted = written(tmp_path / "ca.pem", authority.cert_pem)
        async with FaultyServer(echo) as server:
            url = server.url.replace("http:", "https:")
            async with EndpointClient(at(url, trust_cacerts=trusted, call=SHORT)) as client:
                await failing(client, EndpointUnavailableError)
        passing = Passing()
        async with (
            FaultyServer(echo, tls=server_tls(authority)) as server,
            EndpointClient(
                at(server.url.replace("https:", "http:")), sleep=passing.sleep, clock=passing.clock
            ) as client,
        ):
            await failing(client, EndpointTimeoutError)

    run(test)


def test_tls_is_spoken_over_a_unix_socket_too(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This transport trusts whom the platform trusts, which OpenSSL is told by a variable."""

    async def test() -> None:
        async with FaultyServer(echo, tls=server_tls(authority), path=tmp_path / "f.sock") as server:
            async with EndpointClient(over_unix(server.url)) as client:
                error = await failing(client, EndpointUnavailableError)
                assert "certificate is not trusted" in error.message
            monkeypatch.setenv("SSL_CERT_FILE", written(tmp_path / "ca.pem", authority.cert_pem))
            async with EndpointClient(over_unix(server.url)) as client:
                assert await client.call(FUNCTION, b"question") == b"question"
        for url in (server.url, server.url.replace("f.sock", "no.sock")):
            async with EndpointClient(over_unix(url, SHORT)) as client:
                await failing(client, EndpointUnavailableError)

    run(test)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trust_cacerts": "classpath:ca.pem"}, "class path"),
        ({"client_cert": "classpath:c.pem", "client_key": "k.pem"}, "class path"),
        ({"client_cert": "c.pem", "client_key": "k.pem", "client_key_password": "classpath:p"}, "class path"),
        ({"trust_cacerts": "absent.pem"}, "absent.pem"),
        ({"trust_cacerts": "garbage.pem"}, "garbage.pem"),
        ({"client_cert": "c.pem"}, "client_cert alone"),
        ({"client_key": "k.pem"}, "client_key alone"),
        ({"client_cert": "c.pem", "client_key": "absent.pem"}, "absent.pem"),
        ({"client_cert": "c.pem", "client_key": "other.pem"}, "other.pem"),
        ({"client_cert": "c.pem", "client_key": "locked.pem"}, "locked.pem"),
        ({"client_cert": "c.pem", "client_key": "locked.pem", "client_key_password": "wrong"}, "locked.pem"),
    ],
)
def test_certificates_that_cannot_be_used_are_told_before_any_call(
    settings: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = (trustme.CA().issue_cert("engine@example.org") for _ in range(2))
    written(Path("c.pem"), one.cert_chain_pems[0])
    written(Path("k.pem"), one.private_key_pem)
    written(Path("other.pem"), two.private_key_pem)
    written(Path("locked.pem"), one.private_key_pem)
    encrypt(Path("locked.pem"), "sesame")
    Path("garbage.pem").write_text("garbage")

    async def test() -> None:
        with pytest.raises(BindingError) as caught:
            EndpointClient(at("https://127.0.0.1:1/call", **settings))
        assert said in caught.value.message
        assert "test/*" in caught.value.message
        assert "wrong" not in caught.value.message

    run(test)

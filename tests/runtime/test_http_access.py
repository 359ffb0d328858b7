"""Who is let in by a port: with the token, from the same site, over TLS; and settings that would let in anybody."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from statefun.errors import BindingError, EgressError, IngressError
from statefun.model import PlaygroundEgress, PlaygroundIngress
from tests.runtime.http_rig import (
    TOKEN,
    Reply,
    certificate,
    connected,
    in_loop,
    listening,
    port_of,
    serving,
)


@pytest.mark.parametrize("kind", [PlaygroundIngress, PlaygroundEgress])
@pytest.mark.parametrize(
    "settings",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "example.com", "token": TOKEN},
        {"host": "192.0.2.1", "tls_cert": "cert", "tls_key": "key"},
        {"tls_cert": "cert"},
        {"tls_key": "key"},
        {"token": "short"},
        {"token": "with a space in the middle"},
        {"token": ""},
        {"host": ""},
    ],
)
def test_settings_that_are_not_safe_are_refused(
    kind: type[PlaygroundIngress | PlaygroundEgress], settings: dict[str, str]
) -> None:
    topics = {"topics": ["a"]} if kind is PlaygroundEgress else {}
    with pytest.raises(BindingError) as raised:
        kind(port=1, **topics, **settings)
    assert raised.value.hint
    assert TOKEN not in str(raised.value)


def test_a_token_is_not_shown() -> None:
    assert TOKEN not in repr(PlaygroundIngress(port=1, token=TOKEN))
    assert TOKEN not in repr(PlaygroundEgress(port=1, topics=["a"], token=TOKEN))


@pytest.mark.parametrize("given", [None, "", "Bearer", f"Bearer {TOKEN}x", f"bearer {TOKEN}", f"Basic {TOKEN}", TOKEN])
def test_without_the_token_nothing_is_let_in(given: str | None) -> None:
    @in_loop
    async def test() -> None:
        async with (
            listening(token=TOKEN) as running,
            serving(port=port_of(running.url), token=TOKEN),
            connected(running.url) as client,
        ):
            headers = {} if given is None else {"Authorization": given}
            for target, method in (("/a/b/c", "POST"), ("/a/b/", "POST"), ("/a", "GET"), ("/no-topic", "GET")):
                reply = await client.ask(target, method=method, headers=headers)
                assert (reply.status, reply.code) == (401, "unauthorized")
                assert reply.headers["www-authenticate"] == "Bearer"
            assert running.inlet.records == []
            reply = await client.ask("/a/b/c", headers={"authorization": f"Bearer {TOKEN}", "host": "any.name"})
            assert reply.status == 200

    test()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:80"}, 200),
        ({"host": "127.0.0.1:80"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": ""}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": "localhost:80", "origin": "http://localhost:80"}, 200),
        ({"host": "localhost:80", "origin": "http://evil.example"}, 403),
        ({"host": "localhost:80", "origin": "http://localhost:81"}, 403),
        ({"host": "localhost:80", "origin": "null"}, 403),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_page_of_another_site_is_not_let_in(headers: dict[str, str], status: int) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, serving(port=port_of(running.url)), connected(running.url) as client:
            reply = await client.ask("/a/b/c", headers=headers)
            assert reply.status == status
            assert len(running.inlet.records) == (status == 200)
            fetched: Reply = await client.ask("/a", method="GET", headers=headers)
            assert fetched.status == (404 if status == 200 else status)

    test()


@in_loop
async def test_with_a_certificate_https_alone_is_served(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    async with listening(host="0.0.0.0", token=TOKEN, tls_cert=cert, tls_key=key) as running:
        assert running.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(running.url), ssl=context)
        body = b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: 1\r\n\r\nx"
        writer.write(body % TOKEN.encode())
        assert await reader.readuntil(b"\r\n\r\n") != b""
        assert len(running.inlet.records) == 1
        writer.close()
        await writer.wait_closed()
        # One that speaks no TLS is not served, and harms nobody.
        async with connected(running.url.replace("0.0.0.0", "127.0.0.1")) as client:
            client.send("/a/b/c")
            assert await client.ended()
        assert len(running.inlet.records) == 1


@in_loop
async def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    (tmp_path / "bad.pem").write_text("no certificate")
    for bad_cert, bad_key in ((str(tmp_path / "bad.pem"), key), (cert, "missing")):
        with pytest.raises(IngressError, match="cannot use the certificate"):
            async with listening(tls_cert=bad_cert, tls_key=bad_key):
                pass


@in_loop
async def test_who_shares_a_port_shares_its_certificate(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    async with listening() as running:
        with pytest.raises(EgressError, match="another certificate"):
            async with serving(port=port_of(running.url), tls_cert=cert, tls_key=key):
                pass

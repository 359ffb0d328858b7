"""TLS between the unmodified engine 3.3.0 and `statefun serve`: real certificates, with the settings that `statefun deploy` writes."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
import trustme
from attrs import evolve, frozen
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from statefun.deploy.deployment import CERTIFICATES, Deployment, Tls
from statefun.model import Delivery, KafkaEgress, Module
from tests.engines.accounts import ACCOUNTS, deposits
from tests.engines.engine import Engine
from tests.engines.rig import module_of
from tests.engines.server import FunctionServer
from tests.engines.topics import Reader, produce
from tests.services.broker import Broker

VERSION: Final = "3.3.0"


class TlsServer(FunctionServer):
    """A function server whose health is asked for over TLS, with the engine's certificate."""

    def __init__(self, folder: Path, environment: dict[str, str], command: list[str], context: ssl.SSLContext) -> None:
        super().__init__(ACCOUNTS.target, folder, environment, command)
        self._context: Final = context

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("localhost", self.port, timeout=5, context=self._context)


@frozen
class Secured:
    """A server and an engine that were started with each other's certificates."""

    server: TlsServer
    authority: Path
    deposited: int


def without_transactions(module: Module) -> Module:
    """A module whose engine fences off no other: two that run the same program name their transactions alike."""
    egresses = [
        evolve(each, delivery=Delivery.AT_LEAST_ONCE, transaction_timeout=None)
        if isinstance(each, KafkaEgress)
        else each
        for each in module.egresses
    ]
    return evolve(module, egresses=egresses)


def write_side(folder: Path, authority: trustme.CA, certificate: trustme.LeafCert) -> None:
    """The three files of one side, named as `statefun deploy` has them; the key in PKCS #8, which alone the engine reads."""
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "tls.crt", append=True)
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture(scope="module", params=[Tls.SERVER, Tls.MUTUAL], ids=["server-3.3.0", "mutual-3.3.0"])
def secured(
    request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tls, Secured]]:
    folder = tmp_path_factory.mktemp(f"tls-{request.param.value}-")
    authority = trustme.CA()
    write_side(folder / "functions", authority, authority.issue_cert("localhost"))
    write_side(folder / "engine", authority, authority.issue_cert("engine.example"))
    context = ssl.create_default_context(cafile=str(folder / "engine" / "ca.crt"))
    context.load_cert_chain(folder / "engine" / "tls.crt", folder / "engine" / "tls.key")

    results = f"{folder.name}-results"
    url = "https://localhost:1/statefun"  # the server's port is known once it is made
    module = without_transactions(module_of(ACCOUNTS, VERSION, url, broker.address, f"{folder.name}-"))
    deployment = Deployment(
        target=ACCOUNTS.target, module=module, name="accounts", version="0", image="accounts", tls=request.param
    )
    settings = [each.replace(CERTIFICATES, str(folder / "functions")) for each in deployment.serve[7:]]
    command = [sys.executable, "-m", "statefun", "serve", ACCOUNTS.target, *settings, "--port"]
    server = TlsServer(folder, {"ENGINE_TESTS_RESULTS": results}, command, context)
    endpoints = []
    for each in deployment.trusting.endpoints:
        transport = each.transport
        paths = {
            name: value.replace(CERTIFICATES, str(folder / "engine"))
            for name in ("trust_cacerts", "client_cert", "client_key")
            if (value := getattr(transport, name)) is not None
        }
        endpoints.append(
            evolve(each, url=f"https://localhost:{server.port}/statefun", transport=evolve(transport, **paths))
        )
    engine = Engine(VERSION, folder, evolve(module, endpoints=endpoints))
    with ExitStack() as stack:
        for topic in (*ACCOUNTS.topics, "results"):
            broker.create_topic(f"{folder.name}-{topic}")
        stack.enter_context(server)
        stack.enter_context(engine)
        reader = Reader(broker.address, results, engine.check)
        stack.callback(reader.close)
        produce(broker.address, f"{folder.name}-deposits", deposits([(f"a{number}", 1) for number in range(20)]))
        reader.until(lambda records: len({each.key for each in records}) >= 20)
        yield request.param, Secured(server, folder / "engine" / "ca.crt", len({each.key for each in reader.records}))


def test_messages_pass_between_engine_and_functions_over_tls(secured: tuple[Tls, Secured]) -> None:
    assert secured[1].deposited == 20


def answer_to(connection: socket.socket) -> bytes:
    """How the answer to a request begins; nothing when the server hangs up or refuses."""
    try:
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return connection.recv(64)
    except (ssl.SSLError, ConnectionError):
        return b""


def test_a_client_without_a_certificate_is_refused_when_tls_is_mutual(secured: tuple[Tls, Secured]) -> None:
    tls, made = secured
    context = ssl.create_default_context(cafile=str(made.authority))
    # In TLS 1.3 the handshake of the client is over before the server refuses it.
    with (
        socket.create_connection(("localhost", made.server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        answer = answer_to(connection)
    if tls is Tls.SERVER:
        assert answer.startswith(b"HTTP/1.1 200")
    else:
        assert answer == b""


def test_nobody_is_answered_without_tls(secured: tuple[Tls, Secured]) -> None:
    with socket.create_connection(("localhost", secured[1].server.port), timeout=10) as plain:
        assert not answer_to(plain).startswith(b"HTTP/1.1")

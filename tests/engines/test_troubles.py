"""Each failure of docs/troubleshooting.md, provoked on each engine: its log says what the page says, and the job goes on when it is mended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from confluent_kafka import Producer

from tests.engines.engine import ENDED, ENGINES, Engine, EngineVersion
from tests.engines.faulty import Answer, Answering, FaultyServer, good
from tests.engines.topics import produce
from tests.engines.troubles import (
    FUNCTION,
    MODULE,
    ONLY_3,
    TRANSPORT,
    answers,
    lines_of,
    module,
    names_on_page,
)
from tests.services.broker import Broker

WAYS: Final = {
    "3.3.0-async": ("3.3.0", "async"),
    "3.3.0-okhttp": ("3.3.0", "okhttp"),
    "2.2.2-okhttp": ("2.2.2", "okhttp"),
}


class Job:
    """A job of one function that answers what a test tells it to."""

    def __init__(
        self, version: EngineVersion, transport: str, broker: Broker, engine: Engine, server: FaultyServer
    ) -> None:
        self.version: Final[EngineVersion] = version
        self.transport: Final = transport
        self.engine: Final = engine
        self.server: Final = server
        self._broker: Final = broker
        self._seen = 0
        self._sent = 0

    def send(self) -> None:
        """Sends a message to an id of its own."""
        self._sent += 1
        produce(self._broker.address, f"{self.engine.folder.name}-in", [(str(self._sent), b"x")])

    def news(self) -> str:
        """What the log says since the last call of `forget`."""
        return self.engine.text()[self._seen :]

    def forget(self) -> None:
        """Begins anew with the log."""
        self._seen = len(self.engine.text())

    def says(self, trouble: str) -> None:
        """Waits for what the page promises, and for the restart."""
        lines = lines_of(trouble, self.version, self.transport)
        assert lines, f"the page says nothing of {trouble} here"
        for line in lines:
            self.engine.wait_for(f"line {line.pattern!r}", partial(self._has, line))
        self.engine.wait_for("restart", lambda: "switched from state RUNNING to RESTARTING" in self.news())

    def _has(self, line: re.Pattern[str]) -> bool:
        return line.search(self.news()) is not None

    def asked(self, answering: Answering) -> None:
        """Sends a message and waits until the server was asked for it."""
        before = len(self.server.requests)
        self.server.answering = answering
        self.send()
        self.engine.wait_for("request", lambda: len(self.server.requests) > before)

    def goes_on(self) -> None:
        """Mends the server and waits until it was called with success."""
        self.server.answering = good
        before = len(self.server.served)
        self.send()
        self.engine.wait_for("message that is served", lambda: len(self.server.served) > before)


@pytest.fixture(scope="session", params=WAYS)
def job(request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    version: Any
    version, transport = WAYS[request.param]
    folder = tmp_path_factory.mktemp(f"trouble-{request.param}")
    broker.create_topic(f"{folder.name}-in")
    with FaultyServer() as server:
        told = module(version, server.url, broker.address, f"{folder.name}-", okhttp=transport == "okhttp")
        with Engine(version, folder, told) as engine:
            made = Job(version, transport, broker, engine, server)
            made.goes_on()
            yield made


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    if "job" in request.fixturenames:
        request.getfixturevalue("job").forget()


def test_the_page_has_each_of_these_troubles_and_no_other() -> None:
    assert sorted(names_on_page()) == sorted([*TRANSPORT, "server-down", *FUNCTION, *MODULE])


@pytest.mark.parametrize("trouble", TRANSPORT)
def test_an_answer_that_is_none(job: Job, trouble: str) -> None:
    job.server.answering = TRANSPORT[trouble]
    job.send()
    job.says(trouble)
    job.goes_on()


def test_a_server_that_is_not_there(job: Job) -> None:
    job.server.refuse()
    job.send()
    job.says("server-down")
    job.server.listen()
    job.goes_on()


def test_a_server_that_fails_for_a_moment_restarts_nothing(job: Job) -> None:
    failures = iter([503, 500, 429, 408])

    def recovering(_request: bytes) -> Answer:
        status = next(failures, 200)
        return Answer(status=status)

    job.server.answering = recovering
    before = len(job.server.served)
    job.send()
    job.engine.wait_for("message that is served", lambda: len(job.server.served) > before)
    assert next(failures, None) is None
    assert "RESTARTING" not in job.news()


# The transport has no part in this: one for each engine.
@pytest.mark.parametrize("job", ["3.3.0-async", "2.2.2-okhttp"], indirect=True, scope="session")
@pytest.mark.parametrize("trouble", FUNCTION)
def test_an_answer_that_no_engine_can_carry_out(job: Job, trouble: str) -> None:
    if job.version == "2.2.2" and trouble in ONLY_3:
        pytest.skip("the protocol of StateFun 2.2 has neither cancellation nor types of states")
    for answering in answers(trouble, job.version):
        job.asked(answering)
    job.says(trouble)
    job.goes_on()


def test_an_engine_whose_worker_has_ended_itself_is_started_again(job: Job) -> None:
    """What a job of 3.3.0 needs that failed during a checkpoint; no test can make that happen, so the log is told of it."""
    before = job.engine.pid
    with job.engine.log.open("ab") as log:
        log.write(ENDED + b"\n")
    job.engine.wait_for("other process", lambda: job.engine.pid != before)
    job.goes_on()


@pytest.mark.parametrize("version", ENGINES)
@pytest.mark.parametrize("trouble", MODULE)
def test_a_module_that_cannot_run(
    version: EngineVersion, trouble: str, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(f"{trouble}-{version}")
    prefix = f"{folder.name}-"
    broker.create_topic(f"{prefix}in")
    settings: dict[str, dict[str, Any]] = {
        "connect-longer-than-call": {"okhttp": True, "connect": timedelta(seconds=10)},
        "transaction-longer-than-allowed": {"transaction": timedelta(minutes=16)},
        "missing-topic": {"topics": ("nowhere",)},
        "record-without-key": {},
    }
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(f"{prefix}in", b"x", None if trouble == "record-without-key" else "a")
    assert producer.flush(60) == 0
    lines = lines_of(trouble, version, "okhttp")
    assert lines, f"the page says nothing of {trouble} here"
    with FaultyServer() as server:
        told = module(version, server.url, broker.address, prefix, **settings[trouble])
        with Engine(version, folder, told) as engine:
            # 2.2 does not even start with the first of them.
            ends = (trouble, version) == ("connect-longer-than-call", "2.2.2")
            engine.wait_for(
                f"lines {lines}", lambda: all(line.search(engine.text()) for line in lines), may_have_ended=ends
            )
        assert server.served == []

"""What ends a run of the Kinesis ingress, and what is told of it; and the settings that it takes."""

from __future__ import annotations

import asyncio
import json

import pytest

from statefun.errors import BindingError, IngressError, PositionError
from statefun.model import AwsProfile, AwsRegion, KinesisIngress
from tests.runtime.kinesis_fake import CREDENTIALS, Failing, FakeKinesis, fake_kinesis
from tests.runtime.kinesis_rig import (
    EARLIEST,
    PACE,
    SHARD,
    FakeInlet,
    filled,
    ingress,
    reading,
    run,
    source,
)


def failed(made: KinesisIngress, position: str | None = None) -> Exception:
    """The error that a run ends with."""

    async def test() -> None:
        async with asyncio.timeout(30):
            await source(made).run(FakeInlet(position))

    with pytest.raises(IngressError) as caught:
        asyncio.run(test())
    return caught.value


def test_a_stream_that_does_not_exist_ends_the_run_and_is_named() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            inlet = FakeInlet()
            with pytest.raises(IngressError, match=r"'demo/in' reads the stream 'nowhere', which does not exist"):
                await source(ingress(kinesis, "s", "nowhere")).run(inlet)

    run(test())


@pytest.mark.parametrize("operation", ["ListShards", "GetShardIterator", "GetRecords"])
def test_a_refusal_ends_the_run_without_a_secret_in_its_error(operation: str) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.fail(operation, Failing("AccessDeniedException", text="User: x is not authorized"))
            with pytest.raises(IngressError, match="is not authorized") as caught:
                await source(ingress(kinesis, startup=EARLIEST)).run(FakeInlet())
            assert "'demo/in'" in str(caught.value)
            assert CREDENTIALS.secret_access_key not in repr(caught.value) + str(caught.value)

    run(test())


def test_a_stream_that_was_made_anew_is_not_taken_for_the_old_one() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            for place in ("17", "end"):
                inlet = FakeInlet(json.dumps({"s": {SHARD: place}}))
                with pytest.raises(PositionError, match="made anew"):
                    await source(ingress(kinesis)).run(inlet)

    run(test())


def test_a_stream_that_is_deleted_while_it_is_read_ends_the_run() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 3)
            inlet = FakeInlet()
            running = asyncio.create_task(source(ingress(kinesis, startup=EARLIEST)).run(inlet))
            await inlet.until(lambda: len(inlet.records) == 3)
            del kinesis.streams["s"]
            with pytest.raises(IngressError, match="'s', which does not exist"):
                await running
            assert inlet.last["s"][SHARD] != "end"

    run(test())


@pytest.mark.parametrize("position", ["17", "[]", '{"s": 3}', '{"s": {"a": 3}}', '{"s": {"a": "x"}}', "{"])
def test_a_position_of_another_kind_is_refused(position: str) -> None:
    kinesis = FakeKinesis()
    kinesis.url = "http://127.0.0.1:9"
    assert isinstance(failed(ingress(kinesis), position), PositionError)


def test_a_region_that_nothing_names_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    error = failed(ingress(FakeKinesis(), region=None))
    assert "names no region" in str(error)


def test_an_unknown_profile_is_told(tmp_path: object) -> None:
    error = failed(ingress(FakeKinesis(), credentials=AwsProfile(name="nobody", path=f"{tmp_path}/none"), region=None))
    assert "nobody" in str(error)


def test_an_endpoint_that_is_no_url_is_told() -> None:
    error = failed(ingress(FakeKinesis(), region=AwsRegion(id="eu-central-1", endpoint="not a url")))
    assert "not a url" in str(error)


@pytest.mark.parametrize(
    ("properties", "expected"), [({"ProxyHost": "x"}, "'ProxyHost'"), ({"SocketTimeout": "soon"}, "no whole number")]
)
def test_a_property_that_the_client_does_not_have_is_told(properties: dict[str, str], expected: str) -> None:
    with pytest.raises(BindingError, match=expected):
        asyncio.run(source(ingress(FakeKinesis(), properties=properties)).run(FakeInlet()))


def test_properties_of_the_engines_clients_are_taken_in_either_spelling() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected = filled(kinesis, 1)
            properties = {"SocketTimeout": "9999", "maxConnections": "4", "ThreadingModel": "POOLED"}
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST, properties=properties), inlet):
                await inlet.until(lambda: len(inlet.records) == 1)
            assert inlet.values == expected

    run(test())


def test_the_shares_of_a_quota_are_kept_by_default() -> None:
    pace = type(PACE)()
    assert pace.behind >= 0.2
    assert pace.waiting >= 0.2

"""Durations are read as Flink reads them, in the labels that each line of engines knows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from statefun.batch import ProtocolVersion
from statefun.errors import ModuleValueError
from statefun.module.durations import parse_duration, render_duration

SECOND = timedelta(seconds=1)
READ = {
    "1d": 86400 * SECOND,
    "2 days": 2 * 86400 * SECOND,
    "1h": 3600 * SECOND,
    "3 hours": 3 * 3600 * SECOND,
    "1min": 60 * SECOND,
    "1 MINUTE": 60 * SECOND,
    "2minutes": 120 * SECOND,
    "10s": 10 * SECOND,
    "10 sec": 10 * SECOND,
    "10Seconds": 10 * SECOND,
    "500ms": SECOND / 2,
    "1 milli": SECOND / 1000,
    "1 milliseconds": SECOND / 1000,
    "1500": 1.5 * SECOND,
    " 7 ": SECOND * 7 / 1000,
    "\t1 \n s ": SECOND,
    "0010s": 10 * SECOND,
    "1µs": SECOND / 10**6,
    "3 micros": 3 * SECOND / 10**6,
    "2000 ns": 2 * SECOND / 10**6,
    "1000nanoseconds": SECOND / 10**6,
    "0000000000000000000000000000001s": SECOND,
}


@pytest.mark.parametrize("protocol", ProtocolVersion)
@pytest.mark.parametrize("text", READ)
def test_a_duration_is_read_as_the_engines_read_it(text: str, protocol: ProtocolVersion) -> None:
    assert parse_duration(text, protocol) == READ[text]


def test_m_is_minutes_to_3_x_alone() -> None:
    assert parse_duration("2m", ProtocolVersion.V3) == 120 * SECOND
    with pytest.raises(ModuleValueError, match=r"2\.x does not know"):
        parse_duration("2m", ProtocolVersion.V2)


@pytest.mark.parametrize("protocol", ProtocolVersion)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "-1s",
        "+1s",
        "1.5s",
        "1,5s",
        "PT5S",
        "1s 5ms",
        "1w",
        "5 M S",
        "\u0661s",
        "1\u00a0s",
        "0",
        "0d",
        "999ns",
        "1ns",
    ],
)
def test_a_text_that_no_engine_reads_as_a_duration_is_refused(text: str, protocol: ProtocolVersion) -> None:
    with pytest.raises(ModuleValueError) as caught:
        parse_duration(text, protocol)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["9223372036854775808ms", "9" * 5000 + "s", "1000000000d", "9223372036854775807d"])
def test_a_duration_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(ModuleValueError, match="too long"):
        parse_duration(text)


def test_what_is_written_is_the_largest_whole_unit() -> None:
    written = [render_duration(SECOND * number) for number in (0.000001, 0.001, 1.5, 60, 90, 3600, 86400, 90000)]
    assert written == ["1micro", "1ms", "1500ms", "1min", "90s", "1h", "1d", "25h"]

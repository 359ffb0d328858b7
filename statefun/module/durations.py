"""Durations as Flink writes them: a whole number and a unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.errors import ModuleValueError

__all__ = ["parse_duration", "render_duration"]

# In nanoseconds, the engines' own unit.
_UNITS: Final = {
    86_400_000_000_000: ("d", "day", "days"),
    3_600_000_000_000: ("h", "hour", "hours"),
    60_000_000_000: ("min", "minute", "minutes"),
    1_000_000_000: ("s", "sec", "secs", "second", "seconds"),
    1_000_000: ("ms", "milli", "millis", "millisecond", "milliseconds", ""),
    1_000: ("µs", "micro", "micros", "microsecond", "microseconds"),
    1: ("ns", "nano", "nanos", "nanosecond", "nanoseconds"),
}
_V2: Final[Mapping[str, int]] = {label: size for size, labels in _UNITS.items() for label in labels}
# Flink learnt `m` after 1.11, on which StateFun 2.2 runs.
_LABELS: Final = {ProtocolVersion.V2: _V2, ProtocolVersion.V3: {**_V2, "m": 60_000_000_000}}
_DURATION: Final = re.compile(r"([0-9]+)(.*)", re.ASCII | re.DOTALL)
# What Java's trim() removes.
_BLANKS: Final = "".join(map(chr, range(0x21)))
_LARGEST: Final = 2**63 - 1


def parse_duration(text: str, protocol: ProtocolVersion = ProtocolVersion.V3) -> timedelta:
    """Reads a duration as the engines of a protocol do: a number without a unit counts milliseconds.

    Raises:
        ModuleValueError: it is none, is zero, or is finer than a microsecond.

    >>> [str(parse_duration(text)) for text in ("2min", "1 h", "500 ms", "1500")]
    ['0:02:00', '1:00:00', '0:00:00.500000', '0:00:01.500000']
    >>> parse_duration("2m", ProtocolVersion.V2)
    Traceback (most recent call last):
    statefun.errors.ModuleValueError: [module-value] the duration '2m' has the unit 'm', which 2.x does not know (hint: write 2min)
    """
    labels = _LABELS[protocol]
    found = _DURATION.fullmatch(text.strip(_BLANKS))
    if found is None:
        raise ModuleValueError(
            f"the duration {text!r:.80} does not begin with a number",
            hint="write a whole number and a unit: 30s, 2min, 500ms, 1h, 1d",
        )
    digits, label = found[1].lstrip("0") or "0", found[2].strip(_BLANKS).lower()
    size = labels.get(label)
    if size is None:
        known = label in _LABELS[ProtocolVersion.V3]
        raise ModuleValueError(
            f"the duration {text!r:.80} has the unit {label!r:.40}{', which 2.x does not know' if known else ''}",
            hint=f"write {digits}min" if known else "write one of d, h, min, s, ms, micro and ns",
        )
    number = int(digits) if len(digits) <= 19 else _LARGEST + 1
    whole, rest = divmod(number * size, 1000)
    try:
        duration = timedelta(microseconds=whole) if number <= _LARGEST else None
    except OverflowError:
        duration = None
    if duration is None:
        raise ModuleValueError(f"the duration {text!r:.80} is too long", hint="write one of less than a billion days")
    if rest:
        raise ModuleValueError(
            f"the duration {text!r:.80} is finer than a microsecond", hint="write it as milliseconds"
        )
    if not duration:
        raise ModuleValueError(f"the duration {text!r:.80} is zero", hint="write one that is longer than zero")
    return duration


def render_duration(duration: timedelta) -> str:
    """Writes a duration in its largest whole unit, as the engines of both protocols read it.

    >>> [render_duration(timedelta(seconds=seconds)) for seconds in (60, 90, 0.5, 86400)]
    ['1min', '90s', '500ms', '1d']
    """
    nanoseconds = duration // timedelta(microseconds=1) * 1000
    size = next(size for size in _UNITS if nanoseconds % size == 0)
    label = _UNITS[size][0]
    return f"{nanoseconds // size}{'micro' if label == 'µs' else label}"

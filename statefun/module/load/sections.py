"""Reading nodes by key: each value as what it is meant to be, and each mistake noted with its place, to be told with all others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from difflib import get_close_matches
from typing import Final, TypeVar

from attrs import Factory, define, field, frozen

from statefun.address import parse_typename
from statefun.batch import ProtocolVersion
from statefun.errors import (
    DefinitionError,
    ModuleError,
    ModuleMissingKeyError,
    ModuleUnknownKeyError,
    ModuleValueError,
    TypenameError,
)
from statefun.model import SourcePosition
from statefun.module.durations import parse_duration
from statefun.module.load.document import Fields, Items, Node, Scalar
from statefun.module.scalars import is_plain_setting, is_whole_number, reads_as

__all__ = ["Reading", "Section", "close_to"]

MAX_TOLD: Final = 50
"""More mistakes than these are counted and not told."""

T = TypeVar("T")

_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3}) ([-+])([0-9]{2})([0-9]{2})"
)


def close_to(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """Gives the known name that was probably meant, or nothing.

    >>> close_to("Topcis", ("topics", "properties"))
    'topics'
    """
    lowered = {each.lower(): each for each in known}
    found = get_close_matches(name[:80].lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else ""


@define
class Reading:
    """What is going on while a file is read.

    Attributes:
        file: What errors call it.
        protocol: The protocol of the format: some values are spelt differently.
        problems: What is wrong so far.
    """

    file: str
    protocol: ProtocolVersion = ProtocolVersion.V3
    problems: list[ModuleError] = field(factory=list[ModuleError])

    def problem(
        self, error: type[ModuleError], place: SourcePosition | None, key: str, message: str, hint: str | None = None
    ) -> None:
        """Notes a mistake."""
        line, column = (0, 0) if place is None else (place.line, place.column)
        self.problems.append(error(message, hint=hint, file=self.file, line=line, column=column, key=key))

    def bad_value(self, node: Node, message: str, hint: str | None = None) -> None:
        """Notes that a value is not what its key takes."""
        self.problem(ModuleValueError, node.place, node.path, message, hint)

    def finish(self) -> None:
        """Goes on when nothing is wrong.

        Raises:
            ModuleError: something is: the one mistake, or one error that stands for all of them.
        """
        if not self.problems:
            return
        ordered = sorted(self.problems, key=lambda each: (each.line, each.column))
        if len(ordered) == 1:
            raise ordered[0]
        count = len(ordered)
        told = "" if count <= MAX_TOLD else f", of which the first {MAX_TOLD} are told"
        raise ModuleError(
            f"{self.file} has {count} mistakes{told}", hint="each is told with its place", problems=ordered[:MAX_TOLD]
        )

    def make(self, section: Section, build: Callable[[], T]) -> T | None:
        """Builds a value of the model from a section, unless something is wrong in it already.

        What the value itself refuses is a mistake of the section.
        """
        if len(self.problems) > section.mark:
            return None
        try:
            return build()
        except DefinitionError as error:
            self.problem(ModuleValueError, section.place, section.path, error.message, error.hint)
            return None

    def text(self, node: Node, what: str, *, secret: bool = False) -> str:
        """Reads a text of at least one character; empty after a mistake."""
        if not isinstance(node, Scalar):
            self.bad_value(node, f"{what} is {_shape(node)}, not a text", "write one text")
            return ""
        other = reads_as(node.text) if node.plain else None
        if node.text == "" or other == "nothing":
            self.bad_value(node, f"{what} has no value", "write one, or remove the key")
            return ""
        if other is not None:
            shown = "" if secret else f" {node.text!r:.60}"
            quoted = "" if secret else f', "{node.text:.60}"'
            self.bad_value(node, f"{what}{shown} may be read as {other}, not a text", f"write it in quotes{quoted}")
            return ""
        return node.text

    def typename(self, node: Node, what: str) -> str:
        """Reads a text of the form `<namespace>/<name>`; empty after a mistake."""
        text = self.text(node, what)
        if text:
            try:
                parse_typename(text, what)
            except TypenameError as error:
                self.bad_value(node, error.message, error.hint)
                return ""
        return text

    def number(self, node: Node, what: str, least: int, most: int) -> int:
        """Reads a whole number; the least of them after a mistake."""
        if isinstance(node, Scalar):
            if not node.plain and is_whole_number(node.text):
                self.bad_value(node, f"{what} is a text, {node.text!r:.60}", "write the number without quotes")
                return least
            if node.plain and is_whole_number(node.text) and least <= int(node.text) <= most:
                return int(node.text)
        shown = f"{node.text!r:.60}" if isinstance(node, Scalar) else _shape(node)
        self.bad_value(node, f"{what} is {shown}", f"write a whole number from {least} to {most}")
        return least

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """Reads a list; empty after a mistake."""
        if isinstance(node, Items):
            return node.items
        self.bad_value(
            node, f"{what} is {_shape(node)}, not a list", "write a list: a line that begins with `- ` for each"
        )
        return ()

    def pairs(self, node: Node, what: str) -> Iterator[tuple[str, Node]]:
        """Reads a list of single pairs, as the engines have it for properties and offsets."""
        seen: set[str] = set()
        for item in self.items(node, what):
            if not isinstance(item, Fields) or not item.fields:
                self.bad_value(item, f"an item of {what} is {_shape(item)}, not a pair", "write `- key: value`")
                continue
            for key in list(item.fields)[1:]:
                self.problem(
                    ModuleValueError,
                    item.keys[key],
                    item.path,
                    f"an item of {what} has a second pair, {key!r:.60}",
                    f"begin its line with a dash, `- {key:.60}: …`: the engines read the first pair alone",
                )
            key, value = next(iter(item.fields.items()))
            if key in seen:
                self.bad_value(item, f"{key!r:.60} is twice in {what}", "remove one of them: the engines take the last")
            seen.add(key)
            yield key, value


def _shape(node: Node) -> str:
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Fields):
        return "a mapping"
    if isinstance(node, Scalar) and node.plain and reads_as(node.text) == "nothing":
        return "empty"
    return "a text"


@frozen
class Section:
    """A mapping that is read by its keys, each of which is known, and the required ones of which are there.

    Attributes:
        reading: Where mistakes are noted.
        what: What errors call it: "the ingress".
        place: Where it begins.
        path: The keys that lead to it.
        fields: Its values.
        mark: How many mistakes there were before it.
        keys: The places of its keys.
        mapping: Whether it is a mapping at all; without one nothing is missing in it.
    """

    reading: Reading
    what: str
    place: SourcePosition
    path: str
    fields: Mapping[str, Node]
    mark: int
    keys: Mapping[str, SourcePosition] = Factory(dict[str, SourcePosition])
    mapping: bool = True

    @classmethod
    def of(
        cls,
        reading: Reading,
        node: Node,
        what: str,
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        elsewhere: Mapping[str, str] | None = None,
        mark: int | None = None,
    ) -> Section:
        """Takes a node for a section.

        Args:
            reading: Where mistakes are noted.
            node: The node.
            what: What errors call it.
            required: The keys that it must have.
            optional: Those that it may have.
            elsewhere: Hints for keys that are known in another place.
            mark: How many mistakes there were before what belongs to it; now, when left out.
        """
        mark = len(reading.problems) if mark is None else mark
        if not isinstance(node, Fields):
            reading.bad_value(node, f"{what} is {_shape(node)}, not a mapping", "write `key: value` lines under it")
            return cls(reading, what, node.place, node.path, {}, mark, mapping=False)
        known = (*required, *optional)
        section = cls(reading, what, node.place, node.path, node.fields, mark, node.keys)
        for key in node.fields:
            if key not in known:
                close = close_to(key, known)
                hint = f"did you mean `{close}`?" if close else f"known keys: {', '.join(known)}"
                section.unknown(key, (elsewhere or {}).get(key, hint))
        for key in required:
            section.require(key)
        return section

    def unknown(self, key: str, hint: str) -> None:
        """Notes that a key does not belong here."""
        message = f"{self.what} has no key {key!r:.60}"
        self.reading.problem(ModuleUnknownKeyError, self.keys.get(key, self.place), self._path(key), message, hint)

    def require(self, key: str) -> None:
        """Notes that a key is missing, if it is."""
        if self.mapping and key not in self.keys:
            message = f"{self.what} has no `{key}`"
            self.reading.problem(ModuleMissingKeyError, self.place, self._path(key), message, f"add `{key}: …`")

    def _path(self, key: str) -> str:
        return f"{self.path}.{key[:60]}" if self.path else key[:60]

    def section(
        self,
        key: str,
        what: str = "",
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        elsewhere: Mapping[str, str] | None = None,
    ) -> Section | None:
        """The mapping under a key, None where it is not there."""
        node = self.fields.get(key)
        if node is None:
            return None
        return Section.of(
            self.reading,
            node,
            what or f"`{key}` of {self.what}",
            required=required,
            optional=optional,
            elsewhere=elsewhere,
        )

    def text(self, key: str, *, secret: bool = False) -> str | None:
        """The text under a key."""
        node = self.fields.get(key)
        return None if node is None else self.reading.text(node, f"`{key}` of {self.what}", secret=secret)

    def typename(self, key: str) -> str:
        """The typename under a required key; empty after a mistake."""
        node = self.fields.get(key)
        return "" if node is None else self.reading.typename(node, f"`{key}` of {self.what}")

    def count(self, key: str, default: int = 0, *, least: int = 1, most: int = 2**31 - 1) -> int:
        """The number under a key."""
        node = self.fields.get(key)
        return default if node is None else self.reading.number(node, f"`{key}` of {self.what}", least, most)

    def duration(self, key: str, default: timedelta) -> timedelta:
        """The duration under a key."""
        node = self.fields.get(key)
        if node is None:
            return default
        number = isinstance(node, Scalar) and node.plain and is_whole_number(node.text)
        if isinstance(node, Scalar) and number and self.reading.protocol is ProtocolVersion.V3:
            text = node.text
        elif isinstance(node, Scalar) and number:
            self.reading.bad_value(
                node,
                f"`{key}` of {self.what} is a number, and 2.x takes a text",
                f"write it with its unit, {node.text}ms",
            )
            return default
        else:
            text = self.reading.text(node, f"`{key}` of {self.what}")
        try:
            return parse_duration(text, self.reading.protocol) if text else default
        except ModuleValueError as error:
            self.reading.bad_value(node, f"`{key}` of {self.what}: {error.message}", error.hint)
            return default

    def date(self, key: str) -> datetime | None:
        """The moment under a key, in the one form that the engines read; None after a mistake."""
        node = self.fields.get(key)
        if node is None:
            return None
        found = _DATE.fullmatch(node.text) if isinstance(node, Scalar) else None
        if found is not None:
            year, month, day, hour, minute, second, millisecond = map(int, found.groups()[:7])
            offset = timedelta(hours=int(found[9]), minutes=int(found[10])) * (1 if found[8] == "+" else -1)
            try:
                zone = timezone(offset)
                return datetime(year, month, day, hour, minute, second, millisecond * 1000, zone)
            except (ValueError, OverflowError):
                pass
        self.reading.bad_value(
            node, f"`{key}` of {self.what} is not a moment", "write it as 2020-02-01 04:15:00.000 +0000, all of it"
        )
        return None

    def choice(self, key: str, choices: Mapping[str, T], default: T, *, ignore_case: bool = False) -> T:
        """One of several words under a key."""
        node = self.fields.get(key)
        if node is None:
            return default
        text = self.reading.text(node, f"`{key}` of {self.what}")
        found = choices.get(text.lower() if ignore_case else text)
        if found is not None:
            return found
        if text:
            close = close_to(text, choices)
            self.reading.bad_value(
                node,
                f"`{key}` of {self.what} is {text!r:.60}",
                f"did you mean `{close}`?" if close else f"write one of {', '.join(choices)}",
            )
        return default

    def items(self, key: str) -> tuple[Node, ...]:
        """The list under a key."""
        node = self.fields.get(key)
        return () if node is None else self.reading.items(node, f"`{key}` of {self.what}")

    def properties(self, key: str) -> dict[str, str]:
        """A list of single pairs of texts under a key: a client's own settings."""
        node = self.fields.get(key)
        found: dict[str, str] = {}
        if node is None:
            return found
        for name, value in self.reading.pairs(node, f"`{key}` of {self.what}"):
            what = f"the property {name!r:.60} of {self.what}"
            if isinstance(value, Scalar) and (is_plain_setting(value.text) or (not value.plain and not value.text)):
                found[name] = value.text
            else:
                # A property may be a password.
                found[name] = self.reading.text(value, what, secret=True)
        return found

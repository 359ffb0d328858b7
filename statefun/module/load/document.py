"""YAML to nodes that know their place, and nothing more than a module needs: no tags, no aliases, no key twice.

The parser's events are taken one by one with a stack of our own, so that a file costs no more than its size allows: nesting
is cut off where it begins, and nothing is ever constructed from a tag. Flink's own parser reads an alias as the text of its
name and takes the last of two equal keys; both are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field, frozen

from statefun.errors import ModuleError, ModuleSyntaxError
from statefun.extras import extra
from statefun.model import SourcePosition
from statefun.module.scalars import reads_as

with extra("module"):
    import yaml

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Fields", "Items", "Node", "Scalar", "read_documents"]

MAX_BYTES: Final = 512 * 1024
"""The largest text; a module of a thousand functions has half of it, and the parser takes a second for it."""
MAX_DEPTH: Final = 20
"""The deepest nesting; the formats need ten."""
MAX_NODES: Final = 50_000
"""The most values."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@frozen
class Node:
    """A value of a document.

    Attributes:
        place: Where it begins.
        path: The keys that lead to it, such as `spec.topics[0].valueType`.
    """

    place: SourcePosition
    path: str


@frozen
class Scalar(Node):
    """A text, and whether it stands there without quotes."""

    text: str
    plain: bool


@frozen
class Items(Node):
    """A list."""

    items: tuple[Node, ...]


@frozen
class Fields(Node):
    """A mapping, with the place of each key."""

    fields: dict[str, Node]
    keys: dict[str, SourcePosition]


@define
class _Open:
    """A list or a mapping whose end has not come yet."""

    place: SourcePosition
    path: str
    mapping: bool
    items: list[Node] = field(factory=list[Node])
    fields: dict[str, Node] = field(factory=dict[str, Node])
    keys: dict[str, SourcePosition] = field(factory=dict[str, SourcePosition])
    key: str | None = None
    at_key: bool = True

    def next_path(self) -> str:
        if not self.mapping:
            return f"{self.path}[{len(self.items)}]"
        if self.at_key or self.key is None:
            return self.path
        return f"{self.path}.{self.key[:60]}" if self.path else self.key[:60]

    def close(self) -> Node:
        if self.mapping:
            return Fields(self.place, self.path, self.fields, self.keys)
        return Items(self.place, self.path, tuple(self.items))


def read_documents(text: str | bytes, file: str, problems: list[ModuleError]) -> list[Node]:
    """Reads the documents of a text.

    Args:
        text: The text; bytes are UTF-8.
        file: What errors call it.
        problems: What is wrong is added here, where reading can go on.

    Raises:
        ModuleSyntaxError: where it cannot.
    """
    size = len(text)
    if size > MAX_BYTES:
        raise ModuleSyntaxError(
            f"the file has {size} bytes, more than {MAX_BYTES}", hint="split it into several modules", file=file
        )
    if isinstance(text, bytes):
        text = _decode(text, file)
    return _Builder(file, problems).build(text)


def _decode(text: bytes, file: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start)
        column = error.start - (text.rfind(b"\n", 0, error.start) + 1)
        raise ModuleSyntaxError(
            "the file is not UTF-8", hint="save it as UTF-8", file=file, line=line + 1, column=column + 1
        ) from error


@define
class _Builder:
    """Makes nodes of events."""

    file: str
    problems: list[ModuleError]
    open: list[_Open] = field(factory=list[_Open])
    documents: list[Node] = field(factory=list[Node])
    nodes: int = 0

    def build(self, text: str) -> list[Node]:
        for event in self._events(text):
            if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent | yaml.AliasEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._add(self.open.pop().close())
            elif isinstance(event, yaml.DocumentStartEvent) and event.tags:
                self._problem(event, "the document declares tags", "remove the %TAG line: a module has no tags")
        return self.documents

    def _events(self, text: str) -> Iterator[Any]:
        try:
            # Events alone: nothing is constructed, whichever loader it is.
            yield from yaml.parse(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise ModuleSyntaxError(
                f"{error.context}: {error.problem}" if error.context else f"{error.problem}",
                hint="mend the YAML: often it is the indentation, or a text that needs quotes",
                file=self.file,
                line=0 if mark is None else mark.line + 1,
                column=0 if mark is None else mark.column + 1,
            ) from error
        except yaml.reader.ReaderError as error:
            at = error.position
            raise ModuleSyntaxError(
                f"the file holds the character {chr(error.character)!a}"
                if isinstance(error.character, int)
                else "the file holds bytes that are no text",
                hint="remove it, or write it as an escape in double quotes",
                file=self.file,
                line=text.count("\n", 0, at) + 1,
                column=at - text.rfind("\n", 0, at),
            ) from error
        except (ValueError, OverflowError) as error:
            # An escape beyond Unicode, a version of a thousand digits: the parser lets Python's own error out.
            raise ModuleSyntaxError(
                f"the YAML cannot be parsed: {error!s:.80}",
                hint="look for an escape that is no character",
                file=self.file,
            ) from error

    def _place(self, event: Any) -> SourcePosition:
        return SourcePosition(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _path(self) -> str:
        return self.open[-1].next_path() if self.open else ""

    def _problem(self, event: Any, message: str, hint: str) -> None:
        self.problems.append(self._error(event, message, hint))

    def _error(self, event: Any, message: str, hint: str) -> ModuleSyntaxError:
        place = self._place(event)
        return ModuleSyntaxError(
            message, hint=hint, file=self.file, line=place.line, column=place.column, key=self._path()
        )

    def _begin(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._error(event, f"the file has more than {MAX_NODES} values", "split it into several modules")
        if isinstance(event, yaml.AliasEvent):
            self._problem(
                event,
                f"an alias, *{event.anchor!s:.40}",
                "write the value out: the engines read an alias as the text of its name",
            )
            self._add(Scalar(self._place(event), self._path(), "alias", plain=False))
            return
        if event.anchor is not None:
            self._problem(
                event,
                f"an anchor, &{event.anchor!s:.40}",
                "remove it: the engines know no aliases that could refer to it",
            )
        if event.tag is not None:
            self._problem(
                event, f"a tag, {event.tag!s:.60}", "remove it: a module is made of mappings, lists and texts"
            )
        if isinstance(event, yaml.ScalarEvent):
            if _SURROGATE.search(event.value):
                self._problem(event, "a text with half of a character", r"write the escape of the whole: \U0001F600")
            self._add(Scalar(self._place(event), self._path(), event.value, plain=event.style is None))
            return
        if len(self.open) >= MAX_DEPTH:
            raise self._error(event, f"nesting deeper than {MAX_DEPTH}", "a module needs no more than ten")
        self.open.append(_Open(self._place(event), self._path(), isinstance(event, yaml.MappingStartEvent)))

    def _add(self, node: Node) -> None:
        if not self.open:
            self.documents.append(node)
            return
        parent = self.open[-1]
        if not parent.mapping:
            parent.items.append(node)
        elif parent.at_key:
            parent.key, parent.at_key = self._key(parent, node), False
        else:
            if parent.key is not None:
                parent.fields[parent.key] = node
            parent.key, parent.at_key = None, True

    def _key(self, parent: _Open, node: Node) -> str | None:
        """Takes a node for a key; None where it is not one, and its value is dropped."""
        if not isinstance(node, Scalar):
            message, hint = "a key that is not a text", "write `key: value`"
        elif node.plain and (other := reads_as(node.text)):
            message = f"the key {node.text!r:.60}, which may be read as {other}"
            hint = f'write it in quotes, "{node.text:.60}"' if node.text not in ("", "<<") else "write `key: value`"
        elif node.text in parent.keys:
            message = f"the key {node.text!r:.60} is there twice; the first is in line {parent.keys[node.text].line}"
            hint = "remove one of them: the engines take the last in silence"
        else:
            parent.keys[node.text] = node.place
            return node.text
        self.problems.append(
            ModuleSyntaxError(
                message, hint=hint, file=self.file, line=node.place.line, column=node.place.column, key=parent.path
            )
        )
        return None

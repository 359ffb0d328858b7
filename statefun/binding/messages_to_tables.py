"""Messages to rows of a table: the columns that a message type has, and the cells of a message.

A row travels as a JSON object from column to cell. A cell is what its column's kind says: a number, true or false, a text, base64 for
bytes, RFC 3339 for a timestamp, any JSON value for JSON, and null for what is unset.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final, get_args, get_type_hints

import attrs
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from statefun.batch import ProtocolVersion
from statefun.binding.rows_to_messages import is_repeated
from statefun.errors import BindingError, EgressError
from statefun.model import Column, ColumnKind, TableEgress
from statefun.model.tables import UNTYPED
from statefun.types import ValueType, value_type_of

__all__ = ["table_rows"]

RowMaker = Callable[[str, bytes], bytes]
_Cells = Callable[[bytes], Mapping[str, Any]]

_LARGEST: Final = 2**63 - 1
"""What a 64-bit column holds; an unsigned field may hold more."""


def table_rows(egress: TableEgress) -> tuple[tuple[Column, ...], RowMaker]:
    """The columns of an egress, and what makes a row of a value's typename and bytes.

    Raises:
        BindingError: the message type has no fields, or lacks a column of the key.
        MessageTypeError: the message has no name on the wire.
    """
    if egress.message is None:
        return UNTYPED, _untyped_row
    value_type = value_type_of(egress.message)
    python_type = value_type.python_type
    columns: tuple[Column, ...] = ()
    cells: _Cells = json.loads
    if isinstance(python_type, type):
        if issubclass(python_type, Message):
            columns, cells = _protobuf(python_type)
        elif attrs.has(python_type) or is_dataclass(python_type):
            columns, cells = _class(python_type)
    if not columns:
        raise BindingError(
            f"{type(egress).__name__} {egress.id!r} cannot make columns of {value_type!r}",
            hint="give a protobuf class with fields, or an attrs class or dataclass that `json_type` named; without "
            "`message=` the columns are typename and value",
        )
    names = [each.name for each in columns]
    for name in egress.key:
        if name not in names:
            raise BindingError(
                f"{type(egress).__name__} {egress.id!r} has the key {name!r}, which {value_type!r} does not have",
                hint=f"its columns are: {', '.join(names)}",
            )
    return columns, _typed_row(egress, value_type, columns, cells)


def _untyped_row(typename: str, value: bytes) -> bytes:
    return _dump({"typename": typename, "value": _base64(value)})


def _typed_row(egress: TableEgress, value_type: ValueType[Any], columns: Sequence[Column], cells: _Cells) -> RowMaker:
    whole = [each.name for each in columns if each.kind is ColumnKind.INT64]

    def row(typename: str, value: bytes) -> bytes:
        if not any(value_type.matches(typename, protocol) for protocol in ProtocolVersion):
            raise EgressError(
                f"{egress.id!r} takes {value_type.typename!r} and is sent a value of {typename!r}",
                hint="send the type that the egress names, or register it without `message=`",
            )
        try:
            found = cells(value)
            made = {each.name: found.get(each.name) for each in columns}
            for name in whole:
                number: Any = made[name]
                if number is not None and not -_LARGEST - 1 <= number <= _LARGEST:
                    raise ValueError(f"{name} is beyond 64 bits with a sign")
            data = _dump(made)
        except Exception as error:  # a user's encoding may hold anything
            raise EgressError(
                f"a value of {typename!r}, {len(value)} bytes, is no row of {egress.id!r}: {error}"
            ) from error
        for name in egress.key:
            if made[name] is None:
                raise EgressError(
                    f"a value of {typename!r} is sent to {egress.id!r} without {name!r}, which is its key",
                    hint="set the field: a row is found by it",
                )
        return data

    return row


def _dump(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


# --- protobuf ---------------------------------------------------------------------------------------------------

_PROTOBUF_KINDS: Final[Mapping[int, ColumnKind]] = {
    FieldDescriptor.CPPTYPE_INT32: ColumnKind.INT32,
    FieldDescriptor.CPPTYPE_INT64: ColumnKind.INT64,
    FieldDescriptor.CPPTYPE_UINT32: ColumnKind.INT64,
    FieldDescriptor.CPPTYPE_UINT64: ColumnKind.INT64,
    FieldDescriptor.CPPTYPE_FLOAT: ColumnKind.REAL,
    FieldDescriptor.CPPTYPE_DOUBLE: ColumnKind.REAL,
    FieldDescriptor.CPPTYPE_BOOL: ColumnKind.BOOLEAN,
    FieldDescriptor.CPPTYPE_ENUM: ColumnKind.TEXT,
}


def _protobuf(message_class: type[Message]) -> tuple[tuple[Column, ...], _Cells]:
    columns = tuple(Column(each.name, _protobuf_kind(each)) for each in message_class.DESCRIPTOR.fields)
    readers = [
        _reader(field, column.kind) for field, column in zip(message_class.DESCRIPTOR.fields, columns, strict=True)
    ]
    tracked = [bool(each.has_presence) for each in message_class.DESCRIPTOR.fields]
    structured = any(each.kind is ColumnKind.JSON for each in columns)

    def cells(value: bytes) -> Mapping[str, Any]:
        message: Any = message_class.FromString(value)
        found: dict[str, Any] = {}
        nested: Mapping[str, Any] = (
            json_format.MessageToDict(
                message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            if structured
            else {}
        )
        for column, read, presence in zip(columns, readers, tracked, strict=True):
            name = column.name
            if not presence or message.HasField(name):
                found[name] = nested.get(name) if read is None else read(getattr(message, name))
        return found

    return columns, cells


def _protobuf_kind(field: Any) -> ColumnKind:
    if is_repeated(field):
        return ColumnKind.JSON
    if field.message_type is not None:
        return (
            ColumnKind.TIMESTAMP if field.message_type.full_name == Timestamp.DESCRIPTOR.full_name else ColumnKind.JSON
        )
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return ColumnKind.BYTES if field.type == FieldDescriptor.TYPE_BYTES else ColumnKind.TEXT
    return _PROTOBUF_KINDS[field.cpp_type]


def _reader(field: Any, kind: ColumnKind) -> Callable[[Any], Any] | None:
    """From a field's value to its cell; None where the message's JSON has it."""
    if kind is ColumnKind.JSON:
        return None
    if kind is ColumnKind.TIMESTAMP:
        return _timestamp
    if kind is ColumnKind.BYTES:
        return _base64
    if field.enum_type is not None:
        names: Mapping[int, Any] = field.enum_type.values_by_number

        def name_of_number(number: int) -> str:
            return str(names[number].name) if number in names else str(number)

        return name_of_number
    return _as_it_is


def _timestamp(value: Timestamp) -> str:
    return value.ToJsonString()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _as_it_is(value: Any) -> Any:
    return value


# --- attrs classes and dataclasses -------------------------------------------------------------------------------

_HINT_KINDS: Final[Sequence[tuple[type[Any], ColumnKind]]] = (
    (bool, ColumnKind.BOOLEAN),  # before int, which it is too
    (int, ColumnKind.INT64),
    (float, ColumnKind.REAL),
    (str, ColumnKind.TEXT),
    (bytes, ColumnKind.BYTES),
)


def _class(python_type: type[Any]) -> tuple[tuple[Column, ...], _Cells]:
    """The cells are those of the JSON that the class is written as, so a kind must be the one that cattrs writes a hint as."""
    hints = get_type_hints(python_type)
    members: Sequence[Any] = attrs.fields(python_type) if attrs.has(python_type) else fields(python_type)
    columns = tuple(Column(each.name, _hint_kind(hints[each.name])) for each in members)
    binary = [each.name for each in columns if each.kind is ColumnKind.BYTES]

    def cells(value: bytes) -> Mapping[str, Any]:
        found: dict[str, Any] = json.loads(value)
        for name in binary:
            if found.get(name) is not None:  # cattrs writes bytes as base85
                found[name] = _base64(base64.b85decode(found[name]))
        return found

    return columns, cells


def _hint_kind(hint: Any) -> ColumnKind:
    parts = [each for each in get_args(hint) if each is not type(None)]
    if len(parts) == 1 and type(None) in get_args(hint):
        return _hint_kind(parts[0])
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return ColumnKind.TEXT if issubclass(hint, str) else ColumnKind.JSON
        if issubclass(hint, datetime):
            return ColumnKind.TIMESTAMP
        if issubclass(hint, date):
            return ColumnKind.TEXT
        for known, kind in _HINT_KINDS:
            if issubclass(hint, known):
                return kind
    return ColumnKind.JSON

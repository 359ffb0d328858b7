"""Rows to messages: what an ingress reads from a file or from standard input becomes typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.extras import extra
from statefun.model import RecordIngress, RowEncoder
from statefun.types import ValueType, protobuf_type, value_type_of

__all__ = ["is_repeated", "row_encoders", "row_key"]

Converter = Callable[[Mapping[str, Any]], Any]

_TRUE: Final = frozenset({"1", "t", "true", "y", "yes"})
_FALSE: Final = frozenset({"0", "f", "false", "n", "no"})


def row_encoders(ingress: RecordIngress) -> Mapping[ProtocolVersion, RowEncoder]:
    """From a row of the ingress to its message, for each protocol.

    Raises:
        BindingError: there is no way from a row to the message but a `convert`, and none is given.
        MessageTypeError: the message has no name on the wire.
    """
    value_type = value_type_of(ingress.message)
    if ingress.format == "protobuf":
        typename = protobuf_type(_message_class(ingress)).typename
        return dict.fromkeys(ProtocolVersion, lambda data: TypedBytes(typename, data))
    convert = ingress.convert if ingress.convert is not None else _converter(ingress, value_type)
    return {protocol: _encoder(convert, value_type, protocol) for protocol in ProtocolVersion}


def row_key(ingress: RecordIngress) -> Callable[[Any], Any]:
    """From a record of the ingress to the id that it goes to: a mapping of its columns, or, in the format `"protobuf"`, its bytes.

    Raises:
        BindingError: the message is none that the format holds, or has no field of that name.
    """
    key = ingress.key
    if ingress.format != "protobuf":
        return key if callable(key) else _column(key)
    message_class = _message_class(ingress)
    if callable(key):
        return lambda data: key(message_class.FromString(data))
    field = message_class.DESCRIPTOR.fields_by_name.get(key)
    if field is None or field.message_type is not None or is_repeated(field):
        raise BindingError(
            f"{type(ingress).__name__} {ingress.id!r} has the key {key!r}, which is no plain field of {message_class.DESCRIPTOR.full_name}",
            hint="name one, or give a function from the message to the id",
        )
    return lambda data: getattr(message_class.FromString(data), key)


def _column(name: str) -> Callable[[Mapping[str, Any]], Any]:
    def key(row: Mapping[str, Any]) -> Any:
        return row.get(name)

    return key


def _message_class(ingress: RecordIngress) -> type[Message]:
    python_type = value_type_of(ingress.message).python_type
    if python_type is None or not issubclass(python_type, Message):
        raise BindingError(
            f"{type(ingress).__name__} {ingress.id!r} reads protobuf messages and has message={shown(ingress.message)}",
            hint="give the protobuf class of the messages",
        )
    return python_type


def _encoder(convert: Converter, value_type: ValueType[Any], protocol: ProtocolVersion) -> RowEncoder:
    encoding = value_type.encoding(protocol)
    typename, encode = encoding.typename, encoding.encode

    def encode_row(row: Mapping[str, Any]) -> TypedBytes:
        return TypedBytes(typename, encode(convert(row)))

    return encode_row


def _converter(ingress: RecordIngress, value_type: ValueType[Any]) -> Converter:
    python_type = value_type.python_type
    if isinstance(python_type, type):
        if issubclass(python_type, Message):
            return _from_text(python_type) if ingress.format == "csv" else _from_json(python_type)
        if attrs.has(python_type) or is_dataclass(python_type):
            return _class_converter(ingress, python_type)
    if python_type in (dict, None):  # JSON as it is
        return dict
    raise BindingError(
        f"{type(ingress).__name__} {ingress.id!r} cannot make {value_type!r} from a record by itself",
        hint="give `convert=`, a function from a record to the message",
    )


# --- protobuf ---------------------------------------------------------------------------------------------------


def _from_json(message_class: type[Message]) -> Converter:
    def convert(row: Mapping[str, Any]) -> Message:
        return json_format.ParseDict(dict(row), message_class(), ignore_unknown_fields=True)

    return convert


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


_INTEGERS: Final = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}


def _field_parser(descriptor: Any) -> Callable[[str], Any] | None:
    kind = descriptor.cpp_type
    if descriptor.message_type is not None or is_repeated(descriptor):
        return None
    if kind in _INTEGERS:
        return int
    if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return float
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return _boolean
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        values: Any = descriptor.enum_type
        numbers = {name: value.number for name, value in values.values_by_name.items()}
        return lambda text: numbers[text] if text in numbers else int(text)
    return str if descriptor.type == FieldDescriptor.TYPE_STRING else str.encode


def is_repeated(descriptor: Any) -> bool:
    """Whether a field of a protobuf message holds a list or a map."""
    # protobuf 7 takes `label` away and gives `is_repeated`, which 5.29 does not have.
    known = getattr(descriptor, "is_repeated", None)
    return bool(descriptor.label == FieldDescriptor.LABEL_REPEATED) if known is None else bool(known)


def _from_text(message_class: type[Message]) -> Converter:
    """Sets the fields that have a column; those that hold messages or lists have no text form and need a `convert`."""
    found = [(each.name, _field_parser(each)) for each in message_class.DESCRIPTOR.fields]
    parsers = [(name, parse) for name, parse in found if parse is not None]

    def convert(row: Mapping[str, str]) -> Message:
        message = message_class()
        for name, parse in parsers:
            cell = row.get(name)
            if cell:
                try:
                    setattr(message, name, parse(cell))
                except (TypeError, ValueError) as error:
                    raise ValueError(f"column {name!r}: {error}") from error
        return message

    return convert


# --- attrs classes and dataclasses -------------------------------------------------------------------------------


def _class_converter(ingress: RecordIngress, python_type: type[Any]) -> Converter:
    with extra("cattrs"):
        from cattrs import structure
    if ingress.format != "csv":
        return lambda row: structure(row, python_type)
    hints = get_type_hints(python_type)
    members: Sequence[Any] = attrs.fields(python_type) if attrs.has(python_type) else fields(python_type)
    parsers = [(member.name, _hint_parser(hints[member.name]), hints[member.name] is str) for member in members]
    # A field that may be None and has no default is None where its cell is empty.
    optional = {each.name for each in members if type(None) in get_args(hints[each.name]) and _has_no_default(each)}

    def convert(row: Mapping[str, str]) -> Any:
        values: dict[str, Any] = {}
        for name, parse, textual in parsers:
            cell = row.get(name)
            if cell is None or (not cell and not textual):
                continue
            try:
                values[name] = parse(cell)
            except (TypeError, ValueError) as error:
                raise ValueError(f"column {name!r}: {error}") from error
        for name in optional - values.keys():
            values[name] = None
        return structure(values, python_type)

    return convert


def _has_no_default(member: Any) -> bool:
    """Whether a field of an attrs class or of a dataclass must be given."""
    return member.default in (attrs.NOTHING, MISSING) and getattr(member, "default_factory", MISSING) is MISSING


def _hint_parser(hint: Any) -> Callable[[str], Any]:
    """How a cell becomes a field of that hint; cattrs does what is left to do."""
    if hint is bool:
        return _boolean
    if hint in (int, float):
        parse: Callable[[str], Any] = hint
        return parse
    parts = [each for each in get_args(hint) if each is not type(None)]
    if len(parts) == 1 and get_origin(hint) is not None and type(None) in get_args(hint):
        return _hint_parser(parts[0])
    return str

"""Message classes from the .proto files of this folder, on protobuf 3.20 as on 7.

protoc's Python output runs on the protobuf that it was written for; the contenders have several. So the files are read here: no
imports, no nesting, no enums, one field a line.
"""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

HERE = Path(__file__).resolve().parent

_PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
_MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^ +(repeated )?(\w+) (\w+) = (\d+);", re.MULTILINE)


def load(name: str, pool: Any = None) -> Any:
    """Give a namespace with a class for each message of a file, in a pool of its own unless one is given."""
    pool = descriptor_pool.DescriptorPool() if pool is None else pool
    file = read(name)
    pool.AddSerializedFile(file.SerializeToString())
    full_names = {message.name: f"{file.package}.{message.name}" for message in file.message_type}
    return SimpleNamespace(**{short: _class(pool, full) for short, full in full_names.items()})


def read(name: str) -> FileDescriptorProto:
    """Read a file of this folder into its descriptor."""
    text = (HERE / name).read_text(encoding="utf-8")
    package = _PACKAGE.search(text)
    if package is None:
        raise SystemExit(f"{name} names no package")
    file = FileDescriptorProto(name=f"benchmarks/handler/{name}", package=package[1], syntax="proto3")
    for message_name, body in _MESSAGE.findall(text):
        message = file.message_type.add(name=message_name)
        for repeated, type_name, field_name, number in _FIELD.findall(body):
            field = message.field.add(name=field_name, number=int(number))
            field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            scalar = f"TYPE_{type_name.upper()}"
            if scalar in FieldDescriptorProto.Type.keys():  # noqa: SIM118 - a wrapper of an enum, not a dict
                field.type = FieldDescriptorProto.Type.Value(scalar)
            else:
                field.type = FieldDescriptorProto.TYPE_MESSAGE
                field.type_name = f".{package[1]}.{type_name}"
    return file


def _class(pool: Any, full_name: str) -> Any:
    descriptor = pool.FindMessageTypeByName(full_name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    factory: Any = message_factory.MessageFactory(pool)
    return factory.GetPrototype(descriptor)  # before protobuf 4.22

"""Protobuf message classes from the text of a .proto, without protoc: what `import example_pb2` would give.

It reads the small subset that the seed's page and the documentation need: messages of scalar fields. The messages live in a pool of
their own, so that no two pages collide.
"""

from __future__ import annotations

import asyncio
import re
from types import ModuleType
from typing import Any, Final

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "double": _FIELD.TYPE_DOUBLE,
}


def compile_proto(text: str, module: str) -> ModuleType:
    """The module that protoc would make of the text, with one class for each message."""
    text = re.sub(r"//[^\n]*", "", text)
    package = re.search(r"package\s+([\w.]+)\s*;", text)
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{module}.proto", syntax="proto3", package=package[1] if package else ""
    )
    for name, body in re.findall(r"message\s+(\w+)\s*\{([^}]*)\}", text):
        message = file.message_type.add(name=name)
        for kind, field, number in re.findall(r"(\w+)\s+(\w+)\s*=\s*(\d+)\s*;", body):
            message.field.add(name=field, number=int(number), type=_SCALARS[kind], label=_FIELD.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    made = ModuleType(module)
    for message in file.message_type:
        full_name = f"{file.package}.{message.name}" if file.package else message.name
        descriptor: Any = pool.FindMessageTypeByName(full_name)
        setattr(made, message.name, message_factory.GetMessageClass(descriptor))
    return made


SEED: Final = compile_proto(
    """
    package example;

    message User { string user_id = 1; string name = 2; }
    message Admin { string name = 1; }
    message Response { string message = 1; }
    message Count { int32 value = 1; }
    """,
    "example_pb2",
)
"""The messages that the page's blocks use and never show."""

User: Any = SEED.User
Admin: Any = SEED.Admin
Response: Any = SEED.Response
Count: Any = SEED.Count


async def compute_greeting(message: any_pb2.Any) -> any_pb2.Any:
    """What the page's asynchronous block awaits: a greeting, packed as `context.reply` wants it there."""
    user = User()
    assert message.Unpack(user)
    await asyncio.sleep(0)  # gives the event loop its turn
    greeting = any_pb2.Any()
    greeting.Pack(Response(message=f"Hello {user.name}"))
    return greeting

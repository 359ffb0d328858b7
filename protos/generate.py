"""Writes statefun/protocol/_generated from the .proto files in this folder.

`make proto` writes, `make check` calls it with `--check`, which writes nothing and fails when a file is out of date. protoc (from
grpcio-tools) reads the contracts; what it reads is written as one module for each, which adds its serialized descriptor to our private
pool (see `_pool.py` there for why protoc's own Python output does not serve), and one stub for the type checkers.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc  # type: ignore[import-untyped]  # grpcio-tools has no types

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "statefun" / "protocol" / "_generated"

# Which module each contract becomes.
MODULES = {
    "statefun_v2.proto": "v2",
    "statefun_v3.proto": "v3",
    "egress_v2.proto": "egress_v2",
    "egress_v3.proto": "egress_v3",
    "types_v3.proto": "types_v3",
}

_PYTHON_TYPES = {
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
    FieldDescriptorProto.TYPE_DOUBLE: "float",
    FieldDescriptorProto.TYPE_ENUM: "int",
    FieldDescriptorProto.TYPE_FLOAT: "float",
    FieldDescriptorProto.TYPE_INT64: "int",
    FieldDescriptorProto.TYPE_SFIXED32: "int",
    FieldDescriptorProto.TYPE_SFIXED64: "int",
    FieldDescriptorProto.TYPE_STRING: "str",
}


def main(arguments: list[str]) -> int:
    """Write the generated files, or compare them when `--check` is among the arguments."""
    check = "--check" in arguments
    stale: list[Path] = []
    for path, text in generate():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path.relative_to(HERE.parent)}: {'out of date, run `make proto`' if check else 'written'}")
    return 1 if check and stale else 0


def generate() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of every generated file."""
    for file in read_contracts():
        module = MODULES[file.name]
        yield OUTPUT / f"{module}.py", formatted(module_text(file), f"{module}.py")
        yield OUTPUT / f"{module}.pyi", formatted(stub_text(file), f"{module}.pyi")


def read_contracts() -> Iterator[FileDescriptorProto]:
    """Let protoc read the contracts.

    The names by which other files would import them are dropped from the descriptors with everything else that protoc may
    write differently tomorrow, so that another protoc gives the same output.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "contracts.binpb"
        if protoc.main(["protoc", f"--proto_path={HERE}", f"--descriptor_set_out={output}", *MODULES]) != 0:
            raise SystemExit("protoc failed")
        contracts = FileDescriptorSet.FromString(output.read_bytes())
    for file in contracts.file:
        if file.dependency:
            raise SystemExit(f"{file.name} imports {', '.join(file.dependency)}; the contracts import nothing")
        for message in walk(file.message_type):
            for field in message.field:
                field.ClearField("json_name")
        yield file


def walk(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    """Give the messages and those nested in them."""
    for message in messages:
        yield message
        yield from walk(message.nested_type)


def module_text(file: FileDescriptorProto) -> str:
    """Give the module of a contract: its serialized descriptor and the names of its messages."""
    names = [message.name for message in file.message_type]
    serialized = FileDescriptorProto()
    serialized.CopyFrom(file)
    serialized.name = f"statefun/protos/{file.name}"
    descriptor = serialized.SerializeToString(deterministic=True)
    lines = [repr(descriptor[start : start + 60]) for start in range(0, len(descriptor), 60)]
    return "\n".join(
        [
            f'"""Messages of protos/{file.name}. Written by protos/generate.py; do not edit."""',
            "",
            "from statefun.protocol._generated._pool import load",
            "",
            f"__all__ = {sorted(names)!r}",
            "",
            f"({', '.join(names)},) = load(",
            *lines,
            f", {file.package!r}, {', '.join(repr(name) for name in names)})",
            "",
        ]
    )


def stub_text(file: FileDescriptorProto) -> str:
    """Give the stub of a contract: each message as a class with its fields and their constructor."""
    body = "\n".join(
        line for message in file.message_type for line in message_lines(message, f".{file.package}.", indent="")
    )
    containers = [
        name for name in ("RepeatedCompositeFieldContainer", "RepeatedScalarFieldContainer") if f"{name}[" in body
    ]
    return "\n".join(
        [
            f'"""Messages of protos/{file.name}. Written by protos/generate.py; do not edit."""',
            "",
            *(["from collections.abc import Iterable"] if "Iterable[" in body else []),
            *(["from typing import ClassVar"] if "ClassVar[" in body else []),
            "",
            *([f"from google.protobuf.internal.containers import {', '.join(containers)}"] if containers else []),
            "from google.protobuf.message import Message",
            "",
            f"__all__ = {sorted(message.name for message in file.message_type)!r}",
            "",
            body,
            "",
        ]
    )


def message_lines(message: DescriptorProto, scope: str, indent: str) -> Iterator[str]:
    """Give the stub of a message, and of what is nested in it, as lines."""
    yield f"{indent}class {message.name}(Message):"
    inner = indent + "    "
    for enum in message.enum_type:
        yield from enum_lines(enum, inner)
    for nested in message.nested_type:
        yield from message_lines(nested, scope, inner)
    parameters: list[str] = []
    for field in message.field:
        plain, accepted = field_types(field, scope)
        if field.type == FieldDescriptorProto.TYPE_MESSAGE or field.label == FieldDescriptorProto.LABEL_REPEATED:
            # A message or a repeated field is changed in place and cannot be assigned.
            yield f"{inner}@property"
            yield f"{inner}def {field.name}(self) -> {plain}: ..."
        else:
            yield f"{inner}{field.name}: {plain}"
        parameters.append(f"{field.name}: {accepted} | None = ...")
    yield f"{inner}def __init__(self, *, {', '.join(parameters)}) -> None: ..."


def enum_lines(enum: EnumDescriptorProto, indent: str) -> Iterator[str]:
    """Give the values of an enum nested in a message, which are attributes of the message, as lines."""
    for value in enum.value:
        yield f"{indent}{value.name}: ClassVar[int]"


def field_types(field: FieldDescriptorProto, scope: str) -> tuple[str, str]:
    """Give the type of a field as an attribute and as an argument of the constructor."""
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    if field.type == FieldDescriptorProto.TYPE_MESSAGE:
        name = field.type_name.removeprefix(scope)
        if repeated:
            return f"RepeatedCompositeFieldContainer[{name}]", f"Iterable[{name}]"
        return name, name
    if repeated:
        plain = _PYTHON_TYPES[field.type]
        return f"RepeatedScalarFieldContainer[{plain}]", f"Iterable[{plain}]"
    return (_PYTHON_TYPES[field.type],) * 2


def formatted(text: str, name: str) -> str:
    """Format a text as `make check` wants it."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(OUTPUT / name), "-"]
    return subprocess.run(  # noqa: S603  # our own text, through the formatter beside this interpreter
        command, input=text, capture_output=True, encoding="utf-8", check=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Messages of protos/types_v3.proto. Written by protos/generate.py; do not edit."""

from google.protobuf.message import Message

__all__ = ["BooleanWrapper", "DoubleWrapper", "FloatWrapper", "IntWrapper", "LongWrapper", "StringWrapper"]

class BooleanWrapper(Message):
    value: bool
    def __init__(self, *, value: bool | None = ...) -> None: ...

class IntWrapper(Message):
    value: int
    def __init__(self, *, value: int | None = ...) -> None: ...

class LongWrapper(Message):
    value: int
    def __init__(self, *, value: int | None = ...) -> None: ...

class FloatWrapper(Message):
    value: float
    def __init__(self, *, value: float | None = ...) -> None: ...

class DoubleWrapper(Message):
    value: float
    def __init__(self, *, value: float | None = ...) -> None: ...

class StringWrapper(Message):
    value: str
    def __init__(self, *, value: str | None = ...) -> None: ...

"""Handlers that cannot be called with a context and a message."""

from google.protobuf.any_pb2 import Any

from statefun import Context, StatefulFunction, handles, handles_other


class Wrong(StatefulFunction[str], typename="example/wrong"):
    @handles  # E: type-var | reportArgumentType
    def no_message(self, context: Context) -> None: ...

    @handles  # E: type-var | reportArgumentType
    def too_many(self, context: Context, message: str, more: str) -> None: ...

    @handles  # E: type-var | reportArgumentType
    def other_context(self, context: int, message: str) -> None: ...

    @handles  # E: type-var | reportArgumentType
    def returns(self, context: Context, message: str) -> int:
        return 7

    @handles_other  # E: type-var | reportArgumentType
    def typed(self, context: Context, message: str) -> None: ...

    @handles_other
    def right(self, context: Context, message: Any) -> None: ...

"""Handlers that cannot be called with a context and a message."""

from google.protobuf.any_pb2 import Any

from statefun import Context, StatefulFunction, handles, handles_other


class Wrong(StatefulFunction[str], typename="example/wrong"):
    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "Callable[[Wrong, Context], None]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context) -> None" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    def no_message(self, context: Context) -> None: ...

    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "Callable[[Wrong, Context, str, str], None]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context, message: str, more: str) -> None" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    def too_many(self, context: Context, message: str, more: str) -> None: ...

    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "Callable[[Wrong, int, str], None]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: int, message: str) -> None" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    def other_context(self, context: int, message: str) -> None: ...

    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "Callable[[Wrong, Context, str], int]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context, message: str) -> int" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    def returns(self, context: Context, message: str) -> int:
        return 7

    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "def keyword_only(self: Wrong, context: Context, *, message: str) -> None"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context, *, message: str) -> None" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    def keyword_only(self, context: Context, *, message: str) -> None: ...

    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "Callable[[Wrong, str, Context], None]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, message: str, context: Context) -> None" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    def context_last(self, message: str, context: Context) -> None: ...

    # mypy error: [type-var] Value of type variable "H" of "handles" cannot be "Callable[[Wrong, Context, str], Coroutine[Any, Any, int]]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context, message: str) -> CoroutineType[Any, Any, int]" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles
    async def returns_later(self, context: Context, message: str) -> int:
        return 7

    # mypy error: [type-var] Value of type variable "Other" of "handles_other" cannot be "Callable[[Wrong, Context], None]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context) -> None" cannot be assigned to parameter "handler" of type "Other@handles_other" in function "handles_other"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles_other
    def other_without_message(self, context: Context) -> None: ...

    # mypy error: [type-var] Value of type variable "Other" of "handles_other" cannot be "Callable[[Wrong, Context, google.protobuf.any_pb2.Any], str]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context, message: Any) -> str" cannot be assigned to parameter "handler" of type "Other@handles_other" in function "handles_other"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles_other
    def other_returns(self, context: Context, message: Any) -> str:
        return message.type_url

    # mypy error: [type-var] Value of type variable "Other" of "handles_other" cannot be "Callable[[Wrong, Context, str], None]"
    # pyright error: [reportArgumentType] Argument of type "(self: Self@Wrong, context: Context, message: str) -> None" cannot be assigned to parameter "handler" of type "Other@handles_other" in function "handles_other"
    # pyright error: [reportUntypedFunctionDecorator] Untyped function decorator obscures type of function; ignoring decorator
    @handles_other
    def typed(self, context: Context, message: str) -> None: ...

    @handles_other
    def right(self, context: Context, message: Any) -> None: ...


def calls(wrong: Wrong, context: Context) -> None:
    # mypy error: [arg-type] Argument 2 to "right" of "Wrong" has incompatible type "str"; expected "google.protobuf.any_pb2.Any"
    # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "Any" in function "right"
    wrong.right(context, "text")
    # mypy error: [call-arg] Missing positional argument "message" in call to "right" of "Wrong"
    # pyright error: [reportCallIssue] Argument missing for parameter "message"
    wrong.right(context)


# mypy error: [type-var] Value of type variable "H" of "handles" cannot be "int"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "handler" of type "H@handles" in function "handles"
handles(7)

"""Messages of protos/statefun_v3.proto. Written by protos/generate.py; do not edit."""

from collections.abc import Iterable
from typing import ClassVar

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer
from google.protobuf.message import Message

__all__ = ["Address", "FromFunction", "ToFunction", "TypedValue"]

class Address(Message):
    namespace: str
    type: str
    id: str
    def __init__(self, *, namespace: str | None = ..., type: str | None = ..., id: str | None = ...) -> None: ...

class TypedValue(Message):
    typename: str
    has_value: bool
    value: bytes
    def __init__(
        self, *, typename: str | None = ..., has_value: bool | None = ..., value: bytes | None = ...
    ) -> None: ...

class ToFunction(Message):
    class PersistedValue(Message):
        state_name: str
        @property
        def state_value(self) -> TypedValue: ...
        def __init__(self, *, state_name: str | None = ..., state_value: TypedValue | None = ...) -> None: ...

    class Invocation(Message):
        caller: bytes
        @property
        def argument(self) -> TypedValue: ...
        def __init__(self, *, caller: bytes | None = ..., argument: TypedValue | None = ...) -> None: ...

    class InvocationBatchRequest(Message):
        @property
        def target(self) -> Address: ...
        @property
        def state(self) -> RepeatedScalarFieldContainer[bytes]: ...
        @property
        def invocations(self) -> RepeatedScalarFieldContainer[bytes]: ...
        def __init__(
            self,
            *,
            target: Address | None = ...,
            state: Iterable[bytes] | None = ...,
            invocations: Iterable[bytes] | None = ...,
        ) -> None: ...

    @property
    def invocation(self) -> ToFunction.InvocationBatchRequest: ...
    def __init__(self, *, invocation: ToFunction.InvocationBatchRequest | None = ...) -> None: ...

class FromFunction(Message):
    class PersistedValueMutation(Message):
        DELETE: ClassVar[int]
        MODIFY: ClassVar[int]
        mutation_type: int
        state_name: str
        state_value: bytes
        def __init__(
            self, *, mutation_type: int | None = ..., state_name: str | None = ..., state_value: bytes | None = ...
        ) -> None: ...

    class Invocation(Message):
        target: bytes
        argument: bytes
        def __init__(self, *, target: bytes | None = ..., argument: bytes | None = ...) -> None: ...

    class DelayedInvocation(Message):
        delay_in_ms: int
        target: bytes
        argument: bytes
        is_cancellation_request: bool
        cancellation_token: str
        def __init__(
            self,
            *,
            delay_in_ms: int | None = ...,
            target: bytes | None = ...,
            argument: bytes | None = ...,
            is_cancellation_request: bool | None = ...,
            cancellation_token: str | None = ...,
        ) -> None: ...

    class EgressMessage(Message):
        egress_namespace: str
        egress_type: str
        argument: bytes
        def __init__(
            self, *, egress_namespace: str | None = ..., egress_type: str | None = ..., argument: bytes | None = ...
        ) -> None: ...

    class InvocationResponse(Message):
        @property
        def state_mutations(self) -> RepeatedCompositeFieldContainer[FromFunction.PersistedValueMutation]: ...
        @property
        def outgoing_messages(self) -> RepeatedCompositeFieldContainer[FromFunction.Invocation]: ...
        @property
        def delayed_invocations(self) -> RepeatedCompositeFieldContainer[FromFunction.DelayedInvocation]: ...
        @property
        def outgoing_egresses(self) -> RepeatedCompositeFieldContainer[FromFunction.EgressMessage]: ...
        def __init__(
            self,
            *,
            state_mutations: Iterable[FromFunction.PersistedValueMutation] | None = ...,
            outgoing_messages: Iterable[FromFunction.Invocation] | None = ...,
            delayed_invocations: Iterable[FromFunction.DelayedInvocation] | None = ...,
            outgoing_egresses: Iterable[FromFunction.EgressMessage] | None = ...,
        ) -> None: ...

    class ExpirationSpec(Message):
        NONE: ClassVar[int]
        AFTER_WRITE: ClassVar[int]
        AFTER_INVOKE: ClassVar[int]
        mode: int
        expire_after_millis: int
        def __init__(self, *, mode: int | None = ..., expire_after_millis: int | None = ...) -> None: ...

    class PersistedValueSpec(Message):
        state_name: str
        @property
        def expiration_spec(self) -> FromFunction.ExpirationSpec: ...
        type_typename: str
        def __init__(
            self,
            *,
            state_name: str | None = ...,
            expiration_spec: FromFunction.ExpirationSpec | None = ...,
            type_typename: str | None = ...,
        ) -> None: ...

    class IncompleteInvocationContext(Message):
        @property
        def missing_values(self) -> RepeatedCompositeFieldContainer[FromFunction.PersistedValueSpec]: ...
        def __init__(self, *, missing_values: Iterable[FromFunction.PersistedValueSpec] | None = ...) -> None: ...

    @property
    def invocation_result(self) -> FromFunction.InvocationResponse: ...
    @property
    def incomplete_invocation_context(self) -> FromFunction.IncompleteInvocationContext: ...
    def __init__(
        self,
        *,
        invocation_result: FromFunction.InvocationResponse | None = ...,
        incomplete_invocation_context: FromFunction.IncompleteInvocationContext | None = ...,
    ) -> None: ...

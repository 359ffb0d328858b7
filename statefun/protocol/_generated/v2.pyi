"""Messages of protos/statefun_v2.proto. Written by protos/generate.py; do not edit."""

from collections.abc import Iterable
from typing import ClassVar

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer
from google.protobuf.message import Message

__all__ = ["Address", "AnyValue", "FromFunction", "ToFunction"]

class Address(Message):
    namespace: str
    type: str
    id: str
    def __init__(self, *, namespace: str | None = ..., type: str | None = ..., id: str | None = ...) -> None: ...

class AnyValue(Message):
    typename: str
    value: bytes
    def __init__(self, *, typename: str | None = ..., value: bytes | None = ...) -> None: ...

class ToFunction(Message):
    class PersistedValue(Message):
        state_name: str
        @property
        def state_value(self) -> AnyValue: ...
        def __init__(self, *, state_name: str | None = ..., state_value: AnyValue | None = ...) -> None: ...

    class Invocation(Message):
        caller: bytes
        @property
        def argument(self) -> AnyValue: ...
        def __init__(self, *, caller: bytes | None = ..., argument: AnyValue | None = ...) -> None: ...

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
        def __init__(
            self, *, delay_in_ms: int | None = ..., target: bytes | None = ..., argument: bytes | None = ...
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

    @property
    def invocation_result(self) -> FromFunction.InvocationResponse: ...
    def __init__(self, *, invocation_result: FromFunction.InvocationResponse | None = ...) -> None: ...

"""What a handler remembers of the states of earlier requests never makes it take one state for another.

Requests come with any states, in any order: those that are declared, others, and others whose names begin or end alike or sort
beside them. Reading must find each by its name, and a declared one that a request lacks must be asked for (3.x) or told (2.2).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statefun import LONG, Context, RequestReplyHandler, StatefulFunction, StatefulFunctions, ValueSpec, handles
from statefun.batch import Batch, Invocation, MissingStates, ProtocolVersion, Target
from statefun.errors import MissingStateError
from statefun.protocol.engine import decode_response, encode_request
from statefun.protocol.values import wrap
from statefun.types import value_type_of

DECLARED = ("a", "ab", "b")
# Beside each declared name one that sorts before it, one behind it, or one that begins as it does.
NAMES = (*DECLARED, "B", "aa", "abc", "é")

# Each state of a request: its name, and its value or None for an absent one. Few numbers of states, so that requests with other
# states have as many.
states = st.tuples(
    st.permutations(NAMES), st.sampled_from([3, 4]), st.lists(st.none() | st.integers(1, 9), min_size=4, max_size=4)
).map(lambda drawn: dict(zip(drawn[0][: drawn[1]], drawn[2], strict=False)))


class Sum(StatefulFunction[int], typename="test/sum"):
    """Tells what its states read, in the order of their names."""

    a: ValueSpec[int | None] = ValueSpec(LONG)
    ab: ValueSpec[int | None] = ValueSpec(LONG)
    b: ValueSpec[int | None] = ValueSpec(LONG)

    seen: tuple[int | None, ...] = ()

    @handles
    def on_number(self, context: Context, message: int) -> None:
        Sum.seen = (self.a, self.ab, self.b)


@given(st.sampled_from(ProtocolVersion), st.lists(states, min_size=2, max_size=8))
def test_a_state_is_found_by_its_name_whatever_states_came_before(
    protocol: ProtocolVersion, requests: list[dict[str, int | None]]
) -> None:
    functions = StatefulFunctions()
    functions.register(Sum)
    handler = RequestReplyHandler(functions)
    for carried in requests:
        Sum.seen = ()
        values = {
            name: b"" if value is None else wrap(LONG.encode(value, protocol), protocol)
            for name, value in carried.items()
        }
        message = Invocation(*value_type_of(int).encode(1, protocol))
        request = encode_request(Batch(protocol, Target("test", "sum", "1"), values, [message]))
        missing = [name for name in DECLARED if name not in carried]
        if not missing:
            assert handler(request) == b""
            assert Sum.seen == tuple(carried[name] for name in DECLARED)
        elif protocol is ProtocolVersion.V3:
            answer = decode_response(handler(request), protocol)
            assert isinstance(answer, MissingStates)
            assert [state.name for state in answer.states] == missing
            assert Sum.seen == (), "nothing runs before all states are there"
        else:
            with pytest.raises(MissingStateError, match=repr(missing[0])):
                handler(request)


class Only(StatefulFunction[int], typename="test/only"):
    """Tells what its one state reads."""

    ab: ValueSpec[int | None] = ValueSpec(LONG)

    seen: int | None = None

    @handles
    def on_number(self, context: Context, message: int) -> None:
        Only.seen = self.ab


@given(
    st.sampled_from(ProtocolVersion),
    st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.integers(1, 9)), min_size=2, max_size=8),
)
def test_a_single_state_is_known_by_its_name_too(
    protocol: ProtocolVersion, requests: list[tuple[str, int | None]]
) -> None:
    functions = StatefulFunctions()
    functions.register(Only)
    handler = RequestReplyHandler(functions)
    for name, value in requests:
        Only.seen = 0
        state = b"" if value is None else wrap(LONG.encode(value, protocol), protocol)
        message = Invocation(*value_type_of(int).encode(1, protocol))
        request = encode_request(Batch(protocol, Target("test", "only", "1"), {name: state}, [message]))
        if name == "ab":
            assert handler(request) == b""
            assert Only.seen == value
        elif protocol is ProtocolVersion.V3:
            assert isinstance(decode_response(handler(request), protocol), MissingStates)
            assert Only.seen == 0, "nothing runs before the state is there"
        else:
            with pytest.raises(MissingStateError, match="'ab'"):
                handler(request)

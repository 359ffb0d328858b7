"""Messages of protos/statefun_v2.proto. Written by protos/generate.py; do not edit."""

from statefun.protocol._generated._pool import load

__all__ = ["Address", "AnyValue", "FromFunction", "ToFunction"]

(
    Address,
    AnyValue,
    ToFunction,
    FromFunction,
) = load(
    b"\n!statefun/protos/statefun_v2.proto\x12-org.apache.flink.statef"
    b'un.flink.core.polyglot"6\n\x07Address\x12\x11\n\tnamespace\x18\x01 \x01(\t\x12\x0c\n\x04type'
    b'\x18\x02 \x01(\t\x12\n\n\x02id\x18\x03 \x01(\t"+\n\x08AnyValue\x12\x10\n\x08typename\x18\x01 \x01(\t\x12\r\n\x05value\x18\x02 '
    b'\x01(\x0c"\xf3\x03\n\nToFunction\x12f\n\ninvocation\x18d \x01(\x0b2P.org.apache.flink.st'
    b"atefun.flink.core.polyglot.ToFunction.InvocationBatchRequest"
    b"H\x00\x1ar\n\x0ePersistedValue\x12\x12\n\nstate_name\x18\x01 \x01(\t\x12L\n\x0bstate_value\x18\x02 \x01("
    b"\x0b27.org.apache.flink.statefun.flink.core.polyglot.AnyValue\x1aw"
    b"\n\nInvocation\x12\x13\n\x06caller\x18\x01 \x01(\x0cH\x00\x88\x01\x01\x12I\n\x08argument\x18\x02 \x01(\x0b27.org.ap"
    b"ache.flink.statefun.flink.core.polyglot.AnyValueB\t\n\x07_caller\x1a"
    b"\x84\x01\n\x16InvocationBatchRequest\x12F\n\x06target\x18\x01 \x01(\x0b26.org.apache.flin"
    b"k.statefun.flink.core.polyglot.Address\x12\r\n\x05state\x18\x02 \x03(\x0c\x12\x13\n\x0binv"
    b'ocations\x18\x03 \x03(\x0cB\t\n\x07request"\xf2\x07\n\x0cFromFunction\x12k\n\x11invocation_res'
    b"ult\x18d \x01(\x0b2N.org.apache.flink.statefun.flink.core.polyglot.Fr"
    b"omFunction.InvocationResponseH\x00\x1a\xe1\x01\n\x16PersistedValueMutation\x12v"
    b"\n\rmutation_type\x18\x01 \x01(\x0e2_.org.apache.flink.statefun.flink.core"
    b".polyglot.FromFunction.PersistedValueMutation.MutationType\x12\x12"
    b'\n\nstate_name\x18\x02 \x01(\t\x12\x13\n\x0bstate_value\x18\x03 \x01(\x0c"&\n\x0cMutationType\x12\n\n\x06D'
    b"ELETE\x10\x00\x12\n\n\x06MODIFY\x10\x01\x1a.\n\nInvocation\x12\x0e\n\x06target\x18\x01 \x01(\x0c\x12\x10\n\x08argumen"
    b"t\x18\x02 \x01(\x0c\x1aJ\n\x11DelayedInvocation\x12\x13\n\x0bdelay_in_ms\x18\x01 \x01(\x03\x12\x0e\n\x06target\x18"
    b"\x02 \x01(\x0c\x12\x10\n\x08argument\x18\x03 \x01(\x0c\x1aP\n\rEgressMessage\x12\x18\n\x10egress_namespace"
    b"\x18\x01 \x01(\t\x12\x13\n\x0begress_type\x18\x02 \x01(\t\x12\x10\n\x08argument\x18\x03 \x01(\x0c\x1a\xb6\x03\n\x12Invocation"
    b"Response\x12k\n\x0fstate_mutations\x18\x01 \x03(\x0b2R.org.apache.flink.statefu"
    b"n.flink.core.polyglot.FromFunction.PersistedValueMutation\x12a\n"
    b"\x11outgoing_messages\x18\x02 \x03(\x0b2F.org.apache.flink.statefun.flink.c"
    b"ore.polyglot.FromFunction.Invocation\x12j\n\x13delayed_invocations\x18"
    b"\x03 \x03(\x0b2M.org.apache.flink.statefun.flink.core.polyglot.FromFu"
    b"nction.DelayedInvocation\x12d\n\x11outgoing_egresses\x18\x04 \x03(\x0b2I.org.ap"
    b"ache.flink.statefun.flink.core.polyglot.FromFunction.EgressM"
    b"essageB\n\n\x08responseb\x06proto3",
    "org.apache.flink.statefun.flink.core.polyglot",
    "Address",
    "AnyValue",
    "ToFunction",
    "FromFunction",
)

"""Messages of protos/statefun_v3.proto. Written by protos/generate.py; do not edit."""

from statefun.protocol._generated._pool import load

__all__ = ["Address", "FromFunction", "ToFunction", "TypedValue"]

(
    Address,
    TypedValue,
    ToFunction,
    FromFunction,
) = load(
    b"\n!statefun/protos/statefun_v3.proto\x12\x18io.statefun.sdk.reqrepl"
    b'y"6\n\x07Address\x12\x11\n\tnamespace\x18\x01 \x01(\t\x12\x0c\n\x04type\x18\x02 \x01(\t\x12\n\n\x02id\x18\x03 \x01(\t"S\n'
    b"\nTypedValue\x12\x10\n\x08typename\x18\x01 \x01(\t\x12\x16\n\thas_value\x18\x02 \x01(\x08H\x00\x88\x01\x01\x12\r\n\x05val"
    b'ue\x18\x03 \x01(\x0cB\x0c\n\n_has_value"\xa2\x03\n\nToFunction\x12Q\n\ninvocation\x18d \x01(\x0b2;.'
    b"io.statefun.sdk.reqreply.ToFunction.InvocationBatchRequestH\x00"
    b"\x1a_\n\x0ePersistedValue\x12\x12\n\nstate_name\x18\x01 \x01(\t\x129\n\x0bstate_value\x18\x02 \x01(\x0b2"
    b"$.io.statefun.sdk.reqreply.TypedValue\x1ad\n\nInvocation\x12\x13\n\x06calle"
    b"r\x18\x01 \x01(\x0cH\x00\x88\x01\x01\x126\n\x08argument\x18\x02 \x01(\x0b2$.io.statefun.sdk.reqreply.Ty"
    b"pedValueB\t\n\x07_caller\x1ao\n\x16InvocationBatchRequest\x121\n\x06target\x18\x01 \x01("
    b"\x0b2!.io.statefun.sdk.reqreply.Address\x12\r\n\x05state\x18\x02 \x03(\x0c\x12\x13\n\x0binvoc"
    b'ations\x18\x03 \x03(\x0cB\t\n\x07request"\xde\x0b\n\x0cFromFunction\x12V\n\x11invocation_resul'
    b"t\x18d \x01(\x0b29.io.statefun.sdk.reqreply.FromFunction.InvocationRe"
    b"sponseH\x00\x12k\n\x1dincomplete_invocation_context\x18e \x01(\x0b2B.io.statefu"
    b"n.sdk.reqreply.FromFunction.IncompleteInvocationContextH\x00\x1a\xcc\x01"
    b"\n\x16PersistedValueMutation\x12a\n\rmutation_type\x18\x01 \x01(\x0e2J.io.statefu"
    b"n.sdk.reqreply.FromFunction.PersistedValueMutation.MutationT"
    b'ype\x12\x12\n\nstate_name\x18\x02 \x01(\t\x12\x13\n\x0bstate_value\x18\x03 \x01(\x0c"&\n\x0cMutationType'
    b"\x12\n\n\x06DELETE\x10\x00\x12\n\n\x06MODIFY\x10\x01\x1a.\n\nInvocation\x12\x0e\n\x06target\x18\x01 \x01(\x0c\x12\x10\n\x08ar"
    b"gument\x18\x02 \x01(\x0c\x1a\x87\x01\n\x11DelayedInvocation\x12\x13\n\x0bdelay_in_ms\x18\x01 \x01(\x03\x12\x0e\n\x06t"
    b"arget\x18\x02 \x01(\x0c\x12\x10\n\x08argument\x18\x03 \x01(\x0c\x12\x1f\n\x17is_cancellation_request\x18\n \x01"
    b"(\x08\x12\x1a\n\x12cancellation_token\x18\x0b \x01(\t\x1aP\n\rEgressMessage\x12\x18\n\x10egress_na"
    b"mespace\x18\x01 \x01(\t\x12\x13\n\x0begress_type\x18\x02 \x01(\t\x12\x10\n\x08argument\x18\x03 \x01(\x0c\x1a\xe2\x02\n\x12Inv"
    b"ocationResponse\x12V\n\x0fstate_mutations\x18\x01 \x03(\x0b2=.io.statefun.sdk.r"
    b"eqreply.FromFunction.PersistedValueMutation\x12L\n\x11outgoing_mess"
    b"ages\x18\x02 \x03(\x0b21.io.statefun.sdk.reqreply.FromFunction.Invocatio"
    b"n\x12U\n\x13delayed_invocations\x18\x03 \x03(\x0b28.io.statefun.sdk.reqreply.Fr"
    b"omFunction.DelayedInvocation\x12O\n\x11outgoing_egresses\x18\x04 \x03(\x0b24.io"
    b".statefun.sdk.reqreply.FromFunction.EgressMessage\x1a\xb8\x01\n\x0eExpira"
    b"tionSpec\x12N\n\x04mode\x18\x01 \x01(\x0e2@.io.statefun.sdk.reqreply.FromFuncti"
    b'on.ExpirationSpec.ExpireMode\x12\x1b\n\x13expire_after_millis\x18\x02 \x01(\x03"9\n'
    b"\nExpireMode\x12\x08\n\x04NONE\x10\x00\x12\x0f\n\x0bAFTER_WRITE\x10\x01\x12\x10\n\x0cAFTER_INVOKE\x10\x02\x1a\x8f\x01\n"
    b"\x12PersistedValueSpec\x12\x12\n\nstate_name\x18\x01 \x01(\t\x12N\n\x0fexpiration_spec\x18\x02"
    b" \x01(\x0b25.io.statefun.sdk.reqreply.FromFunction.ExpirationSpec\x12"
    b"\x15\n\rtype_typename\x18\x03 \x01(\t\x1ap\n\x1bIncompleteInvocationContext\x12Q\n\x0emis"
    b"sing_values\x18\x01 \x03(\x0b29.io.statefun.sdk.reqreply.FromFunction.Pe"
    b"rsistedValueSpecB\n\n\x08responseb\x06proto3",
    "io.statefun.sdk.reqreply",
    "Address",
    "TypedValue",
    "ToFunction",
    "FromFunction",
)

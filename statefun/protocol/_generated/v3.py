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
    b'ue\x18\x03 \x01(\x0cB\x0c\n\n_has_value"\xe3\x03\n\nToFunction\x12Q\n\ninvocation\x18d \x01(\x0b2;.'
    b"io.statefun.sdk.reqreply.ToFunction.InvocationBatchRequestH\x00"
    b"\x1a9\n\x0ePersistedValue\x12\x12\n\nstate_name\x18\x01 \x01(\t\x12\x13\n\x0bstate_value\x18\x02 \x01(\x0c\x1a"
    b"d\n\nInvocation\x12\x13\n\x06caller\x18\x01 \x01(\x0cH\x00\x88\x01\x01\x126\n\x08argument\x18\x02 \x01(\x0b2$.io.st"
    b"atefun.sdk.reqreply.TypedValueB\t\n\x07_caller\x1a\xd5\x01\n\x16InvocationBatc"
    b"hRequest\x121\n\x06target\x18\x01 \x01(\x0b2!.io.statefun.sdk.reqreply.Address\x12"
    b"B\n\x05state\x18\x02 \x03(\x0b23.io.statefun.sdk.reqreply.ToFunction.Persist"
    b"edValue\x12D\n\x0binvocations\x18\x03 \x03(\x0b2/.io.statefun.sdk.reqreply.ToFu"
    b'nction.InvocationB\t\n\x07request"\xde\x0b\n\x0cFromFunction\x12V\n\x11invocation_'
    b"result\x18d \x01(\x0b29.io.statefun.sdk.reqreply.FromFunction.Invocat"
    b"ionResponseH\x00\x12k\n\x1dincomplete_invocation_context\x18e \x01(\x0b2B.io.st"
    b"atefun.sdk.reqreply.FromFunction.IncompleteInvocationContext"
    b"H\x00\x1a\xcc\x01\n\x16PersistedValueMutation\x12a\n\rmutation_type\x18\x01 \x01(\x0e2J.io.st"
    b"atefun.sdk.reqreply.FromFunction.PersistedValueMutation.Muta"
    b'tionType\x12\x12\n\nstate_name\x18\x02 \x01(\t\x12\x13\n\x0bstate_value\x18\x03 \x01(\x0c"&\n\x0cMutatio'
    b"nType\x12\n\n\x06DELETE\x10\x00\x12\n\n\x06MODIFY\x10\x01\x1a.\n\nInvocation\x12\x0e\n\x06target\x18\x01 \x01(\x0c\x12"
    b"\x10\n\x08argument\x18\x02 \x01(\x0c\x1a\x87\x01\n\x11DelayedInvocation\x12\x13\n\x0bdelay_in_ms\x18\x01 \x01(\x03"
    b"\x12\x0e\n\x06target\x18\x02 \x01(\x0c\x12\x10\n\x08argument\x18\x03 \x01(\x0c\x12\x1f\n\x17is_cancellation_reques"
    b"t\x18\n \x01(\x08\x12\x1a\n\x12cancellation_token\x18\x0b \x01(\t\x1aP\n\rEgressMessage\x12\x18\n\x10egre"
    b"ss_namespace\x18\x01 \x01(\t\x12\x13\n\x0begress_type\x18\x02 \x01(\t\x12\x10\n\x08argument\x18\x03 \x01(\x0c\x1a\xe2\x02"
    b"\n\x12InvocationResponse\x12V\n\x0fstate_mutations\x18\x01 \x03(\x0b2=.io.statefun."
    b"sdk.reqreply.FromFunction.PersistedValueMutation\x12L\n\x11outgoing"
    b"_messages\x18\x02 \x03(\x0b21.io.statefun.sdk.reqreply.FromFunction.Invo"
    b"cation\x12U\n\x13delayed_invocations\x18\x03 \x03(\x0b28.io.statefun.sdk.reqrep"
    b"ly.FromFunction.DelayedInvocation\x12O\n\x11outgoing_egresses\x18\x04 \x03(\x0b"
    b"24.io.statefun.sdk.reqreply.FromFunction.EgressMessage\x1a\xb8\x01\n\x0eE"
    b"xpirationSpec\x12N\n\x04mode\x18\x01 \x01(\x0e2@.io.statefun.sdk.reqreply.FromF"
    b"unction.ExpirationSpec.ExpireMode\x12\x1b\n\x13expire_after_millis\x18\x02 \x01"
    b'(\x03"9\n\nExpireMode\x12\x08\n\x04NONE\x10\x00\x12\x0f\n\x0bAFTER_WRITE\x10\x01\x12\x10\n\x0cAFTER_INVOKE\x10'
    b"\x02\x1a\x8f\x01\n\x12PersistedValueSpec\x12\x12\n\nstate_name\x18\x01 \x01(\t\x12N\n\x0fexpiration_s"
    b"pec\x18\x02 \x01(\x0b25.io.statefun.sdk.reqreply.FromFunction.Expiration"
    b"Spec\x12\x15\n\rtype_typename\x18\x03 \x01(\t\x1ap\n\x1bIncompleteInvocationContext\x12Q"
    b"\n\x0emissing_values\x18\x01 \x03(\x0b29.io.statefun.sdk.reqreply.FromFuncti"
    b"on.PersistedValueSpecB\n\n\x08responseb\x06proto3",
    "io.statefun.sdk.reqreply",
    "Address",
    "TypedValue",
    "ToFunction",
    "FromFunction",
)

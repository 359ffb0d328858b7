"""What the functions say to each other, and what they remember: protobuf messages.

A message costs a fifth of a JSON value here, and there are five of them for each flight. A project with a protobuf compiler would
write a .proto file and let it make two modules; this is the same by hand: the fields are below, and `messages.pyi` tells type checkers
of them. `tests/examples/test_flights.py` holds the two against each other.
"""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

TEXT = FieldDescriptorProto.TYPE_STRING
FLAG = FieldDescriptorProto.TYPE_BOOL
NUMBER = FieldDescriptorProto.TYPE_SINT64

_pool = DescriptorPool()


def _message(name: str, **fields: FieldDescriptorProto.Type.ValueType) -> type[Message]:
    file = FileDescriptorProto(name=f"flights/{name}.proto", package="flights", syntax="proto3")
    message = file.message_type.add(name=name)
    for number, (field, kind) in enumerate(fields.items(), start=1):
        message.field.add(name=field, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL)
    _pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(_pool.FindMessageTypeByName(f"flights.{name}"))


# --- messages -------------------------------------------------------------------------------------------------------

Flight = _message(
    "Flight",
    carrier=TEXT,
    tail=TEXT,
    day=NUMBER,
    origin=TEXT,
    destination=TEXT,
    departed=FLAG,
    arrived=FLAG,
    departure_delay=NUMBER,
    arrival_delay=NUMBER,
    minutes=NUMBER,
    miles=NUMBER,
)
Cancelled = _message("Cancelled", carrier=TEXT, day=NUMBER)
Departed = _message("Departed", delay=NUMBER, inherited=NUMBER)
Landing = _message("Landing", carrier=TEXT, delay=NUMBER, minutes=NUMBER, miles=NUMBER)
Diverted = _message("Diverted", carrier=TEXT)
Landed = _message("Landed", delay=NUMBER, minutes=NUMBER, miles=NUMBER)
Voucher = _message("Voucher", dollars=NUMBER)

# --- states ---------------------------------------------------------------------------------------------------------

Inbound = _message("Inbound", day=NUMBER, delay=NUMBER)
AircraftTotals = _message("AircraftTotals", legs=NUMBER, minutes=NUMBER, miles=NUMBER, inherited=NUMBER)
AirportTotals = _message(
    "AirportTotals",
    departures=NUMBER,
    departure_delay=NUMBER,
    inherited=NUMBER,
    cancelled=NUMBER,
    arrivals=NUMBER,
    arrival_delay=NUMBER,
    late=NUMBER,
    diverted=NUMBER,
    vouchers=NUMBER,
)
CarrierTotals = _message(
    "CarrierTotals",
    scheduled=NUMBER,
    cancelled=NUMBER,
    landed=NUMBER,
    arrival_delay=NUMBER,
    minutes=NUMBER,
    miles=NUMBER,
    vouchers=NUMBER,
)

# What type checkers know of messages.py; its fields stand there too.

from google.protobuf.message import Message

# A row of the schedule of 2013, and what became of it. Delays and minutes are 0 where there are none.
class Flight(Message):
    carrier: str
    tail: str
    day: int  # as a number, 20130208
    origin: str
    destination: str
    departed: bool  # false for a cancelled flight
    arrived: bool  # false for a flight that was cancelled or landed elsewhere
    departure_delay: int
    arrival_delay: int
    minutes: int  # in the air
    miles: int
    def __init__(
        self,
        *,
        carrier: str = ...,
        tail: str = ...,
        day: int = ...,
        origin: str = ...,
        destination: str = ...,
        departed: bool = ...,
        arrived: bool = ...,
        departure_delay: int = ...,
        arrival_delay: int = ...,
        minutes: int = ...,
        miles: int = ...,
    ) -> None: ...

# From a carrier to the airport where the flight should have begun, and on to that day.
class Cancelled(Message):
    carrier: str
    day: int
    def __init__(self, *, carrier: str = ..., day: int = ...) -> None: ...

# From an aircraft to the airport that it leaves.
class Departed(Message):
    delay: int
    inherited: int  # the part of the delay that the aircraft brought along
    def __init__(self, *, delay: int = ..., inherited: int = ...) -> None: ...

# From an aircraft to the airport it flies to, there when its time in the air is over.
class Landing(Message):
    carrier: str
    delay: int
    minutes: int
    miles: int
    def __init__(self, *, carrier: str = ..., delay: int = ..., minutes: int = ..., miles: int = ...) -> None: ...

# From an aircraft to the airport that it will not reach.
class Diverted(Message):
    carrier: str
    def __init__(self, *, carrier: str = ...) -> None: ...

# From an airport to the carrier: a flight of yours is here.
class Landed(Message):
    delay: int
    minutes: int
    miles: int
    def __init__(self, *, delay: int = ..., minutes: int = ..., miles: int = ...) -> None: ...

# The carrier's answer to an airport about a flight that was very late.
class Voucher(Message):
    dollars: int
    def __init__(self, *, dollars: int = ...) -> None: ...

# How late an aircraft arrived, and on which day it left.
class Inbound(Message):
    day: int
    delay: int
    def __init__(self, *, day: int = ..., delay: int = ...) -> None: ...

class AircraftTotals(Message):
    legs: int
    minutes: int
    miles: int
    inherited: int

class AirportTotals(Message):
    departures: int
    departure_delay: int
    inherited: int
    cancelled: int
    arrivals: int
    arrival_delay: int
    late: int
    diverted: int
    vouchers: int

class CarrierTotals(Message):
    scheduled: int
    cancelled: int
    landed: int
    arrival_delay: int
    minutes: int
    miles: int
    vouchers: int

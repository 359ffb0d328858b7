"""Four classes of functions, and who messages whom; README.md draws it."""

from __future__ import annotations

from datetime import timedelta

from examples.flights.alerts import ALERTS, Alert
from examples.flights.messages import (
    AircraftTotals,
    AirportTotals,
    Cancelled,
    CarrierTotals,
    Departed,
    Diverted,
    Flight,
    Inbound,
    Landed,
    Landing,
    Voucher,
)
from statefun import LONG, Context, StatefulFunction, ValueSpec, after_write, handles

FLYING_MINUTE = timedelta(milliseconds=1)
"""How long a minute in the air takes here."""

LATE = 15
"""Minutes behind schedule from which an arrival counts as late."""

VERY_LATE = 180
"""Minutes behind schedule from which the carrier gives a voucher: a dollar for each ten miles."""

KNOCK_ON = 120
"""Minutes of delay inherited from the flight before, from which an alert is due."""

STORM = 50
"""Cancellations at one airport on one day, at which an alert is due."""


class Carrier(StatefulFunction[Flight | Landed], typename="flights/carrier"):
    """An airline, by its two letters. Every flight of the schedule comes here first."""

    totals: ValueSpec[CarrierTotals] = ValueSpec(CarrierTotals, default=CarrierTotals())

    @handles
    def on_flight(self, context: Context, flight: Flight) -> None:
        """Hands a flight to its aircraft; a cancelled one needs none, and many of them have no tail number."""
        totals = self.totals
        totals.scheduled += 1
        if flight.departed:
            context.send(Aircraft.at(f"{flight.carrier}-{flight.tail}"), flight)
        else:
            totals.cancelled += 1
            context.send(Airport.at(flight.origin), Cancelled(carrier=flight.carrier, day=flight.day))

    @handles
    def on_landed(self, context: Context, landed: Landed) -> None:
        """Takes note of a flight that arrived, and answers the airport if it was very late."""
        totals = self.totals
        totals.landed += 1
        totals.arrival_delay += landed.delay
        totals.minutes += landed.minutes
        totals.miles += landed.miles
        if landed.delay >= VERY_LATE:
            dollars = landed.miles // 10
            totals.vouchers += dollars
            context.reply(Voucher(dollars=dollars))


class Aircraft(StatefulFunction[Flight], typename="flights/aircraft"):
    """An aircraft, by airline and tail number.

    The airline is in the id since messages of one sender keep their order and those of two have none: an aircraft that flies
    for two airlines would else get their flights in any order.
    """

    totals: ValueSpec[AircraftTotals] = ValueSpec(AircraftTotals, default=AircraftTotals())
    inbound: ValueSpec[Inbound | None] = ValueSpec(Inbound, expire=after_write(timedelta(hours=12)))
    """How late it was the last time. Of no use on the next day, so an aircraft that no longer flies forgets it."""

    @handles
    def on_flight(self, context: Context, flight: Flight) -> None:
        """Flies: tells the airport that it leaves now, and the one that it flies to when it will be there."""
        delay = flight.departure_delay
        inbound = self.inbound
        inherited = 0
        if inbound is not None and inbound.day == flight.day:
            inherited = max(0, min(inbound.delay, delay))
        self.inbound = Inbound(day=flight.day, delay=flight.arrival_delay)

        totals = self.totals
        totals.legs += 1
        totals.minutes += flight.minutes
        totals.miles += flight.miles
        totals.inherited += inherited
        context.send(Airport.at(flight.origin), Departed(delay=delay, inherited=inherited))
        if flight.arrived:
            landing = Landing(
                carrier=flight.carrier, delay=flight.arrival_delay, minutes=flight.minutes, miles=flight.miles
            )
            context.send_after(flight.minutes * FLYING_MINUTE, Airport.at(flight.destination), landing)
        else:
            context.send(Airport.at(flight.destination), Diverted(carrier=flight.carrier))
        if inherited >= KNOCK_ON:
            alert = Alert(kind="knock-on", subject=context.address.identity, day=flight.day, amount=inherited)
            context.send_egress(ALERTS, alert)


class Airport(StatefulFunction[Departed | Cancelled | Landing | Diverted | Voucher], typename="flights/airport"):
    """An airport, by its three letters. A landing comes when the flight has been in the air for its time."""

    totals: ValueSpec[AirportTotals] = ValueSpec(AirportTotals, default=AirportTotals())

    @handles
    def on_departed(self, context: Context, departed: Departed) -> None:
        """Counts a departure, its delay, and the part of it that was not the fault of this airport."""
        totals = self.totals
        totals.departures += 1
        totals.departure_delay += departed.delay
        totals.inherited += departed.inherited

    @handles
    def on_cancelled(self, context: Context, cancelled: Cancelled) -> None:
        """Counts a flight that will not leave, here and for the day."""
        self.totals.cancelled += 1
        context.send(Day.at(f"{context.address.identity}-{cancelled.day}"), cancelled)

    @handles
    def on_landing(self, context: Context, landing: Landing) -> None:
        """Counts an arrival and tells the carrier."""
        totals = self.totals
        totals.arrivals += 1
        totals.arrival_delay += landing.delay
        if landing.delay >= LATE:
            totals.late += 1
        context.send(
            Carrier.at(landing.carrier), Landed(delay=landing.delay, minutes=landing.minutes, miles=landing.miles)
        )

    @handles
    def on_diverted(self, context: Context, diverted: Diverted) -> None:
        """Counts a flight that landed elsewhere."""
        self.totals.diverted += 1

    @handles
    def on_voucher(self, context: Context, voucher: Voucher) -> None:
        """Adds up what the carriers give to those who arrived here very late."""
        self.totals.vouchers += voucher.dollars


class Day(StatefulFunction[Cancelled], typename="flights/day"):
    """One day at one airport. What it counts expires: nobody asks for it when the day is over."""

    cancelled: ValueSpec[int] = ValueSpec(LONG, default=0, expire=after_write(timedelta(hours=12)))

    @handles
    def on_cancelled(self, context: Context, cancelled: Cancelled) -> None:
        """Counts, and raises the alarm once."""
        self.cancelled += 1
        if self.cancelled == STORM:
            airport = context.address.identity.partition("-")[0]
            context.send_egress(ALERTS, Alert(kind="storm", subject=airport, day=cancelled.day, amount=STORM))

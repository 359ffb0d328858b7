"""What leaves for the file of alerts, as JSON."""

from __future__ import annotations

from attrs import frozen

from statefun import Egress, json_type


@frozen
class Alert:
    """A line of the file.

    Attributes:
        kind: "storm" or "knock-on".
        subject: The airport, or the aircraft.
        day: As a number, 20130208.
        amount: Flights cancelled, or minutes of delay handed on.
    """

    kind: str
    subject: str
    day: int
    amount: int


json_type("flights/alert", Alert)
ALERTS = Egress[Alert]("flights/alerts")

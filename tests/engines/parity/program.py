"""The functions of the parity scenarios, the same on every engine: two classes and two plain functions, one of them a coroutine."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any, Final

from attrs import frozen

from statefun import (
    LONG,
    Context,
    Egress,
    FunctionType,
    KafkaRecord,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
    handles,
    json_type,
)
from statefun.errors import UnsupportedError
from tests.engines.parity.steps import Step

__all__ = ["CHECKED", "LATE", "PUT", "REPORT", "functions", "program"]

RECORDS: Final = Egress[KafkaRecord]("parity/records")
TOPIC: Final = os.environ.get("ENGINE_TESTS_RESULTS", "results")
LATE: Final = timedelta(seconds=12)
"""When something would come that is taken back long before."""
LIFE: Final = timedelta(seconds=1)
CHECKED: Final = timedelta(seconds=3)
"""When it is looked at whether what lives for `LIFE` is gone."""


@frozen
class Late:
    """Comes after a delay, unless it is taken back."""

    number: int
    then: tuple[Step, ...]


@frozen
class Question:
    """Is answered with these steps."""

    then: tuple[Step, ...]


@frozen
class Put:
    """A value for a slot; None deletes."""

    value: int | None


@frozen
class Turn:
    """Starts an hourglass; when `back` is set, looks whether it has run out."""

    number: int
    back: bool = False


@frozen
class Report:
    """Asks for all states."""


LATER: Final = json_type("parity/late", Late)
QUESTION: Final = json_type("parity/question", Question)
PUT: Final = json_type("parity/put", Put)
TURN: Final = json_type("parity/turn", Turn)
REPORT: Final = json_type("parity/report", Report)
NUMBERS: Final = json_type("parity/numbers", list[int])

MIRROR: Final = FunctionType[Question | Report]("parity/mirror")
SLOT: Final = FunctionType[Put | Report]("parity/slot")


def emit(context: Context, what: str, value: Any) -> None:
    """Sends a record about the function that runs."""
    address = context.address
    record = {"at": f"{address.function_type.typename}/{address.id}", "what": what, "value": value}
    context.send_egress(RECORDS, KafkaRecord(topic=TOPIC, key=address.id, value=json.dumps(record)))


class Actor(StatefulFunction[Step | Late | Report], typename="parity/actor"):
    """Does the steps."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    late: ValueSpec[int] = ValueSpec(LONG, default=0)
    revoked: ValueSpec[list[int] | None] = ValueSpec(NUMBERS)

    @handles
    def on_step(self, context: Context, step: Step) -> None:
        """Does one, and all that follow here."""
        me = context.address.id
        then = step.then
        match step.do:
            case "count":
                self.count += step.amount
            case "egress":
                emit(context, "egress", step.number)
            case "forward":
                for each in then:
                    context.send(Actor.at(step.to), each)
                then = ()
            case "reply":
                context.send(MIRROR.at(step.to), Question(then))
                then = ()
            case "delay":
                context.send_after(timedelta(milliseconds=step.amount), Actor.at(me), Late(step.number, then))
                then = ()
            case "cancel":
                self.arm(context, step)
                if step.apart:
                    context.send(MIRROR.at(me), Question((Step("revoke", step.number),)))
                else:
                    self.revoke(context, step.number)
                then = ()
            case "revoke":
                self.revoke(context, step.number)
            case "set":
                for value in step.writes:
                    context.send(SLOT.at(f"{me}.{step.number}"), Put(value))
            case "expire":
                context.send(Hourglass.at(f"{me}.{step.number}"), Turn(step.number))
            case _:
                raise ValueError(f"nothing is known of {step.do!r}")
        for each in then:
            self.on_step(context, each)

    def arm(self, context: Context, step: Step) -> None:
        """Sends what will be taken back; where an engine has no cancellation, without a token."""
        to, late = Actor.at(context.address.id), Late(step.number, step.then)
        try:
            context.send_after(LATE, to, late, cancellation_token=str(step.number))
        except UnsupportedError:
            context.send_after(LATE, to, late)

    def revoke(self, context: Context, number: int) -> None:
        """Takes it back; where an engine cannot, it will be ignored when it comes."""
        try:
            context.cancel(str(number))
        except UnsupportedError:
            self.revoked = [*(self.revoked or []), number]

    @handles
    def on_late(self, context: Context, late: Late) -> None:
        """Does what was delayed."""
        revoked = self.revoked or []
        if late.number in revoked:
            self.revoked = [each for each in revoked if each != late.number] or None
            return
        self.late += 1
        for each in late.then:
            self.on_step(context, each)

    @handles
    def on_report(self, context: Context, _report: Report) -> None:
        """Tells the states."""
        emit(context, "states", {"count": self.count, "late": self.late, "revoked": self.revoked})


class Hourglass(StatefulFunction[Turn | Report], typename="parity/hourglass"):
    """Holds what expires, and what does not."""

    written: ValueSpec[int | None] = ValueSpec(LONG, expire=after_write(LIFE))
    called: ValueSpec[int | None] = ValueSpec(LONG, expire=after_call(LIFE))
    kept: ValueSpec[int | None] = ValueSpec(LONG, expire=after_write(timedelta(days=1)))

    @handles
    async def on_turn(self, context: Context, turn: Turn) -> None:
        """Starts, or looks."""
        if not turn.back:
            self.written = self.called = self.kept = turn.number
            context.send_after(CHECKED, Hourglass.at(context.address.id), Turn(turn.number, back=True))
        emit(context, "looked" if turn.back else "turned", [self.written, self.called, self.kept])

    @handles
    async def on_report(self, context: Context, _report: Report) -> None:
        """Tells the states."""
        emit(context, "states", {"written": self.written, "called": self.called, "kept": self.kept})


async def mirror(context: Context, message: Question | Report) -> None:
    """Answers with the steps that it is asked."""
    if isinstance(message, Report):
        emit(context, "states", {"asked": context["asked"]})
        return
    context["asked"] += 1
    for each in message.then:
        context.reply(each)


def slot(context: Context, message: Put | Report) -> None:
    """Keeps one value."""
    if isinstance(message, Report):
        emit(context, "states", {"value": context["value"]})
    else:
        context["value"] = message.value


def program() -> StatefulFunctions:
    """A registry of its own of the four."""
    made = StatefulFunctions()
    made.register(Actor)
    made.register(Hourglass)
    made.register("parity/mirror", mirror, specs=[ValueSpec(LONG, default=0, name="asked")])
    made.register("parity/slot", slot, specs=[ValueSpec(LONG, name="value")])
    return made


functions: Final = program()

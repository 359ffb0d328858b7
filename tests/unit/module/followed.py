"""Handlers of all kinds, for the tests of what `check` follows and what it leaves alone. Nothing of it runs.

A comment at the end of a line is the code that is found there.
"""

from __future__ import annotations

import decimal
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from statefun import Context, KafkaRecord, KinesisRecord, StatefulFunction, StatefulFunctions, handles
from statefun import Context as Renamed

if TYPE_CHECKING:
    from statefun import Address

functions = StatefulFunctions()
RECORD = KafkaRecord(topic="t", value="v")
TEXT = "no record"
mailer: Any = None
typename = "example/global"


# --- handlers that are no plain functions ---------------------------------------------------------------------------


class Called:
    def __call__(self, out: Context, message: Any) -> None:
        out.send_egress("ex/lost", RECORD)  # egress-undeclared

    def method(self, out: Context, message: Any) -> None:
        out.send_egress("ex/lost", RECORD)  # egress-undeclared
        self.helper(out)

    def helper(self, context: Context) -> None:
        context.send_egress("ex/out", RECORD)


def behind(first: Any, out: Any, message: Any) -> None:
    first.send("hello")
    out.send_egress("ex/lost", RECORD)  # egress-undeclared


def undressed(handler: Callable[..., None]) -> Callable[..., None]:
    def wrapper(context: Context, message: Any) -> None:
        handler(context, message)

    return wrapper


def starred(handler: Callable[..., None]) -> Callable[..., None]:
    def wrapper(*arguments: Any) -> None:
        handler(*arguments)

    return wrapper


def wrapped(handler: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(handler)
    def wrapper(context: Context, *arguments: Any) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared
        mailer.log(context)
        handler(context, *arguments)

    return wrapper


def lost(handler: Callable[..., None]) -> Callable[..., None]:
    handlers = [handler]

    def wrapper(context: Context, message: Any) -> None:
        handlers[0](context, message)  # source-unseen

    return wrapper


def under_undressed(ctx: Any, message: Any) -> None:
    ctx.send_egress("ex/lost", RECORD)  # egress-undeclared


def under_starred(ctx: Any, message: Any) -> None:
    ctx.send_egress("ex/lost", RECORD)  # egress-undeclared


def under_wrapped(ctx: Any, message: Any) -> None:
    ctx.send_egress("ex/lost", RECORD)  # egress-undeclared


functions.register("ex/object", Called())
functions.register("ex/method", Called().method)
functions.register("ex/partial", functools.partial(behind, mailer))
functions.register("ex/undressed", undressed(under_undressed))
functions.register("ex/starred", starred(under_starred))
functions.register("ex/wrapped", wrapped(under_wrapped))
functions.register("ex/lost", lost(under_wrapped))
functions.register("ex/lambda", lambda ctx, message: ctx.send_egress("ex/lost", RECORD))  # egress-undeclared


# --- methods and parameters -----------------------------------------------------------------------------------------


class Base(StatefulFunction[str]):
    @handles
    def on_text(self, context: Context, text: str) -> None:
        context.send_egress("ex/lost", RECORD)

    def overridden(self, context: Context) -> None:
        context.send_egress("ex/lost", RECORD)

    def continued(self, context: Context) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared

    def named(self, context: Context) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared

    def inherited(self, context: Context) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared


class Methods(Base, typename="ex/methods"):
    @handles
    def on_text(self, out: Renamed, text: str) -> None:
        out.send_egress("ex/lost", RECORD)  # egress-undeclared
        self.given(out)
        self.given_by_name(some=out)

    def overridden(self, context: Context) -> None:
        context.send_egress("ex/out", RECORD)

    def continued(self, context: Context) -> None:
        super().continued(context)

    def named(self, context: Context) -> None:
        Base.named(self, context)

    @staticmethod
    def static(context: Context) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared

    @classmethod
    def of_class(cls, context: Context) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared

    def keyword(self, *, context: Context) -> None:
        context.send_egress("ex/lost", RECORD)  # egress-undeclared

    def given(self, some: Any) -> None:
        some.send_egress("ex/lost", RECORD)  # egress-undeclared

    def given_by_name(self, *, some: Any) -> None:
        some.send_egress("ex/lost", RECORD)  # egress-undeclared

    def annotated(self, a: Renamed | None, b: Context) -> None:
        if a is not None:
            a.send_egress("ex/lost", RECORD)  # egress-undeclared
        b.send_egress("ex/lost", RECORD)  # egress-undeclared

    def others(self, mailer: Any, generator: Any, context: decimal.Context, send: Callable[[Context], None]) -> None:
        mailer.send("hello")
        generator.send("hello")
        cast("Any", context).send("hello")
        cast("Any", send).send("hello")


functions.register(Methods)


# --- other names ----------------------------------------------------------------------------------------------------


@functions.bind("ex/aliases")
def aliases(context: Context, message: Any) -> None:
    c = context
    c.send_egress("ex/lost", RECORD)  # egress-undeclared
    send = c.send_egress
    send("ex/lost", RECORD)  # egress-undeclared
    send("ex/out", RECORD)
    (d := context).send("ex/nobody", "a", message)  # target-undeclared
    d.send("ex/nobody", "a", message)  # target-undeclared
    cast("Any", context).send("ex/nobody", "a", message)  # target-undeclared

    def inner(some: Any) -> None:
        some.send("ex/nobody", "a", message)  # target-undeclared
        context.send("ex/nobody", "a", message)  # target-undeclared

    inner(context)
    if context != message and isinstance(context, type(message)) and context["state"]:
        print(f"{context}")
    unsure = mailer
    if message:
        unsure = context
    unsure.send("hello")  # target-unseen
    maybe: Any = context
    if not maybe:
        del maybe


@functions.bind("ex/bound-anew")
def bound_anew(context: Context, message: Any) -> None:
    try:
        context.send("ex/nobody", "a", message)  # target-unseen
    except ExceptionGroup as context:
        cast("Any", context).send("hello")  # target-unseen


@functions.bind("ex/kept")
def kept(context: Context, message: Any) -> None:
    mailer.context = context  # target-unseen
    mailer.send = context.send_egress  # egress-unseen
    functools.partial(context.send, "ex/nobody")  # target-unseen
    mailer.all([context])  # target-unseen
    mailer.mail(context)  # source-unseen


@functions.bind("ex/shadows")
def shadows(context: Context, message: Any) -> None:
    [context.send("hello") for context in mailer]
    [context.send(typename, "a", message) for typename in message]  # target-unseen
    mailer.each(lambda typename: context.send(typename, "a", message))  # target-unseen
    mailer.each(lambda context: mailer.send("hello"))

    def inner(typename: str) -> None:
        context.send(typename, "a", message)  # target-unseen

    mailer.each(inner)
    match message:
        case {"to": str(where)}:
            context.send(where, "a", message)  # target-unseen
    context.send(*message)  # target-unseen
    context.send_egress(*message)  # egress-unseen


# --- records --------------------------------------------------------------------------------------------------------


@functions.bind("ex/records")
def records(context: Context, message: Any, to: Address[str] | None = None) -> None:
    context.send_egress("ex/out", "text")  # egress-record
    context.send_egress("ex/out", message=f"{message}")  # egress-record
    context.pack_and_send_egress("ex/out", -7)  # egress-record
    context.send_egress("ex/out", b"bytes")  # egress-record
    context.send_egress("ex/out", TEXT)  # egress-record
    context.send_egress("ex/stream", RECORD)  # egress-record
    context.send_egress("ex/stream", KinesisRecord(stream="s", partition_key="k", value="v"))
    context.send_egress("ex/out", KinesisRecord(stream="s", partition_key="k", value="v"))  # egress-record
    context.send_egress("ex/play", "text")
    context.send_egress("ex/out", message)
    context.send_egress("ex/out", RECORD)
    context.send_egress("ex/out", "text", type=message)

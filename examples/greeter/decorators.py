"""The greeter as decorated functions: the same function types, states and messages as in classes.py."""

from __future__ import annotations

from datetime import timedelta

from examples.greeter.common import GREETINGS, Arrival, Response, User, connect, greeting
from statefun import LONG, Context, StatefulFunctions, ValueSpec

functions = StatefulFunctions()


@functions.bind("example/greeter", specs=[ValueSpec(LONG, default=0, name="visits")])
def greeter(context: Context, message: User | Response) -> None:
    """Greets one user by how often they were here, and passes on what the reception has to say."""
    if isinstance(message, User):
        context["visits"] += 1
        context.send_egress("example/greetings", greeting(context["visits"], message.name))
        context.send("example/reception", "front", Arrival(name=message.name, visits=context["visits"]))
    else:
        context.send_egress(GREETINGS, f"{context.address.identity}: {message.message}")


@functions.bind("example/reception", specs=[ValueSpec(LONG, default=0, name="arrivals")])
def reception(context: Context, arrival: Arrival) -> None:
    """Counts all arrivals, and has a word with newcomers a moment later."""
    context["arrivals"] += 1
    caller = context.caller
    if arrival.visits == 1 and caller is not None:
        text = f"hello from the past, {arrival.name}, guest number {context['arrivals']}"
        context.pack_and_send_after(
            timedelta(milliseconds=100), caller.typename(), caller.identity, Response(message=text)
        )


connect(functions)

"""The greeter as classes: typed messages, typed state, typed addresses."""

from __future__ import annotations

from datetime import timedelta

from examples.greeter.common import GREETINGS, Arrival, Response, User, connect, greeting
from statefun import LONG, Context, StatefulFunction, StatefulFunctions, ValueSpec, handles


class Greeter(StatefulFunction[User | Response], typename="example/greeter"):
    """Greets one user by how often they were here."""

    visits: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_user(self, context: Context, user: User) -> None:
        """Greets the user and tells the reception."""
        self.visits += 1
        context.send_egress(GREETINGS, greeting(self.visits, user.name))
        context.send(Reception.at("front"), Arrival(name=user.name, visits=self.visits))

    @handles
    def on_response(self, context: Context, response: Response) -> None:
        """Passes on what the reception has to say."""
        context.send_egress(GREETINGS, f"{context.address.identity}: {response.message}")


class Reception(StatefulFunction[Arrival], typename="example/reception"):
    """Counts all arrivals, and has a word with newcomers a moment later."""

    arrivals: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_arrival(self, context: Context, arrival: Arrival) -> None:
        """Answers the greeter of a newcomer, with a delay."""
        self.arrivals += 1
        if arrival.visits == 1:
            context.reply_after(
                timedelta(milliseconds=100),
                Response(message=f"hello from the past, {arrival.name}, guest number {self.arrivals}"),
            )


functions = StatefulFunctions()
functions.register(Greeter)
functions.register(Reception)
connect(functions)

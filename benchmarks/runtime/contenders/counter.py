"""The counter on this repository's SDK."""

from pathlib import Path

from statefun import LONG, Context, FileIngress, StatefulFunction, StatefulFunctions, ValueSpec, handles


class Counter(StatefulFunction[int], typename="bench/counter"):
    """Counts the events of one key."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_event(self, context: Context, amount: int) -> None:
        self.count += amount
        if context.caller is not None:
            context.reply(self.count)


def over_files(path: Path) -> StatefulFunctions:
    """Give the functions with a file of events: one key a line."""
    functions = StatefulFunctions()
    functions.register(Counter)
    functions.ingress(
        FileIngress(id="bench/events", path=path, message=LONG, key="key", targets=[Counter], convert=lambda row: 1)
    )
    return functions


functions = StatefulFunctions()
functions.register(Counter)

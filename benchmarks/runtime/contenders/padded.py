"""A counter that keeps a text of 64 characters."""

from pathlib import Path

from benchmarks.runtime.growth import STATE
from statefun import LONG, STRING, Context, FileIngress, StatefulFunction, StatefulFunctions, ValueSpec, handles


class Padded(StatefulFunction[int], typename="bench/padded"):
    """Counts the events of one key in a state of 64 bytes."""

    count: ValueSpec[str] = ValueSpec(STRING, default="0")

    @handles
    def on_event(self, context: Context, amount: int) -> None:
        self.count = str(int(self.count) + amount).zfill(STATE)


def over_files(path: Path) -> StatefulFunctions:
    """Give the functions with a file of events: one key a line."""
    functions = StatefulFunctions()
    functions.register(Padded)
    functions.ingress(
        FileIngress(id="bench/events", path=path, message=LONG, key="key", targets=[Padded], convert=lambda row: 1)
    )
    return functions

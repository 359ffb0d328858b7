"""The program that `statefun run` gets beside a module.yaml: a class of ours, in process, messages the functions of other SDKs.

Its files are in the working directory.
"""

from statefun import STRING, Context, FileEgress, FileIngress, StatefulFunction, StatefulFunctions, handles

__all__ = ["functions"]


class Driver(StatefulFunction[str | int], typename="ours/driver"):
    """Passes what a line of the file says on to the counter of its own id, and tells what that replies."""

    @handles
    def on_line(self, context: Context, line: str) -> None:
        namespace, what = line.split(" ")
        context.send(f"{namespace}/counter", context.address.id, what if what.isalpha() else int(what))

    @handles
    def on_reply(self, context: Context, count: int) -> None:
        assert context.caller is not None
        context.send_egress("demo/out", f"{context.caller.namespace} {context.caller.id} replies {count}")


functions = StatefulFunctions()
functions.register(Driver)
functions.ingress(
    FileIngress(
        id="demo/lines",
        path="lines.jsonl",
        message=STRING,
        key="id",
        convert=lambda line: f"{line['to']} {line['say']}",
        targets=[Driver],
    )
)
functions.egress(FileEgress(id="demo/out", path="out.txt"))
functions.egress(FileEgress(id="demo/kafka", path="kafka.txt"))

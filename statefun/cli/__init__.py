"""The command `statefun`: one file for each verb, which is imported when that verb is called.

The file of a verb holds a click command named `command`. It imports what an extra brings inside that command, so that the help
of every verb can be read with click alone.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, NoReturn

# First: where another distribution was installed last, our `__init__`, which does the same, is not there to refuse.
import statefun._clash  # noqa: F401  # pyright: ignore[reportUnusedImport]  for what importing it does
from statefun.cli.showing import escaped
from statefun.errors import StatefunError
from statefun.extras import missing_extra

if TYPE_CHECKING:
    import click

__all__ = ["VERBS", "main"]

VERBS: Final = {
    "backup": "Copy a store, while it is in use too.",
    "check": "Check a module.yaml and the functions that it leads to.",
    "check-store": "Check that a store is sound.",
    "dead": "Look at messages that were given up, retry or drop them.",
    "deploy": "Write a Dockerfile, a Compose file or Kubernetes manifests.",
    "module": "Write the module.yaml of functions for Flink StateFun.",
    "run": "Run functions on the embedded runtime.",
    "serve": "Serve functions over HTTP to Flink StateFun.",
    "state": "Read the states of functions.",
}
"""Each verb, which is also the name of its module here (with `_` for `-`), and what it does."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and leaves the process: 0 when all went well, 1 after a `StatefunError`, 2 after wrong usage.

    Args:
        arguments: The words after `statefun`; those of the process when None.
    """
    if getattr(sys, "stderr", None) is None:  # closed: `print` would take standard output instead, where records may go
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  as long as the process
    try:
        _group().main(args=arguments, prog_name="statefun")
    except StatefunError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        refusal = missing_extra(error)
        if refusal is None:
            raise
        _fail(refusal)
    sys.exit(0)


def _fail(error: StatefunError) -> NoReturn:
    # What an error quotes may come from anywhere.
    print(f"statefun: {chr(10).join(map(escaped, str(error).splitlines()))}", file=sys.stderr)
    sys.exit(1)


def _group() -> click.Group:
    import click  # here, so that its absence is told like any other missing extra

    class Verbs(click.Group):
        def list_commands(self, ctx: click.Context) -> list[str]:
            return list(VERBS)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            if cmd_name not in VERBS:
                return None
            module: Any = importlib.import_module(f"statefun.cli.{cmd_name.replace('-', '_')}")
            command: click.Command = module.command
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section("Commands"):
                formatter.write_dl(list(VERBS.items()))

    return click.version_option(_version(), prog_name="statefun-typed")(
        Verbs(help="Stateful functions as typed Python classes.")
    )


def _version() -> str:
    try:
        return version("statefun-typed")
    except PackageNotFoundError:
        return "of a source tree"

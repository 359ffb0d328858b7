"""`statefun serve package.module:functions`: the functions of a registry, over HTTP, on uvicorn."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("serve")
@click.argument("target", metavar="PACKAGE.MODULE:FUNCTIONS")
def command(target: str) -> None:
    """Serve functions over HTTP to Flink StateFun."""

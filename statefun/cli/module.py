"""`statefun module package.module:functions --engine 3.x`: the module.yaml of registered functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from statefun.cli.loading import load_functions
from statefun.cli.showing import escaped
from statefun.errors import ModuleError, ModuleFormatError
from statefun.model import ModuleVersion
from statefun.module.generate import generate
from statefun.module.render import render

__all__ = ["command"]

ENGINES: Final = {"3.x": ModuleVersion.V3_1, "2.2": ModuleVersion.V2_0}


@click.command("module")
@click.argument("functions", metavar="PACKAGE.MODULE:FUNCTIONS")
@click.option(
    "--engine", type=click.Choice(list(ENGINES)), default="3.x", show_default=True, help="Flink StateFun's line."
)
@click.option(
    "--url",
    envvar="STATEFUN_URL",
    help="Where the functions are called; {function.name} stands for the name of each. From STATEFUN_URL when left out.",
)
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="PATTERN=URL",
    help="Another URL for one function, ns/name, or for a namespace, ns/*. May be repeated.",
)
@click.option(
    "--playground", is_flag=True, help="Write the ports of the StateFun playground, which Flink does not have."
)
@click.option("--strict", is_flag=True, help="Refuse what would be left out, since the engine has nothing for it.")
@click.option("--out", type=click.Path(dir_okay=False), help="The file to write; standard output when left out.")
def command(
    functions: str,
    engine: str,
    url: str | None,
    endpoints: tuple[str, ...],
    playground: bool,
    strict: bool,
    out: str | None,
) -> None:
    """Writes the module.yaml with which Flink StateFun calls the functions of a registry, reads its ingresses and writes its egresses.

    An address that the code takes from the environment ("env:NAME") is looked up now. What only the embedded runtime has, files
    and schedules among others, is left out and named on standard error.
    """
    registry = load_functions(functions)
    generated = generate(
        registry,
        ENGINES[engine],
        url=url,
        urls=_urls(endpoints),
        environment=os.environ,
        playground=playground,
    )
    if strict and generated.left_out:
        raise ModuleFormatError(
            "; ".join(str(each) for each in generated.left_out),
            hint="remove it from the registry, or leave out --strict",
        )
    text = render(generated.module)
    for each in generated.left_out:
        print(escaped(f"statefun: {each}"), file=sys.stderr)
    if out is None:
        print(text, end="")
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModuleError(
            f"{out} cannot be written: {error.strerror or error}", hint="name a file that can be written"
        ) from error


def _urls(endpoints: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in endpoints:
        pattern, equals, url = each.partition("=")
        if not equals or not pattern or not url:
            raise click.UsageError(
                f"--endpoint {each} is not PATTERN=URL, such as 'example/*=http://functions:8000/statefun'"
            )
        if pattern in found:
            raise click.UsageError(f"--endpoint names {pattern} twice")
        found[pattern] = url
    return found

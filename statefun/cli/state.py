"""`statefun state list|get --store DIR`: what a store knows of the states of a function, read only."""

from __future__ import annotations

import time
from itertools import islice

import click

from statefun.batch import TypedBytes
from statefun.cli.options import json_option, store_option
from statefun.cli.showing import counted, described, escaped, known, print_json, print_table, value_json
from statefun.errors import StatefunError
from statefun.runtime.store import Store

__all__ = ["command"]


class NoStateError(StatefunError):
    """The address has no state of that name that is not expired."""

    code = "no-state"
    default_hint = "`statefun state list FUNCTION --store DIR` tells what there is"


@click.group("state")
def command() -> None:
    """Reads the states of functions; what has expired is left out.

    No runtime may have the store open.
    """


@command.command("list")
@store_option
@click.argument("function")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="At most so many ids.")
@click.option("--payload", is_flag=True, help="Show the values.")
@json_option
def list_(store: str, function: str, limit: int, payload: bool, as_json: bool) -> None:
    """Lists the states of all ids of FUNCTION, a typename: their names, types and sizes."""
    with Store(store, must_exist=True) as opened:
        found = list(islice(opened.states(function, now=_now()), limit + 1))
    more, found = len(found) > limit, found[:limit]
    if as_json:
        for id, states in found:
            print_json({"id": id, "states": {name: value_json(value, payload) for name, value in states.items()}})
        return
    print_table(
        ["id", "state", "type", "value"],
        [
            [escaped(id), escaped(name), escaped(value.typename), described(value, payload)]
            for id, states in found
            for name, value in states.items()
        ],
    )
    print(f"{'the first ' if more else ''}{counted(len(found), 'id')} with states")


@command.command("get")
@store_option
@click.argument("function")
@click.argument("id")
@click.argument("name", required=False)
@click.option("--payload", is_flag=True, help="Show bytes of a type that is not known here.")
@json_option
def get(store: str, function: str, id: str, name: str | None, payload: bool, as_json: bool) -> None:
    """Shows the states of one ID of FUNCTION, or the one called NAME.

    Primitive values and JSON are decoded; of another type the name and the size are told, with --payload the first bytes too.
    """
    with Store(store, must_exist=True) as opened:
        states = opened.states_of(function, id, now=_now())
    if name is not None:
        states = {name: states[name]} if name in states else {}
    if not states:
        raise NoStateError(f"{function}/{id} has no state{'' if name is None else f' {name!r}'}")
    if as_json:
        print_json({each: value_json(value, _shown(value, payload)) for each, value in states.items()})
        return
    print_table(
        ["state", "type", "value"],
        [
            [escaped(each), escaped(value.typename), described(value, _shown(value, payload))]
            for each, value in states.items()
        ],
    )


def _shown(value: TypedBytes, payload: bool) -> bool:
    return payload or known(value)[0]


def _now() -> int:
    return time.time_ns() // 1_000_000

"""`statefun check-store --store DIR`: whether a store is sound."""

from __future__ import annotations

from itertools import islice

import click

from statefun.cli.options import store_option
from statefun.cli.showing import counted, escaped, print_json
from statefun.errors import StoreCorruptError
from statefun.runtime.checking import check, counts
from statefun.runtime.store import Store

__all__ = ["command"]


@click.command("check-store")
@store_option
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Tell at most so many problems.")
@click.option("--json", "as_json", is_flag=True, help="JSON: an object for each problem, and one of counts.")
def command(store: str, limit: int, as_json: bool) -> None:
    """Checks SQLite's structure and every row of a store, which no runtime may have open.

    Exits with 0 when all is well, with 1 when something is wrong, or when the store cannot be read.
    """
    with Store(store, must_exist=True) as opened:
        problems = list(islice(check(opened), limit))
        for each in problems:
            if as_json:
                print_json({"table": each.table, "row": each.row, "problem": each.text})
            else:
                print(escaped(f"{each.table} {each.row}: {each.text}" if each.row else f"{each.table}: {each.text}"))
        if problems:
            least = "at least " if len(problems) == limit else ""
            raise StoreCorruptError(f"{str(opened.path)!r} has {least}{counted(len(problems), 'problem')}")
        found = counts(opened)
    if as_json:
        print_json({"rows": found})
    else:
        print(f"sound: {', '.join(f'{count:,} {table}' for table, count in found.items())}")

"""Options that several verbs have."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["json_option", "not_empty", "store_option"]


def not_empty(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuses an empty name of a file, as an unset variable of a shell leaves it: taken for none it would turn TLS off.

    Raises:
        click.BadParameter: it is empty.
    """
    if value == "":
        raise click.BadParameter("the name is empty")
    return value


store_option: Final = click.option(
    "--store",
    required=True,
    type=click.Path(file_okay=False),
    callback=not_empty,
    help="The folder that keeps everything.",
)
"""`--store`, of every verb that uses a store."""

json_option: Final = click.option("--json", "as_json", is_flag=True, help="JSON, an object on each line.")
"""`--json`, of every verb that lists."""

"""Options that several verbs have."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["json_option", "store_option"]

store_option: Final = click.option(
    "--store", required=True, type=click.Path(file_okay=False), help="The folder that keeps everything."
)
"""`--store`, of every verb that uses a store."""

json_option: Final = click.option("--json", "as_json", is_flag=True, help="JSON, an object on each line.")
"""`--json`, of every verb that lists."""
